"""From a leased ledger row to what a channel gets: the frozen text, the opened address, and the last checks."""

import hashlib
import hmac
import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import lru_cache
from typing import Final

from channels.base import Content, Outbound, Refused, Retry
from notify.alerts import exercise
from notify.alerts.alert import Event, Mode, Wording
from notify.clock import Clock
from notify.sending.leases import Leased
from notify.wording.slots import ENGLISH
from subscribers.plain import spoken
from subscribers.sealing import Keyring, Unopenable

logger = logging.getLogger(__name__)

LONGEST_VALIDITY: Final = timedelta(hours=10)  # what Twilio keeps a message at most
SHORTEST_VALIDITY: Final = timedelta(seconds=1)  # nothing leaves after its alert's end; the row then becomes `expired`
WHOLE: Final = (Wording.FIRST, Wording.SHORT)  # the wordings that say the whole alert
EVENTS: Final = 16  # kept in memory: one with its words in twelve languages takes two megabytes
CONTENTS: Final = 2_000  # of them, by who gets them
HOLD: Final = timedelta(minutes=5)  # rows of an event that fails its digest wait this long for a person


class Tampered(Exception):
    """A stored event no longer has the digest its approvers signed."""


class FrozenEvents:
    """The events this process sent from last, each read once, its digest checked again on reading. Safe in threads."""

    def __init__(self, read: Callable[[str], Event]) -> None:
        self._read = lru_cache(maxsize=EVENTS)(read)

    def event(self, event_id: str) -> Event:
        """Raises Tampered."""
        return self._read(event_id)


class Envelopes:
    """The Outbox of a running service. `page` is told once about each event that may not be sent. marks: how a test begins,
    see exercise.py."""

    def __init__(
        self,
        events: FrozenEvents,
        keys: Keyring,
        clock: Clock,
        mode: Mode,
        page: Callable[[str], None],
        marks: Collection[str],
    ) -> None:
        self._events, self._keys, self._clock, self._mode, self._page = events, keys, clock, mode, page
        self._marks = marks
        self._faults: dict[str, str] = {}
        self._refused: set[str] = set()
        self._contents: dict[tuple[str, str, str, str], Content] = {}

    def letter(self, channel: str, leased: Leased) -> Outbound | Refused | Retry:
        try:
            event = self._events.event(leased.event_id)
        except Tampered as error:
            return self._hold(leased.event_id, str(error))
        if fault := self._fault(event):
            return self._hold(leased.event_id, fault)
        if leased.sealed is None or leased.key_id is None:
            return Refused("erased", "The person has been erased since planning.")
        try:
            address = self._keys.open(channel, leased.key_id, leased.sealed)
        except Unopenable as error:
            return Refused("sealed", str(error))
        if not exercise.fits(channel, address, self._mode):
            return Refused(
                "wrong-mode", "Made-up people are for training and demo only, and those are for made-up people only."
            )
        left = event.expires - self._clock.now()
        if left < SHORTEST_VALIDITY:
            return Retry(HOLD, "expired")
        return Outbound(
            delivery_id=leased.delivery_id,
            event_id=leased.event_id,
            address=address,
            content=self._content(event, channel, leased),
            recipient=unsubscribe_reference(self._keys.blind_key, leased.address_id),
            valid_for=min(left, LONGEST_VALIDITY),
        )

    def _fault(self, event: Event) -> str:
        """Why nothing of an event may leave in this mode, looked at once; "" for nothing."""
        if event.event_id not in self._faults:
            self._faults[event.event_id] = " ".join(exercise.problems(event, self._mode, self._marks))
        return self._faults[event.event_id]

    def _content(self, event: Event, channel: str, leased: Leased) -> Content:
        key = (event.event_id, channel, leased.wording, leased.language)
        if key not in self._contents:
            if len(self._contents) >= CONTENTS:
                self._contents.clear()
            self._contents[key] = content_for(event, channel, leased.wording, leased.language)
        return self._contents[key]

    def _hold(self, event_id: str, problem: str) -> Retry:
        if event_id not in self._refused:
            self._refused.add(event_id)
            logger.error("event %s is held: %s (docs/operations.md#held)", event_id, problem)
            self._page(problem)
        return Retry(HOLD, "held")


def content_for(event: Event, channel: str, wording: str, language: str) -> Content:
    """The text a person of this language gets. An event always has one: a language without a form of its own for old handsets
    has the ordinary text, a language the event does not know reads English. A renewed correction speaks to the newly told too,
    and has one text only."""
    for key in (f"{channel}/{wording}/{one}" for one in (language, spoken(language), ENGLISH)):
        if key in event.contents:
            return event.contents[key]
    if wording.endswith("/why"):
        return content_for(event, channel, wording.removesuffix("/why"), language)
    if wording in WHOLE:
        return content_for(event, channel, Wording.CORRECTION, language)
    raise KeyError(f"{event.event_id} has no text '{channel}/{wording}/{language}', not even in English")


def unsubscribe_reference(key: bytes, address_id: int) -> str:
    """An unguessable name for an address in an unsubscribe link: the id and 80 bits of HMAC-SHA256."""
    mark = hmac.new(key, f"unsubscribe {address_id}".encode(), hashlib.sha256).hexdigest()[:20]
    return f"{address_id}-{mark}"
