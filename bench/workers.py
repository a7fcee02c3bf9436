"""P5 on PostgreSQL: two workers that lease, claim and record, beside two that do it bare on psycopg, in the same table.

The peer is what a queue on PostgreSQL is usually written as: SKIP LOCKED to lease, one UPDATE to claim, and outcomes as arrays
through UNNEST; each of the three on disk before the next, as in the ledger, but with none of its guards (stopped alerts, people
who opted out meanwhile, fences of a lease that was lost). The server syncs to disk.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Final

import psycopg
from sqlalchemy import text

from bench import growth
from bench.figures import Figure
from bench.ledger import groups
from notify import schema
from notify.clock import micros
from notify.db import Database, engine_for
from tests.nemesis.cluster import cluster

WORKERS: Final = 2
GROUPS: Final = 100  # of each worker, in each run
BATCH: Final = 250  # as many as a sender claims at once
RUNS: Final = 3
ROWS: Final = 2 * RUNS * WORKERS * GROUPS * BATCH
SPAWN: Final = multiprocessing.get_context("spawn")

LEASE: Final = """
    UPDATE delivery SET lease_owner = %(owner)s, lease_until = %(until)s, fence = fence + 1 WHERE delivery_id = ANY(ARRAY(
        SELECT delivery_id FROM delivery WHERE state = 'planned' AND channel = 'sms' AND priority < 100
        AND (lease_until IS NULL OR lease_until <= %(now)s)
        ORDER BY priority, delivery_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING delivery_id"""
READ: Final = """
    SELECT d.delivery_id, d.fence, d.event_id, d.language, d.wording, d.attempts, d.address_id, a.sealed, a.key_id
    FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
    WHERE d.delivery_id = ANY(%s) ORDER BY d.priority, d.delivery_id"""
CLAIM: Final = """
    UPDATE delivery SET state = 'claimed', claimed_at = %s, attempts = attempts + 1
    WHERE delivery_id = ANY(%s) AND state = 'planned' AND lease_owner = %s RETURNING delivery_id"""
RECORD: Final = """
    UPDATE delivery SET state = 'handed', provider_id = given.provider_id, handed_at = given.at, lease_owner = NULL
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS given(delivery_id, provider_id, at)
    WHERE delivery.delivery_id = given.delivery_id AND state = 'claimed'"""

Work = Callable[[str, str, Barrier], None]


def run() -> list[Figure]:
    ours, peer = [], []
    with cluster(durable=True) as server:
        server.create("queue")
        url = server.url_of("queue")
        _fill(url)
        for _ in range(RUNS):  # both eat from the same heap
            ours.append(_rate(_claim_and_record, url))
            peer.append(_rate(_bare, url.replace("+psycopg", "")))
        left = _handed(url)
    if left != ROWS:
        raise RuntimeError(f"{left} of {ROWS} were handed over: somebody's was lost, or taken twice")
    return [
        Figure(
            name=f"P5 claim + outcome, PostgreSQL, {WORKERS} workers",
            unit="rows/s",
            ours=ours,
            peer=peer,
            peer_name="a bare SKIP LOCKED + UNNEST loop",
            target_ratio=0.7,
        )
    ]


def _fill(url: str) -> None:
    """So many people, and one alert to all of them that leaves."""
    engine = engine_for(url)
    schema.migrate(engine)
    now = datetime.now(UTC)
    with engine.begin() as conn:
        growth.people(conn, ROWS, now)
        growth.leaving(conn, ROWS, now)
    with engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _handed(url: str) -> int:
    with closing(Database(url)) as db:
        count = text("SELECT COUNT(*) FROM delivery WHERE state = 'handed' AND attempts = 1 AND fence = 1")
        return int(db.read_now(lambda conn: conn.scalar(count)) or 0)


def _rate(work: Work, url: str) -> float:
    """Rows a second of all workers together, from the moment all of them are ready."""
    ready = SPAWN.Barrier(WORKERS + 1)
    workers = [SPAWN.Process(target=work, args=(url, f"worker {number}", ready)) for number in range(WORKERS)]
    for one in workers:
        one.start()
    ready.wait()
    begun = time.perf_counter()
    for one in workers:
        one.join()
    if any(one.exitcode for one in workers):
        raise RuntimeError("a worker broke off")
    return WORKERS * GROUPS * BATCH / (time.perf_counter() - begun)


def _claim_and_record(url: str, owner: str, ready: Barrier) -> None:
    """The product's own calls, as a sender makes them."""
    with closing(Database(url)) as db:
        db.read_now(lambda conn: conn.scalar(text("SELECT 1")))
        db.write_now(lambda conn: conn.scalar(text("SELECT 1")))
        ready.wait()
        asyncio.run(groups(db, owner, GROUPS, BATCH))


def _bare(url: str, owner: str, ready: Barrier) -> None:
    """The same work straight on the driver, which prepares each statement: no threads, no SQLAlchemy, no values built."""
    with psycopg.connect(url) as conn:
        ready.wait()
        for _ in range(GROUPS):
            now = micros(datetime.now(UTC))
            bound = {"owner": owner, "until": now + 300_000_000, "now": now, "limit": BATCH}
            ids = [row[0] for row in conn.execute(LEASE, bound)]
            conn.execute(READ, (ids,)).fetchall()
            conn.commit()
            claimed = [row[0] for row in conn.execute(CLAIM, (now, ids, owner))]
            conn.commit()
            conn.execute(RECORD, (claimed, [f"SM{one:032x}" for one in claimed], [now] * len(claimed)))
            conn.commit()


if __name__ == "__main__":
    for figure in run():
        print(figure.line())
