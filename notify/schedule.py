"""The ticks, as one visible list. APScheduler only wakes; what there is to do always stands in a table.

APScheduler reckons by the wall clock: set back by an hour, it would not wake for an hour. So its next turns are laid anew then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from notify.clock import Clock, Steps, SystemClock

logger = logging.getLogger(__name__)

CLOCK_EVERY_S: Final = 0.5  # how often it is looked whether the clock was set


@dataclass(frozen=True, slots=True)
class Tick:
    """Something looked at every so many seconds. A run that takes longer than that is not started twice. post: only the process
    that holds it looks; empty: every process does, for itself."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[Any]]
    post: str = ""


class Ticker:
    """Runs the ticks from `start` to `stop`. A tick that fails is logged and runs again next time. clock: the machine's."""

    def __init__(self, ticks: Sequence[Tick], clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._watch: asyncio.Task[None] | None = None
        # It logs every tick and every run of one, every run skipped because the one before is still going, and those that our
        # own end cuts off: noise. What fails is logged below.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        # A late run must run (never be dropped as a misfire), once, however many were missed.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for tick in ticks:
            self._scheduler.add_job(tick.run, "interval", seconds=tick.every_s, id=tick.name, name=tick.name)
        self._scheduler.add_listener(_log_failure, EVENT_JOB_ERROR)

    def start(self) -> None:
        self._scheduler.start()
        self._watch = asyncio.create_task(self._keep_going(), name="the machine's clock")

    def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._scheduler.shutdown(wait=False)

    async def _keep_going(self) -> None:
        """When the clock was set back, every tick's next turn is now and not when the clock gets there again."""
        steps = Steps(self._clock)
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            if steps.look() < timedelta(0):
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=self._clock.now())


def _log_failure(event: Any) -> None:
    if isinstance(event.exception, asyncio.CancelledError):  # we are ending
        return
    logger.error("tick %s failed: %s (docs/operations.md#ticks)", event.job_id, event.exception, exc_info=event.exception)
