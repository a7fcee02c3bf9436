"""Where time comes from. Everything that needs to know the time is given a Clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock: aware UTC. May jump; never used to measure a duration."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class SharedClock:
    """The clock of the database, between two looks at it carried on by the clock of this process that never jumps: processes on
    several machines agree what time it is, whatever the clocks of their machines say."""

    def __init__(self, at: datetime, monotonic: float) -> None:
        self.learn(at, monotonic)

    def learn(self, at: datetime, monotonic: float) -> None:
        """It was `at` when this process's own clock said `monotonic`."""
        self._began = at.astimezone(UTC) - timedelta(seconds=monotonic)

    def now(self) -> datetime:
        return self._began + timedelta(seconds=time.monotonic())

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to: for tests, and for replaying a day."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def forward(self, by: timedelta) -> datetime:
        self._now += by
        self._elapsed += by.total_seconds()
        return self._now

    def set(self, by: timedelta) -> datetime:
        """As somebody sets the wall clock of a machine, either way: no time passes."""
        self._now += by
        return self._now


class HurriedClock:
    """A day replayed: begins at a moment of another day, and runs so many times as fast as this one."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start, self._speed, self._began = start, speed, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._speed


LEAST_STEP: Final = timedelta(seconds=1)  # smaller corrections are those of a clock that is kept right


class Steps:
    """Notices that the wall clock was set, by the clock that never jumps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._beginning()

    def look(self) -> timedelta:
        """How far the wall clock was set since the last look, forward or (negative) back; zero when it just went on."""
        before, self._began = self._began, self._beginning()
        by = self._began - before
        return by if abs(by) >= LEAST_STEP else timedelta(0)

    def put_back(self, by: timedelta) -> None:
        """The next look finds this once more: what should have followed from it failed."""
        self._began -= by

    def _beginning(self) -> datetime:
        return self._clock.now() - timedelta(seconds=self._clock.monotonic())


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Whole microseconds since 1970 UTC: how the ledger stores times (exact, ordered, the same on every database)."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    return _EPOCH + value * _MICROSECOND
