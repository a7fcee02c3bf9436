"""P5, flat: what a claim and the looks of every second cost while the ledger grows, on PostgreSQL and on SQLite; and the plans.

`python -m bench.growth [MILLIONS ...]`: 0.1 and 1 unless named. The ledger holds years of alerts that are over, and one that
leaves. Both databases lie in memory and wait for no disk, so that what is measured is the work and not the mood of a shared
disk; blocks touched say the same without any clock. A need for an archive or for partitions would show as a curve that rises.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, text

from bench.figures import Figure
from channels.base import Handed, Receipt
from notify import schema
from notify.clock import micros
from notify.db import Database, engine_for, is_sqlite
from notify.sending import leases, ledger, reconcile
from notify.sending.deliveries import State
from notify.tables import EventRow
from subscribers.tables import Subscriber
from tests.nemesis.cluster import cluster
from tests.notify.ledger_factory import add_event, an_event_row
from tests.notify.sending.test_query_plans import heard, plan

MILLIONS: Final = (0.1, 1.0)
LEAVING: Final = 60_000  # planned rows of the alert that leaves
BATCH: Final = 250  # as many as a sender claims at once
ROUNDS: Final = 40
OLD_EVENTS: Final = 20
MEMORY: Final = "/dev/shm"
SCANS: Final = ("Scan", "SCAN", "SEARCH", "Buffers")
NUMBERS: Final = "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :rows)"
COLUMNS: Final = "event_id, address_id, channel, language, wording, priority, state, planned_at, handed_at, provider_id"
OLD: Final = f"""
    INSERT INTO delivery (fence, attempts, ambiguous, {COLUMNS}) {NUMBERS}
    SELECT 1, 1, false, 'OLD' || ((n - 1) / :each) || '-1', n, 'sms', 'en', 'first', 3,
           CASE WHEN n % 50 = 0 THEN 'undelivered' ELSE 'delivered' END, :at, :at, 'SM' || n FROM counted"""
NEW: Final = f"""
    INSERT INTO delivery (fence, attempts, ambiguous, {COLUMNS}) {NUMBERS}
    SELECT 0, 0, false, :event, n, 'sms', 'en', 'first', 3, 'planned', :at, NULL, NULL FROM counted"""

PEOPLE: Final = f"""
    INSERT INTO address (address_id, subscriber_id, channel, sealed, key_id, blind, language, basis) {NUMBERS}
    SELECT n, 1, 'sms', :sealed, 'k1', {{blind}}, 'en', 'opt-in' FROM counted"""

Curves = dict[str, dict[float, list[float]]]  # what was timed -> millions of rows -> milliseconds


def run(millions: Sequence[float] = MILLIONS) -> list[Figure]:
    curves: Curves = {}
    for each in millions:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            _measure(f"sqlite:///{Path(folder) / 'ledger.db'}", "SQLite", each, curves)
        with cluster() as server:
            server.create("grown")
            _measure(server.url_of("grown"), "PostgreSQL", each, curves)
    return [_figure(name, each, curve) for name, curve in curves.items() for each in curve]


def _figure(name: str, millions: float, curve: dict[float, list[float]]) -> Figure:
    """Beside the smallest ledger of this run."""
    least = min(curve)
    peer = {"peer": curve[least], "peer_name": f"of {least:g} million"} if millions != least else {}
    return Figure(name=f"P5 {name}, ledger of {millions:g} million", unit="ms", ours=curve[millions], **peer)  # type: ignore[arg-type]


def _measure(url: str, engine_name: str, millions: float, curves: Curves) -> None:
    engine = engine_for(url)
    schema.migrate(engine)
    engine.dispose()
    with closing(Database(url)) as db:
        now = datetime.now(UTC)
        event = db.write_now(partial(_fill, rows=int(millions * 1e6), now=now))
        _tidied(db)
        print(f"{engine_name}, {millions:g} million rows, {_size(db)}", flush=True)
        looks: dict[str, Callable[[Connection], Any]] = {
            "look for dead senders": lambda conn: leases.release_expired(conn, now=now),
            "look for rows in doubt": lambda conn: reconcile.in_doubt(conn, "sms", now),
            "look whether an alert has left": lambda conn: ledger.waiting(conn, event, reconcile.LEFT_TO_STAFF),
            "stop, 250 rows of it": lambda conn: _stopped(conn, event, now),
        }
        found: dict[str, list[float]] = {}
        _explain(db, "lease", _lease)
        found["lease, claim and outcome of 250 rows"] = [_timed(partial(_claim_and_record, db)) for _ in range(ROUNDS)]
        _explain(db, f"lease, {ROUNDS * BATCH:,} sent since", _lease)
        for name, look in looks.items():
            _explain(db, name, look)
            found[name] = [_timed(partial(_tried, db, look)) for _ in range(ROUNDS)]
        for name, times in found.items():
            curves.setdefault(f"{engine_name}: {name}", {})[millions] = times
            print(f"  {name}: median {statistics.median(times):.2f} ms, least {min(times):.2f} ms", flush=True)


def _tidied(db: Database) -> None:
    if not db.sqlite:
        with db.writer.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _fill(conn: Connection, rows: int, now: datetime) -> EventRow:
    """Old rows of events that are over, one after another as in years of use; people; and one event that leaves."""
    people(conn, LEAVING, now)
    for number in range(OLD_EVENTS):
        name = f"OLD{number}-1"
        row = an_event_row(now, event_id=name, alert_id=name, incident_id=f"OLD{number}", identifier=name, status="active")
        row.done_at = row.ended_at = now
        row.expires_at = now - timedelta(days=1)
        add_event(conn, row, now)
    conn.execute(text(OLD), {"each": rows // OLD_EVENTS, "rows": rows, "at": micros(now)})
    return leaving(conn, LEAVING, now)


def people(conn: Connection, count: int, now: datetime) -> None:
    """So many addresses, of one person."""
    conn.execute(insert(Subscriber), [{"subscriber_id": 1, "created_at": now, "source": "bench"}])
    blind = "CAST(printf('%032x', n) AS BLOB)" if is_sqlite(conn) else "decode(lpad(to_hex(n), 32, '0'), 'hex')"
    conn.execute(text(PEOPLE.format(blind=blind)), {"rows": count, "sealed": bytes(40)})


def leaving(conn: Connection, rows: int, now: datetime) -> EventRow:
    """An event with so many planned rows, to the first of these addresses."""
    event = add_event(conn, an_event_row(now), now)
    conn.execute(text(NEW), {"event": event.event_id, "rows": rows, "at": micros(now)})
    return event


def _lease(conn: Connection) -> Sequence[leases.Leased]:
    now = datetime.now(UTC)
    return leases.lease(conn, "bench", "sms", limit=BATCH, below=100, now=now, until=now + timedelta(seconds=8))


def _claim_and_record(db: Database) -> None:
    """As a sender does: three transactions, each on disk."""
    now = datetime.now(UTC)
    taken = db.write_now(_lease)
    claimed = db.write_now(lambda conn: leases.claim(conn, "bench", [one.delivery_id for one in taken], now=now))
    results = [(one, Receipt(one.delivery_id, Handed(f"SM{one.delivery_id}"))) for one in taken]
    recorded = db.write_now(lambda conn: ledger.record(conn, results, now=now))
    if not len(taken) == len(claimed) == recorded == BATCH:
        raise RuntimeError(f"{len(taken)} leased, {len(claimed)} claimed, {recorded} recorded")


class _Undone(Exception):
    """Nothing of what was explained stays."""


def _stopped(conn: Connection, event: EventRow, now: datetime) -> int:
    return ledger.end_waiting(conn, event, State.WITHDRAWN, code="", limit=BATCH, now=now)


def _tried(db: Database, work: Callable[[Connection], Any]) -> None:
    def undone(conn: Connection) -> None:
        work(conn)
        raise _Undone

    with contextlib.suppress(_Undone):
        db.write_now(undone)


def _explain(db: Database, name: str, work: Callable[[Connection], Any]) -> None:
    """Prints how the database finds the rows of each of the work's statements, and on PostgreSQL how many blocks it touches."""

    def look(conn: Connection) -> None:
        with heard(conn) as statements:
            work(conn)
        seen = list(statements)
        raise _Undone(seen)

    try:
        db.write_now(look)
    except _Undone as undone:
        seen = undone.args[0]
    for statement, parameters in seen:
        _print_plan(db, name, statement, parameters)


def _print_plan(db: Database, name: str, statement: str, parameters: Any) -> None:
    def show(conn: Connection) -> None:
        if is_sqlite(conn):
            found = plan(conn, statement, parameters)
        else:
            how = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) "
            found = "\n".join(str(row[0]) for row in conn.exec_driver_sql(how + statement, parameters))
        lines = [line.strip(" ->") for line in found.split("\n") if any(word in line for word in SCANS)]
        raise _Undone(" / ".join(lines))

    try:
        db.write_now(show)
    except _Undone as undone:
        print(f"  {name}: {undone}", flush=True)


def _size(db: Database) -> str:
    if db.sqlite:
        pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return f"{db.read_now(lambda conn: conn.execute(text(pages)).scalar_one()) / 1e6:,.0f} MB"
    return str(db.read_now(lambda conn: conn.scalar(text("SELECT pg_size_pretty(pg_total_relation_size('delivery'))"))))


def _timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    for figure in run(tuple(map(float, sys.argv[1:])) or MILLIONS):
        print(figure.line(), flush=True)
