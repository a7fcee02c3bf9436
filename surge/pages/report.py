"""The surge half of the after-action report: a page, a table and JSON of the same values, which name nobody."""

from datetime import datetime
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.life import Role
from notify.console.routing import Guard, Route
from notify.console.screens import HEADERS
from notify.publishing.site import ENGLISH
from notify.web.answers import Problem
from notify.web.tables import csv_file
from surge.numbers import happenings, sections
from surge.numbers.costs import PUBLISHED, Rates
from surge.numbers.happenings import NoSuchActivation
from surge.numbers.report import report
from surge.numbers.sections import Section
from surge.tables import ActivationRow

PAGE: Final = "/surge/report"
READERS: Final = frozenset({Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.LEAD311, Role.ADMIN})


class ReportPages:
    """rates: what a contact costs the city."""

    def __init__(self, guard: Guard, rates: Rates = PUBLISHED) -> None:
        self._guard, self._rates = guard, rates
        self._db, self._screens, self._clock = guard.db, guard.screens, guard.clock

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=READERS),
            Route(method="GET", path=f"{PAGE}.csv", answer=self.table, roles=READERS),
            Route(method="GET", path=f"{PAGE}.json", answer=self.data, roles=READERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The surge that `of` names, or the latest; says so where there was none."""
        others, now = await self._db.read(happenings.activations), self._clock.now()
        if not others and not request.query.get("of"):
            return self._screens.page(request, "surge_report", one=None, others=others)
        one, found = await self._found(request, now)
        return self._screens.page(
            request,
            "surge_report",
            one=one,
            others=others,
            span=happenings.span_of(one, now),
            sections=found,
            kind=sections.kind,
            tongues=frozenset({ENGLISH, *self._screens.site.languages}),
        )

    async def table(self, request: web.Request) -> web.StreamResponse:
        one, found = await self._found(request, self._clock.now())
        return csv_file(sections.rows(found), f"surge-{one.activation_id}.csv", HEADERS)

    async def data(self, request: web.Request) -> web.StreamResponse:
        now = self._clock.now()
        one, found = await self._found(request, now)
        return web.json_response(happenings.heading(one, now) | {"sections": sections.as_json(found)}, headers=HEADERS)

    async def _found(self, request: web.Request, now: datetime) -> tuple[ActivationRow, tuple[Section, ...]]:
        wanted, zone = request.query.get("of", "")[:64], self._screens.site.time_zone

        def read(conn: Connection) -> tuple[ActivationRow, tuple[Section, ...]]:
            one = happenings.activation(conn, wanted)
            return one, report(happenings.happened(conn, one, now, zone, self._rates))

        try:
            return await self._db.read(read)
        except NoSuchActivation as error:
            raise Problem(404, "There is no such surge", [str(error)]) from None
