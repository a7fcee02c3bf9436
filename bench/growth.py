"""P5, flat: what a claim and the looks of every second cost while the ledger grows, on PostgreSQL; and the plan of the lease.

`python -m bench.growth [MILLIONS ...]`: 0.1 and 1 unless named. The ledger holds years of alerts that are over, and one that
leaves. The server keeps everything in memory and waits for no disk, so that what is measured is the work and not the mood of a
shared disk; blocks touched say the same without any clock. A need for an archive or for partitions would show as a curve that
rises.
"""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, text

from bench.figures import Figure
from channels.base import Handed, Receipt
from notify import schema
from notify.clock import micros
from notify.db import Database, engine_for
from notify.sending import leases, ledger, reconcile
from notify.sending.leases import _chosen
from notify.tables import EventRow
from tests.nemesis.cluster import Cluster, cluster
from tests.notify.ledger_factory import add_event, an_event_row

MILLIONS: Final = (0.1, 1.0)
LEAVING: Final = 60_000  # planned rows of the alert that leaves
BATCH: Final = 250  # as many as a sender claims at once
ROUNDS: Final = 40
OLD_EVENTS: Final = 20
ADDRESSES: Final = 100_000


def run(millions: tuple[float, ...] = MILLIONS) -> list[Figure]:
    with cluster() as server:
        return [figure for each in millions for figure in _at(server, each)]


def _at(server: Cluster, millions: float) -> list[Figure]:
    name = f"grown_{int(millions * 10)}"
    server.create(name)
    engine = engine_for(server.url_of(name))
    schema.migrate(engine)
    engine.dispose()
    with closing(Database(server.url_of(name))) as db:
        now = datetime.now(UTC)
        event = db.write_now(partial(_fill, rows=int(millions * 1e6), now=now))
        with db.writer.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        print(f"{millions:g} million rows: {_plan(db)}", flush=True)
        looks: dict[str, Callable[[Connection], Any]] = {
            "look for dead senders": lambda conn: leases.release_expired(conn, now=now),
            "look for rows in doubt": lambda conn: reconcile.in_doubt(conn, "sms", now),
            "look whether an alert has left": lambda conn: ledger.waiting(conn, event, reconcile.LEFT_TO_STAFF),
        }
        note = f"{BATCH} rows"
        work = [_timed(partial(_claim_and_record, db)) for _ in range(ROUNDS)]
        print(f"{millions:g} million rows, {ROUNDS * BATCH:,} of them sent since: {_plan(db)}", flush=True)
        figures = [Figure(name=f"P5 lease, claim and outcome, ledger of {millions:g} million", unit="ms", ours=work, note=note)]
        for name, look in looks.items():
            took = [_timed(partial(db.write_now, look)) for _ in range(ROUNDS)]
            figures.append(Figure(name=f"P5 {name}, ledger of {millions:g} million", unit="ms", ours=took))
        return figures


def _fill(conn: Connection, rows: int, now: datetime) -> EventRow:
    """Old rows of events that are over, people, and one event that leaves; later rows last, as in years of use."""
    conn.execute(text("INSERT INTO subscriber (subscriber_id, created_at, source) VALUES (1, now(), 'bench')"))
    conn.execute(
        text("""
        INSERT INTO address (address_id, subscriber_id, channel, sealed, key_id, blind, language, basis)
        SELECT n, 1, 'sms', decode(repeat('00', 40), 'hex'), 'k1', decode(lpad(to_hex(n), 32, '0'), 'hex'), 'en', 'opt-in'
        FROM generate_series(1, :people) n"""),
        {"people": ADDRESSES},
    )
    for number in range(OLD_EVENTS):
        name = f"OLD{number}-1"
        row = an_event_row(now, event_id=name, alert_id=name, incident_id=f"OLD{number}", identifier=name, status="active")
        row.done_at = row.ended_at = now
        row.expires_at = now - timedelta(days=1)
        add_event(conn, row, now)
    event = add_event(conn, an_event_row(now), now)
    columns = "event_id, address_id, channel, language, wording, priority, state, planned_at, handed_at, provider_id"
    made = f"INSERT INTO delivery (fence, attempts, ambiguous, {columns})"
    conn.execute(
        text(f"""{made}
        SELECT 1, 1, false, 'OLD' || (n % :events) || '-1', n / :events + 1, 'sms', 'en', 'first', 3,
               CASE WHEN n % 50 = 0 THEN 'undelivered' ELSE 'delivered' END, :at, :at, 'SM' || md5(n::text)
        FROM generate_series(1, :rows) n"""),
        {"events": OLD_EVENTS, "rows": rows, "at": micros(now)},
    )
    conn.execute(
        text(f"""{made}
        SELECT 0, 0, false, :event, n, 'sms', 'en', 'first', 3, 'planned', :at, NULL, NULL FROM generate_series(1, :rows) n"""),
        {"event": event.event_id, "rows": LEAVING, "at": micros(now)},
    )
    return event


def _claim_and_record(db: Database) -> None:
    """As a sender does: three transactions, each on disk."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=8)
    taken = db.write_now(lambda conn: leases.lease(conn, "bench", "sms", limit=BATCH, below=100, now=now, until=until))
    claimed = db.write_now(lambda conn: leases.claim(conn, "bench", [one.delivery_id for one in taken], now=now))
    results = [(one, Receipt(one.delivery_id, Handed(f"SM{one.delivery_id}"))) for one in taken]
    recorded = db.write_now(lambda conn: ledger.record(conn, results, now=now))
    if not len(taken) == len(claimed) == recorded == BATCH:
        raise RuntimeError(f"{len(taken)} leased, {len(claimed)} claimed, {recorded} recorded")


def _plan(db: Database) -> str:
    """How PostgreSQL finds the next rows, and how many blocks it touches, in one line."""
    with db.reader.begin() as conn:
        chosen = _chosen(conn, "delivery_id", 1).replace("FOR UPDATE SKIP LOCKED", "")
        query = text(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {chosen}")
        bound = {"channel": "sms", "below": 100, "now": micros(datetime.now(UTC)), "limit": BATCH, "e0": "K7Q2-1"}
        lines = [line.strip(" ->") for line in conn.scalars(query, bound)]
    (size,) = db.read_now(lambda conn: conn.execute(text("SELECT pg_size_pretty(pg_total_relation_size('delivery'))")).one())
    scan, blocks = (next(line for line in lines if word in line) for word in ("Scan", "Buffers"))
    return f"{scan}; {blocks} of 8 kB; table and indexes {size}"


def _timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    for million in tuple(map(float, sys.argv[1:])) or MILLIONS:
        for figure in run((million,)):
            print(figure.line(), flush=True)
