"""What a surge leaves behind of persons, erased once it is old: numbers to answer to, what was written, where something was to
be brought. What is counted stays, and of each caller the keyed hash. What agents did when goes whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, tuple_, update

from surge.desk.desk_tables import DeskReplyRow, NeedEventRow, NeedRow, QuestionRow
from surge.tables import ContactRow, SeatRow

GONE: Final = b""  # in a column that always holds something


def _table(row: Any) -> Table:
    found: Table = row.__table__
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """rows: the table. ended: when a row became old. emptied: its columns that tell of a person, and what they hold after."""

    rows: Table
    ended: str
    emptied: Mapping[str, bytes | None] = field(default_factory=dict)

    def old(self, before: datetime) -> ColumnElement[bool]:
        """Rows that are old and still tell something."""
        tells = []
        for name, after in self.emptied.items():
            column = self.rows.c[name]
            tells.append(column.is_not(None) if after is None else column != after)
        return (self.rows.c[self.ended] <= before) & or_(*tells)


KINDS: Final[Sequence[Kind]] = (
    Kind(rows=_table(ContactRow), ended="ended_at", emptied={"sealed": None, "words": None}),
    Kind(rows=_table(NeedRow), ended="ended_at", emptied={"sealed": None}),
    Kind(rows=_table(NeedEventRow), ended="at", emptied={"note": None}),
    Kind(rows=_table(QuestionRow), ended="settled_at", emptied={"words": GONE}),
    Kind(rows=_table(DeskReplyRow), ended="made_at", emptied={"sealed": GONE}),
)


SEAT: Final = _table(SeatRow)


def count(conn: Connection, before: datetime) -> int:
    """How many rows would be emptied."""
    return sum(int(conn.scalar(select(func.count()).select_from(kind.rows).where(kind.old(before))) or 0) for kind in KINDS)


def erase(conn: Connection, before: datetime, most: int) -> int:
    """Empties at most so many rows of each kind; how many. Repeat until nothing goes."""
    gone = 0
    for kind in KINDS:
        keys = list(kind.rows.primary_key.columns)
        for key in conn.execute(select(*keys).where(kind.old(before)).limit(most)).all():
            this = [column == value for column, value in zip(keys, key, strict=True)]
            conn.execute(update(kind.rows).where(*this).values(**kind.emptied))
            gone += 1
    return gone


def count_seats(conn: Connection, before: datetime) -> int:
    """How many changes of agents' states would go."""
    return int(conn.scalar(select(func.count()).select_from(SEAT).where(SEAT.c.at <= before)) or 0)


def erase_seats(conn: Connection, before: datetime, most: int) -> int:
    """Deletes at most so many of them; how many. Repeat until nothing goes."""
    keys = list(SEAT.primary_key.columns)
    old = [tuple(key) for key in conn.execute(select(*keys).where(SEAT.c.at <= before).limit(most))]
    for start in range(0, len(old), 100):
        conn.execute(delete(SEAT).where(tuple_(*keys).in_(old[start : start + 100])))
    return len(old)
