"""Who may answer at the desk: their languages, skills and line, and until when they are lent."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.exercise import SAMPLES
from notify.alerts.life import Role, Staff
from notify.audit import Act
from notify.console.routing import FORM, Route, several
from notify.console.screens import VISIT
from notify.staff import people
from notify.web.answers import Problem
from subscribers.address import BadAddress, normal_phone
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.seats import AgentState
from surge.pages.office import AGENTS, LEADS, Office, whose
from surge.tables import AgentRow

PAGE: Final = "/agents311"
SKILLS: Final = ("water", "food", "health", "shelter", "lead")
LONGEST_LOAN: Final = timedelta(days=92)
SIP: Final = "sip:"


class AgentPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens = office.guard.db, office.guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=AGENTS),
            Route(method="POST", path=PAGE, answer=self.put, roles=LEADS),
            Route(method="POST", path=f"{PAGE}/{{person_id}}/end", answer=self.end, roles=LEADS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        rows = {row.person_id: row for row in await self._db.read(agent_rows.everybody)}
        everybody = await self._db.read(people.everybody)
        may = [staff for staff, active in everybody if active and staff.roles & AGENTS]
        line = self._office.side.line
        return self._screens.page(
            request,
            "agents",
            agents=[_listed(staff, rows.get(staff.person_id)) for staff in may],
            states={staff.person_id: line.state_of(staff.person_id) if line else AgentState.OFFLINE for staff in may},
            has_line=line is not None,
            skills=SKILLS,
            tongues=self._screens.site.languages,
            leads=bool(request_roles(request) & LEADS),
        )

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Languages, skills, line and the end of a loan. Only somebody who has the role may answer: giving that is another
        page's business, and takes two administrators."""
        form, person_id = request[FORM], request[FORM].text("person_id")
        known = {staff.person_id: staff for staff, active in await self._db.read(people.everybody) if active}
        problems = []
        if person_id not in known or not known[person_id].roles & AGENTS:
            problems.append("This person does not have the role agent311 yet. An administrator gives it under Staff.")
        languages = [tag for tag in several(request, "languages") if tag in self._screens.site.languages]
        if not languages:
            problems.append("Choose at least one language they speak.")
        line, fault = self._line(form.text("line"), form.text("no_line") == "yes")
        until, late = self._until(form.text("until"))
        problems += [one for one in (fault, late) if one]
        if problems:
            raise Unfit(problems)
        given = Given(
            languages=languages,
            skills=[skill for skill in several(request, "skills") if skill in SKILLS],
            interpreter=form.text("interpreter") == "yes",
            home=form.text("home")[:80],
            until=until,
            line=line,
        )
        by, now, ring = whose(request), self._office.now, self._guard.ring

        def kept(conn: Connection) -> None:
            agent_rows.put(conn, person_id, given, ring)
            detail = {"languages": sorted(languages), "until": until.isoformat() if until else None}
            audit.append(conn, Act(actor=by, action="seated an agent", subject=person_id, detail=detail), now)

        await self._db.write(kept)
        return self._screens.moved(PAGE)

    async def end(self, request: web.Request) -> web.StreamResponse:
        person_id, by, now = request.match_info["person_id"], whose(request), self._office.now

        def ended(conn: Connection) -> bool:
            found = agent_rows.end(conn, person_id, now)
            if found:
                audit.append(conn, Act(actor=by, action="ended a loan", subject=person_id, detail={}), now)
            return found

        if not await self._db.write(ended):
            raise Problem(404, "This person does not answer here.", ["They are not on the list."])
        line = self._office.side.line
        if line is not None and line.state_of(person_id) is not AgentState.OFFLINE:
            await line.set_state(person_id, AgentState.OFFLINE)
        return self._screens.moved(PAGE)

    def _line(self, typed: str, none: bool) -> tuple[str | None, str]:
        """The line as it is kept (None: as it was), and what is wrong with it."""
        if none:
            return "", ""
        if not typed:
            return None, ""
        if typed.startswith(SIP) and "@" in typed and " " not in typed:
            return typed[:200], ""
        try:
            return normal_phone(typed, SAMPLES[self._screens.site.mode]), ""
        except BadAddress:
            return None, "Their line is a phone number or a SIP address (sip:name@host)."

    def _until(self, typed: str) -> tuple[datetime | None, str]:
        if not typed:
            return None, ""
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            return None, "Say until when as a date and a time."
        at = (at if at.tzinfo else at.replace(tzinfo=self._screens.site.time_zone)).astimezone(UTC)
        if not self._office.now < at <= self._office.now + LONGEST_LOAN:
            return None, "A loan ends in the future, and within three months."
        return at, ""


def _listed(staff: Staff, row: AgentRow | None) -> dict[str, Any]:
    """One line of the list. A number or address is never shown."""
    return {
        "person_id": staff.person_id,
        "lead": bool(staff.roles & {Role.LEAD311}),
        "languages": row.languages.split(",") if row and row.languages else [],
        "skills": row.skills.split(",") if row and row.skills else [],
        "interpreter": row.interpreter if row else True,
        "home": row.home if row else "",
        "has_line": bool(row and row.line),
        "trained_at": row.trained_at if row else None,
        "until": row.until if row else None,
        "seated": row is not None,
    }


def request_roles(request: web.Request) -> frozenset[Role]:
    return frozenset(request[VISIT].staff.roles)
