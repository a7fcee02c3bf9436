"""Simulated time: what is to happen when, in exact order. Pure: it is told how late it is and never waits."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count


@dataclass(slots=True, eq=False)
class Timer:
    """Something that will be done at `due`, in seconds since the start, unless it is cancelled before."""

    due: float
    act: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """An agenda. While something on it is done, `now` is exactly the time it was due; `on_plan` hears of each new due time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_plan: Callable[[float], None] = lambda due: None
        self._agenda: list[tuple[float, int, Timer]] = []
        self._rank = count()  # of two things due at one time the first planned is done first

    def after(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Plans something so many seconds from now; 0 is still today's turn, behind what is due now already."""
        timer = Timer(self.now + max(seconds, 0.0), act)
        heapq.heappush(self._agenda, (timer.due, next(self._rank), timer))
        self.on_plan(timer.due)
        return timer

    def next_due(self) -> float | None:
        """When the next thing is due; None when nothing is planned."""
        while self._agenda and self._agenda[0][2].cancelled:
            heapq.heappop(self._agenda)
        return self._agenda[0][0] if self._agenda else None

    def advance(self, to: float) -> None:
        """Does all that falls due until then, in order, also what is planned meanwhile. A time before now changes nothing."""
        while (due := self.next_due()) is not None and due <= to:
            _, _, timer = heapq.heappop(self._agenda)
            self.now = max(self.now, due)
            timer.act()
        self.now = max(self.now, to)
