"""What can be recorded in a language, what became of each take, and who may let callers hear it. Pure.

A take is bound to the words it says: to a digest of the English and of its translation. When either changes, it is stale, and
callers do not hear it any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from notify.wording.reviews import fingerprint
from notify.wording.slots import ENGLISH
from notify.wording.words import Words, fill, placeholders
from surge.pack import ANY_OTHER, Pack
from surge.voice.tongues import name

DOMAIN: Final = "voice"  # phrases for callers
MESSAGE: Final = "message"  # the key of what the city says of the day; every other key is that of a phrase
CHOOSE: Final = "voice.choose"  # it names the language's own key, and is recorded with it
OTHER: Final = "voice.choose_other"  # what it means in English: there it names English itself
FIXED: Final = frozenset({"city"})  # slots that are the same in every call of a city
MOST_AT_ONCE: Final = 60  # prompts of one call


class State(StrEnum):
    """What became of a take."""

    ASKED = "asked"  # the beep is to be heard, or its sound is on its way
    HELD = "held"  # its sound is here, and who spoke listens to it
    KEPT = "kept"  # who spoke keeps it: somebody else has to hear it
    DROPPED = "dropped"  # recorded anew, or the call ended before it was kept
    FAILED = "failed"  # there is no sound that could be used; why says so
    RELEASED = "released"  # callers hear it, as long as its words stay as they are
    REFUSED = "refused"  # somebody else has heard it, and it is not to be used
    WITHDRAWN = "withdrawn"  # callers heard it; another one has its place, or it was taken off


FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    State.ASKED: frozenset({State.HELD, State.FAILED, State.DROPPED}),
    State.HELD: frozenset({State.KEPT, State.DROPPED}),
    State.KEPT: frozenset({State.RELEASED, State.REFUSED, State.WITHDRAWN}),
    State.RELEASED: frozenset({State.WITHDRAWN}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One prompt in one language: what is to be said. english: what it means; words: in the language, "" where nobody has
    written it down and whoever speaks words it."""

    key: str
    language: str
    english: str
    words: str

    @property
    def digest(self) -> str:
        return digest(self.english, self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """ref: the provider's name for it. seconds: of its sound, None before there is one. decided_by: who released, refused or
    withdrew it."""

    take_id: int
    call_id: str
    turn: int
    language: str
    key: str
    digest: str
    english: str
    words: str
    state: State
    recorded_by: str
    at: datetime
    sound_id: str | None = None
    seconds: float | None = None
    released_by: str | None = None
    released_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    ref: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What callers hear. url: where the provider fetches it."""

    language: str
    key: str
    digest: str
    url: str
    seconds: float


def digest(english: str, words: str) -> str:
    return fingerprint(f"{english}\0{words}")


def message_line(language: str, words: str) -> Line:
    """The city's message of the day, whose words are bound as they are."""
    return Line(key=MESSAGE, language=language, english="", words=words)


def languages(pack: Pack) -> tuple[str, ...]:
    """English first, then those with a key of their own in its order."""
    return (ENGLISH, *(language for _, language in sorted(pack.digits.items()) if language != ANY_OTHER))


def lines(words: Words, pack: Pack, language: str) -> tuple[Line, ...]:
    """Every phrase that can be recorded in a language, in the order of the calls: those without what differs between calls."""
    digit = next((key for key, tongue in pack.digits.items() if tongue == language), None)
    fixed: dict[str, object] = {"city": pack.name, "other": name(language), "digit": digit}
    found = []
    for context, message in words.messages.items():
        may = FIXED | ({"digit"} if context == CHOOSE and digit is not None else frozenset())
        if message.domain != DOMAIN or not placeholders(message.text) <= may:
            continue
        said = words.text(context, language) or ""
        english = words.messages[OTHER].text if context == CHOOSE else message.text
        found.append(
            Line(key=context, language=language, english=fill(english, fixed), words=fill(said, fixed) if said else "")
        )
    return tuple(found)


def refusal(take: Take, person_id: str, *, is_said: bool) -> str:
    """Why this person may not let callers hear it, as a sentence; "" when they may. is_said: its words are still those that
    callers are told."""
    if take.state is not State.KEPT:
        return f"This recording is {take.state}: only one that was kept and nobody has decided on can be released."
    if take.recorded_by == person_id:
        return "You recorded it. Somebody else must hear it and release it."
    if not is_said:
        return "Its words have changed since it was recorded. Record it again."
    return ""
