"""Who has practised: the report of a month, as a page and a table, on the training instance and on the live one."""

from datetime import date, datetime, timedelta

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from notify.console.routing import READERS, Guard, Route
from notify.console.screens import HEADERS
from notify.service import Service
from notify.staff import training
from notify.staff.training import Month
from notify.web.tables import csv_file


class TrainingPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._training = guard, service.training
        self._zone = service.assembly.city.pack.zone

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/training", answer=self.show, roles=READERS),
            Route(method="GET", path="/training.csv", answer=self.table, roles=READERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        report, now = await self._report(request), self._guard.clock.now()
        duty = await self._guard.db.read(lambda conn: self._training.duty(conn, now))
        return self._guard.screens.page(
            request,
            "training",
            report=report,
            duty=duty,
            rule=self._training.rule,
            practice=self._training.practice,
            before=_before(report.first),
            after=_after(report.first),
        )

    async def table(self, request: web.Request) -> web.StreamResponse:
        report = await self._report(request)
        return csv_file(training.table(report, self._training.rule), f"training-{report.first:%Y-%m}.csv", HEADERS)

    async def _report(self, request: web.Request) -> Month:
        now = self._guard.clock.now()
        first = wanted(request.query.get("month", ""), now.astimezone(self._zone).date())

        def read(conn: Connection) -> Month:
            known = self._training.follow(conn)
            return training.month(known, self._training.standings(conn, now), first, self._zone)

        return await self._guard.db.read(read)


def wanted(typed: str, today: date) -> date:
    """The first day of a month like 2026-05; this month when nothing is asked. Raises Unfit."""
    if not typed:
        return today.replace(day=1)
    try:
        return datetime.strptime(typed, "%Y-%m").date()
    except ValueError:
        raise Unfit([f"'{typed}' is not a month like 2026-05."]) from None


def _before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def _after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
