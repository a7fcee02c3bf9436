"""Drills by the API: begin one, what has come in while it runs, end it, how everybody did. On the training instance only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.alerts.register import NoSuchAlert
from notify.service import Service
from notify.staff import drill_log, drilling, drills
from notify.staff.drill_log import LEADERS, WATCHERS
from notify.staff.drilling import Drilling, Verb
from notify.staff.drills import Drill, Fit, Score
from notify.web.answers import STAFF, Problem, unfit_as
from notify.web.endpoints import GIVEN, Endpoint, Given, acting, looking
from notify.web.replies import Replies
from notify.web.tables import csv_file
from subscribers.sealing import Keyring

ONE: Final = "/drills/{drill_id}"
ELSEWHERE: Final = frozenset({422})  # every request, outside training
REFUSED: Final = ELSEWHERE | {404}


class Played(Given):
    """script: its key, as GET /drills names them."""

    script: str = Field(max_length=80)


class DrillApi:
    def __init__(self, service: Service, replies: Replies, ring: Keyring) -> None:
        self._service, self._replies, self._drilling = service, replies, Drilling(service, ring)

    def endpoints(self) -> list[Endpoint]:
        see = partial(looking, roles=WATCHERS, refusals=REFUSED)
        begins = "Begins a drill, one at a time; where nobody is on the list, people are made up first"
        ends = "Ends a drill; what everybody did is written down with it"
        table = "The same as a table, a row for each operator and alert"
        return [
            see("/drills", self.all, "Every drill, the newest first, and the scripts there are", "Drills", refusals=ELSEWHERE),
            acting("/drills", self.start, begins, "Drill", Played, roles=LEADERS, status=201),
            see(ONE, self.one, "A drill, and what has come in so far", "DrillNow"),
            acting(f"{ONE}/end", self.end, ends, "Drill", roles=LEADERS, refusals=REFUSED),
            see(f"{ONE}/scorecard", self.scorecard, "How everybody did, and each alert beside who it was for", "Scorecard"),
            see(f"{ONE}/scorecard.csv", self.table, table, "Text", media="text/csv"),
        ]

    async def all(self, _: web.Request) -> web.Response:
        with _as_problems():
            found = await self._drilling.all()
        scripts = [
            {"script": one.key, "title": one.title, "minutes": one.minutes, "people": one.people}
            for one in drills.catalogue().values()
        ]
        return web.json_response({"drills": [drill_json(one) for one in found], "scripts": scripts})

    async def one(self, request: web.Request) -> web.Response:
        drill = await self._drill(request)
        return web.json_response(now_json(drill, drill.elapsed(self._service.clock.now())))

    async def start(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, Played)
        begin: list[Verb[str]] = []

        async def prepare() -> None:
            begin.append(await self._drilling.start(staff, given.script))

        return await self._once(request, lambda conn: _shown(conn, begin[0](conn)), prepare, 201)

    async def end(self, request: web.Request) -> web.Response:
        staff, drill_id = request[STAFF], request.match_info["drill_id"]
        end: list[Verb[None]] = []

        async def prepare() -> None:
            end.append(await self._drilling.end(staff, drill_id))

        def ended(conn: Connection) -> dict[str, Any]:
            end[0](conn)
            return _shown(conn, drill_id)

        return await self._once(request, ended, prepare)

    async def scorecard(self, request: web.Request) -> web.Response:
        judged = await self._drilling.judged(await self._drill(request))
        operators = [score_json(one) for one in judged.scores]
        return web.json_response({"drill": drill_json(judged.drill), "operators": operators})

    async def table(self, request: web.Request) -> web.StreamResponse:
        judged = await self._drilling.judged(await self._drill(request))
        return csv_file(drilling.table(judged), f"{judged.drill.drill_id}.csv", {})

    async def _drill(self, request: web.Request) -> Drill:
        with _as_problems():
            return await self._drilling.one(request.match_info["drill_id"])

    async def _once(self, request: web.Request, verb: Verb[Any], prepare: Callable[[], Any], status: int = 200) -> web.Response:
        with _as_problems():
            return await self._replies.once(request, verb, status, prepare)


@contextmanager
def _as_problems() -> Iterator[None]:
    """In the words of drills, not of alerts."""
    with unfit_as("This drill is not possible."):
        try:
            yield
        except NoSuchAlert as error:
            raise Problem(404, "There is no such drill.", [str(error)]) from None


def _shown(conn: Connection, drill_id: str) -> dict[str, Any]:
    return drill_json(drill_log.one(conn, drill_id))


def drill_json(drill: Drill) -> dict[str, Any]:
    return {
        "drill_id": drill.drill_id,
        "script": drill.script.key,
        "title": drill.script.title,
        "minutes": drill.script.minutes,
        "started_by": drill.started_by,
        "started_at": drill.started_at.isoformat(),
        "ended_at": drill.ended_at.isoformat() if drill.ended_at is not None else None,
    }


def now_json(drill: Drill, after: timedelta) -> dict[str, Any]:
    """after: how long it has run, or ran; what comes in is the newest first."""
    come = [{"minute": one.at, "from": one.sender, "words": one.words} for one in drill.script.come(after)]
    over = after > timedelta(minutes=drill.script.minutes)
    return drill_json(drill) | {"elapsed_s": after.total_seconds(), "over": over, "come": come}


def score_json(one: Score) -> dict[str, Any]:
    """Durations in seconds, null for what was not done."""
    lengths = {"draft_s": one.draft, "submit_s": one.submit, "approve_s": one.approve, "correct_s": one.correct}
    return {
        "person_id": one.person_id,
        **{name: length.total_seconds() if length is not None else None for name, length in lengths.items()},
        "refused": one.wrong,
        "audience": one.audience,
        "alerts": [fit_json(fit) for fit in one.fits],
    }


def fit_json(fit: Fit) -> dict[str, Any]:
    """Shares are of the right area."""
    return {
        "alert_id": fit.alert_id,
        "right": fit.right,
        "hazard_right": fit.hazard_right,
        "people_missed": fit.missed,
        "people_in_vain": fit.extra,
        "area_missed": round(fit.missed_share, 4),
        "area_in_vain": round(fit.extra_share, 4),
    }
