"""P2 and P5: planning 670,000 rows, and claim + outcome, beside the same statements bare on sqlite3, on the same table."""

import asyncio
import gc
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import insert

from bench.figures import Figure
from channels.base import Handed, Receipt
from notify import schema
from notify.alerts.alert import Wording
from notify.alerts.audience import interleaved
from notify.clock import micros
from notify.db import Database, engine_for
from notify.sending import leases, ledger
from notify.sending.planning import CHUNK, FIRST_CHUNK
from notify.tables import AlertRow, EventRow, Incident
from subscribers import store

PEOPLE: Final = 670_000
WORK: Final = 100_000
BATCH: Final = 500
RUNS: Final = 3


LEASE: Final = """
    UPDATE delivery SET lease_owner = 'b', lease_until = ?, fence = fence + 1 WHERE delivery_id IN (
        SELECT delivery_id FROM delivery WHERE state = 'planned' AND channel = 'sms' AND priority < 100
        AND (lease_until IS NULL OR lease_until <= ?)
        AND event_id || '' IN (SELECT event_id FROM event WHERE status = 'sending')
        ORDER BY priority, delivery_id LIMIT ?) RETURNING delivery_id"""
READ: Final = """
    SELECT d.delivery_id, d.fence, d.event_id, d.language, d.wording, d.attempts, d.address_id, a.sealed, a.key_id
    FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
    WHERE d.delivery_id IN (SELECT value FROM json_each(?)) ORDER BY d.priority, d.delivery_id"""
OPTED_OUT: Final = """
    UPDATE delivery SET state = 'withdrawn', code = 'opted-out', final_at = ?, lease_owner = NULL, lease_until = NULL
    WHERE delivery_id IN (SELECT value FROM json_each(?)) AND state = 'planned' AND lease_owner = 'b' AND EXISTS (
        SELECT 1 FROM address a WHERE a.address_id = delivery.address_id AND a.stopped_at IS NOT NULL)"""
CLAIM: Final = """
    UPDATE delivery SET state = 'claimed', claimed_at = ?, attempts = attempts + 1, route = NULL
    WHERE delivery_id IN (SELECT value FROM json_each(?)) AND state = 'planned' AND lease_owner = 'b'
    AND lease_until > ? AND event_id || '' IN (?) RETURNING delivery_id"""
RECORD: Final = """
    UPDATE delivery SET state = ?, provider_id = COALESCE(?, provider_id), code = ?, handed_at = ?, final_at = ?,
           ambiguous = (ambiguous OR ?), attempts = attempts - ?, lease_owner = NULL, lease_until = ?
    WHERE delivery_id = ? AND fence = ? AND state = 'claimed'"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        _people(path)
        planned, bare, first = [], [], []
        for number in range(RUNS):
            seconds, first_s = _plan(path, f"P{number}-1")
            planned.append(seconds)
            first.append(first_s)
            bare.append(_bare_plan(path, f"B{number}-1"))
        _only_one_event(path, "B0-1")
        gc.collect()
        gc.freeze()  # as the service does once it has started
        ours, peer = [], []
        for _ in range(RUNS):  # both eat from the same heap
            ours.append(_claim_and_record(path))
            peer.append(_bare_claim_and_record(path))
    return [
        Figure(
            name=f"P2 plan {PEOPLE:,} rows",
            unit="s",
            ours=planned,
            peer=bare,
            peer_name="bare INSERT..SELECT",
            target_ratio=3,
            limit=5,
            higher_is_better=False,
        ),
        Figure(name="P2 first rows on disk", unit="s", ours=first, limit=1, higher_is_better=False),
        Figure(
            name="P5 claim + outcome, SQLite FULL",
            unit="rows/s",
            ours=ours,
            peer=peer,
            peer_name="bare sqlite3 loop",
            target_ratio=0.6,
        ),
    ]


def _people(path: Path) -> None:
    engine = engine_for(f"sqlite:///{path}")
    schema.migrate(engine)
    with engine.begin() as conn:
        now = datetime.now(UTC)
        conn.execute(insert(store.SUBSCRIBER).values(created_at=now, source="bench"))
        conn.execute(insert(Incident).values(incident_id="B", hazard="boil_water", opened_at=now))
        for name in [f"{letter}{number}-1" for letter in "PB" for number in range(RUNS)]:
            alert = AlertRow(
                alert_id=name, incident_id="B", stage="first", hazard="x", status="sending", content="{}", author="a",
                last_editor="a", created_at=now, changed_at=now,
            )  # fmt: skip
            event = EventRow(
                event_id=name, alert_id=name, incident_id="B", stage="first", content="{}", digest="", identifier=name,
                cap=b"", status="approved", priority=3, approved_at=now, expires_at=now + timedelta(days=1),
            )  # fmt: skip
            conn.execute(insert(AlertRow).values(**alert.model_dump()))
            conn.execute(insert(EventRow).values(**event.model_dump()))
    engine.dispose()
    languages = ["en"] * 8 + ["es", "vi"]
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany(
            "INSERT INTO address (address_id, subscriber_id, channel, sealed, key_id, blind, language, basis)"
            " VALUES (?, 1, 'sms', ?, 'k1', ?, ?, 'opt-in')",
            ((number, bytes(40), number.to_bytes(16, "big"), languages[number % 10]) for number in range(1, PEOPLE + 1)),
        )


def _plan(path: Path, event_id: str) -> tuple[float, float]:
    """Seconds to plan everybody in the product's own chunks, and to the first chunk's commit."""
    event = EventRow(event_id=event_id, priority=3)  # type: ignore[call-arg]
    with closing(Database(f"sqlite:///{path}")) as db:
        begun = time.perf_counter()
        ids = np.arange(1, PEOPLE + 1, dtype=np.int64)
        packed = ((ids << ledger.WORDING_BITS) | ledger.WORDINGS.index(Wording.FIRST))[interleaved(ids % 10)]
        first, start, size = 0.0, 0, FIRST_CHUNK
        while start < len(packed):
            chunk = packed[start : start + size].tolist()
            db.write_now(lambda conn, chunk=chunk: ledger.plan(conn, event, chunk, datetime.now(UTC)))  # type: ignore[misc]
            first = first or time.perf_counter() - begun
            start, size = start + size, CHUNK
        seconds = time.perf_counter() - begun
    return seconds, first


def _connection(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY"):
        conn.execute(f"PRAGMA {pragma}")
    return conn


def _bare_plan(path: Path, event_id: str) -> float:
    with closing(_connection(path)) as conn:
        begun = time.perf_counter()
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(
            "INSERT INTO delivery (event_id, address_id, channel, language, wording, priority, state, fence, attempts,"
            " ambiguous, planned_at) SELECT ?, address_id, channel, language, 'first', 3, 'planned', 0, 0, 0, ? FROM address",
            (event_id, micros(datetime.now(UTC))),
        )
        conn.execute("COMMIT")
        return time.perf_counter() - begun


def _claim_and_record(path: Path) -> float:
    """Rows per second through lease, claim and record in the product's own calls. As a sender does, the next group is claimed
    while the outcomes of the last one are written; what waits at the same time shares a commit."""
    with closing(Database(f"sqlite:///{path}")) as db:
        begun = time.perf_counter()
        asyncio.run(groups(db, "b", WORK // BATCH, BATCH))
        return WORK / (time.perf_counter() - begun)


async def groups(db: Database, owner: str, number: int, batch: int) -> None:
    """So many groups of so many rows; the next is leased and claimed while the outcomes of the last are written."""
    rows = await _claimed(db, owner, batch)
    for left in reversed(range(number)):
        results = [(row, Receipt(row.delivery_id, Handed(f"SM{row.delivery_id:032x}"))) for row in rows]
        written = db.write(partial(ledger.record, results=results, now=datetime.now(UTC)))
        rows, _ = await asyncio.gather(_claimed(db, owner, batch) if left else _nothing(), written)


async def _claimed(db: Database, owner: str, batch: int) -> list[leases.Leased]:
    now = datetime.now(UTC)
    until = now + timedelta(minutes=5)
    rows = await db.write(partial(leases.lease, owner=owner, channel="sms", limit=batch, below=100, now=now, until=until))
    ids = [row.delivery_id for row in rows]
    await db.write(partial(leases.claim, owner=owner, ids=ids, now=now))
    return rows


async def _nothing() -> list[leases.Leased]:
    return []


def _bare_claim_and_record(path: Path) -> float:
    """The same statements, as the product sends them, straight on the driver: no threads, no SQLAlchemy, no values built."""
    with closing(_connection(path)) as conn:

        def work() -> None:
            now = micros(datetime.now(UTC))
            conn.execute("BEGIN IMMEDIATE")
            ids = [row[0] for row in conn.execute(LEASE, (now + 300_000_000, now, BATCH))]
            rows = conn.execute(READ, (json.dumps(ids),)).fetchall()
            conn.execute("COMMIT")
            conn.execute("BEGIN IMMEDIATE")
            listed = json.dumps([row[0] for row in rows])
            conn.execute("SELECT event_id FROM event WHERE status = 'sending' AND expires_at > ?", (str(now),)).fetchall()
            conn.execute(OPTED_OUT, (now, listed))
            claimed = conn.execute(CLAIM, (now, listed, now, "B0-1")).fetchall()
            conn.execute("COMMIT")
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(
                RECORD,
                [("handed", f"SM{one:032x}", None, now, None, False, 0, None, one, 1) for (one,) in claimed],
            )
            conn.execute("COMMIT")

        return _rate(work)


def _only_one_event(path: Path, event_id: str) -> None:
    """Leaves one event's rows to be claimed, as at a real send."""
    with closing(_connection(path)) as conn:
        conn.execute("DELETE FROM delivery WHERE event_id <> ?", (event_id,))
        conn.execute("UPDATE event SET status = CASE WHEN event_id = ? THEN 'sending' ELSE 'approved' END", (event_id,))


def _rate(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    for _ in range(WORK // BATCH):
        work()
    return WORK / (time.perf_counter() - begun)


if __name__ == "__main__":
    for figure in run():
        print(figure.line())
