"""Where calls meet: queues that callers wait in, and rooms of conferences. State alone; the verbs move calls in and out.

Neither knows what a call is: a seat names its leg as `who`.
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Who = TypeVar("Who")


@dataclass(slots=True, eq=False)
class Place(Generic[Who]):
    """A caller's place in a queue; `since` in seconds since the start. `taker` has dialled the queue and got this call, and
    speaks with it from `bridged` on."""

    who: Who
    since: float
    taker: Who | None = None
    bridged: bool = False

    @property
    def waiting(self) -> bool:
        return self.taker is None


@dataclass(slots=True, kw_only=True)
class Queue(Generic[Who]):
    """First come, first served. `looking` are those who have dialled the queue and found it empty."""

    sid: str
    name: str
    maximum: int
    places: list[Place[Who]] = field(default_factory=list)
    looking: list[Who] = field(default_factory=list)
    left: int = 0
    waited_s: float = 0.0

    @property
    def size(self) -> int:
        return len(self.places)

    @property
    def full(self) -> bool:
        return self.size >= self.maximum

    def first(self) -> Place[Who] | None:
        """Whoever waits longest and was not taken yet."""
        return next((place for place in self.places if place.waiting), None)

    def leave(self, place: Place[Who], now: float) -> float:
        """Seconds waited."""
        self.places.remove(place)
        self.left += 1
        self.waited_s += now - place.since
        return now - place.since

    def average_s(self) -> int:
        """Mean wait of those who have left, in whole seconds."""
        return round(self.waited_s / self.left) if self.left else 0

    def rank(self, place: Place[Who]) -> int:
        """1 for the first."""
        return self.places.index(place) + 1


@dataclass(slots=True, eq=False, kw_only=True)
class Seat(Generic[Who]):
    """A participant. `starts`: the conference begins with this one; `ends`: it ends when this one leaves."""

    who: Who
    starts: bool = True
    ends: bool = False
    muted: bool = False


@dataclass(slots=True, kw_only=True)
class Room(Generic[Who]):
    """A conference. It has begun once somebody who starts it and one more were there together."""

    sid: str
    name: str
    seats: list[Seat[Who]] = field(default_factory=list)
    begun: bool = False
    closed: bool = False
    told: int = 0  # status callbacks so far
    status_url: str = ""
    status_method: str = "POST"
    status_events: frozenset[str] = frozenset()

    def enter(self, seat: Seat[Who]) -> bool:
        """Whether the conference begins now."""
        self.seats.append(seat)
        begins = not self.begun and len(self.seats) > 1 and any(each.starts for each in self.seats)
        self.begun = self.begun or begins
        return begins

    def leave(self, seat: Seat[Who]) -> bool:
        """Whether the conference ends now."""
        self.seats.remove(seat)
        ends = not self.closed and (seat.ends or not self.seats)
        self.closed = self.closed or ends
        return ends

    def others(self, seat: Seat[Who]) -> list[Seat[Who]]:
        return [each for each in self.seats if each is not seat]
