"""The wallboard: figures of the line, the send and the promises, big enough to be read across a room. It names nobody."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import sse_response
from sqlalchemy import Connection

from notify.alerts import progress, promises, register
from notify.alerts.life import IN_FORCE
from notify.alerts.progress import Progress
from notify.console.routing import SIGNED_IN, Route
from notify.tables import OpenPromise
from surge.desk import desk_rows, replies
from surge.desk.desk_line import Figures
from surge.desk.desk_rows import Pressed
from surge.desk.tally import TOP
from surge.numbers import number_rows
from surge.numbers.outcomes import Graded, Satisfaction, satisfaction
from surge.numbers.staffing import Missing, Table
from surge.pages.office import Office, whose
from surge.pages.staffing import Staffing
from surge.tables import ActivationRow

PAGE: Final = "/wallboard"
EVERY_S: Final = 2.0
LONG_WAIT: Final = timedelta(minutes=5)  # longer, and the frame is red
MANY_LOST: Final = 0.1  # of those offered, abandoned: more, and the frame is red
LANGUAGES: Final = 12  # by name; of more it says how many there are, and how many wait in them
CHANNELS: Final = ("sms", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything on it. broken: the sentences behind a red frame. staffing: the next hour with other numbers of agents, or why
    nobody can say; None while it is worked out. waits: who waits by language, the most first, and `others` in how many more
    languages how many do. said: what callers have said of their calls, where anybody was asked."""

    row: ActivationRow | None
    figures: Figures | None
    pressed: Pressed
    lately: Pressed
    answers: Mapping[str, int]
    promise: OpenPromise | None
    bars: Sequence[Progress]
    unread: int
    broken: Sequence[str]
    staffing: Table | Sequence[Missing] | None
    waits: Sequence[tuple[str, int]] = ()
    others: tuple[int, int] = (0, 0)
    said: Satisfaction | None = None


class Wallboard:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens = office.guard.db, office.guard.screens
        side = office.side
        self.staffing = Staffing(db=office.guard.db, clock=office.guard.clock, line=side.line, pack=side.pack)

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=SIGNED_IN),
            Route(method="GET", path=f"{PAGE}/progress", answer=self.follow, roles=SIGNED_IN, passive=True),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Without whoever has signed in for it: it hangs where everybody looks."""
        return self._screens.page(request, "wallboard", visit=None, mark="", **await self._values(request))

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The board as server-sent events, when something changed."""
        shown = ""
        async with sse_response(request) as stream:
            while stream.is_connected():
                part = self._screens.text(request, "part/wallboard", **await self._values(request))
                if part != shown:
                    await stream.send(part, event="board")
                    shown = part
                await asyncio.sleep(EVERY_S)
        return stream

    async def _values(self, request: web.Request) -> dict[str, Any]:
        return {"board": await self.board(whose(request)), "top": TOP}

    async def board(self, person_id: str) -> Board:
        now = self._office.now
        on = await self._office.on(person_id)
        row = on.row if on else None
        activation_id, incident_id = (row.activation_id, row.incident_id) if row else (None, None)
        line = self._office.side.line
        figures = line.figures() if line else None

        def read(
            conn: Connection,
        ) -> tuple[Pressed, Pressed, Mapping[str, int], OpenPromise | None, list[str], Sequence[Graded]]:
            lately = desk_rows.pressed(conn, activation_id, now - timedelta(hours=1))
            return (
                desk_rows.pressed(conn, activation_id),
                lately,
                replies.counted(conn, activation_id),
                _promise(conn, incident_id),
                _events(conn, incident_id),
                number_rows.grades(conn, activation_id) if activation_id else (),
            )

        waits, others = by_most(figures.languages if figures else {})
        pressed, lately, answers, promise, events, grades = await self._db.read(read)
        return Board(
            row=row,
            figures=figures,
            pressed=pressed,
            lately=lately,
            answers=answers,
            promise=promise,
            bars=await self._bars(events),
            unread=len(on.unread_by) if on else 0,
            broken=broken(figures, promise, now),
            staffing=await self.staffing.look(row),
            waits=waits,
            others=others,
            said=satisfaction(grades) if grades else None,
        )

    async def _bars(self, events: Sequence[str]) -> list[Progress]:
        """The last send's texts by language, the most first; its e-mails where it had no texts."""
        if not events:
            return []
        kinds = await self._guard.tallies.of(events[-1])
        channel = next((name for name in CHANNELS if any(one == name for one, _, _ in kinds)), "")
        return sorted(progress.by_language(kinds, channel), key=_total, reverse=True)[:LANGUAGES]


def by_most(waiting: Mapping[str, int], shown: int = LANGUAGES) -> tuple[list[tuple[str, int]], tuple[int, int]]:
    """Who waits by language, the most first; of those that are not shown, how many languages and how many people."""
    ordered = sorted(((tag, people) for tag, people in waiting.items() if people), key=lambda one: (-one[1], one[0]))
    rest = ordered[shown:]
    return ordered[:shown], (len(rest), sum(people for _, people in rest))


def broken(figures: Figures | None, promise: OpenPromise | None, now: datetime) -> list[str]:
    """Which levels are broken, as sentences; the frame is red while there is one."""
    found = []
    if figures is not None and figures.waiting and figures.longest > LONG_WAIT:
        found.append("Somebody has waited for more than five minutes.")
    if figures is not None and figures.offered and figures.abandoned / figures.offered > MANY_LOST:
        found.append("More than one in ten have hung up.")
    if figures is not None and figures.waiting and not any(figures.agents.get(state) for state in ("ready", "talking", "wrap")):
        found.append("People wait and nobody is at the desk.")
    if promise is not None and promise.by is not None and promise.by < now:
        found.append("A promised update is late.")
    return found


def _total(one: Progress) -> int:
    return one.total


def _promise(conn: Connection, incident_id: str | None) -> OpenPromise | None:
    """The next one with a time: of what is on, or of anything where nothing is."""
    found = [one for one in promises.still_open(conn) if one.by is not None]
    return next((one for one in found if incident_id in (None, one.incident_id)), None)


def _events(conn: Connection, incident_id: str | None) -> list[str]:
    rows = register.standing(conn, [status.value for status in IN_FORCE])
    return [row.event_id for row in rows if incident_id in (None, row.incident_id)]
