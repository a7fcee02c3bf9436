"""Drives a timeline by the clock on the wall: asleep until the next thing is due, awake when something comes from outside."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from channels.simulator.telephone.timeline import Timeline

LEAST_SLEEP_S: Final = 0.0005  # a timer that rings a hair early must not spin


class Clockwork:
    """`speed` simulated seconds pass in each real one. `clock` counts real seconds and never goes back."""

    def __init__(self, timeline: Timeline, clock: Callable[[], float], speed: float) -> None:
        self._timeline, self._clock, self._speed = timeline, clock, speed
        self._origin = clock()
        self._wake = asyncio.Event()
        self._asleep_until: float | None = None
        timeline.on_plan = self._planned

    def touch(self) -> None:
        """Does all that is due by now, so that what comes from outside comes after it. To be called first by whoever brings
        something in, and never by what is on the agenda."""
        self._timeline.advance((self._clock() - self._origin) * self._speed)

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            self._wake.clear()
            self.touch()
            self._asleep_until = due = self._timeline.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else self._real_s(due)):
                    await self._wake.wait()
            self._asleep_until = -1.0  # awake: nobody need wake us

    def _real_s(self, due: float) -> float:
        return max(self._origin + due / self._speed - self._clock(), LEAST_SLEEP_S)

    def _planned(self, due: float) -> None:
        if self._asleep_until is None or due < self._asleep_until:
            self._wake.set()
