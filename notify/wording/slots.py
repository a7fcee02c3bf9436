"""The typed slots of a hazard's words: what people fill in, what is wrong with it, and how a value reads in a language.

A slot never holds a piece of a sentence: a proper name, a time, a number after a colon, a choice that stands for a whole
translated sentence, or free text, which only people whose language it was typed in will read.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from pydantic import ConfigDict, TypeAdapter, ValidationError

from channels.text import GSM_7, bidi_controls
from notify.alerts.alert import Wording
from subscribers.plain import is_plain, spoken

ENGLISH: Final = "en"


class Kind(StrEnum):
    PLACE = "place"  # a proper name, the same in every language; or {language: name} where the city has its own
    TIME = "time"  # an aware datetime, or ISO 8601 with an offset
    SITES = "sites"  # a list of proper names
    PHONE = "phone"
    URL = "url"
    NUMBER = "number"  # whole, not negative
    TEXT = "text"  # typed by staff, in English or {language: text}; drops the languages it lacks to other words
    CHOICE = "choice"  # one of `values`, each a translated sentence or a variant of the words
    TITLE = "title"  # a hazard's title; the program's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot as slots.toml declares it. It is needed in its wordings, unless optional, or unless another slot says otherwise
    (`when`: the value it must have, or one of several). limit: most characters a value may have, 0 for any. sentence: ends like
    one. hazards: those of the folder that have the slot, empty for all. spare: free text that a language does without."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    type: Kind
    wordings: tuple[Wording, ...] = ()
    optional: bool = False
    when: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    hazards: tuple[str, ...] = ()
    spare: bool = False
    values: tuple[str, ...] = ()
    sentence: bool = False
    meaning: str
    limit: int = 0
    sample: Any


class BadSlots(ValueError):
    """A slots.toml cannot be used; the text holds one sentence a line."""


_DECLARED: Final = TypeAdapter(dict[str, Slot])


def declared(path: Path) -> Mapping[str, Slot]:
    """The slots of one slots.toml. Raises BadSlots with every problem, and OSError."""
    try:
        return _DECLARED.validate_python(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadSlots(f"{path.name} of {path.parent.name} is not TOML: {error}.") from error
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        raise BadSlots("\n".join(f"{path.parent.name}: {line}" for line in lines)) from error


def problems(
    given: Mapping[str, Any], known: Mapping[str, Slot], needed: Mapping[Wording, Mapping[str, Slot]]
) -> tuple[str, ...]:
    """Everything wrong with the values given, as sentences: missing, of the wrong type, too long, unfinished, or with hidden
    controls that change the reading order. `known` has every slot of the hazard, `needed` those of each wording that is to be
    said: a value that only another wording uses does no harm."""
    found: list[str] = []
    for name, slot in known.items():
        value = given.get(name)
        if not _empty(value):
            found += _of_value(name, slot, value)
        elif any(name in slots and _needs(slots[name], wording, given) for wording, slots in needed.items()):
            found.append(f"The slot {name} is empty: {slot.meaning}.")
    return tuple(found)


def _needs(slot: Slot, wording: Wording, given: Mapping[str, Any]) -> bool:
    return not slot.optional and wording in slot.wordings and applies(slot, given)


def applies(slot: Slot, given: Mapping[str, Any]) -> bool:
    """Whether the other slots that it depends on have the values it is for."""
    return all(given.get(name) in ((wanted,) if isinstance(wanted, str) else wanted) for name, wanted in slot.when.items())


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == () or value == {}


def _of_value(name: str, slot: Slot, value: Any) -> Iterator[str]:
    wrong = _WRONG[slot.type](slot, value)
    if wrong:
        yield f"The slot {name} {wrong}."
        return
    if slot.limit and (longest := max(map(len, _strings(value)), default=0)) > slot.limit:
        yield f"The slot {name} has {longest} characters, at most {slot.limit} fit."
    for text in _strings(value):
        if any(character in text for character in "\r\n\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
            yield f"The slot {name} must be one line."
        if slot.sentence and not text.rstrip().endswith((".", "!", "?", "。", "！", "？", "؟", "۔")):
            yield f"The slot {name} must end like a sentence, with a full stop."
        yield from (f"The slot {name}: {sentence}" for sentence in bidi_controls(text))


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(map(str, value.values()))
    return (str(value),) if not isinstance(value, (list, tuple)) else ("; ".join(map(str, value)),)


def _wrong_name(slot: Slot, value: Any) -> str:
    if isinstance(value, str):
        return ""
    if not isinstance(value, Mapping):
        return "must be words, or words by language"
    if not all(isinstance(text, str) and isinstance(language, str) for language, text in value.items()):
        return "must hold words for each language"
    return "" if value.get(ENGLISH) else "must have its words in English (en) too"


def _wrong_time(slot: Slot, value: Any) -> str:
    try:
        at = moment(value)
    except ValueError:
        return "must be a time like 2014-05-23T10:40-07:00"
    return "" if at.tzinfo is not None else "must say its time zone, like 2014-05-23T10:40-07:00"


def _wrong_number(slot: Slot, value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else "must be a whole number"


def _wrong_choice(slot: Slot, value: Any) -> str:
    return "" if value in slot.values else f"must be one of {', '.join(slot.values)}"


def _wrong_sites(slot: Slot, value: Any) -> str:
    fits = isinstance(value, (list, tuple)) and all(isinstance(site, str) and site.strip() for site in value)
    return "" if fits else "must be a list of names"


def _wrong_phone(slot: Slot, value: Any) -> str:
    fits = isinstance(value, str) and any(map(str.isdigit, value)) and set(value) <= set("0123456789+-() ,")
    return "" if fits else "must be a telephone number"


def _wrong_url(slot: Slot, value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    return "" if parts and parts.scheme == "https" and parts.netloc else "must be an address that starts with https://"


def _wrong_title(slot: Slot, value: Any) -> str:
    return "is filled in by the program"


_WRONG: Final = {
    Kind.PLACE: _wrong_name,
    Kind.TEXT: _wrong_name,
    Kind.TIME: _wrong_time,
    Kind.NUMBER: _wrong_number,
    Kind.CHOICE: _wrong_choice,
    Kind.SITES: _wrong_sites,
    Kind.PHONE: _wrong_phone,
    Kind.URL: _wrong_url,
    Kind.TITLE: _wrong_title,
}


def moment(value: Any) -> datetime:
    """A time as a form, a YAML or a JSON file gives it. Raises ValueError."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time")
    return datetime.fromisoformat(value.strip())


def in_language(value: str | Mapping[str, str], language: str) -> str | None:
    """What a name or free text says in a language; None when it was not given in it. A bare string is English."""
    texts = {ENGLISH: value} if isinstance(value, str) else value
    return texts.get(spoken(language))


def unmarked(text: str) -> str:
    """The text with every letter that GSM-7 lacks written without its marks, where it is nothing but a letter and marks."""
    return text if GSM_7.issuperset(text) else "".join(map(_in_gsm_7, text))


# CLDR needs a region to write the clock as residents of the United States do ("10:40 a.m.", not "10:40").
_LOCALES: Final = {"en": "en_US", "es": "es_US", "zh-Hant": "zh_Hant_TW"}
# CLDR's Somali day periods (GH, GD) are abbreviations few readers know; Somali speakers read a 24-hour clock.
# CLDR's short Korean times say AM and PM; people write "오전 10:40", and a full hour as "오후 3시".
_CLOCKS: Final = {"so": "HH:mm", "ko": "aaaa h:mm"}
_HOURS: Final = {"ko": "aaaa h시"}
PLAIN: Final = frozenset({"en", "es", "so"})  # languages whose texts are plain GSM-7, as long as names and times are
_UNSEEN: Final = str.maketrans({"\u00a0": " ", "\u202f": " "})  # either would turn a GSM-7 text into UCS-2


def short_time(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Weekday and clock, for texts: "Fri 10:40 AM". No unseen character, Latin digits in every language; "sab" for "sáb" where
    the accent alone would make a text that is plain GSM-7 on other days cost twice as much."""
    written = _short_time(at, spoken(language), zone)
    return unmarked(written) if language in PLAIN or is_plain(language) else written


def _in_gsm_7(letter: str) -> str:
    return letter if letter in GSM_7 else normalize("NFD", letter)[0]


def _short_time(at: datetime, language: str, zone: ZoneInfo) -> str:
    locale, local = _locale(language), at.astimezone(zone)
    if clock := (not local.minute and _HOURS.get(language)) or _CLOCKS.get(language):
        return f"{format_skeleton('E', local, locale=locale)} {format_time(local, clock, locale=locale)}"
    twelve = "h" in locale.time_formats["short"].pattern or "K" in locale.time_formats["short"].pattern
    return str(format_skeleton("Ehm" if twelve else "EHm", local, locale=locale)).translate(_UNSEEN)


def long_time(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Weekday, date and clock, for pages, e-mails and CAP: "Fri, May 23, 10:40 AM"."""
    locale, local = _locale(language), at.astimezone(zone)
    date = format_skeleton("MMMEd", local, locale=locale)
    clock = format_time(local, _CLOCKS.get(language, "short"), locale=locale)
    both = str(locale.datetime_formats["medium"]).replace("{0}", clock).replace("{1}", date)
    return both.translate(_UNSEEN)


@cache
def _locale(language: str) -> Locale:
    """CLDR lacks some languages of our cities (Hmong, Dari): their times are written as in English, which beats no text."""
    try:
        return Locale.parse(_LOCALES.get(language, language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_LOCALES[ENGLISH])
