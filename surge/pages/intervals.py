"""Figures of the city's own call centre, typed in where no system exports them: one interval at a time, and the last day's."""

from datetime import timedelta
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Role
from notify.audit import Act
from notify.console.routing import FORM, Guard, Route
from notify.console.screens import VISIT
from surge.numbers import number_rows
from surge.numbers.forecast import Span
from surge.numbers.number_files import INTERVAL_MORE, INTERVAL_NEEDED, LENGTHS, Row, interval
from surge.numbers.number_rows import Totals

PAGE: Final = "/surge/intervals"
TYPISTS: Final = frozenset({Role.LEAD311, Role.ADMIN})
DAY: Final = timedelta(days=1)
FIELDS: Final = (*INTERVAL_NEEDED, *INTERVAL_MORE)


class IntervalPages:
    def __init__(self, guard: Guard) -> None:
        self._db, self._screens, self._clock = guard.db, guard.screens, guard.clock

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=TYPISTS),
            Route(method="POST", path=PAGE, answer=self.take, roles=TYPISTS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        now = self._clock.now()
        rows = await self._db.read(lambda conn: number_rows.intervals(conn, Span(start=now - DAY, end=now + DAY)))
        return self._screens.page(request, "surge_intervals", rows=rows, lengths=LENGTHS, said=request.query.get("said", ""))

    async def take(self, request: web.Request) -> web.StreamResponse:
        """The same interval once more replaces what was typed before: a slip of the finger is mended by typing it again."""
        form, who, now = request[FORM], request[VISIT].staff.person_id, self._clock.now()
        row = Row(cells={name: form.text(name).strip() for name in FIELDS})
        found = interval(row, self._screens.site.time_zone, now)
        if found is None:
            raise Unfit(row.problems)

        def taken(conn: Connection) -> Totals:
            if overlapping := number_rows.overlapping(conn, [found]):
                raise Unfit(overlapping)
            totals = number_rows.take_intervals(conn, [found], "typed", who, now)
            detail = {"begins": found.begins_at.isoformat(), "queue": found.queue, "changed": totals.changed}
            audit.append(conn, Act(actor=who, action="call-centre interval typed", subject=found.queue, detail=detail), now)
            return totals

        totals = await self._db.write(taken)
        return self._screens.moved(f"{PAGE}?said={'changed' if totals.changed else 'taken'}")
