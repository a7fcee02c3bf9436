"""Drills in the console: begin one, see what comes in while it runs, end it, and read how everybody did."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiohttp import web
from aiohttp_sse import sse_response
from shapely import unary_union
from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Event, from_json
from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.service import Service
from notify.staff import drill_log, drills, training
from notify.staff.certificate import as_detail
from notify.staff.drill_log import LEADERS
from notify.staff.drills import Drill, Fit, Score
from notify.tables import AlertRow, AuditLine
from notify.web.tables import csv_file
from subscribers import atlas, generator, importing
from subscribers.address import Samples
from subscribers.entry import Rules

EVERY_S: Final = 1.0  # how often the clock on the page moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drill with everybody's score."""

    drill: Drill
    scores: Sequence[Score]
    lines: Sequence[AuditLine]


class Drills:
    """Every page and verb of it is refused outside training."""

    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._screens, self._db, self._clock = guard.screens, guard.db, guard.clock
        self._mode = service.assembly.mode

    def routes(self) -> list[Route]:
        drill = "/drills/{drill_id}"
        return [
            Route(method="GET", path="/drills", answer=self.list, roles=READERS),
            Route(method="POST", path="/drills", answer=self.start, roles=LEADERS),
            Route(method="GET", path=drill, answer=self.show, roles=READERS),
            Route(method="GET", path=f"{drill}/progress", answer=self.follow, roles=READERS, passive=True),
            Route(method="POST", path=f"{drill}/end", answer=self.end, roles=LEADERS),
            Route(method="GET", path=f"{drill}/scorecard.csv", answer=self.table, roles=READERS),
        ]

    async def list(self, request: web.Request) -> web.StreamResponse:
        self._refuse_outside_training()
        found = await self._db.read(drill_log.all_drills)
        leads = bool(request[VISIT].staff.roles & LEADERS)
        people = len(self._service.crowd.index)
        scripts = drills.catalogue().values()
        return self._screens.page(request, "drills", drills=found[::-1], scripts=scripts, leads=leads, people=people)

    async def start(self, request: web.Request) -> web.StreamResponse:
        self._refuse_outside_training()
        script = drills.catalogue().get(request[FORM].text("script"))
        if script is None:
            raise Unfit(["Choose which drill to begin."])
        staff = request[VISIT].staff
        if not len(self._service.crowd.index):
            await self._make_people(script.people)
        now = self._clock.now()

        def begin(conn: Connection) -> str:
            known = [area.name for area in atlas.areas(conn)]
            return drill_log.start(conn, staff, script, self._mode, now, known)

        return self._screens.moved(f"/drills/{await self._db.write(begin)}")

    async def show(self, request: web.Request) -> web.StreamResponse:
        drill = await self._drill(request)
        if drill.ended_at is not None:
            return self._screens.page(request, "drills_scorecard", judged=await self._judged(drill), seconds=seconds)
        return self._screens.page(request, "drills_run", **self._running(request, drill))

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The clock and what has come in, every second, until the drill ends."""
        drill, shown = await self._drill(request), ""
        async with sse_response(request) as stream:
            while stream.is_connected():
                drill = await self._drill(request)
                if drill.ended_at is not None:
                    await stream.send("", event="end")
                    break
                part = self._screens.text(request, "drills_injects", **self._running(request, drill))
                if part != shown:
                    await stream.send(part, event="progress")
                    shown = part
                await asyncio.sleep(EVERY_S)
        return stream

    async def end(self, request: web.Request) -> web.StreamResponse:
        """What everybody did is written down with the end: the list of people may change, and who practised must not."""
        staff, drill, now = request[VISIT].staff, await self._drill(request), self._clock.now()
        judged = await self._judged(drill)
        parts = as_detail(training.parts(drill, judged.scores, judged.lines, now))
        await self._db.write(lambda conn: drill_log.end(conn, staff, drill.drill_id, self._mode, now, parts))
        return self._screens.moved(f"/drills/{drill.drill_id}")

    async def table(self, request: web.Request) -> web.StreamResponse:
        judged = await self._judged(await self._drill(request))
        return csv_file(_rows(judged), f"{judged.drill.drill_id}.csv", HEADERS)

    def _refuse_outside_training(self) -> None:
        if problems := drills.mode_problems(self._mode):
            raise Unfit(problems)

    async def _drill(self, request: web.Request) -> Drill:
        self._refuse_outside_training()
        return await self._db.read(partial(drill_log.one, drill_id=request.match_info["drill_id"]))

    def _running(self, request: web.Request, drill: Drill) -> dict[str, Any]:
        after = drill.elapsed(self._clock.now())
        return {
            "drill": drill,
            "come": drill.script.come(after),
            "elapsed": clock(after),
            "over": after > timedelta(minutes=drill.script.minutes),
            "leads": bool(request[VISIT].staff.roles & LEADERS),
        }

    async def _judged(self, drill: Drill) -> Judged:
        await self._service.crowd.follow()

        def read(conn: Connection) -> tuple[Sequence[Any], Sequence[tuple[AlertRow, Event]], Any]:
            lines = drill_log.lines(conn, drill)
            begun = {line.subject for line in lines if line.action == "composed"}
            rows = [row for row in register.all_alerts(conn) if row.alert_id in begun and row.submitted_at and row.frozen]
            return lines, [(row, from_json(row.frozen or "")) for row in rows], atlas.areas(conn)

        lines, written, areas = await self._db.read(read)
        shapes = {area.name: area.shape for area in areas}
        fits = {row.alert_id: fit for row, event in written if (fit := self._fit(drill, row, event, shapes)) is not None}
        return Judged(drill=drill, scores=drills.scores(drill, lines, fits), lines=lines)

    def _fit(self, drill: Drill, row: AlertRow, event: Event, shapes: dict[str, Any]) -> Fit | None:
        """How well an alert met who it was for when it was submitted; None where the areas are not there any more."""
        right = drill.script.right_at((row.submitted_at or drill.started_at) - drill.started_at)
        if not set(right.areas) <= set(shapes):
            return None
        wanted, said = unary_union([shapes[name] for name in right.areas]), unary_union([area.shape for area in event.areas])
        hazard, index = self._service.assembly.hazards[right.hazard], self._service.crowd.index
        bases = self._service.assembly.city.policy.bases(hazard, hazard.severity)
        citywide = any(area.citywide for area in event.areas)
        told = index.match(said, citywide=citywide, bases=bases).address_id
        meant = index.match(wanted, citywide=False, bases=bases).address_id
        people = len(np.setdiff1d(meant, told)), len(np.setdiff1d(told, meant))
        return drills.fit(row.alert_id, said, wanted, people, hazard_right=row.hazard == right.hazard)

    async def _make_people(self, count: int) -> None:
        """Made-up people of exchange 555 and example.gov in the city's neighbourhoods, where nobody is on the list yet."""
        areas, pack = await self._db.read(atlas.areas), self._service.assembly.city.pack
        rules = Rules(
            languages=frozenset(pack.tags),
            envelope=pack.box,
            areas={area.name: area.kind for area in areas},
            zone=pack.zone,
            samples=Samples.ONLY,
            now=self._clock.now(),
        )

        def write() -> None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "people.csv"
                generator.write(file, count, areas)
                importing.import_file(file, importing.into(self._db.writer.begin), rules, self._guard.ring, lambda _: None)

        try:
            await asyncio.to_thread(write)
        except ValueError as error:
            raise Unfit([f"Nobody is on the list, and nobody can be made up: {error}"]) from None
        await self._service.crowd.follow()


def clock(after: timedelta) -> str:
    """12:05, or 1:12:05: how long a drill has run."""
    minutes, second = divmod(int(after.total_seconds()), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def seconds(length: timedelta | None) -> str:
    """A duration for a table: "1:05", or a dash for what was not done."""
    return clock(length) if length is not None else "–"


def _rows(judged: Judged) -> Iterator[Sequence[object]]:
    """Durations in seconds, "" for what was not done; one row an operator and alert."""
    yield (
        "drill", "operator", "draft_s", "submit_s", "approve_s", "correct_s", "wrong_attempts",
        "alert", "audience", "hazard", "people_missed", "people_in_vain", "area_missed", "area_in_vain",
    )  # fmt: skip
    for one in judged.scores:
        times = [length.total_seconds() if length is not None else "" for length in _lengths(one)]
        start = [judged.drill.drill_id, one.person_id, *times, one.wrong]
        for fit in one.fits:
            verdict = ["right" if fit.right else "wrong", "right" if fit.hazard_right else "wrong"]
            yield [*start, fit.alert_id, *verdict, fit.missed, fit.extra, f"{fit.missed_share:.2f}", f"{fit.extra_share:.2f}"]
        if not one.fits:
            yield [*start, "", "", "", "", "", "", ""]


def _lengths(one: Score) -> Sequence[timedelta | None]:
    return one.draft, one.submit, one.approve, one.correct
