"""Drives a timeline by the clock on the wall: asleep until the next thing is due, awake when something comes from outside."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from channels.simulator.telephone.timeline import Timeline

LEAST_SLEEP_S: Final = 0.0005  # a timer that rings a hair early must not spin


class Clockwork:
    """`speed` simulated seconds pass in each real one, fewer while `held` says so: then time stands still until `nudge`, and
    goes on from there. `clock` counts real seconds and never goes back."""

    def __init__(
        self, timeline: Timeline, clock: Callable[[], float], speed: float, held: Callable[[], bool] = lambda: False
    ) -> None:
        self._timeline, self._clock, self._speed, self._held = timeline, clock, speed, held
        self._read_at = clock()
        self._target = 0.0
        self._wake = asyncio.Event()
        self._asleep_until: float | None = None
        timeline.on_plan = self._planned

    def touch(self) -> None:
        """Does all that is due by now, so that what comes from outside comes after it. To be called first by whoever brings
        something in, and never by what is on the agenda."""
        now = self._clock()
        self._target += (now - self._read_at) * self._speed
        self._read_at = now
        while (due := self._timeline.next_due()) is not None and due <= self._target:
            if self._held():
                self._target = self._timeline.now
                return
            self._timeline.advance(due)
        self._timeline.advance(self._target)

    def nudge(self) -> None:
        """What held time may be over."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            self._wake.clear()
            self.touch()
            due = self._timeline.next_due()
            self._asleep_until = due = None if self._held() else due
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else self._real_s(due)):
                    await self._wake.wait()
            self._asleep_until = -1.0  # awake: nobody need wake us

    def _real_s(self, due: float) -> float:
        return max((due - self._target) / self._speed - (self._clock() - self._read_at), LEAST_SLEEP_S)

    def _planned(self, due: float) -> None:
        if self._asleep_until is None or due < self._asleep_until:
            self._wake.set()
