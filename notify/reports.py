"""Providers' status reports: verified, appended and applied in groups, on disk before the provider gets its answer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from channels.base import Receipt, Undelivered
from notify import ledger
from notify.clock import Clock
from notify.db import Database
from notify.deliveries import State, after
from subscribers import store
from subscribers.store import Said

GATHER_S: Final = 0.02  # reports that come within this share a transaction
GROUP: Final = 1_000


class Intake:
    """Takes reports from web handlers. `take` returns when they are on disk."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._waiting: list[tuple[Sequence[Receipt], asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def take(self, receipts: Sequence[Receipt]) -> None:
        """Raises what the database raises: the provider must then not be told that we have it."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((receipts, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            receipts = [receipt for part, _ in group for receipt in part]
            now = self._clock.now()
            try:
                await self._db.write(lambda conn, receipts=receipts, now=now: apply(conn, receipts, now))  # type: ignore[misc]
            except Exception as error:  # handed to every waiting request, which answers 503
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
                continue
            for _, done in group:
                if not done.done():
                    done.set_result(None)


def apply(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> None:
    """Moves rows forward and mirrors opt-outs the carrier tells us of."""
    ledger.apply_reports(conn, receipts, now=now)
    for receipt in receipts:
        if isinstance(receipt.outcome, Undelivered) and receipt.outcome.opted_out:
            mirror_stop(conn, receipt.delivery_id, receipt.outcome.code, now)


def mirror_stop(conn: Connection, delivery_id: int, code: str, now: datetime) -> None:
    """The carrier says this person has opted out: then they have."""
    found = conn.execute(text("SELECT address_id FROM delivery WHERE delivery_id = :id"), {"id": delivery_id}).first()
    if found is not None and store.addresses(conn, [found[0]]):
        store.stop(conn, found[0], Said(at=now, source=f"carrier {code}", evidence=f"delivery {delivery_id}"))


def is_good_end(receipt: Receipt) -> bool:
    return after(receipt.outcome) is State.DELIVERED
