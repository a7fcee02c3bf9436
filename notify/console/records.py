"""What happened: every alert, the log of who did what with proof that it is whole, and what is held of one resident."""

from functools import partial
from typing import Final

from aiohttp import web

from notify import audit
from notify.alerts import after_action, register
from notify.alerts.after_action import Report
from notify.alerts.broadcast import Unfit
from notify.alerts.life import LOOKERS
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.residents import look_up
from notify.service import Service
from notify.web.tables import csv_file
from subscribers.address import BadAddress
from surge.numbers import happenings

PAGE: Final = 100
LAST: Final = 2**62


class Records:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._db, self._screens, self._clock = guard.db, guard.screens, guard.clock

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/alerts", answer=self.alerts, roles=READERS),
            Route(method="GET", path="/records", answer=self.log, roles=READERS),
            Route(method="GET", path="/records.csv", answer=self.table, roles=READERS),
            Route(method="GET", path="/incidents/{incident_id}/report", answer=self.report, roles=READERS),
            Route(method="GET", path="/incidents/{incident_id}/report.csv", answer=self.report_table, roles=READERS),
            Route(method="GET", path="/residents", answer=self.ask, roles=LOOKERS),
            Route(method="POST", path="/residents", answer=self.look_up, roles=LOOKERS),
        ]

    async def alerts(self, request: web.Request) -> web.StreamResponse:
        """Every alert, the newest first, narrowed down by words of its hazard, id or status."""
        wanted = request.query.get("q", "").strip().casefold()
        rows = await self._db.read(register.all_alerts)
        hazards = self._service.assembly.hazards
        shown = [
            row
            for row in reversed(rows)
            if wanted in f"{row.alert_id} {row.hazard} {hazards[row.hazard].title} {row.status} {row.stage}".casefold()
        ]
        return self._screens.page(request, "alerts", rows=shown, hazards=hazards, wanted=wanted)

    async def log(self, request: web.Request) -> web.StreamResponse:
        """The log of acts, the newest first, and whether its chain of hashes holds."""
        wanted = request.query.get("q", "").strip()
        typed = request.query.get("before", "")
        before = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else LAST
        lines = await self._db.read(lambda conn: audit.latest(conn, wanted, before, PAGE))
        problems = audit.problems(await self._db.read(audit.lines))
        head = await self._db.read(audit.head)
        return self._screens.page(request, "records", lines=lines, wanted=wanted, head=head, broken=problems, page=PAGE)

    async def table(self, _: web.Request) -> web.StreamResponse:
        """The whole log as CSV, for a records request. It holds no resident's data."""
        return csv_file(audit.table(await self._db.read(audit.lines)), "records.csv", HEADERS)

    async def report(self, request: web.Request) -> web.StreamResponse:
        """What happened in an incident, for those who learn from it."""
        found, hazards = await self._reported(request), self._service.assembly.hazards
        surges = await self._db.read(lambda conn: happenings.of_incident(conn, found.incident_id))
        return self._screens.page(request, "report", report=found, hazards=hazards, then=after_action.THEN, surges=surges)

    async def report_table(self, request: web.Request) -> web.StreamResponse:
        found = await self._reported(request)
        return csv_file(after_action.rows(found), f"report-{found.incident_id}.csv", HEADERS)

    async def _reported(self, request: web.Request) -> Report:
        incident_id = request.match_info["incident_id"]
        return await self._service.reports.of(incident_id, watched_s=after_action.WATCHED_S)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return self._screens.page(request, "residents", address="", reason="", found=None, asked=False)

    async def look_up(self, request: web.Request) -> web.StreamResponse:
        """What is held of one number or mailbox. It takes a reason, and who looked stands in the log; the address does not."""
        form, staff = request[FORM], request[VISIT].staff
        typed, reason = form.text("address"), form.text("reason")
        if not reason:
            raise Unfit(["Say why you look: it stands in the log."])
        try:
            asked = look_up.question(typed, reason, self._service.assembly.mode)
        except BadAddress as fault:
            raise Unfit([str(fault)]) from None
        look = partial(look_up.look, staff=staff, asked=asked, ring=self._guard.ring, now=self._clock.now())
        found = await self._db.write(look)
        return self._screens.page(request, "residents", address=typed, reason=reason, found=found, asked=True)
