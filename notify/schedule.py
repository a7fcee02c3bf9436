"""The ticks, as one visible list. APScheduler only wakes; what there is to do always stands in a table."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.schedulers.asyncio import AsyncIOScheduler

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """Something looked at every so many seconds. A run that takes longer than that is not started twice."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[Any]]


class Ticker:
    """Runs the ticks from `start` to `stop`. A tick that fails is logged and runs again next time."""

    def __init__(self, ticks: Sequence[Tick]) -> None:
        # A late run must run (never be dropped as a misfire), once, however many were missed.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for tick in ticks:
            self._scheduler.add_job(tick.run, "interval", seconds=tick.every_s, id=tick.name, name=tick.name)
        self._scheduler.add_listener(_log_failure, EVENT_JOB_ERROR)

    def start(self) -> None:
        # It logs every run of every tick, every run skipped because the one before is still going, and those that our own
        # end cuts off: noise. What fails is logged below.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)


def _log_failure(event: Any) -> None:
    if isinstance(event.exception, asyncio.CancelledError):  # we are ending
        return
    logger.error("tick %s failed: %s (docs/operations.md#ticks)", event.job_id, event.exception, exc_info=event.exception)
