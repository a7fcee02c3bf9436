"""What a sender has taken from the ledger and not started: rows leased a few seconds ahead, and the next group, claimed while
the last one leaves, so that a disk that is slow for a moment does not cost the pace."""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from channels.base import Outbound, Receipt
from notify.db import went_away
from notify.sending import affinity, leases, ledger
from notify.sending.affinity import Others
from notify.sending.allowance import Allowance
from notify.sending.desk import Desk, Sender
from notify.sending.leases import Leased
from notify.sending.pace import Slot
from notify.sending.recorder import Recorder
from notify.sending.route import Route

AHEAD_S: Final = 0.25  # how much of its pace a sender claims at once
SLOWED: Final = "sms"  # the channel that may be slowed
BATCH: Final = 250  # most rows claimed in one transaction


class Call(NamedTuple):
    """A message on its way, with its place in the pace."""

    leased: Leased
    letter: Outbound
    slot: Slot


class Group(NamedTuple):
    """Rows that are claimed. at: when, monotonic seconds."""

    rows: Sequence[Leased]
    at: float = -math.inf


NOTHING: Final = Group(())


class Holding:
    """Every row that comes out of `group` is claimed and open in the books: whoever takes it starts it or says it was not."""

    def __init__(self, sender: Sender, desk: Desk, owner: str, books: Recorder, route: Route) -> None:
        self._sender, self._desk, self._owner, self._books, self._route = sender, desk, owner, books, route
        self._allowance = Allowance(sender.rate)
        self._leased: deque[Leased] = deque()
        self._next: asyncio.Task[Group] | None = None
        self._unsure: set[int] = set()  # claims that the database went away over: perhaps committed, certainly not started
        self._closing = False
        self._helps_until = -math.inf

    @property
    def empty(self) -> bool:
        return not self._leased

    def ids(self) -> list[int]:
        """Deliveries leased and not claimed."""
        return [leased.delivery_id for leased in self._leased]

    def close(self) -> None:
        """Claims nothing more."""
        self._closing = True

    async def group(self) -> Group:
        """The next rows, claimed now or ahead; none when nothing is due."""
        ahead = await self._claimed_ahead()
        return ahead if ahead.rows else await self._claim()

    async def one(self) -> Group:
        """One row, to try a route with that is shut; nothing is held beside it."""
        await self.drop_ahead()
        return await self._claim(probe=True)

    def claim_ahead(self) -> None:
        self._next = asyncio.create_task(self._claim())

    async def drop_ahead(self) -> None:
        """What was claimed ahead is not started."""
        for leased in (await self._claimed_ahead()).rows:
            self.not_started(leased)

    def started(self, leased: Leased, units: int) -> None:
        """Its call begins, and takes so many units of what its alert may use."""
        self._allowance.spent(leased.event_id, units)

    def not_started(self, leased: Leased) -> None:
        self._books.say(leased, Receipt(leased.delivery_id, ledger.NOT_STARTED))

    async def give_back(self) -> None:
        """Frees what is leased and not claimed, for the next lease or for other senders."""
        if ids := self.ids():
            await self._desk.db.write(lambda conn: leases.give_back(conn, self._owner, ids))
            self._leased.clear()

    async def _claimed_ahead(self) -> Group:
        ahead, self._next = self._next, None
        return await ahead if ahead is not None else NOTHING

    async def _claim(self, *, probe: bool = False) -> Group:
        """Claims the next leased rows, as many as window and pace allow; waits for room in the window first."""
        if not self._leased:
            await self._lease(1 if probe else self._worth(self._desk.lead_s, 2 * BATCH), () if probe else self._others())
        if not self._leased:
            return NOTHING
        ahead, window = 1 if probe else self._worth(AHEAD_S, BATCH), self._sender.window
        room = await self._books.room(
            window, at_least=min(ahead, window // 2 or 1), unless=lambda: not self._route.stands.is_open
        )
        if self._closing or room < 1 or self._route.stands.is_open is probe:
            return NOTHING
        rows = [self._leased.popleft() for _ in range(min(room, ahead, len(self._leased)))]
        now, at = self._desk.clock.now(), self._desk.clock.monotonic()
        self._books.open(rows)
        try:
            ids = [leased.delivery_id for leased in rows]
            claimed = await self._desk.db.write(partial(self._claim_now, ids=ids, now=now))
        except BaseException as error:
            self._unsure.update(ids if went_away(error) else ())
            self._books.forget(rows)
            self._leased.extendleft(reversed(rows))
            raise
        self._unsure.clear()
        self._books.forget([leased for leased in rows if leased.delivery_id not in claimed])
        return Group([leased for leased in rows if leased.delivery_id in claimed], at)

    def _claim_now(self, conn: Connection, ids: Sequence[int], now: datetime) -> set[int]:
        if self._unsure:
            leases.take_back(conn, self._owner, self._unsure)
        return leases.claim(conn, self._owner, ids, now=now, route=self._sender.route)

    def _others(self) -> tuple[str, ...]:
        return self._route.routes.others(self._sender.number)

    async def _lease(self, limit: int, numbers: tuple[str, ...]) -> None:
        """Takes what waits for no other number; where there is none of it, for a while also what has waited long."""
        if numbers and self._desk.clock.monotonic() >= self._helps_until:
            await self._lease_of(limit, Others(numbers=numbers))
            if self._leased:
                return
            self._helps_until = self._desk.clock.monotonic() + affinity.PATIENCE.total_seconds()
        await self._lease_of(limit, Others(numbers=numbers, help_since=self._desk.clock.now() - affinity.PATIENCE))

    async def _lease_of(self, limit: int, others: Others) -> None:
        now = self._desk.clock.now()
        self._books.leasing()
        take = partial(
            leases.lease,
            owner=self._owner,
            channel=self._sender.channel.name,
            limit=limit,
            below=self._sender.below,
            now=now,
            until=now + self._desk.lease_for,
            most=self._most(),
            others=others,
        )
        self._leased.extend(await self._desk.db.write(take))

    def _most(self) -> dict[str, int]:
        """How many rows of each slowed alert may be taken now. Texts alone are slowed, and only where there is a rate."""
        if self._sender.channel.name != SLOWED or math.isinf(self._sender.rate):
            return {}
        return self._allowance.rows(self._desk.shares(), self._desk.clock.monotonic())

    def _worth(self, seconds: float, most: int) -> int:
        """Rows that so many seconds of the sender's pace are good for."""
        rate = self._sender.rate * self._route.share
        return most if math.isinf(rate) else max(1, min(most, int(seconds * rate)))
