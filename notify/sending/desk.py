"""What a sender loop works with: the sender itself, what all senders of a process share, and how it shows that it fares."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Final, NamedTuple, Protocol

from channels.base import Channel, Content, Outbound, Refused, Retry
from notify.clock import Clock
from notify.db import Database
from notify.processes.posts import Alone, Crew, Kind
from notify.sending.affinity import TEXTS
from notify.sending.leases import Leased

logger = logging.getLogger(__name__)

ANY_PRIORITY: Final = 100
URGENT_BELOW: Final = 2  # priorities 0 and 1: Extreme
UNMADE: Final = Retry(timedelta(seconds=60), "the letter cannot be made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One number, short code or relay. rate: units per second (segments or mails), inf for no limit.

    concurrency: most calls under way; window: most rows claimed without a recorded outcome (bounds duplicates after a kill);
    below: serves only priorities smaller than this; units: what one copy of a content costs of the rate; route: what it fails
    together with, an account, a provider or a relay (routing.py).
    """

    name: str
    channel: Channel
    rate: float
    concurrency: int
    window: int
    units: Callable[[Content], int]
    below: int = ANY_PRIORITY
    route: str = ""

    @property
    def number(self) -> str:
        """Its name, where phones get to know it (affinity.py). The urgent pool takes any urgent row and keeps nobody."""
        return self.name if self.channel.name == TEXTS and self.below == ANY_PRIORITY else ""


class Outbox(Protocol):
    """Turns a leased row into what the channel gets."""

    def letter(self, channel: str, leased: Leased) -> Outbound | Refused | Retry:
        """The Outbound, or the outcome that takes its place (erased person, wrong mode, event that fails its digest)."""


class Way(NamedTuple):
    """How a route stands. share: of its pace, from 0 to 1; why: it is not all of it."""

    is_open: bool
    share: float
    why: str


WHOLE: Final = Way(True, 1.0, "")


@dataclass(slots=True)
class Light:
    """How a sender fares, for screens: calls started so far, and a sentence when it is out of order. carries: whether it is in
    order and nothing slows it; way: how its route stands; both as the process says that drives it."""

    started: int = 0
    trouble: str = ""
    carries: bool = True
    way: Way = WHOLE


class Halted(set[str]):
    """Events of which nothing may start any more. What is added here is told to every other process."""

    def __init__(self, crew: Crew) -> None:
        super().__init__()
        self._crew = crew

    def add(self, event_id: str) -> None:
        if event_id not in self:
            super().add(event_id)
            self._crew.tell(Kind.STOP, event_id)

    def update(self, *others: Iterable[str]) -> None:
        for event_id in chain(*others):
            self.add(event_id)

    def heard(self, event_id: str) -> None:
        """Another process stopped it."""
        super().add(event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all senders of a process share. `halted`: events that were stopped, looked up right before every call. crew: says
    which senders are this process's to drive."""

    db: Database
    clock: Clock
    outbox: Outbox
    halted: set[str]
    page: Callable[[str], None]
    lease_for: timedelta
    lead_s: float
    crew: Crew = field(default_factory=Alone)
    mails_instead: bool = False  # of texts that fail for good, see instead.py
    shares: Callable[[], Mapping[str, float]] = dict  # of the rate, for each alert whose texts are slowed now; see brake.py


def written(outbox: Outbox, channel: str, leased: Leased, tell: Callable[[str], None]) -> Outbound | Refused | Retry:
    """The letter of a row. One that cannot be made keeps nobody else waiting: somebody is told, and it is tried again."""
    try:
        return outbox.letter(channel, leased)
    except (LookupError, ValueError):
        logger.exception("no letter can be made for delivery %d", leased.delivery_id)
        tell(f"Messages of {leased.event_id} cannot be made. They are tried again every minute.")
        return UNMADE
