"""What is asked every few seconds must not read the whole ledger, which keeps every message for ever."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from notify import metrics
from notify.db import Database, is_sqlite
from notify.sending import leases, ledger, night, opting_out, planning, punctuality, reconcile
from notify.sending.affinity import Others
from notify.sending.deliveries import State
from tests.notify.ledger_factory import add_event, an_event_row

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENT = an_event_row(NOW)

BESIDE = Others(numbers=("b", "c"))
HELPING = replace(BESIDE, help_since=NOW)
LEASED: dict[str, Any] = {"limit": 5, "below": 100, "now": NOW, "until": NOW + timedelta(minutes=1)}
ASKED: dict[str, Callable[[Connection], Any]] = {
    "leases that ended": lambda conn: leases.release_expired(conn, now=NOW),
    "all leases end": lambda conn: leases.end_leases(conn, now=NOW),
    "lease": lambda conn: leases.lease(conn, "a", "sms", **LEASED),
    "lease beside other numbers": lambda conn: leases.lease(conn, "a", "sms", others=BESIDE, **LEASED),
    "lease to help other numbers": lambda conn: leases.lease(conn, "a", "sms", others=HELPING, **LEASED),
    "claim": lambda conn: leases.claim(conn, "a", range(OLD, OLD + 200), now=NOW),
    "in doubt": lambda conn: reconcile.in_doubt(conn, "sms", NOW),
    "anything still to leave": lambda conn: ledger.waiting(conn, EVENT, "left to staff"),
    "withdrawn": lambda conn: ledger.end_waiting(conn, EVENT, State.WITHDRAWN, code="", limit=5, now=NOW),
    "somebody stops": lambda conn: opting_out.withdraw(conn, [1], now=NOW),
    "let go in the morning": lambda conn: night.let_go(conn, EVENT),
    "calls under way": lambda conn: conn.execute(text(planning._OPEN), {"event_id": EVENT.event_id}).all(),
    "late reports": lambda conn: punctuality.lots(conn, ["twilio", "harbor"], NOW),
    "waiting, for the metrics": lambda conn: conn.execute(metrics._QUEUE).all(),
    "under way, for the metrics": lambda conn: conn.execute(metrics._OPEN).all(),
}


@contextmanager
def heard(conn: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements about deliveries that run meanwhile, as the driver gets them."""
    found: list[tuple[str, Any]] = []

    def hear(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if "delivery" in statement and not executemany:
            found.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(conn, "before_cursor_execute", hear)


def plan(conn: Connection, statement: str, parameters: Any) -> str:
    how = "EXPLAIN QUERY PLAN " if is_sqlite(conn) else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in conn.exec_driver_sql(how + statement, parameters))


def reads_everything(conn: Connection, found: str) -> bool:
    if is_sqlite(conn):
        scans = [line.split() for line in found.split("\n") if line.startswith("SCAN")]
        return any(words[1] in {"delivery", "d"} and "INDEX" not in words for words in scans)
    return "Seq Scan on delivery" in found


@pytest.mark.parametrize("name", ASKED)
def test_it_reads_no_more_than_its_index(db: Database, name: str) -> None:
    def work(conn: Connection) -> list[str]:
        add_event(conn, EVENT, NOW)
        if not is_sqlite(conn):
            conn.execute(text("SET LOCAL enable_seqscan = off"))  # an empty table is read whole by anybody
        with heard(conn) as statements:
            ASKED[name](conn)
        assert statements
        plans = [plan(conn, statement, parameters) for statement, parameters in statements]
        return [found for found in plans if reads_everything(conn, found)]

    assert db.write_now(work) == []


OLD, WAITING, FEW = 20_000, 2_000, 4_500  # messages of the years before; of the alert that leaves; as many as any look may read


def years_of_use(conn: Connection) -> None:
    """A ledger whose first rows are all of alerts that are over, and whose last ones wait, as it is in an emergency."""
    add_event(conn, EVENT, NOW)
    numbers = "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :rows)"
    columns = "event_id, address_id, channel, language, wording, priority, state, fence, attempts, ambiguous, planned_at"
    made = f"INSERT INTO delivery ({columns})"
    row = "SELECT :event, n, 'sms', 'en', 'first', 3, :state, 0, 0, false, 0 FROM counted"
    conn.execute(text(f"{made} {numbers} {row}"), {"event": "OLD-1", "state": "delivered", "rows": OLD})
    conn.execute(text(f"{made} {numbers} {row}"), {"event": EVENT.event_id, "state": "planned", "rows": WAITING})
    conn.execute(text("UPDATE delivery SET lease_owner = 'a', lease_until = 0 WHERE state = 'planned'"))  # until long ago
    conn.execute(text("INSERT INTO subscriber (subscriber_id, created_at, source) VALUES (1, '2014-05-23 19:00:00', 'test')"))
    people = "address_id, subscriber_id, channel, sealed, key_id, blind, language, basis"
    addresses = "SELECT n, 1, 'sms', CAST(:none AS {}), 'k', CAST(n || '' AS {}), 'en', 'opt-in' FROM counted"
    kind = "BLOB" if is_sqlite(conn) else "bytea"
    conn.execute(text(f"INSERT INTO address ({people}) {numbers} {addresses.format(kind, kind)}"), {"none": b"", "rows": OLD})
    for table in ("delivery", "address"):
        conn.execute(text(f"ANALYZE {table}"))


def rows_read(conn: Connection, statement: str, parameters: Any) -> int:
    """How many rows it looks at, by what PostgreSQL counts; SQLite does not count, and its plan must name an index. An index
    read for a bitmap still names rows of earlier tests, and a subquery hands on what was read already."""
    if is_sqlite(conn):
        return OLD if reads_everything(conn, plan(conn, statement, parameters)) else 0
    found = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {statement}", parameters).scalars()
    lines = "\n".join(found)
    return sum(
        int(count)
        for count in re.findall(r"(?:(?<!Bitmap Index )(?<!Subquery )Scan .*actual rows=|Removed by Filter: )(\d+)", lines)
    )


@pytest.mark.parametrize("name", sorted(ASKED.keys() - {"all leases end"}))  # that one is for a service alone on SQLite
def test_it_does_not_look_through_the_messages_of_all_the_years(db: Database, name: str) -> None:
    """An order by ids alone once made PostgreSQL look for planned rows from the beginning of the table, at every stop."""

    def work(conn: Connection) -> list[int]:
        years_of_use(conn)
        with heard(conn) as statements, conn.begin_nested() as tried:
            ASKED[name](conn)
            tried.rollback()
        return [rows_read(conn, *one) for one in statements if "delivery" in one[0]]

    assert [rows for rows in db.write_now(work) if rows > FEW] == []


def test_a_statement_that_reads_everything_is_found(db: Database) -> None:
    def work(conn: Connection) -> bool:
        return reads_everything(conn, plan(conn, "SELECT event_id FROM delivery WHERE attempts = 7", {}))

    assert db.write_now(work)
