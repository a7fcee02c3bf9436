"""A sender's books: rows claimed and not yet recorded, whether its leases still hold, outcomes written in groups."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Handed, Receipt, Refused, Unknown
from notify.clock import Clock
from notify.db import Database, went_away
from notify.sending import affinity, instead, leases, ledger
from notify.sending.leases import Leased
from notify.sending.reports import learn

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.01  # outcomes that come within this share a commit
AGAIN_S: Final = 1.0  # after a failed commit
RENEWALS_PER_LEASE: Final = 3


@dataclass(frozen=True, slots=True)
class Aside:
    """mails_instead: whoever a text does not reach gets the e-mail. number: by which phones are texted (affinity.py), if they
    need to know it."""

    mails_instead: bool = False
    number: Callable[[], str] = str


NOTHING: Final = Aside()
Result = tuple[Leased, Receipt]
Results = Sequence[Result]


class Recorder:
    """aside: what else is learnt from outcomes."""

    def __init__(self, db: Database, clock: Clock, owner: str, lease_for: timedelta, aside: Aside = NOTHING) -> None:
        self._db, self._clock, self._owner, self._lease_for = db, clock, owner, lease_for
        self._aside = aside
        self._open: dict[int, Leased] = {}
        self._results: list[Result] = []
        self._said = asyncio.Event()
        self._roomier = asyncio.Event()
        self._lost: set[int] = set()
        self._sure_until = clock.monotonic() + lease_for.total_seconds()
        self._closing = False

    def leasing(self) -> None:
        """Called before rows are leased. With nothing open, leases taken from now on are all there is to be sure of."""
        if not self._open:
            self._sure_until = self._clock.monotonic() + self._lease_for.total_seconds()

    def lost(self, leased: Leased) -> bool:
        """Whether somebody else may hold this row by now (this process may have stood still)."""
        return leased.delivery_id in self._lost or self._clock.monotonic() > self._sure_until

    def open(self, group: Iterable[Leased]) -> None:
        self._open.update((leased.delivery_id, leased) for leased in group)

    def forget(self, group: Iterable[Leased]) -> None:
        """These leases are over. A later lease of the same row, open already, stays."""
        for leased in group:
            if self._open.get(leased.delivery_id) == leased:
                del self._open[leased.delivery_id]
                self._lost.discard(leased.delivery_id)
        self._roomier.set()

    async def room(self, window: int, *, at_least: int, unless: Callable[[], bool] = lambda: False) -> int:
        """Waits until at least this many rows may be claimed; returns how many may. unless: whether nobody wants them any
        more, looked at when `look_again` is called."""
        while window - len(self._open) < at_least and not unless():
            self._roomier.clear()
            await self._roomier.wait()
        return window - len(self._open)

    @property
    def open_rows(self) -> int:
        return len(self._open)

    def look_again(self) -> None:
        self._roomier.set()

    def say(self, leased: Leased, receipt: Receipt) -> None:
        """Keeps an outcome until it is on disk; until then the row counts as open."""
        self._results.append((leased, receipt))
        self._said.set()

    def close(self) -> None:
        self._closing = True
        self._said.set()

    async def run(self, held: Callable[[], Sequence[int]]) -> None:
        """Records and renews until closed and everything said is on disk. `held`: leased rows not claimed yet."""
        renewing = asyncio.create_task(self._renew_forever(held))
        try:
            while not self._closing or self._results:
                await self._said.wait()
                if not self._closing:
                    await asyncio.sleep(GATHER_S)
                await self._flush()
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def _flush(self) -> None:
        self._said.clear()
        batch, self._results = self._results, []
        if left := await self._write(batch):
            self._results = left + self._results
            self._said.set()
            await asyncio.sleep(AGAIN_S)

    async def _write(self, batch: Results) -> list[Result]:
        """Returns what is not on disk yet. One outcome that no database takes is recorded as unknown, alone."""
        if not batch:
            return []
        try:
            work = partial(record, results=batch, now=self._clock.now(), aside=self._aside)
            await self._db.write(work)
        except Exception as error:  # the loop's own boundary: whatever is wrong with one outcome, the others are written
            if went_away(error):
                logger.exception("%d outcomes of %s cannot be written yet; kept, and tried again", len(batch), self._owner)
                return list(batch)
            if len(batch) > 1:
                return [left for one in batch for left in await self._write([one])]
            (leased, receipt) = batch[0]
            logger.exception("the outcome of delivery %d cannot be written", leased.delivery_id)
            if receipt.outcome == UNWRITABLE:
                return list(batch)
            return await self._write([(leased, Receipt(leased.delivery_id, UNWRITABLE))])
        self.forget(leased for leased, _ in batch)
        return []

    async def _renew_forever(self, held: Callable[[], Sequence[int]]) -> None:
        while True:
            await asyncio.sleep(self._lease_for.total_seconds() / RENEWALS_PER_LEASE)
            asked_at = self._clock.monotonic()
            ids = [*held(), *self._open]
            renewal = partial(leases.renew, owner=self._owner, ids=ids, until=self._clock.now() + self._lease_for)
            try:
                kept = await self._db.write(renewal)
            except Exception:  # the loop's own boundary: without renewals a sender stands still for good
                logger.exception("leases of %s cannot be renewed; calls stop when they end", self._owner)
                continue
            self._lost.update(delivery_id for delivery_id in ids if delivery_id not in kept and delivery_id in self._open)
            self._sure_until = asked_at + self._lease_for.total_seconds()


UNWRITABLE: Final = Unknown("the provider's answer cannot be written")


def record(conn: Connection, results: Results, now: datetime, aside: Aside = NOTHING) -> None:
    """Writes outcomes, and learns who knows which number of ours, and from refusals who has opted out and who cannot be
    reached."""
    ledger.record(conn, results, now=now)
    number = aside.number()
    if number and (known := [leased.address_id for leased, said in results if isinstance(said.outcome, Handed)]):
        affinity.texted(conn, number, known)
    refusals = [receipt for _, receipt in results if isinstance(receipt.outcome, Refused)]
    learn(conn, refusals, now)
    if aside.mails_instead:
        instead.plan(conn, instead.failed_for_good(refusals), now)
