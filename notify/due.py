"""What is due, in a table: claimed by one process at a time and done once, whoever is alive to do it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, update
from sqlmodel import col, or_, select

from notify.tables import Due

LEASE: Final = timedelta(seconds=30)  # a process that dies with a due row leaves it to others after this
BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Task:
    due_id: int
    kind: str
    ref: str
    due_at: datetime


def claim(conn: Connection, now: datetime) -> list[Task]:
    """Takes what is due and nobody holds, oldest first."""
    free = (
        select(col(Due.due_id), col(Due.kind), col(Due.ref), col(Due.due_at))
        .where(col(Due.done_at).is_(None), col(Due.due_at) <= now)
        .where(or_(col(Due.lease_until).is_(None), col(Due.lease_until) <= now))
        .order_by(col(Due.due_at), col(Due.due_id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    tasks = [Task(due_id or 0, kind, ref, due_at) for due_id, kind, ref, due_at in conn.execute(free)]
    _set(conn, [task.due_id for task in tasks], lease_until=now + LEASE)
    return tasks


def keep(conn: Connection, tasks: list[Task], now: datetime) -> None:
    """Prolongs the lease of work that takes longer."""
    _set(conn, [task.due_id for task in tasks], lease_until=now + LEASE)


def done(conn: Connection, task: Task, now: datetime, outcome: str = "done") -> None:
    _set(conn, [task.due_id], done_at=now, outcome=outcome)


def end_leases(conn: Connection) -> None:
    """Frees everything: for a process that has just locked an embedded database."""
    conn.execute(update(Due).where(col(Due.done_at).is_(None)).values(lease_until=None))


def _set(conn: Connection, ids: list[int], **values: object) -> None:
    if ids:
        conn.execute(update(Due).where(col(Due.due_id).in_(ids)).values(**values))
