"""What the ledger's statements share: one text for any number of ids, rows locked in one order, many rows at once."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, text

from notify.db import is_sqlite

OPEN: Final = "state IN ('claimed', 'unknown')"  # word for word as in ix_delivery_open, or SQLite does not use it
PART: Final = 100_000  # so many rows of an event are grouped at a time
DENSE: Final = 4  # an event's rows are read in the order they were written where at least every fourth between them is its own


def among(conn: Connection) -> str:
    """SQL for "is in the list bound as :ids", the same text whatever the list's length."""
    return "IN (SELECT value FROM json_each(:ids))" if is_sqlite(conn) else "= ANY(CAST(:ids AS bigint[]))"


def listed(conn: Connection, ids: Iterable[int]) -> Any:
    """The value to bind for `among`."""
    values = list(ids)
    return json.dumps(values) if is_sqlite(conn) else values


def one_of(conn: Connection, choice: str) -> str:
    """SQL for "is one of those that this query chooses". On PostgreSQL as an array: a plan that chose again for every row would
    lock, and take, more than the query's LIMIT."""
    return f"IN ({choice})" if is_sqlite(conn) else f"= ANY(ARRAY({choice}))"


def held_still(conn: Connection, where: str, *, skip_locked: bool = False) -> str:
    """SQL for "is one of these rows". PostgreSQL locks them first, in the order of their ids: two transactions that want the
    same rows then wait for each other instead of ending each other as a deadlock. skip_locked: rows that another transaction
    holds are left to the next time."""
    if is_sqlite(conn):
        return where
    lock = "FOR UPDATE SKIP LOCKED" if skip_locked else "FOR UPDATE"
    return f"delivery_id = ANY(ARRAY(SELECT delivery_id FROM delivery WHERE {where} ORDER BY delivery_id {lock}))"


@lru_cache(maxsize=256)
def _for_psycopg(statement: str) -> str:
    return re.sub(r"(?<![:\w]):([a-z]\w*)", r"%(\1)s", statement.replace("%", "%%"))


def driven(conn: Connection, statement: str, bound: Mapping[str, Any]) -> CursorResult[Any]:
    """A statement with :names straight on the driver, for the few that run for every group of messages: what SQLAlchemy does
    to understand one takes longer than SQLite takes to do it."""
    return conn.exec_driver_sql(statement if is_sqlite(conn) else _for_psycopg(statement), dict(bound))


def of_event(conn: Connection) -> str:
    """SQL for "of the event bound as :event_id", where rows are found by ix_delivery_claim and not by their event. Of a CASE
    PostgreSQL guesses that half the rows fit, and takes the first ones of the index; else it guesses that hardly any does."""
    return "event_id || '' = :event_id" if is_sqlite(conn) else "CASE WHEN event_id = :event_id THEN TRUE ELSE FALSE END"


def first_planned(conn: Connection, columns: str, more: str = "TRUE") -> str:
    """SQL for the first planned rows of the event :event_id in :channel with :priority, in the order of ix_delivery_claim.

    A range and not `=`, and the priority in the order, too: else the order would be that of the ids alone, and PostgreSQL would
    look for planned rows from the beginning of the table, through every message of all the years (docs/benchmarks.md).
    """
    return f"""
        SELECT {columns} FROM delivery
        WHERE state = 'planned' AND channel = :channel AND priority BETWEEN :priority AND :priority
          AND {of_event(conn)} AND {more} ORDER BY priority, delivery_id LIMIT :limit"""


def rows_of(conn: Connection, event_id: str) -> str:
    """SQL for "is one of the rows of :event_id", to read all of them. They were written one after another, and SQLite reads a
    million like that in a third of the time it takes to look each of them up by way of the index."""
    return _between(*span) if (span := _dense(conn, event_id)) else "event_id = :event_id"


def parts_of(conn: Connection, event_id: str) -> list[str]:
    """The same for one part of them after the other, to be grouped: SQLite keeps in memory what it sorts, 40 MB of a million.
    On SQLite, to be read in one transaction."""
    if (span := _dense(conn, event_id)) is None:
        return ["event_id = :event_id"]
    first, last = span
    return [_between(start, min(start + PART - 1, last)) for start in range(first, last + 1, PART)]


def _dense(conn: Connection, event_id: str) -> tuple[int, int] | None:
    """The first and last id of the rows of an event, where they stand close together and SQLite is asked."""
    if not is_sqlite(conn):
        return None
    span = text("SELECT COUNT(*), MIN(delivery_id), MAX(delivery_id) FROM delivery WHERE event_id = :event_id")
    count, first, last = conn.execute(span, {"event_id": event_id}).one()
    return (first, last) if count and last - first < DENSE * count else None


def _between(first: int, last: int) -> str:
    return f"delivery_id BETWEEN {first} AND {last} AND event_id || '' = :event_id"


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement about many rows, each with values of its own: {name} in its text stands for one of them.

    columns: "name type, name type": a row's values in their order, each with PostgreSQL's type. SQLite runs the statement once
    for each row, straight on the driver, for SQLAlchemy's own way adds more per row than SQLite takes. PostgreSQL gets all of
    them as arrays, one for each column, in one statement.
    """

    columns: str

    @property
    def names(self) -> list[str]:
        return [column.split()[0] for column in self.columns.split(",")]

    def insert(self, conn: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Adds rows, in this order. Returns how many."""
        if not rows:
            return 0
        into = f"INSERT INTO {table} ({', '.join(self.names)})"
        if is_sqlite(conn):
            return _run(conn, f"{into} VALUES ({', '.join('?' * len(self.names))})", list(rows))
        return _run(conn, f"{into} SELECT * FROM {self._given()}", _arrays(rows))

    def update(self, conn: Connection, to: str, rows: Sequence[tuple[Any, ...]], *, only: str = "TRUE") -> int:
        """Changes the rows of the ledger that {delivery_id} names, those of them that `only` holds of. Returns how many.
        Columns of the ledger are written as delivery.code. No delivery_id stands in two rows."""
        if not rows:
            return 0
        if is_sqlite(conn):
            numbered = {name: f"?{number}" for number, name in enumerate(self.names, 1)}
            where = f"WHERE delivery_id = {{delivery_id}} AND {only}"
            return _run(conn, f"UPDATE delivery SET {to} {where}".format(**numbered), list(rows))
        given, at = {name: f"given.{name}" for name in self.names}, self.names.index("delivery_id")
        statement = f"""
            UPDATE delivery SET {to.format(**given)} FROM {self._given()}
            WHERE delivery.delivery_id = given.delivery_id AND {only.format(**given)}
              AND delivery.{held_still(conn, "delivery_id = ANY(%s::bigint[])")}"""
        return _run(conn, statement, (*_arrays(rows), [row[at] for row in rows]))

    def _given(self) -> str:
        arrays = ", ".join(f"%s::{column.split()[1]}[]" for column in self.columns.split(","))
        return f"unnest({arrays}) AS given({', '.join(self.names)})"


def _arrays(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(values) for values in zip(*rows, strict=True))


def _run(conn: Connection, statement: str, bound: Any) -> int:
    return conn.exec_driver_sql(statement, bound).rowcount
