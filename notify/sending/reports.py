"""Providers' status reports: verified, appended and applied in groups, on disk before the provider gets its answer."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, Row, text

from channels.base import Delivered, Outcome, Receipt, Refused, Undelivered
from channels.faults import Fault, fault
from notify.clock import Clock, from_micros
from notify.db import Database, went_away
from notify.sending import instead, ledger
from notify.sending.deliveries import FAILED, State
from notify.sending.statements import among, listed
from subscribers import gateway, reach, store
from subscribers.reach import Failed
from subscribers.statements import CARRIER
from subscribers.store import Said

GATHER_S: Final = 0.01  # reports that come within this share a transaction, and all that come while one is written the next
GROUP: Final = 1_000


class Intake:
    """Takes reports from web handlers. `take` returns when they are on disk."""

    def __init__(self, db: Database, clock: Clock, *, mails_instead: bool = False) -> None:
        self._db, self._clock, self._mails_instead = db, clock, mails_instead
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
        await asyncio.sleep(GATHER_S)
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            error = await self._apply([receipt for part, _ in group for receipt in part])
            away = error is None or went_away(error)
            for receipts, done in group:
                # One report that no database takes must not cost its neighbours theirs.
                alone = error if away or len(group) == 1 else await self._apply(receipts)
                if not done.done():
                    done.set_result(None) if alone is None else done.set_exception(alone)

    async def _apply(self, receipts: Sequence[Receipt]) -> Exception | None:
        """Returns what went wrong: it is handed to the waiting request, which answers 503."""
        try:
            work = partial(apply, receipts=receipts, now=self._clock.now(), mails_instead=self._mails_instead)
            await self._db.write(work)
        except Exception as error:
            return error
        return None


def apply(conn: Connection, receipts: Sequence[Receipt], now: datetime, *, mails_instead: bool = False) -> None:
    """Moves rows forward, and learns from reports who does not want our messages and who cannot be reached. mails_instead:
    whoever a text does not reach gets the e-mail."""
    ledger.apply_reports(conn, receipts, now=now)
    learn(conn, receipts, now)
    if mails_instead:
        instead.plan(conn, instead.failed_for_good(receipts), now)


def learn(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> None:
    """What outcomes already written say of their addresses: opted out with the carrier or complained (then they have stopped),
    no good (given up after a while, see subscribers.reach), or good. A report that came too late to count says nothing."""
    wishes = {receipt.delivery_id: said for receipt in receipts if (said := _wish(receipt.outcome, now, receipt.delivery_id))}
    faults = {receipt.delivery_id: found for receipt in receipts if (found := _fault(receipt.outcome)) is not None}
    arrived = {receipt.delivery_id for receipt in receipts if isinstance(receipt.outcome, Delivered)}
    told = _told(conn, {*wishes, *faults, *arrived}) if wishes or faults or (arrived and reach.any_failures(conn)) else {}
    for delivery_id in wishes.keys() & told.keys():
        _mirror_stop(conn, told[delivery_id], wishes[delivery_id])
    reach.note_arrivals(conn, {told[one].address_id for one in arrived & told.keys() if told[one].state == State.DELIVERED})
    failed = [
        Failed(delivery_id, told[delivery_id].address_id, hard=faults[delivery_id] is Fault.HARD)
        for delivery_id in sorted(faults.keys() & told.keys())
        if told[delivery_id].state in FAILED
    ]
    reach.note_failures(conn, failed, now)


def _wish(outcome: Outcome, now: datetime, delivery_id: int) -> Said | None:
    match outcome:
        case Refused(code=code, opted_out=True) | Undelivered(code=code, opted_out=True):
            return Said(at=now, source=f"{CARRIER}{code}", evidence=f"delivery {delivery_id}")
        case Delivered(complained=True):
            return Said(at=now, source="complaint", evidence=f"called spam: delivery {delivery_id}")
        case _:
            return None


def _fault(outcome: Outcome) -> Fault | None:
    return fault(outcome.code) if isinstance(outcome, Refused | Undelivered) else None


def _told(conn: Connection, ids: Iterable[int]) -> dict[int, Row[tuple[int, int, str, int | None]]]:
    """Address and standing of each of these rows that is there, and when it left."""
    columns = "delivery_id, address_id, state, COALESCE(claimed_at, handed_at) AS left_at"
    query = text(f"SELECT {columns} FROM delivery WHERE delivery_id {among(conn)}")
    return {row.delivery_id: row for row in conn.execute(query, {"ids": listed(conn, ids)})}


def _mirror_stop(conn: Connection, row: Row[tuple[int, int, str, int | None]], said: Said) -> None:
    """A report repeated a thousand times is one wish; one of a text that left before the gateway saw a START is none."""
    if said.source.startswith(CARRIER):
        gateway.note_refusal(conn, row.address_id, said, from_micros(row.left_at) if row.left_at is not None else None)
        return
    known = store.addresses(conn, [row.address_id]).get(row.address_id)
    if known is not None and known.stopped_at is None:
        store.stop(conn, row.address_id, said)
