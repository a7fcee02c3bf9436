"""What the board wants done on the telephone, and what it says has happened. Values only; the floor carries them out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from surge.contact import Standing


class Word(StrEnum):
    """What a text to a caller is about; the words are the pack's."""

    GUIDE = "guide"  # what to do, and the page in their language
    PROMISE = "promise"  # we call you between these two times
    LATE = "late"  # we are late, and still call
    EXPIRED = "expired"  # we could not reach you, or not in time: here is the answer
    LIFTED = "lifted"  # surge is closed, and we do not call any more; whether the danger is over is the alert's to say


class Step(StrEnum):
    """Where a live call is sent by us, and not by its caller."""

    BRIDGE = "bridge"  # an agent waits for them
    WAIT = "wait"  # back into the line, with their place
    FULL = "full"  # the queue was full when they came to it
    LONGEST = "longest"  # they have waited as long as anybody may
    PARTNER = "partner"  # somebody else answers
    NO_CENTRE = "no-centre"  # the emergency centre, which their agent called, has not answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """An agent is called for a contact; unanswered by then, both are free again."""

    reservation_id: str
    agent_id: str
    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """A live call is sent to another step. partner: the name, where the step is that."""

    contact_id: str
    call_sid: str
    step: Step
    partner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    call_sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The resident of a callback is called."""

    callback_id: str
    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summon:
    """The emergency centre is called into a talk."""

    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    contact_id: str
    what: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Staff are told: a sentence for the desk and the wallboard."""

    sentence: str


Order = Ring | Redirect | HangUp | Dial | Summon | Text | Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event of a contact, as surge.contact counts them. actor: an agent, a partner, "caller", "provider" or "service"."""

    contact_id: str
    seq: int
    at: datetime
    stands: Standing
    actor: str = "service"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What came of one thing said to the board. changed: kind of entity -> key -> how it is now, None for one that is gone."""

    events: tuple[Happened, ...] = ()
    orders: tuple[Order, ...] = ()
    changed: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
