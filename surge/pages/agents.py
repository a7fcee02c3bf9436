"""Who may answer at the desk: their languages, skills and line, and until when they are lent."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from notify.console.routing import FORM, Route, several
from notify.console.screens import VISIT
from surge.pages.agent_acts import SKILLS, AgentActs, Wanted
from surge.pages.office import AGENTS, LEADS, Office, whose

PAGE: Final = "/agents311"
UNREAD: Final = "Say until when as a date and a time."


class AgentPages:
    def __init__(self, office: Office) -> None:
        self._office, self._acts = office, AgentActs(office)
        self._db, self._screens = office.guard.db, office.guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=AGENTS),
            Route(method="POST", path=PAGE, answer=self.put, roles=LEADS),
            Route(method="POST", path=f"{PAGE}/{{person_id}}/end", answer=self.end, roles=LEADS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        agents = await self._db.read(self._acts.listed)
        return self._screens.page(
            request,
            "agents",
            agents=agents,
            states={one.person_id: self._acts.state_of(one.person_id) for one in agents},
            has_line=self._office.side.line is not None,
            skills=SKILLS,
            tongues=self._screens.site.languages,
            leads=bool(request[VISIT].staff.roles & LEADS),
        )

    async def put(self, request: web.Request) -> web.StreamResponse:
        form = request[FORM]
        until, fault = _until(form.text("until"), self._screens.site.time_zone)
        wanted = Wanted(
            person_id=form.text("person_id"),
            languages=several(request, "languages"),
            skills=several(request, "skills"),
            interpreter=form.text("interpreter") == "yes",
            home=form.text("home"),
            line="" if form.text("no_line") == "yes" else form.text("line") or None,
            until=until,
            faults=fault,
        )
        await self._db.write(self._acts.put(whose(request), wanted))
        return self._screens.moved(PAGE)

    async def end(self, request: web.Request) -> web.StreamResponse:
        person_id = request.match_info["person_id"]
        await self._db.write(self._acts.end(whose(request), person_id))
        await self._acts.leave(person_id)
        return self._screens.moved(PAGE)


def _until(typed: str, zone: ZoneInfo) -> tuple[datetime | None, list[str]]:
    """The end of a loan, by the city's clock, and what is wrong with it."""
    if not typed:
        return None, []
    try:
        at = datetime.fromisoformat(typed)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC), []
    except (ValueError, OverflowError):
        return None, [UNREAD]
