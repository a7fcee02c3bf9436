"""What others have counted, kept and found again: minutes of 911, intervals of a call centre, grades of answers. Taking the
same twice changes nothing; taking another figure for the same time replaces it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import SQLModel, col, select

from surge.numbers.forecast import LOOKED_BACK, WEEK, Span
from surge.numbers.number_files import CentreLine, CentreMinute, Interval
from surge.numbers.number_tables import CentreMinuteRow, GradeRow, IntervalRow
from surge.numbers.outcomes import Graded

BATCH: Final = 5_000
SIMULATED: Final = "simulated"  # the source of minutes that nobody counted: the demo's
SHIFT: Final = timedelta(hours=2)  # how far a change of the clocks can move a minute of the week
Key = tuple[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """new: not known before. changed: another figure was known. same: known already."""

    new: int
    changed: int
    same: int


def take_minutes(conn: Connection, rows: Sequence[CentreMinute], source: str, now: datetime) -> Totals:
    """source: SHA-256 of the file, or SIMULATED."""
    if not rows:
        return Totals(new=0, changed=0, same=0)
    first, last = min(one.minute for one in rows), max(one.minute for one in rows)
    query = select(CentreMinuteRow).where(col(CentreMinuteRow.minute) >= first, col(CentreMinuteRow.minute) <= last)
    known: dict[Key, Any] = {(row.line, row.minute): row._mapping for row in conn.execute(query)}
    given: dict[Key, dict[str, Any]] = {(one.line.value, one.minute): asdict(one) | {"line": one.line.value} for one in rows}
    return _take(conn, CentreMinuteRow, known, given, {"source": source, "imported_at": now})


def take_intervals(conn: Connection, rows: Sequence[Interval], source: str, who: str, now: datetime) -> Totals:
    """source: SHA-256 of the file, "api" or "typed"."""
    if not rows:
        return Totals(new=0, changed=0, same=0)
    first, last = min(one.begins_at for one in rows), max(one.begins_at for one in rows)
    query = select(IntervalRow).where(col(IntervalRow.begins_at) >= first, col(IntervalRow.begins_at) <= last)
    known: dict[Key, Any] = {(row.queue, row.begins_at): row._mapping for row in conn.execute(query)}
    given: dict[Key, dict[str, Any]] = {(one.queue, one.begins_at): asdict(one) for one in rows}
    return _take(conn, IntervalRow, known, given, {"source": source, "entered_by": who, "entered_at": now})


def _take(
    conn: Connection,
    table: type[SQLModel],
    known: Mapping[Key, Any],
    given: Mapping[Key, dict[str, Any]],
    mark: dict[str, Any],
) -> Totals:
    new = [cells | mark for key, cells in given.items() if key not in known]
    changed = [
        cells | mark
        for key, cells in given.items()
        if key in known and any(known[key][name] != value for name, value in cells.items())
    ]
    for start in range(0, len(new), BATCH):
        conn.execute(insert(table), new[start : start + BATCH])
    primary = [one.name for one in table.__table__.primary_key]  # type: ignore[attr-defined]
    for cells in changed:
        mine = [table.__table__.c[name] == cells[name] for name in primary]  # type: ignore[attr-defined]
        conn.execute(update(table).where(*mine).values(**cells))
    return Totals(new=len(new), changed=len(changed), same=len(given) - len(new) - len(changed))


def overlapping(conn: Connection, rows: Iterable[Interval]) -> list[str]:
    """Queues that are known with intervals of another length at the same time: their calls would count twice."""
    problems = []
    for one in rows:
        ends = one.begins_at + timedelta(minutes=one.minutes)
        query = select(IntervalRow).where(
            col(IntervalRow.queue) == one.queue,
            col(IntervalRow.begins_at) > one.begins_at - timedelta(hours=1),
            col(IntervalRow.begins_at) < ends,
        )
        for row in conn.execute(query):
            known_until = row.begins_at + timedelta(minutes=row.minutes)
            same = (row.begins_at, row.minutes) == (one.begins_at, one.minutes)
            if not same and known_until > one.begins_at:
                problems.append(
                    f"{one.queue}, {one.begins_at:%Y-%m-%d %H:%M} UTC, {one.minutes} minutes: figures of {row.minutes} minutes "
                    f"from {row.begins_at:%H:%M} on are known already, and calls would count twice."
                )
    return problems


def offered(conn: Connection, line: CentreLine, span: Span) -> Mapping[datetime, int]:
    """Calls by minute within the span and in the same hours of the weeks that a forecast may look at."""
    found: dict[datetime, int] = {}
    for back in range(LOOKED_BACK + 1):
        query = select(CentreMinuteRow.minute, CentreMinuteRow.offered).where(
            col(CentreMinuteRow.line) == line.value,
            col(CentreMinuteRow.minute) >= span.start - back * WEEK - SHIFT,
            col(CentreMinuteRow.minute) < span.end - back * WEEK + SHIFT,
        )
        found.update((at, count) for at, count in conn.execute(query))
    return found


def minutes(conn: Connection, span: Span) -> Sequence[Any]:
    """Rows with the columns of CentreMinuteRow, by time."""
    within = col(CentreMinuteRow.minute) >= span.start, col(CentreMinuteRow.minute) < span.end
    return conn.execute(select(CentreMinuteRow).where(*within).order_by(col(CentreMinuteRow.minute))).all()


def intervals(conn: Connection, span: Span) -> list[IntervalRow]:
    """The call centre's own figures, by time and queue."""
    query = select(IntervalRow).where(col(IntervalRow.begins_at) >= span.start, col(IntervalRow.begins_at) < span.end)
    ordered = query.order_by(col(IntervalRow.begins_at), col(IntervalRow.queue))
    return [IntervalRow(**row._mapping) for row in conn.execute(ordered)]


def ask(conn: Connection, contact_id: str, activation_id: str | None, language: str, now: datetime) -> bool:
    """Notes that somebody is asked for a grade; False when they were asked before, and must not be again."""
    if conn.execute(select(GradeRow.contact_id).where(col(GradeRow.contact_id) == contact_id)).first():
        return False
    row = {"contact_id": contact_id, "activation_id": activation_id, "language": language, "asked_at": now}
    conn.execute(insert(GradeRow), [row])
    return True


def unask(conn: Connection, contact_id: str) -> None:
    """The question certainly did not leave."""
    conn.execute(delete(GradeRow).where(col(GradeRow.contact_id) == contact_id, col(GradeRow.grade).is_(None)))


def graded(conn: Connection, contact_id: str, grade: int, now: datetime) -> bool:
    """Keeps the first answer; False when nobody asked, or they have answered."""
    waits = update(GradeRow).where(col(GradeRow.contact_id) == contact_id, col(GradeRow.grade).is_(None))
    return conn.execute(waits.values(grade=grade, answered_at=now)).rowcount > 0


def grades(conn: Connection, activation_id: str) -> list[Graded]:
    query = select(GradeRow.contact_id, GradeRow.grade).where(col(GradeRow.activation_id) == activation_id)
    return [Graded(contact_id=contact_id, grade=grade) for contact_id, grade in conn.execute(query)]
