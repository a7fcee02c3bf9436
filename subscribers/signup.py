"""Sign-up away from the phone, on the web or by e-mail: what people may type, and what follows from it.

what is typed -> Reach (a phone or mailbox) and Sight (a place) -> Wish -> proof of possession -> kept
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from subscribers.address import EMAIL, SMS, BadAddress, Samples, channel_of, normal_email, normal_phone
from subscribers.dialog.saving import clear
from subscribers.dialog.turn import Sight
from subscribers.place import HOME, PLACES_MAX, BadPlace, Spot, normal_label

CODE_LIFE: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
CODE_DIGITS: Final = 6  # five tries at a million codes
LINK_LIFE: Final = timedelta(hours=24)
VISIT_LIFE: Final = timedelta(minutes=30)  # how long one's own page stays open

LONGEST_TYPED: Final = 300  # characters of one field; nothing longer is a place or an address


class Kind(StrEnum):
    """What a pending row waits for. The hash of a token holds its kind: the token of one kind opens no other."""

    CODE = "code"  # a sign-up, for the code sent to the phone
    CONFIRM = "confirm"  # a sign-up, for the button behind the link in the mail
    ENTRY = "entry"  # one's own page, for the code sent to the phone
    MANAGE = "manage"  # one's own page, for the button behind the link in the mail
    VISIT = "visit"  # one's own page is open


class Fault(StrEnum):
    """What is wrong with something typed."""

    NO_ADDRESS = "no_address"
    BAD_PHONE = "bad_phone"
    BAD_EMAIL = "bad_email"
    LANDLINE = "landline"
    NO_PLACE = "no_place"  # nothing like it in the city
    WHICH_PLACE = "which_place"  # several are alike
    NO_LANGUAGE = "no_language"
    NOT_AGREED = "not_agreed"
    BAD_LABEL = "bad_label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A normalised address and the channel it belongs to."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asked for, until they prove that the address is theirs. agreed: the exact words they ticked, in the
    language they read them in; terms: their version. Nothing else that was typed is in it: of a place, its block."""

    channel: str
    address: str
    language: str
    spot: Spot | None
    words: str  # of the place
    agreed: str
    terms: str


def reach(typed: str, samples: Samples) -> Reach | Fault:
    """The phone or mailbox somebody typed."""
    typed = typed.strip()
    if not typed or len(typed) > LONGEST_TYPED:
        return Fault.NO_ADDRESS
    try:
        if channel_of(typed) == EMAIL:
            return Reach(channel=EMAIL, address=normal_email(typed))
        return Reach(channel=SMS, address=normal_phone(typed, samples))
    except BadAddress:
        return Fault.BAD_EMAIL if channel_of(typed) == EMAIL else Fault.BAD_PHONE


def mark(sight: Sight) -> str:
    """What stands for a find in a form: the same find has the same mark the next time it is looked for."""
    return f"{sight.words} {sight.zip}".strip()


def nowhere(typed: str) -> str:
    """The mark of the answer "none of these". It holds for this text alone: whoever writes another place is asked again."""
    return f"-{typed}"


def chosen(typed: str, sights: Sequence[Sight], answer: str) -> Sight | Fault | None:
    """The place meant, from what was found for the text typed and, where somebody was asked, their answer; None for none."""
    if not typed:
        return None
    if not sights:
        return Fault.NO_PLACE
    if answer == nowhere(typed):
        return None
    meant = next((sight for sight in sights if mark(sight) == answer), None)
    if meant is not None:
        return meant
    return sights[0] if clear(sights) else Fault.WHICH_PLACE


def free_label(taken: Iterable[str]) -> str:
    """HOME, else PLACE2, PLACE3 and so on; "" when somebody has as many places as we keep."""
    held = set(taken)
    if len(held) >= PLACES_MAX:
        return ""
    return next(label for label in (HOME, *(f"PLACE{number}" for number in range(2, 10))) if label not in held)


def label_for(typed: str, taken: Iterable[str]) -> str | Fault:
    """The label for a new place: the one typed if it is good and free, the next free one if none is typed."""
    held = set(taken)
    if not typed.strip():
        return free_label(held) or Fault.BAD_LABEL
    try:
        label = normal_label(typed)
    except BadPlace:
        return Fault.BAD_LABEL
    return Fault.BAD_LABEL if label in held else label


def masked(channel: str, address: str) -> str:
    """An address as its owner knows it again and nobody else learns it: the last two digits, or the first letter and domain."""
    if channel == EMAIL:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}…@{domain}"
    return f"…{address[-2:]}"
