"""Addresses as people write them, turned into the one form that is stored, compared and sent to.

Phone numbers become E.164; e-mail addresses lose surrounding space and get a lower-case domain. What cannot be reached, or
could smuggle something into a header, is refused with a sentence.
"""

import re
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

SMS = "sms"
EMAIL = "email"

HOME_COUNTRIES = frozenset({"US", "CA"})  # others are where text-pumping fraud collects its fees
REACHABLE_TYPES = frozenset(
    {
        PhoneNumberType.FIXED_LINE_OR_MOBILE,  # the whole North American plan: nobody can tell them apart by number
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,  # some landlines take texts; the carrier says which do not
        PhoneNumberType.VOIP,
    }
)
SAMPLE_EXCHANGE = "555"

_WRITTEN = re.compile(r"[+＋]?[\d\s()./\u2010-\u2014-]+")  # no letters: a cell holding a name or two numbers is a mistake
_UNSEEN = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"  # spreadsheets and contact apps wrap numbers in these
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_E164_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_PREFIX = len("+1503555")  # area code and exchange
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")  # RFC 5321 without quoted names
_LOCAL_MAX, _EMAIL_MAX = 64, 254  # RFC 5321, 4.5.3.1


class BadAddress(ValueError):
    """A sentence that says what is wrong with an address. It never repeats the address."""


class Samples(StrEnum):
    """What to do with numbers in exchange 555, where no resident has a phone."""

    REFUSED = "refused"  # live
    ALLOWED = "allowed"  # training
    ONLY = "only"  # demo: any other number could ring at somebody's home


def channel_of(text: str) -> str:
    """The channel an address belongs to: anything with an at sign is e-mail."""
    return EMAIL if "@" in text else SMS


def normal(text: str, samples: Samples) -> tuple[str, str]:
    """Channel and normalised form of whatever was typed, phone number or mailbox. Raises BadAddress."""
    channel = channel_of(text)
    return channel, normal_email(text) if channel == EMAIL else normal_phone(text, samples)


def normal_phone(text: str, samples: Samples, countries: frozenset[str] = HOME_COUNTRIES) -> str:
    """E.164 of a number written in any usual way; without a country code it is read as North American.

    Raises BadAddress when it is not a phone number, not of `countries` (ISO 3166 letters), of a kind that takes no texts
    (toll-free, premium), or when `samples` excludes it.
    """
    text = text.strip().strip(_UNSEEN).strip()
    if not _E164_NANP.fullmatch(text):
        text = _parsed(text)
    in_plan = _E164_NANP.fullmatch(text) is not None
    # In the North American plan the area code and exchange decide country and kind, so one look-up serves 10,000 numbers.
    fault = _fault_of_prefix(text[:_PREFIX], countries) if in_plan else _fault(text, countries)
    if fault:
        raise BadAddress(fault)
    is_sample = in_plan and text[5:8] == SAMPLE_EXCHANGE
    if is_sample and samples is Samples.REFUSED:
        raise BadAddress("Exchange 555 is kept for samples: nobody can be reached there.")
    if not is_sample and samples is Samples.ONLY:
        raise BadAddress("This instance takes numbers in exchange 555 only, so that no real phone rings.")
    return text


def normal_email(text: str) -> str:
    """The mailbox with its domain in lower case. Raises BadAddress."""
    text = text.strip()
    if _CONTROL.search(text):
        raise BadAddress("The e-mail address has a control character in it.")
    if not text.isascii():
        raise BadAddress("The e-mail address has letters beyond ASCII; write the domain in its xn-- form.")
    if not _EMAIL.fullmatch(text):
        raise BadAddress("This is not an e-mail address of the form name@example.gov.")
    local, _, domain = text.rpartition("@")
    if len(local) > _LOCAL_MAX or len(text) > _EMAIL_MAX:
        raise BadAddress(f"The e-mail address is too long: at most {_LOCAL_MAX} before the at sign, {_EMAIL_MAX} in all.")
    return f"{local}@{domain.lower()}"


def _parsed(text: str) -> str:
    if not _WRITTEN.fullmatch(text):
        raise BadAddress("This is not a phone number: only digits, +, spaces, brackets, dots, strokes and dashes may be in it.")
    try:
        number = phonenumbers.parse(text, "US")
    except NumberParseException as error:
        raise BadAddress("This is not a phone number.") from error
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=100_000)
def _fault_of_prefix(prefix: str, countries: frozenset[str]) -> str:
    return _fault(prefix + "2368", countries)


def _fault(e164: str, countries: frozenset[str]) -> str:
    number = phonenumbers.parse(e164)
    country = phonenumbers.region_code_for_number(number)
    if country is None:
        return "This phone number does not exist: no area has such a code, or it has too many or too few digits."
    if country not in countries:
        return f"The number belongs to {country}; only numbers of {', '.join(sorted(countries))} are taken."
    if phonenumbers.number_type(number) not in REACHABLE_TYPES:
        return "A toll-free, premium or other service number cannot take texts for a resident."
    return ""
