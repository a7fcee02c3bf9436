"""The SQL of the desk: presses, read-ticks, walks through a script. Each function is one step of the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from notify.db import is_sqlite
from subscribers.store import table_of
from surge.desk.desk_tables import ReadTickRow, ScriptRunRow, TallyRow
from surge.desk.tally import Press
from surge.tables import AgentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """Presses counted: by reason, language and ZIP, the most frequent first."""

    total: int
    reasons: Sequence[tuple[str, int]]
    languages: Sequence[tuple[str, int]]
    areas: Sequence[tuple[str, int]]


def once(conn: Connection, row: type[Any]) -> Any:
    """An insert that leaves a row alone which is there already."""
    dialect = sqlite if is_sqlite(conn) else postgresql
    return dialect.insert(table_of(row)).on_conflict_do_nothing()


def press(conn: Connection, one: Press, person_id: str, activation_id: str | None) -> bool:
    """Counts a press; False for one that was counted before."""
    values = {"mark": one.mark, "at": one.at, "reason": one.reason.value, "language": one.language, "area": one.area}
    made = once(conn, TallyRow).values(**values, person_id=person_id, activation_id=activation_id)
    return bool(conn.execute(made).rowcount)


def pressed(conn: Connection, activation_id: str | None, since: datetime | None = None) -> Pressed:
    """What was pressed in one activation (None: outside of any), from `since` on."""
    here = col(TallyRow.activation_id)
    where = [here == activation_id if activation_id is not None else here.is_(None)]
    if since is not None:
        where.append(col(TallyRow.at) >= since)

    def counted(column: Any) -> list[tuple[str, int]]:
        query = select(column, func.count()).where(*where, column.is_not(None)).group_by(column)
        found = {str(name): int(count) for name, count in conn.execute(query)}
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))

    reasons = counted(col(TallyRow.reason))
    return Pressed(
        total=sum(count for _, count in reasons),
        reasons=reasons,
        languages=counted(col(TallyRow.language)),
        areas=counted(col(TallyRow.area)),
    )


def tick(conn: Connection, activation_id: str, version: int, person_id: str, now: datetime) -> None:
    """Somebody has read what changed with this version; a second tick changes nothing."""
    conn.execute(once(conn, ReadTickRow).values(activation_id=activation_id, version=version, person_id=person_id, at=now))


def has_read(conn: Connection, activation_id: str, version: int, person_id: str) -> bool:
    tick_ = ReadTickRow
    query = select(tick_.at).where(
        col(tick_.activation_id) == activation_id, col(tick_.version) == version, col(tick_.person_id) == person_id
    )
    return conn.execute(query).first() is not None


def unread_by(conn: Connection, activation_id: str, version: int, now: datetime) -> list[str]:
    """Who answers and has not read what changed."""
    read = select(col(ReadTickRow.person_id)).where(
        col(ReadTickRow.activation_id) == activation_id, col(ReadTickRow.version) == version
    )
    query = select(col(AgentRow.person_id), col(AgentRow.until)).where(col(AgentRow.person_id).not_in(read))
    return sorted(person for person, until in conn.execute(query) if until is None or now < until)


def keep_run(conn: Connection, run: ScriptRunRow) -> bool:
    """Keeps a walk through a script; False for one that was kept before."""
    return bool(conn.execute(once(conn, ScriptRunRow).values(**run.model_dump())).rowcount)


def reached(conn: Connection, activation_id: str) -> Mapping[str, int]:
    """How often each disposition ended a walk."""
    query = (
        select(col(ScriptRunRow.disposition), func.count())
        .where(col(ScriptRunRow.activation_id) == activation_id)
        .group_by(col(ScriptRunRow.disposition))
    )
    return {str(disposition): int(count) for disposition, count in conn.execute(query)}


def add(conn: Connection, row: Any) -> None:
    conn.execute(insert(table_of(type(row))).values(**row.model_dump()))
