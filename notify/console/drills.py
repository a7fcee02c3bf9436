"""Drills in the console: begin one, see what comes in while it runs, end it, and read how everybody did."""

import asyncio
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import sse_response

from notify.console.routing import FORM, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.service import Service
from notify.staff import drilling, drills
from notify.staff.drill_log import LEADERS, WATCHERS
from notify.staff.drilling import Drilling
from notify.staff.drills import Drill
from notify.web.tables import csv_file

EVERY_S: Final = 1.0  # how often the clock on the page moves


class Drills:
    """Every page and verb of it is refused outside training."""

    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._screens, self._db, self._clock = guard.screens, guard.db, guard.clock
        self._drilling = Drilling(service, guard.ring)

    def routes(self) -> list[Route]:
        drill = "/drills/{drill_id}"
        return [
            Route(method="GET", path="/drills", answer=self.list, roles=WATCHERS),
            Route(method="POST", path="/drills", answer=self.start, roles=LEADERS),
            Route(method="GET", path=drill, answer=self.show, roles=WATCHERS),
            Route(method="GET", path=f"{drill}/progress", answer=self.follow, roles=WATCHERS, passive=True),
            Route(method="POST", path=f"{drill}/end", answer=self.end, roles=LEADERS),
            Route(method="GET", path=f"{drill}/scorecard.csv", answer=self.table, roles=WATCHERS),
        ]

    async def list(self, request: web.Request) -> web.StreamResponse:
        found = await self._drilling.all()
        leads = bool(request[VISIT].staff.roles & LEADERS)
        people = len(self._service.crowd.index)
        scripts = drills.catalogue().values()
        return self._screens.page(request, "drills", drills=found, scripts=scripts, leads=leads, people=people)

    async def start(self, request: web.Request) -> web.StreamResponse:
        begin = await self._drilling.start(request[VISIT].staff, request[FORM].text("script"))
        return self._screens.moved(f"/drills/{await self._db.write(begin)}")

    async def show(self, request: web.Request) -> web.StreamResponse:
        drill = await self._drill(request)
        if drill.ended_at is not None:
            judged = await self._drilling.judged(drill)
            return self._screens.page(request, "drills_scorecard", judged=judged, seconds=seconds)
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
        drill_id = request.match_info["drill_id"]
        await self._db.write(await self._drilling.end(request[VISIT].staff, drill_id))
        return self._screens.moved(f"/drills/{drill_id}")

    async def table(self, request: web.Request) -> web.StreamResponse:
        judged = await self._drilling.judged(await self._drill(request))
        return csv_file(drilling.table(judged), f"{judged.drill.drill_id}.csv", HEADERS)

    async def _drill(self, request: web.Request) -> Drill:
        return await self._drilling.one(request.match_info["drill_id"])

    def _running(self, request: web.Request, drill: Drill) -> dict[str, Any]:
        after = drill.elapsed(self._clock.now())
        return {
            "drill": drill,
            "come": drill.script.come(after),
            "elapsed": clock(after),
            "over": after > timedelta(minutes=drill.script.minutes),
            "leads": bool(request[VISIT].staff.roles & LEADERS),
        }


def clock(after: timedelta) -> str:
    """12:05, or 1:12:05: how long a drill has run."""
    minutes, second = divmod(int(after.total_seconds()), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def seconds(length: timedelta | None) -> str:
    """A duration for a table: "1:05", or a dash for what was not done."""
    return clock(length) if length is not None else "–"
