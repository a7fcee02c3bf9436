"""A surge that a person has left on: the duty officer is reminded of it every few hours, until somebody has closed it. Each
reminder is in the log before it leaves, so a restart repeats none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlmodel import col, select

from notify.tables import AuditLine
from surge.switch import store
from surge.switch.activation import SERVING, Status
from surge.switch.control import Control
from surge.switch.watch import SERVICE
from surge.tables import ActivationRow

REMINDED: Final = "was reminded that surge mode is on"
EVERY_S: Final = 60.0
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How long an activation has been on, and the reminders of it so far. every: None where nobody is reminded."""

    on_for: timedelta
    every: timedelta | None
    times: int = 0
    last: datetime | None = None

    @property
    def hours(self) -> int:
        return int(self.on_for / HOUR)


def left(conn: Connection, row: ActivationRow, every: timedelta | None, now: datetime) -> Left | None:
    """None for an activation that is not on."""
    if row.status not in SERVING or row.opened_at is None:
        return None
    query = select(col(AuditLine.at)).where(col(AuditLine.subject) == row.activation_id, col(AuditLine.action) == REMINDED)
    found = [datetime.fromisoformat(at) for at in conn.scalars(query.order_by(col(AuditLine.seq)))]
    return Left(on_for=now - row.opened_at, every=every, times=len(found), last=found[-1] if found else None)


def due(one: Left, now: datetime) -> bool:
    """Whether it is time for the next reminder: so long after it opened, and after the last one."""
    return one.every is not None and one.on_for >= one.every and (one.last is None or now - one.last >= one.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """page: tells the duty officer."""

    control: Control
    page: Callable[[str], None]

    async def tick(self) -> None:
        said = await self.control.db.read(self._due)
        if said:
            said = await self.control.db.write(self._note)
        if said:
            self.page(said)

    def _due(self, conn: Connection) -> str:
        """What is to be said now; "" for nothing."""
        row, now = store.current(conn), self.control.switch.clock.now()
        one = left(conn, row, self.control.remind_every, now) if row is not None else None
        if row is None or one is None or not due(one, now):
            return ""
        drill = "Drill: " if row.drill else ""
        ends = "close it" if row.status == Status.STANDING_DOWN else "stand it down"
        return f"{drill}Surge mode ({row.title}) has been on for {one.hours} hours. If it is not needed any more, {ends}."

    def _note(self, conn: Connection) -> str:
        """Looks again under the writer's lock: two processes remind once."""
        store.lock(conn)
        said, row = self._due(conn), store.current(conn)
        if said and row is not None:
            self.control.switch.log(conn, SERVICE, REMINDED, row.activation_id, said=said)
        return said
