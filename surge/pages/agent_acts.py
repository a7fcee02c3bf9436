"""Who may answer, and until when they are lent, as the lead puts it down; by pages and by the API alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.exercise import SAMPLES
from notify.alerts.life import Role, Staff
from notify.audit import Act
from notify.staff import people
from notify.web.answers import Problem
from subscribers.address import BadAddress, normal_phone
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.seats import AgentState
from surge.pages.acts import Verb
from surge.pages.office import AGENTS, Room
from surge.tables import AgentRow

SKILLS: Final = ("water", "food", "health", "shelter", "lead")
LONGEST_LOAN: Final = timedelta(days=92)
SIP: Final = "sip:"
LINE_FAULT: Final = "Their line is a phone number or a SIP address (sip:name@host)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How somebody is to answer, as it was typed. line: "" for no telephone, None as it was. until: None for somebody who
    belongs here. faults: what could not be read at all, as sentences."""

    person_id: str
    languages: Sequence[str]
    skills: Sequence[str] = ()
    interpreter: bool = True
    home: str = ""
    line: str | None = None
    until: datetime | None = None
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the list. A number or address is never shown. seated: the lead has put them down, or they have practised."""

    person_id: str
    lead: bool
    languages: Sequence[str]
    skills: Sequence[str]
    interpreter: bool
    home: str
    has_line: bool
    trained_at: datetime | None
    until: datetime | None
    seated: bool


class AgentActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    def listed(self, conn: Connection) -> list[Listed]:
        """Everybody who has a role that may answer, by name."""
        rows = {row.person_id: row for row in agent_rows.everybody(conn)}
        return [_listed(staff, rows.get(staff.person_id)) for staff in _who_may(conn)]

    def state_of(self, person_id: str) -> AgentState:
        """OFFLINE where calls and letters are dealt with elsewhere, too."""
        line = self._room.side.line
        return line.state_of(person_id) if line is not None else AgentState.OFFLINE

    def put(self, by: str, wanted: Wanted) -> Verb[Listed]:
        """Languages, skills, line and the end of a loan. Only somebody who has the role may answer: giving that is another
        page's business, and takes two administrators. The verb raises Unfit with everything that is wrong."""
        now, ring = self._room.now, self._room.ring

        def kept(conn: Connection) -> Listed:
            line, fault = self._line(wanted.line)
            problems = self._problems(conn, wanted, now) + ([fault] if fault else [])
            if problems:
                raise Unfit(problems)
            given = Given(
                languages=sorted(set(wanted.languages)),
                skills=sorted(set(wanted.skills)),
                interpreter=wanted.interpreter,
                home=wanted.home[:80],
                until=wanted.until,
                line=line,
            )
            agent_rows.put(conn, wanted.person_id, given, ring)
            detail = {"languages": given.languages, "until": given.until.isoformat() if given.until else None}
            audit.append(conn, Act(actor=by, action="seated an agent", subject=wanted.person_id, detail=detail), now)
            return self._one(conn, wanted.person_id)

        return kept

    def end(self, by: str, person_id: str) -> Verb[None]:
        """Their time at the desk is over. The verb raises Problem (404) for somebody who is not on the list."""
        now = self._room.now

        def ended(conn: Connection) -> None:
            if not agent_rows.end(conn, person_id, now):
                raise Problem(404, "This person does not answer here.", ["They are not on the list."])
            audit.append(conn, Act(actor=by, action="ended a loan", subject=person_id, detail={}), now)

        return ended

    async def leave(self, person_id: str) -> None:
        """Whose time is over is rung for nobody; whoever was put down anew meanwhile stays."""
        line, agent = self._room.side.line, await self._room.agent(person_id)
        over = agent is not None and agent.until is not None and agent.until <= self._room.now
        if line is not None and over and self.state_of(person_id) is not AgentState.OFFLINE:
            await line.set_state(person_id, AgentState.OFFLINE)

    def _problems(self, conn: Connection, wanted: Wanted, now: datetime) -> list[str]:
        problems = []
        if wanted.person_id not in {staff.person_id for staff in _who_may(conn)}:
            problems.append("This person does not have the role agent311 yet. An administrator gives it under Staff.")
        if not wanted.languages:
            problems.append("Choose at least one language they speak.")
        problems += [f"The city has no language {tag}." for tag in wanted.languages if tag not in self._room.site.languages]
        problems += [
            f"There is no skill {skill}; there are {', '.join(SKILLS)}." for skill in wanted.skills if skill not in SKILLS
        ]
        if wanted.until is not None and not now < wanted.until <= now + LONGEST_LOAN:
            problems.append("A loan ends in the future, and within three months.")
        return [*problems, *wanted.faults]

    def _line(self, typed: str | None) -> tuple[str | None, str]:
        """The line as it is kept (None: as it was), and what is wrong with it."""
        if not typed:
            return typed, ""
        if typed.startswith(SIP) and "@" in typed and " " not in typed:
            return typed[:200], ""
        try:
            return normal_phone(typed, SAMPLES[self._room.site.mode]), ""
        except BadAddress:
            return None, LINE_FAULT

    def _one(self, conn: Connection, person_id: str) -> Listed:
        return next(one for one in self.listed(conn) if one.person_id == person_id)


def _listed(staff: Staff, row: AgentRow | None) -> Listed:
    return Listed(
        person_id=staff.person_id,
        lead=bool(staff.roles & {Role.LEAD311}),
        languages=row.languages.split(",") if row and row.languages else [],
        skills=row.skills.split(",") if row and row.skills else [],
        interpreter=row.interpreter if row else True,
        home=row.home if row else "",
        has_line=bool(row and row.line),
        trained_at=row.trained_at if row else None,
        until=row.until if row else None,
        seated=row is not None,
    )


def _who_may(conn: Connection) -> list[Staff]:
    return [staff for staff, active in people.everybody(conn) if active and staff.roles & AGENTS]
