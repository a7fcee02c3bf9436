"""A call centre's own figures by the API, and the report of a surge for programs."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import Moment
from notify.alerts.life import Role
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import Site
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, Endpoint, Given, Query, acting, looking
from notify.web.replies import Replies
from surge.numbers import happenings, number_rows, sections
from surge.numbers.costs import PUBLISHED, Rates
from surge.numbers.happenings import NoSuchActivation
from surge.numbers.number_files import Interval, Row, interval
from surge.numbers.report import report
from surge.switch import activation

FEEDERS: Final = frozenset({Role.LEAD311, Role.ADMIN})
OF: Final = Query(name="of", says="which activation; the latest that was open without it")
MOST: Final = 1_000  # intervals of one request


class IntervalGiven(Given):
    """One interval of one queue, as in docs/surge-numbers.md. begins: with its offset."""

    begins: Moment
    minutes: int
    queue: str
    offered: int
    answered: int
    abandoned: int
    within: int | None = None
    threshold_s: int | None = None
    mean_wait_s: float | None = None
    longest_wait_s: float | None = None
    mean_handling_s: float | None = None
    agents: int | None = None


class IntervalsGiven(Given):
    """All or none are taken. The same once more changes nothing; another figure for the same time replaces the earlier one."""

    intervals: list[IntervalGiven] = Field(min_length=1, max_length=MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberApi:
    db: Database
    clock: Clock
    site: Site
    replies: Replies
    rates: Rates = PUBLISHED

    def endpoints(self) -> list[Endpoint]:
        see = partial(looking, roles=activation.LOOKERS)
        missing = frozenset({404})
        says = "What happened to everybody, as counts with their wholes; nobody is named"
        figures = "Interval figures of the city's own call centre"
        return [
            see("/surge/report", self.report, says, "SurgeReport", query=(OF,), refusals=missing),
            acting("/surge/intervals", self.take, figures, "IntervalsTaken", IntervalsGiven, roles=FEEDERS, status=201),
        ]

    async def report(self, request: web.Request) -> web.Response:
        wanted, now, zone = request.query.get("of", "")[:64], self.clock.now(), self.site.time_zone

        def read(conn: Connection) -> dict[str, Any]:
            one = happenings.activation(conn, wanted)
            found = report(happenings.happened(conn, one, now, zone, self.rates))
            return happenings.heading(one, now) | {"sections": sections.as_json(found)}

        try:
            return web.json_response(await self.db.read(read))
        except NoSuchActivation as error:
            raise Problem(404, "There is no such surge.", [str(error)]) from None

    async def take(self, request: web.Request) -> web.Response:
        given, who, now = request[GIVEN], request[STAFF].person_id, self.clock.now()
        assert isinstance(given, IntervalsGiven)
        rows = self._read(given)

        def verb(conn: Connection) -> dict[str, Any]:
            if overlapping := number_rows.overlapping(conn, rows):
                raise Unfit(overlapping)
            totals = number_rows.take_intervals(conn, rows, "api", who, now)
            counts = {"new": totals.new, "changed": totals.changed, "same": totals.same}
            audit.append(conn, Act(actor=who, action="call-centre intervals sent", subject=rows[0].queue, detail=counts), now)
            return counts

        return await self.replies.once(request, verb, 201)

    def _read(self, given: IntervalsGiven) -> list[Interval]:
        """Raises Unfit with every problem of every interval."""
        found: dict[tuple[str, object], Interval] = {}
        problems: list[str] = []
        for number, one in enumerate(given.intervals, 1):
            cells = one.model_dump(mode="json", exclude={"begins"}, exclude_none=True)
            row = Row(cells={name: str(value) for name, value in cells.items()} | {"begins": one.begins.isoformat()})
            taken = interval(row, self.site.time_zone, self.clock.now())
            problems += [f"Interval {number}: {problem}" for problem in row.problems]
            if taken is not None:
                if found.setdefault((taken.queue, taken.begins_at), taken) != taken:
                    problems.append(f"Interval {number}: an earlier one says something else of the same time.")
        if problems:
            raise Unfit(problems)
        return list(found.values())
