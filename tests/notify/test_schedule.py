"""The ticks go on, whatever one run of one of them does."""

import asyncio
from datetime import datetime, timedelta, tzinfo

import apscheduler.schedulers.base
import pytest

from notify import schedule
from notify.clock import SystemClock
from notify.schedule import Tick, Ticker

WAIT_S = 60


class Counter:
    def __init__(self, wanted: int) -> None:
        self.runs, self.wanted, self.enough = 0, wanted, asyncio.Event()

    def count(self) -> None:
        self.runs += 1
        if self.runs >= self.wanted:
            self.enough.set()


async def test_a_tick_that_fails_is_logged_and_runs_again_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    failing, working = Counter(3), Counter(3)

    async def fail() -> None:
        failing.count()
        raise OSError("no such luck")

    async def work() -> None:
        working.count()

    ticker = Ticker([Tick("failing", 0.02, fail), Tick("working", 0.02, work)])
    ticker.start()
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(failing.enough.wait(), working.enough.wait())
    ticker.stop()
    assert "tick failing failed: no such luck" in caplog.text


async def test_a_run_that_takes_long_is_not_started_twice() -> None:
    held, begun = asyncio.Event(), Counter(2)
    beside = Counter(10)

    async def long() -> None:
        begun.count()
        await held.wait()

    async def short() -> None:
        beside.count()

    ticker = Ticker([Tick("long", 0.02, long), Tick("short", 0.02, short)])
    ticker.start()
    async with asyncio.timeout(WAIT_S):
        await beside.enough.wait()
        assert begun.runs == 1
        held.set()
        await begun.enough.wait()
    ticker.stop()


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("by", [-HOUR, HOUR, -timedelta(days=366)])
async def test_the_ticks_go_on_when_the_machines_clock_is_set(by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    given = timedelta(0)

    class Machine(SystemClock):
        def now(self) -> datetime:
            return super().now() + given

    class Wall(datetime):
        """What APScheduler reads the time from."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + given

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Wall)
    monkeypatch.setattr(schedule, "CLOCK_EVERY_S", 0.02)
    before, after = Counter(2), Counter(5)

    async def count() -> None:
        (after if given else before).count()

    ticker = Ticker([Tick("counting", 0.02, count)], Machine())
    ticker.start()
    async with asyncio.timeout(WAIT_S):
        await before.enough.wait()
        given = by
        await after.enough.wait()
    ticker.stop()
