"""Providers' status reports: verified, appended and applied in groups, on disk before the provider gets its answer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import InterfaceError, OperationalError

from channels.base import Receipt, Undelivered
from notify import ledger
from notify.clock import Clock
from notify.db import Database
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
            error = await self._apply([receipt for part, _ in group for receipt in part])
            away = error is None or isinstance(error, OperationalError | InterfaceError)
            for receipts, done in group:
                # One report that no database takes must not cost its neighbours theirs.
                alone = error if away or len(group) == 1 else await self._apply(receipts)
                if not done.done():
                    done.set_result(None) if alone is None else done.set_exception(alone)

    async def _apply(self, receipts: Sequence[Receipt]) -> Exception | None:
        """Returns what went wrong: it is handed to the waiting request, which answers 503."""
        try:
            await self._db.write(partial(apply, receipts=receipts, now=self._clock.now()))
        except Exception as error:
            return error
        return None


def apply(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> None:
    """Moves rows forward and mirrors opt-outs the carrier tells us of."""
    ledger.apply_reports(conn, receipts, now=now)
    for receipt in receipts:
        if isinstance(receipt.outcome, Undelivered) and receipt.outcome.opted_out:
            mirror_stop(conn, receipt.delivery_id, receipt.outcome.code, now)


def mirror_stop(conn: Connection, delivery_id: int, code: str, now: datetime) -> None:
    """The carrier says this person has opted out: then they have."""
    found = conn.execute(text("SELECT address_id FROM delivery WHERE delivery_id = :id"), {"id": delivery_id}).first()
    known = store.addresses(conn, [found[0]]) if found is not None else {}
    for address_id, address in known.items():
        if address.stopped_at is None:  # a report repeated a thousand times is one wish
            store.stop(conn, address_id, Said(at=now, source=f"carrier {code}", evidence=f"delivery {delivery_id}"))
