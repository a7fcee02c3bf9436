"""Enough for now: no phone gets more texts in a short time than the city says, however many alerts people approve.

Only what can wait waits for it: never what is Immediate, or Severe or worse, nor a correction or false alarm, a latecomer's
copy or an e-mail. What is held stays a planned row in a priority that no sender leases, until there is room, until a newer text
of its incident takes its place, or until its alert is over.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final

from sqlalchemy import Connection, func, text
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.alert import Event
from notify.alerts.life import REACHING
from notify.city import Limit
from notify.clock import Clock, micros
from notify.db import Database
from notify.sending import ledger, night
from notify.sending.planning import Full
from notify.sending.statements import among, first_planned, listed
from notify.tables import EventRow

PAGE: Final = 5_000  # held rows looked at in one go


def full(conn: Connection, limits: Collection[Limit], address_ids: Sequence[int], now: datetime) -> frozenset[int]:
    """Who of these has had, or is about to get, as many texts of alerts as one of the limits allows."""
    if not limits or not address_ids:
        return frozenset()
    oldest = now - timedelta(minutes=max(limit.minutes for limit in limits))
    events = lately(conn, oldest)
    if len(events) < min(limit.texts for limit in limits):
        return frozenset()  # nearly always: an event has one text for each phone
    names = {f"e{number}": event_id for number, event_id in enumerate(events)}
    reached = " OR ".join(f"SUM(CASE WHEN at > :since{n} THEN 1 ELSE 0 END) >= :texts{n}" for n, _ in enumerate(limits))
    bounds = chain.from_iterable(
        ((f"since{n}", micros(now - timedelta(minutes=limit.minutes))), (f"texts{n}", limit.texts))
        for n, limit in enumerate(limits)
    )
    found = conn.scalars(
        text(f"""
        SELECT address_id FROM (
            SELECT address_id, CASE WHEN state = 'planned' THEN :now ELSE claimed_at END AS at FROM delivery
            WHERE event_id IN ({", ".join(f":{name}" for name in names)}) AND channel = 'sms' AND address_id {among(conn)}
              AND priority < {ledger.AT_NIGHT} AND (state = 'planned' OR claimed_at > :oldest)) AS texts
        GROUP BY address_id HAVING {reached}"""),
        {**names, **dict(bounds), "ids": listed(conn, address_ids), "now": micros(now), "oldest": micros(oldest)},
    )
    return frozenset(found)


def lately(conn: Connection, oldest: datetime) -> Sequence[str]:
    """The events that had, or may have had, a text leave since then."""
    over = func.coalesce(col(EventRow.done_at), col(EventRow.stopped_at), col(EventRow.ended_at))
    began = select(col(EventRow.event_id)).where(col(EventRow.started_at).is_not(None))
    return conn.scalars(began.where(over.is_(None) | (over > oldest))).all()


def waiting_for_room(limits: Collection[Limit]) -> Full:
    """For the planner: who of some addresses waits for a text of this event."""

    def found(conn: Connection, event: Event, address_ids: Sequence[int], now: datetime) -> frozenset[int]:
        return full(conn, limits, address_ids, now) if night.can_wait(event) else frozenset()

    return found


@dataclass(frozen=True, slots=True)
class Enough:
    """`tick` lets go what was held for those who have room again. event: a frozen event by its id; asleep: whether its texts
    wait for morning just now."""

    db: Database
    clock: Clock
    limits: Collection[Limit]
    event: Callable[[str], Event]
    asleep: Callable[[Event, datetime], bool]

    async def tick(self) -> int:
        """Returns how many rows it let go."""
        moved = 0
        for row in await self.db.read(partial(register.standing, statuses=REACHING)):
            moved += await self._let_go(row)
        return moved

    async def _let_go(self, row: EventRow) -> int:
        moved, last = 0, 0
        while page := await self.db.read(partial(_held, event=row, after=last)):
            now, last = self.clock.now(), page[-1][0]
            if self.asleep(await self.db.read(lambda _conn: self.event(row.event_id)), now):
                break
            people = [address_id for _, address_id in page]
            busy = await self.db.read(partial(full, limits=self.limits, address_ids=people, now=now))
            free = [delivery_id for delivery_id, address_id in page if address_id not in busy]
            moved += await self.db.write(partial(_release, event=row, ids=free)) if free else 0
        return moved


def _held(conn: Connection, event: EventRow, after: int) -> list[tuple[int, int]]:
    """(row, address) of the next held texts of an event."""
    query = text(first_planned(conn, "delivery_id, address_id", "delivery_id > :after"))
    bound = {"channel": "sms", "priority": event.priority + ledger.FOR_ROOM, "event_id": event.event_id, "limit": PAGE}
    return [(row[0], row[1]) for row in conn.execute(query, bound | {"after": after})]


def _release(conn: Connection, event: EventRow, ids: Iterable[int]) -> int:
    held = f"state = 'planned' AND priority = {event.priority + ledger.FOR_ROOM}"
    query = text(f"UPDATE delivery SET priority = {event.priority} WHERE delivery_id {among(conn)} AND {held}")
    return conn.execute(query, {"ids": listed(conn, ids)}).rowcount
