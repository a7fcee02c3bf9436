"""One person turning to the city, from the first ring to the end. A contact is its events, appended and never changed; where it
stands follows from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Way(StrEnum):
    """How somebody turns to the city."""

    VOICE = "voice"
    SMS = "sms"  # a text the dialog could not match
    EMAIL = "email"
    WEB = "web"  # the form on the page
    WALK_IN = "walk-in"  # at the counter, typed in by staff


class Standing(StrEnum):
    OFFERED = "offered"  # it rang, a text came in, somebody stood at the counter
    GREETED = "greeted"  # heard what is going on and the way to 911
    QUEUEING = "queueing"  # waits for an agent
    RESERVED = "reserved"  # an agent is being rung for it
    TALKING = "talking"
    WRAP = "wrap"  # the caller is gone, the agent writes down
    DONE = "done"  # answered by an agent
    SELF_SERVED = "self served"  # got the answer from the recording or the self-check, and hung up
    DEFLECTED = "deflected"  # asked for the guide by text, and got it
    EMERGENCY_OUT = "emergency out"  # handed to the emergency centre, or told to dial 911
    ABANDONED = "abandoned"  # hung up while waiting
    CALLBACK = "callback"  # keeps its place, and is called
    OVERFLOWED = "overflowed"  # answered by a partner
    TIMED_OUT = "timed out"  # waited as long as anybody may, and was told what to do
    BLOCKED = "blocked"  # found the queue full, and was told what to do
    FAILED_OVER = "failed over"  # answered by the number's fallback while the service was away


_ENDS_WITHOUT_QUEUE: Final = frozenset({Standing.SELF_SERVED, Standing.BLOCKED, Standing.FAILED_OVER, Standing.EMERGENCY_OUT})
_LEAVES_QUEUE: Final = frozenset(
    {
        Standing.ABANDONED,
        Standing.CALLBACK,
        Standing.OVERFLOWED,
        Standing.TIMED_OUT,
        Standing.DEFLECTED,
        Standing.FAILED_OVER,
        Standing.EMERGENCY_OUT,
    }
)
_MOVES: Final[Mapping[Standing, frozenset[Standing]]] = {
    Standing.OFFERED: frozenset({Standing.GREETED, Standing.QUEUEING}) | _ENDS_WITHOUT_QUEUE,
    Standing.GREETED: frozenset({Standing.QUEUEING, Standing.DEFLECTED, Standing.CALLBACK}) | _ENDS_WITHOUT_QUEUE,
    Standing.QUEUEING: frozenset({Standing.RESERVED}) | _LEAVES_QUEUE,
    Standing.RESERVED: frozenset(
        {Standing.QUEUEING, Standing.TALKING, Standing.ABANDONED, Standing.FAILED_OVER, Standing.EMERGENCY_OUT}
    ),
    Standing.TALKING: frozenset(
        {Standing.WRAP, Standing.DONE, Standing.QUEUEING, Standing.FAILED_OVER, Standing.EMERGENCY_OUT}
    ),
    Standing.WRAP: frozenset({Standing.DONE}),
}
ALLOWED: Final[Mapping[Standing, frozenset[Standing]]] = {standing: _MOVES.get(standing, frozenset()) for standing in Standing}
TERMINAL: Final = frozenset(standing for standing, onward in ALLOWED.items() if not onward)
IN_QUEUE: Final = frozenset({Standing.QUEUEING, Standing.RESERVED})


class NotThere(ValueError):
    """A contact cannot become this from where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One event: at this moment the contact came to stand here. seq counts a contact's events from 1."""

    seq: int
    at: datetime
    to: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """caller: a keyed hash of the number, so that redials are one person; "" where it is unknown. area: None if nobody asked.
    activation_id: the surge it came in, None outside of any.

    enqueued_at stays through a reservation that nobody answers: the place in the queue does, too.
    """

    contact_id: str
    offered_at: datetime
    caller: str = ""
    language: str = "en"
    area: str | None = None
    way: Way = Way.VOICE
    activation_id: str | None = None
    seq: int = 0
    standing: Standing = Standing.OFFERED
    enqueued_at: datetime | None = None
    answered_at: datetime | None = None
    left_queue_at: datetime | None = None
    talked: timedelta = field(default_factory=timedelta)
    wrapped: timedelta = field(default_factory=timedelta)
    since: datetime | None = None  # how long it has stood where it stands

    @property
    def waited(self) -> timedelta | None:
        """In the queue, whoever ended it; None for whoever never queued or waits still."""
        if self.enqueued_at is None or self.left_queue_at is None:
            return None
        return self.left_queue_at - self.enqueued_at


def moved(contact: Contact, event: Moved) -> Contact:
    """The contact after an event. One that was taken already changes nothing; raises NotThere for one that cannot follow."""
    if event.seq <= contact.seq:
        return contact
    if event.seq != contact.seq + 1:
        raise NotThere(f"event {event.seq} of {contact.contact_id} came before event {contact.seq + 1}")
    if event.to not in ALLOWED[contact.standing]:
        raise NotThere(f"{contact.contact_id} is {contact.standing}; it cannot become {event.to}")
    return _stand(contact, event)


def _stand(contact: Contact, event: Moved) -> Contact:
    since = contact.since or contact.offered_at
    spent = max(event.at - since, timedelta())
    changed: dict[str, object] = {"seq": event.seq, "standing": event.to, "since": event.at}
    if event.to is Standing.QUEUEING and contact.enqueued_at is None:
        changed["enqueued_at"] = event.at
    if event.to is Standing.TALKING and contact.answered_at is None:
        changed |= {"answered_at": event.at, "left_queue_at": event.at}
    elif contact.standing in IN_QUEUE and event.to in TERMINAL and contact.left_queue_at is None:
        changed["left_queue_at"] = event.at
    if contact.standing is Standing.TALKING:
        changed["talked"] = contact.talked + spent
    if contact.standing is Standing.WRAP:
        changed["wrapped"] = contact.wrapped + spent
    given = {name: getattr(contact, name) for name in contact.__slots__} | changed
    return Contact(**given)


def replayed(contact: Contact, events: Iterable[Moved]) -> Contact:
    for event in events:
        contact = moved(contact, event)
    return contact
