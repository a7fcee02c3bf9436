"""When the next message may start: never above a sender's rate in any second, and close to all of it used."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

HEADROOM: Final = 0.985  # of the rate: what nobody could see coming may move two arrivals 15 ms closer together
WINDOW_S: Final = 1.0
CATCH_UP_S: Final = 0.02  # as long as a busy process lets a slot wait now and then
LATE_S: Final = 0.1  # a message that comes back later than this is a slow provider, not a late arrival
FORGET: Final = 0.002  # of the way from the quickest answer to each: a road that has become longer is learnt in some hundred


@dataclass(slots=True, eq=False)
class Slot:
    """A message's place in the pace. at: when it starts, monotonic seconds. took: seconds until the provider's answer."""

    at: float
    units: int
    took: float = 0.0


@dataclass(slots=True)
class Pace:
    """A slot clock with a one-second window of arrivals behind it.

    Slots keep messages evenly apart (a message of n units holds the line for n / rate seconds); slots missed for up to
    CATCH_UP_S are made up at once. The window makes sure that messages of mixed lengths, those made up, and those that left or
    arrived late never add up to more than the rate within any second. rate: units per second, or inf.

    A message arrives between its call and the provider's answer. An answer that took longer than the quickest ones do may mean
    an arrival that much later: whoever comes a second behind it waits that much longer.
    """

    rate: float
    _free_at: float = -math.inf
    _recent: deque[Slot] = field(default_factory=deque)
    _recent_units: int = 0
    _held_until: float = -math.inf
    _quickest: float = math.inf

    def slot(self, units: int, now: float) -> Slot:
        """Reserves the moment (same clock as `now`, seconds) at which a message of `units` may start.

        A message longer than the whole rate waits for an empty window, then goes alone.
        """
        if math.isinf(self.rate):
            return Slot(now, units)
        start = max(now, self._free_at)
        while self._recent and self._recent_units + units > max(self.rate, units):
            start = max(start, self._pop() + WINDOW_S / HEADROOM)
        while self._recent and self._arrived(self._recent[0]) + WINDOW_S / HEADROOM <= start:
            self._pop()
        slot = Slot(start, units)
        self._recent.append(slot)
        self._recent_units += units
        self._free_at = max(self._free_at, start - CATCH_UP_S) + units / (self.rate * HEADROOM)
        return slot

    def _pop(self) -> float:
        oldest = self._recent.popleft()
        self._recent_units -= oldest.units
        return self._arrived(oldest)

    def _arrived(self, slot: Slot) -> float:
        """The latest moment at which it arrived, less the time that every message takes."""
        return slot.at + min(max(0.0, slot.took - self._quickest), LATE_S)

    def started(self, slot: Slot, now: float) -> None:
        """The call begins: perhaps later than its slot, in a busy process."""
        slot.at = max(slot.at, now)

    def answered(self, slot: Slot, took: float) -> None:
        """The provider has answered after `took` seconds."""
        if took < self._quickest:
            self._quickest = took
        self._quickest += (took - self._quickest) * FORGET
        slot.took = took

    def hold_until(self, at: float) -> None:
        """Nothing starts before `at`: the provider asked for a pause."""
        self._held_until = max(self._held_until, at)
        self._free_at = max(self._free_at, at)

    def backlog(self, now: float) -> float:
        """Seconds until a message that came now could start; 0 when nothing waits."""
        return max(0.0, self._free_at - now, self.held_for(now))

    def held_for(self, now: float) -> float:
        """Seconds left of a pause that the provider asked for; 0 when there is none."""
        return max(0.0, self._held_until - now)
