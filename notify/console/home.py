"""The start page: what is in force, what waits for somebody, what was promised, and whether everything works."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts import progress, promises, register
from notify.alerts.alert import Mode
from notify.alerts.hazards import Hazard
from notify.alerts.life import IN_FORCE, Status
from notify.alerts.progress import Progress
from notify.console.routing import READERS, SIGNED_IN, Guard, Route
from notify.console.screens import VISIT
from notify.sending import hold
from notify.sending.deliveries import State
from notify.service import Service
from notify.staff.drill_log import LEADERS
from notify.staff.training_log import Duty
from notify.tables import AlertRow, EventRow, OpenPromise

RECENT = timedelta(hours=24)
COUNTED_S = 0.5  # whoever opens the page waits so long for a send to be counted
WATCHED_S = 60.0  # and rather sees figures of a minute ago
OPEN = frozenset({Status.DRAFT, Status.RETURNED, Status.PENDING, Status.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One alert in force."""

    row: AlertRow
    event: EventRow

    def left(self, whole: Progress) -> int:
        """How many of its messages have left: handed over, whatever became of them."""
        return whole.done - whole.tally[State.WITHDRAWN] - whole.tally[State.EXPIRED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything on the start page, each list with the most pressing first."""

    in_force: Sequence[Standing]
    waiting: Sequence[AlertRow]  # for an approver
    ready: Sequence[AlertRow]  # approved, not sent
    drafts: Sequence[AlertRow]
    ended: Sequence[AlertRow]
    promises: Sequence[OpenPromise]


def look(conn: Connection, now: datetime) -> Desk:
    alerts = register.all_alerts(conn)
    events = {row.event_id: row for row in register.standing(conn, [status.value for status in IN_FORCE])}
    by_status: Mapping[Status, list[AlertRow]] = {status: [] for status in Status}
    for row in alerts:
        by_status[Status(row.status)].append(row)
    standing = [
        Standing(row=row, event=events[row.alert_id])
        for row in alerts
        if row.alert_id in events and events[row.alert_id].ended_at is None
    ]
    ended = [row for row in by_status[Status.ENDED] if now - row.changed_at < RECENT]
    return Desk(
        in_force=sorted(standing, key=lambda one: (one.event.priority, one.event.approved_at)),
        waiting=sorted(by_status[Status.PENDING], key=lambda row: row.submitted_at or row.changed_at),
        ready=by_status[Status.APPROVED],
        drafts=sorted(by_status[Status.DRAFT] + by_status[Status.RETURNED], key=lambda row: row.changed_at, reverse=True),
        ended=sorted(ended, key=lambda row: row.changed_at, reverse=True),
        promises=promises.still_open(conn),
    )


class Home:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._hazards: Mapping[str, Hazard] = service.assembly.hazards

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/", answer=self.show, roles=SIGNED_IN),
            Route(method="GET", path="/desk", answer=self.desk, roles=SIGNED_IN, passive=True),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "home")

    async def desk(self, request: web.Request) -> web.StreamResponse:
        """The part of the start page that renews itself."""
        return await self._page(request, "part/desk")

    async def _page(self, request: web.Request, name: str) -> web.Response:
        now = self._guard.clock.now()
        desk = await self._guard.db.read(lambda conn: look(conn, now))
        come, status, held, duty = await asyncio.gather(  # none waits for another
            self._come(desk.in_force),
            self._service.status(),
            self._guard.db.read(hold.standing),
            self._duty(request, is_shown=name == "home"),
        )
        return self._guard.screens.page(
            request,
            name,
            desk=desk,
            come=come,
            hazards=self._hazards,
            lights=status,
            duty=duty,
            held=held is not None and bool(request[VISIT].staff.roles & READERS),
        )

    async def _come(self, in_force: Sequence[Standing]) -> dict[str, Progress | None]:
        """How far each send has come; None while it is counted for the first time. This page renews itself."""
        found: dict[str, Progress | None] = {}
        for one in in_force:
            kinds = await self._guard.tallies.soon(one.row.alert_id, within_s=COUNTED_S, watched_s=WATCHED_S)
            found[one.row.alert_id] = progress.whole(kinds) if kinds is not None else None
        return found

    async def _duty(self, request: web.Request, *, is_shown: bool) -> Duty | None:
        """What is due of practice, for those who lead it; nobody practises on a demo."""
        if not is_shown or self._service.assembly.mode is Mode.DEMO or not request[VISIT].staff.roles & LEADERS:
            return None
        now = self._guard.clock.now()
        return await self._guard.db.read(lambda conn: self._service.training.duty(conn, now))
