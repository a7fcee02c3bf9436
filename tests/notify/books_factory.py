"""A sender's books on a ledger, in a database that fails as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from channels.base import Handed, Outcome, Receipt
from notify.clock import ManualClock
from notify.db import Database, Work
from notify.sending import leases
from notify.sending.leases import Leased
from notify.sending.recorder import Recorder
from tests.notify.sending_factory import LEASE, PATIENCE_S, Bench


class Watched(Database):
    """A database that notes the transactions asked of it, and fails those for which `fault` has an error."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []
        self.fault: Callable[[str], Exception | None] = lambda _: None
        self.changed = asyncio.Condition()

    async def write(self, work: Work[Any]) -> Any:
        name = work.func.__name__ if isinstance(work, partial) else ""
        self.asked.append(name)
        try:
            if (error := self.fault(name)) is not None:
                raise error
            return await super().write(work)
        finally:
            async with self.changed:
                self.changed.notify_all()

    async def until(self, name: str, more: int) -> None:
        """Waits until so many more transactions of this name have ended."""
        wanted = self.asked.count(name) + more
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: self.asked.count(name) >= wanted)

    def fail(self, name: str, errors: Sequence[Exception | None]) -> None:
        """Fails the next transactions of this name, one after the other; None lets one pass."""
        left = iter(errors)
        self.fault = lambda asked: next(left, None) if asked == name else None


@dataclass(slots=True)
class Books:
    """A sender's books on a ledger whose first rows it has claimed."""

    db: Watched
    clock: ManualClock
    lease_for: timedelta = LEASE
    held: list[int] = field(default_factory=list)
    bench: Bench = field(init=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.db, self.clock)
        self.recorder = Recorder(self.db, self.clock, "s1", self.lease_for)

    def claimed(self, people: int) -> list[Leased]:
        self.bench.event(people)
        now, until = self.clock.now(), self.clock.now() + LEASE
        rows = self.db.write_now(partial(leases.lease, owner="s1", channel="sms", limit=100, below=100, now=now, until=until))
        self.db.write_now(partial(leases.claim, owner="s1", ids=[row.delivery_id for row in rows], now=now))
        self.recorder.open(rows)
        return rows

    def say(self, rows: Sequence[Leased], outcome: Outcome | None = None) -> None:
        for row in rows:
            self.recorder.say(row, Receipt(row.delivery_id, outcome or Handed(f"SM{row.delivery_id}")))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Runs them; at the end they are closed, and must end by themselves."""
        task = asyncio.create_task(self.recorder.run(lambda: self.held))
        try:
            yield task
        finally:
            self.recorder.close()
            async with asyncio.timeout(PATIENCE_S):
                await task

    def left(self) -> set[int]:
        return set(self.recorder._open)
