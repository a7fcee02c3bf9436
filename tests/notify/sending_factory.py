"""A sender on a test bench: a channel that does as it is told, an outbox of plain letters, and a ledger with people in it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from channels.base import Content, Handed, Inbound, Misconfigured, Outbound, Outcome, Receipt, Refused, Retry
from notify.alerts.alert import Wording
from notify.clock import Clock
from notify.db import Database
from notify.processes.posts import Alone
from notify.sending import ledger
from notify.sending.desk import Desk, Sender
from notify.sending.dispatch import Dispatcher
from notify.sending.leases import Leased
from tests.notify.ledger_factory import add_event, add_people, an_event_row

PATIENCE_S = 60.0
LEASE = timedelta(seconds=8)
Answering = Callable[[Outbound], Outcome | Exception | None]


@dataclass(slots=True)
class FakeChannel:
    """Answers each message as `answer` says: an outcome, an exception to raise, or None for no answer at all.

    `gate` closed keeps every call waiting. `calls` notes the delivery and moment of every call's start.
    """

    name: str = "sms"
    answer: Answering = field(default=lambda outbound: Handed(f"SM{outbound.delivery_id}"))
    calls: list[tuple[int, float]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    opening: list[Misconfigured] = field(default_factory=list)
    opened: int = 0
    under_way: int = 0
    most_under_way: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    async def open(self) -> None:
        self.opened += 1
        if self.opening:
            raise self.opening.pop(0)

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        loop = asyncio.get_running_loop()
        self.calls += [(outbound.delivery_id, loop.time()) for outbound in batch]
        self.under_way += len(batch)
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.tell()
        left = len(batch)
        try:
            await self.gate.wait()
            for outbound in batch:
                outcome = self.answer(outbound)
                if isinstance(outcome, Exception):
                    raise outcome
                if outcome is None:
                    await asyncio.Event().wait()
                    continue
                left -= 1
                self.under_way -= 1
                yield Receipt(outbound.delivery_id, outcome)
        finally:
            self.under_way -= left
            await self.tell()

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(wanted)

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        return ()

    async def close(self) -> None:
        pass


class PlainOutbox:
    """One text for everybody; `made` may answer otherwise."""

    def __init__(self, made: Callable[[Leased], Outbound | Refused | Retry] | None = None) -> None:
        self.made = made or a_letter

    def letter(self, channel: str, leased: Leased) -> Outbound | Refused | Retry:
        return self.made(leased)


def a_letter(leased: Leased) -> Outbound:
    content = Content(key="sms/first/en", language="en", body="Boil your water.")
    number = f"+1503555{leased.delivery_id % 10_000:04}"
    return Outbound(delivery_id=leased.delivery_id, event_id=leased.event_id, address=number, content=content)


@dataclass(slots=True)
class Bench:
    """A database with one event being sent to `people`, and senders to send it."""

    db: Database
    clock: Clock
    halted: set[str] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)
    outbox: PlainOutbox = field(default_factory=PlainOutbox)
    sending_db: Database | None = None
    shares: Callable[[], Mapping[str, float]] = dict
    crew: Any = field(default_factory=Alone)

    def event(self, people: int, **given: Any) -> list[int]:
        """Adds an event being sent to so many new people; returns their address ids."""
        now = self.clock.now()
        row = an_event_row(now, **given)

        def add(conn: Connection) -> list[int]:
            add_event(conn, row, now)
            ids = add_people(conn, people, now)
            ledger.plan(conn, row, [ledger.pack(address_id, Wording.FIRST) for address_id in ids], now)
            return ids

        return self.db.write_now(add)

    def dispatcher(self, channel: FakeChannel, owner: str = "s1", **given: Any) -> Dispatcher:
        values: dict[str, Any] = {"name": owner, "channel": channel, "rate": float("inf"), "concurrency": 50, "window": 100}
        sender = Sender(**(values | {"units": lambda content: 1} | given))
        desk = Desk(
            db=self.sending_db or self.db,
            clock=self.clock,
            outbox=self.outbox,
            halted=self.halted,
            page=self.pages.append,
            lease_for=LEASE,
            lead_s=2,
            crew=self.crew,
            shares=lambda: self.shares(),
        )
        return Dispatcher(sender, desk, owner)

    def counts(self) -> Counter[str]:
        return Counter(self.db.read_now(lambda conn: conn.execute(text("SELECT state FROM delivery")).scalars().all()))

    def rows(self, columns: str) -> list[Any]:
        return self.db.read_now(lambda conn: list(conn.execute(text(f"SELECT {columns} FROM delivery ORDER BY delivery_id"))))

    async def until(self, wanted: Callable[[Counter[str]], bool]) -> Counter[str]:
        """Waits until the ledger's counts are as wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while not wanted(counts := await asyncio.to_thread(self.counts)):
                await asyncio.sleep(0.01)
        return counts

    def stop(self, now: datetime, event_id: str = "K7Q2-1") -> None:
        """As the verb does: the event's status, in a transaction of its own."""
        change = text("UPDATE event SET status = 'stopped' WHERE event_id = :id")
        self.db.write_now(lambda conn: conn.execute(change, {"id": event_id}))


class Running:
    """`async with Running(dispatcher)`: runs it, and closes it at the end."""

    def __init__(self, *dispatchers: Dispatcher) -> None:
        self._dispatchers = dispatchers
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Running":
        self._tasks = [asyncio.create_task(one.run()) for one in self._dispatchers]
        return self

    async def close(self) -> None:
        for one in self._dispatchers:
            one.close()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._tasks)

    async def __aexit__(self, *_error: object) -> None:
        await self.close()
