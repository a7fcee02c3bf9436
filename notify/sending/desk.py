"""What a sender loop works with: the sender itself, what all senders of a process share, and how it shows that it fares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from channels.base import Channel, Content, Outbound, Refused, Retry
from notify.clock import Clock
from notify.db import Database
from notify.sending.leases import Leased

ANY_PRIORITY: Final = 100
URGENT_BELOW: Final = 2  # priorities 0 and 1: Extreme


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


class Outbox(Protocol):
    """Turns a leased row into what the channel gets."""

    def letter(self, channel: str, leased: Leased) -> Outbound | Refused | Retry:
        """The Outbound, or the outcome that takes its place (erased person, wrong mode, event that fails its digest)."""


@dataclass(slots=True)
class Light:
    """How a sender fares, for screens: calls started so far, and a sentence when it is out of order."""

    started: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all senders of a process share. `halted`: events that were stopped, looked up right before every call."""

    db: Database
    clock: Clock
    outbox: Outbox
    halted: set[str]
    page: Callable[[str], None]
    lease_for: timedelta
    lead_s: float
    mails_instead: bool = False  # of texts that fail for good, see instead.py
    shares: Callable[[], Mapping[str, float]] = dict  # of the rate, for each alert whose texts are slowed now; see brake.py
