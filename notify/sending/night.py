"""The night: texts that can wait, wait until morning. What is held stays a planned row, in a priority that no sender leases.

By default from 21:00 to 07:00 in the city; whoever texted NIGHT OFF is never held, and e-mail, which wakes nobody, never is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Stage, Urgency
from notify.alerts.life import REACHING
from notify.clock import Clock
from notify.db import Database, is_sqlite
from notify.sending import ledger
from notify.sending.statements import first_planned, held_still, one_of
from notify.tables import EventRow

BEGINS, ENDS = time(21), time(7)
MENDS: Final = frozenset({Stage.CORRECTION, Stage.FALSE_ALARM})  # what we said wrongly is put right at once
SERIOUS: Final = frozenset({Severity.EXTREME, Severity.SEVERE})
CHUNK: Final = 20_000


def can_wait(event: Event) -> bool:
    """Whether its texts may wait for morning: only what is neither Immediate nor Severe or worse, and mends nothing."""
    return may_wait(event.stage, event.urgency, event.severity)


def may_wait(stage: Stage, urgency: Urgency, severity: Severity) -> bool:
    """The same of what is no event yet."""
    return urgency is not Urgency.IMMEDIATE and severity not in SERIOUS and stage not in MENDS


def warning(stage: Stage, urgency: Urgency, severity: Severity, *, expires: datetime, now: datetime, zone: ZoneInfo) -> str:
    """What an author has to know before a text of this kind is sent at night; "" by day and for what never waits."""
    if not may_wait(stage, urgency, severity) or not is_night(now, zone):
        return ""
    if expires <= morning(now, zone):
        return f"It is night and this ends before {ENDS:%H:%M}: nobody gets a text unless it is Immediate or Severe."
    return f"It is night: texts wait until {ENDS:%H:%M}. Page, feeds and e-mail do not."


def morning(now: datetime, zone: ZoneInfo) -> datetime:
    """The next time at which what was held may leave."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), ENDS, zone)
    return today if local < today else datetime.combine(local.date() + timedelta(days=1), ENDS, zone)


def is_night(now: datetime, zone: ZoneInfo) -> bool:
    local = now.astimezone(zone).time()
    return local >= BEGINS or local < ENDS


def waits(event: Event, now: datetime, *, zone: ZoneInfo) -> bool:
    """Whether a text of this event, planned now, is held."""
    return can_wait(event) and is_night(now, zone)


@dataclass(frozen=True, slots=True)
class Night:
    """`tick` holds at nightfall what has not left, and lets it go in the morning if its alert is still in force.

    event: a frozen event by its id. door: what was held goes to whoever looks that nobody gets everything at once (enough.py).
    """

    db: Database
    clock: Clock
    zone: ZoneInfo
    event: Callable[[str], Event]
    door: bool = False

    async def tick(self) -> int:
        """Returns how many rows it moved."""
        moved, dark = 0, is_night(self.clock.now(), self.zone)
        for row in await self.db.read(partial(register.standing, statuses=REACHING)):
            if not await self.db.read(partial(_any, event=row, held=0 if dark else ledger.AT_NIGHT)):
                continue  # nearly always, and an event is large to read
            if dark and not can_wait(await self._read(row.event_id)):
                continue
            while count := await self.db.write(partial(hold if dark else self._let_go, event=row)):
                moved += count
        return moved

    def _let_go(self, conn: Connection, event: EventRow) -> int:
        return let_go(conn, event, to=ledger.FOR_ROOM if self.door else 0)

    async def _read(self, event_id: str) -> Event:
        return await self.db.read(lambda _conn: self.event(event_id))


def _any(conn: Connection, event: EventRow, held: int) -> bool:
    """Whether a text of an event waits to leave, or is held so."""
    bound = {"channel": "sms", "priority": event.priority + held, "event_id": event.event_id, "limit": 1}
    return conn.execute(text(first_planned(conn, "delivery_id")), bound).first() is not None


def hold(conn: Connection, event: EventRow) -> int:
    """Holds up to CHUNK texts of an event that nobody has leased; returns how many. Latecomers, who are awake, are not held."""
    return _move(conn, event, event.priority, ledger.AT_NIGHT, f"lease_owner IS NULL AND {ledger.ASLEEP.format(of='delivery')}")


def let_go(conn: Connection, event: EventRow, *, to: int = 0) -> int:
    """Lets up to CHUNK held texts of an event go; returns how many. to: or gives them this to wait for."""
    return _move(conn, event, event.priority + ledger.AT_NIGHT, to - ledger.AT_NIGHT)


def _move(conn: Connection, event: EventRow, priority: int, by: int, only: str = "TRUE") -> int:
    choice = first_planned(conn, "delivery_id", only)
    if not is_sqlite(conn):
        choice += " FOR UPDATE SKIP LOCKED"
    done = conn.execute(
        text(f"UPDATE delivery SET priority = priority + :by WHERE delivery_id {one_of(conn, choice)} AND state = 'planned'"),
        {"channel": "sms", "priority": priority, "event_id": event.event_id, "limit": CHUNK, "by": by},
    )
    return done.rowcount


def let_go_to(conn: Connection, address_id: int) -> int:
    """Lets go what is held for one address: its person texted NIGHT OFF. Returns how many rows."""
    asleep = f"priority >= {ledger.AT_NIGHT} AND priority < {ledger.FOR_ROOM}"
    held = f"state = 'planned' AND channel = 'sms' AND {asleep} AND address_id = :address_id"
    done = 0
    for row in register.standing(conn, statuses=REACHING):
        done += conn.execute(
            text(f"""
            UPDATE delivery SET priority = priority - {ledger.AT_NIGHT}
            WHERE {held_still(conn, f"event_id = :event_id AND {held}")}"""),
            {"event_id": row.event_id, "address_id": address_id},
        ).rowcount
    return done
