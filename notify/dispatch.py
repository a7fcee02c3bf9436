"""The sender loop: ledger -> channel, at the sender's pace.

    lease (a few seconds ahead) -> claim (committed) -> call -> outcome (committed)

At most `window` rows are claimed and not yet recorded: that bounds what a killed process leaves unknown. A call starts only
while its event is being sent and our lease certainly holds; what was claimed and not started goes back.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from channels.base import Channel, Content, Misconfigured, Outbound, Receipt, Refused, Retry, Unknown
from notify import ledger
from notify.clock import Clock
from notify.db import Database
from notify.ledger import Leased
from notify.pace import Pace
from notify.recorder import Recorder

logger = logging.getLogger(__name__)

ANY_PRIORITY: Final = 100
URGENT_BELOW: Final = 2  # priorities 0 and 1: Extreme
AHEAD_S: Final = 0.25  # how much of its pace a sender claims at once
BATCH: Final = 250  # most rows claimed in one transaction
IDLE_S: Final = 0.5  # a sender with nothing to do looks again after this, or when woken
PAUSE_S: Final = 1.0  # after a database error
REOPEN_S: Final = 15.0  # a misconfigured channel is tried again after this
SAME_MOMENT_S: Final = 0.002  # messages due closer together than this start together


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One number, short code or relay. rate: units per second (segments or mails), inf for no limit.

    concurrency: most calls under way; window: most rows claimed without a recorded outcome (bounds duplicates after a kill);
    below: serves only priorities smaller than this; units: what one copy of a content costs of the rate.
    """

    name: str
    channel: Channel
    rate: float
    concurrency: int
    window: int
    units: Callable[[Content], int]
    below: int = ANY_PRIORITY


class Outbox(Protocol):
    """Turns a leased row into what the channel gets."""

    def letter(self, channel: str, leased: Leased) -> Outbound | Refused | Retry:
        """The Outbound, or the outcome that takes its place (erased person, wrong mode, event that fails its digest)."""


@dataclass(slots=True)
class Light:
    """How a sender fares, for screens: calls started so far, and a sentence when it is out of order."""

    started: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all senders of a process share. `halted`: events that were stopped, looked up right before every call."""

    db: Database
    clock: Clock
    outbox: Outbox
    halted: set[str]
    page: Callable[[str], None]
    lease_for: timedelta
    lead_s: float


class Dispatcher:
    """Runs one Sender until `close`."""

    def __init__(self, sender: Sender, desk: Desk, owner: str) -> None:
        self.sender, self.desk, self.owner = sender, desk, owner
        self.light = Light()
        self._pace = Pace(sender.rate)
        self._books = Recorder(desk.db, desk.clock, owner, desk.lease_for)
        self._held: deque[Leased] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._wake = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """There may be new work."""
        self._wake.set()

    def close(self) -> None:
        """Starts no more calls; `run` returns when those under way are recorded."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        books = asyncio.create_task(self._books.run(lambda: [leased.delivery_id for leased in self._held]))
        try:
            while not self._closing:
                await self._round()
            if self._calls:
                await asyncio.wait(self._calls)
        finally:
            self._books.close()
            await books
            ids = [leased.delivery_id for leased in self._held]
            await self.desk.db.write(lambda conn: ledger.give_back(conn, self.owner, ids))

    async def _round(self) -> None:
        """Leases when short, claims what pace and window allow, starts the calls."""
        try:
            if not self._held:
                await self._lease_more()
            if not self._held:
                await self._idle(IDLE_S)
                return
            group = await self._claim_group()
        except SQLAlchemyError:
            logger.exception("sender %s cannot write the ledger; nothing is sent meanwhile", self.sender.name)
            await self._idle(PAUSE_S)
            return
        await self._start(group)
        if self.light.trouble:
            await self._reopen()

    async def _idle(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _ahead(self, seconds: float, most: int) -> int:
        return most if math.isinf(self.sender.rate) else max(1, min(most, int(seconds * self.sender.rate)))

    async def _lease_more(self) -> None:
        now, limit = self.desk.clock.now(), self._ahead(self.desk.lead_s, 2 * BATCH)
        self._books.leasing()
        self._held.extend(
            await self.desk.db.write(
                lambda conn: ledger.lease(
                    conn,
                    self.owner,
                    self.sender.channel.name,
                    limit=limit,
                    below=self.sender.below,
                    now=now,
                    until=now + self.desk.lease_for,
                )
            )
        )

    async def _claim_group(self) -> list[Leased]:
        """Claims the next rows held, as many as window and pace allow; waits for room in the window first."""
        ahead = self._ahead(AHEAD_S, BATCH)
        room = await self._books.room(self.sender.window, at_least=min(ahead, self.sender.window // 2 or 1))
        group = [self._held.popleft() for _ in range(min(room, ahead, len(self._held)))]
        now = self.desk.clock.now()
        self._books.open(group)
        try:
            ids = [leased.delivery_id for leased in group]
            claimed = await self.desk.db.write(lambda conn: ledger.claim(conn, self.owner, ids, now=now))
        except BaseException:
            self._books.forget(group)
            raise
        self._books.forget([leased for leased in group if leased.delivery_id not in claimed])
        return [leased for leased in group if leased.delivery_id in claimed]

    async def _start(self, group: Sequence[Leased]) -> None:
        """Starts the calls of claimed rows at their slots, never more than `concurrency` under way."""
        batch: list[tuple[Leased, Outbound]] = []
        for leased in group:
            letter = self.desk.outbox.letter(self.sender.channel.name, leased)
            if not isinstance(letter, Outbound):
                self._books.say(leased, Receipt(leased.delivery_id, letter))
                continue
            now = self.desk.clock.monotonic()
            start = self._pace.start_of(self.sender.units(letter.content), now)
            if start - now > SAME_MOMENT_S or self._under_way + len(batch) >= self.sender.concurrency:
                batch = self._call(batch)
                await self._slot(start - now)
            if self._closing or self.light.trouble or leased.event_id in self.desk.halted or self._books.lost(leased):
                self._books.say(leased, Receipt(leased.delivery_id, Retry(timedelta(0), "not started")))
                continue
            batch.append((leased, letter))
        self._call(batch)

    async def _slot(self, wait_s: float) -> None:
        """Waits for the message's slot; then, when all calls are taken, until half are free (so that they start in batches)."""
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if self._under_way >= self.sender.concurrency:
            while self._under_way > self.sender.concurrency // 2:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)

    def _call(self, batch: list[tuple[Leased, Outbound]]) -> list[tuple[Leased, Outbound]]:
        """Starts a batch; returns the empty next one."""
        if batch:
            self._under_way += len(batch)
            self.light.started += len(batch)
            task = asyncio.create_task(self._send(batch))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        return []

    async def _send(self, batch: Sequence[tuple[Leased, Outbound]]) -> None:
        """Hands a batch to the channel. What gets no receipt, for any reason, is unknown: never lost, never blindly resent."""
        waiting = {leased.delivery_id: leased for leased, _ in batch}
        cause = "no receipt"
        try:
            async for receipt in self.sender.channel.send([outbound for _, outbound in batch]):
                self._under_way -= 1
                if isinstance(receipt.outcome, Retry) and receipt.outcome.pause_sender:
                    self._pace.hold_until(self.desk.clock.monotonic() + receipt.outcome.after.total_seconds())
                self._books.say(waiting.pop(receipt.delivery_id), receipt)
        except Misconfigured as error:
            cause, self.light.trouble = "channel stopped", str(error)
        except Exception as error:  # the loop's own boundary: a fault in a channel must not lose rows
            cause = type(error).__name__
            logger.exception("channel %s failed in the middle of a batch", self.sender.name)
        for leased in waiting.values():
            self._under_way -= 1
            self._books.say(leased, Receipt(leased.delivery_id, Unknown(cause)))

    async def _reopen(self) -> None:
        """Pages the duty officer about a channel that cannot work, and tries it again until it can."""
        self.desk.page(f"Sender {self.sender.name} has stopped: {self.light.trouble}")
        while self.light.trouble and not self._closing:
            await self._idle(REOPEN_S)
            try:
                await self.sender.channel.open()
                self.light.trouble = ""
            except Misconfigured as error:
                self.light.trouble = str(error)
