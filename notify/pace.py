"""When the next message may start: never above a sender's rate in any second, and close to all of it used."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

HEADROOM: Final = 0.978  # of the rate: a provider counts arrivals, and a busy process and the network can move two 22 ms closer
WINDOW_S: Final = 1.0
CATCH_UP_S: Final = 0.02  # as long as a busy process lets a slot wait now and then


@dataclass(slots=True)
class Pace:
    """A slot clock with an exact one-second window behind it.

    Slots keep messages evenly apart (a message of n units holds the line for n / rate seconds); slots missed for up to
    CATCH_UP_S are made up at once. The window makes sure that messages of mixed lengths, and those made up, never add up to
    more than the rate within any second. rate: units per second, or inf.
    """

    rate: float
    _free_at: float = -math.inf
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _recent_units: int = 0
    _held_until: float = -math.inf

    def start_of(self, units: int, now: float) -> float:
        """Reserves and returns the moment (same clock as `now`, seconds) at which a message of `units` may start.

        A message longer than the whole rate waits for an empty window, then goes alone.
        """
        if math.isinf(self.rate):
            return now
        start = max(now, self._free_at)
        while self._recent and self._recent_units + units > max(self.rate, units):
            oldest, spent = self._recent[0]
            start = max(start, oldest + WINDOW_S / HEADROOM)
            self._recent.popleft()
            self._recent_units -= spent
        while self._recent and self._recent[0][0] + WINDOW_S / HEADROOM <= start:
            self._recent_units -= self._recent.popleft()[1]
        self._recent.append((start, units))
        self._recent_units += units
        self._free_at = max(self._free_at, start - CATCH_UP_S) + units / (self.rate * HEADROOM)
        return start

    def hold_until(self, at: float) -> None:
        """Nothing starts before `at`: the provider asked for a pause."""
        self._held_until = max(self._held_until, at)
        self._free_at = max(self._free_at, at)

    def held_for(self, now: float) -> float:
        """Seconds left of a pause that the provider asked for; 0 when there is none."""
        return max(0.0, self._held_until - now)
