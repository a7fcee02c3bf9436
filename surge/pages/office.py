"""What every page of the desk works with: who asks, what is switched on, which script is read, and where a place lies."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import shapely
from aiohttp import web
from sqlalchemy import Connection
from sqlmodel import col, select

from notify import register
from notify.affected import Map, Verdict, touched
from notify.alert import Event, Stage
from notify.broadcast import Unfit
from notify.console.routing import Guard
from notify.console.screens import VISIT
from notify.life import IN_FORCE, Role
from notify.live import WHOLE
from notify.outbox import content_for
from subscribers import atlas
from subscribers.dialog.turn import Sight
from subscribers.place import Point, ZipArea
from surge.desk import desk_rows, knowledge, question_rows
from surge.desk.desk_line import DeskLine
from surge.desk.knowledge import Shelf
from surge.desk.referrals import Referrals
from surge.desk.written import Written
from surge.pack import Pack
from surge.scripts import script
from surge.scripts.script import Script
from surge.switch import store
from surge.switch.activation import Status
from surge.tables import ActivationRow, AgentRow

AGENTS: Final = frozenset({Role.AGENT311, Role.LEAD311, Role.ADMIN})
LEADS: Final = frozenset({Role.LEAD311, Role.ADMIN})
READ: Final = frozenset({Status.ARMED.value, Status.OPEN.value, Status.STANDING_DOWN.value})  # while a script is on the desks
ENGLISH: Final = "en"
OVER: Final = (Stage.ALL_CLEAR, Stage.FALSE_ALARM)

FindPlace = Callable[[str], Awaitable[Sequence[Sight]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What the service hands to the desk. line, written: None where calls and letters are dealt with elsewhere."""

    line: DeskLine | None = None
    written: Written | None = None
    find_place: FindPlace | None = None
    pack: Pack | None = None
    referrals: Referrals = field(default_factory=Referrals)


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """What is switched on, as one reader sees it. changed: what they have not ticked as read."""

    row: ActivationRow
    script: Script | None
    unread: bool
    unread_by: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of an address. verdict: None where there is no area to compare with."""

    typed: str
    verdict: Verdict | None
    places: Sequence[str] = ()
    zip: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(slots=True)
class Office:
    guard: Guard
    side: Side
    _maps: dict[tuple[object, ...], Map] = field(default_factory=dict)
    _scripts: dict[tuple[str, int], Script] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.guard.clock.now()

    async def on(self, person_id: str) -> On | None:
        """None while nothing is armed or open."""
        return await self.guard.db.read(lambda conn: self._on(conn, person_id))

    def _on(self, conn: Connection, person_id: str) -> On | None:
        row = store.current(conn)
        if row is None or row.status not in READ:
            return None
        newest = store.script(conn, row.activation_id)
        if newest is None:
            return On(row=row, script=None, unread=False, unread_by=())
        key = (row.activation_id, newest.version)
        if key not in self._scripts:
            self._scripts.clear()
            self._scripts[key] = script.of(newest, row.runbook)
        version = newest.version
        read = not newest.changed or desk_rows.has_read(conn, row.activation_id, version, person_id)
        unread_by = desk_rows.unread_by(conn, row.activation_id, version, self.now) if newest.changed else []
        return On(row=row, script=self._scripts[key], unread=not read, unread_by=unread_by)

    async def shelf(self, on: On | None) -> Shelf:
        """Everything that may answer a question now."""
        activation_id = on.row.activation_id if on else None
        rows = await self.guard.db.read(lambda conn: question_rows.standing(conn, activation_id))
        entries = question_rows.entries(rows if on else [row for row in rows if row.activation_id is None])
        if on is not None and on.script is not None:
            entries += knowledge.answers(on.script.book, on.script.version, _filled(on.script))
        return Shelf.of([*entries, *self.side.referrals.known()])

    async def agent(self, person_id: str) -> AgentRow | None:
        query = select(AgentRow).where(col(AgentRow.person_id) == person_id)
        row = await self.guard.db.read(lambda conn: conn.execute(query).first())
        return AgentRow(**row._mapping) if row is not None else None

    async def refuse_expired(self, person_id: str) -> None:
        """Raises Unfit for somebody whose borrowed time is over."""
        agent = await self.agent(person_id)
        if agent is not None and agent.until is not None and agent.until <= self.now:
            raise Unfit(["Your time at the desk is over. The lead can extend it."])

    def the_line(self) -> DeskLine:
        """Raises Unfit where calls and letters are dealt with elsewhere."""
        if self.side.line is None:
            raise Unfit(["Here the desk has script, tally and needs; calls stay in the city's own call centre."])
        return self.side.line

    def letters(self) -> Written:
        """Raises Unfit, see the_line."""
        if self.side.written is None:
            raise Unfit(["Nothing can be sent from this desk."])
        return self.side.written

    async def placed(self, on: On | None, typed: str) -> Placed:
        """Where a place lies, and whether that is inside the area of what is on. Nothing of it is kept."""
        sights = await self.side.find_place(typed) if self.side.find_place and typed else ()
        spots = [sight.spot for sight in sights]
        if not spots and typed.isascii() and typed.isdigit() and len(typed) == 5:
            spots = [ZipArea(typed)]
        incident_id = on.row.incident_id if on else None
        area = await self.guard.db.read(lambda conn: self._map(conn, incident_id))
        verdict = None if area is None else area.of_any(spots)
        best = sights[0] if sights else None
        point = best.spot if best is not None and isinstance(best.spot, Point) and len(sights) == 1 else None
        return Placed(
            typed=typed,
            verdict=verdict,
            places=[sight.exact for sight in sights[:3]],
            zip=(best.zip or "") if best is not None else (typed if spots else ""),
            lat=point.lat if point else None,
            lon=point.lon if point else None,
        )

    def _map(self, conn: Connection, incident_id: str | None) -> Map | None:
        """The area of what is in force of an incident; None where nothing is."""
        events = self._events(conn, incident_id) if incident_id else []
        if not events:
            return None
        key = (*(event.event_id for event in events), atlas.version(conn))
        if key not in self._maps:
            areas = [area for event in events for area in event.areas]
            known = touched(areas, atlas.areas(conn))
            shape = shapely.union_all([area.shape for area in areas])
            self._maps.clear()
            self._maps[key] = Map(shape, dict((*known.zips, *known.others)), self.guard.screens.site.phone)
        return self._maps[key]

    def _events(self, conn: Connection, incident_id: str) -> list[Event]:
        rows = register.standing(conn, [status.value for status in IN_FORCE])
        ours = [row for row in rows if row.incident_id == incident_id and row.ended_at is None and Stage(row.stage) not in OVER]
        return [register.frozen(conn, row.event_id) for row in ours]

    async def guide(self, on: On | None, language: str) -> str:
        """The text that whoever asks is sent: the alert's own, approved with it; "" where there is none."""
        if on is None or on.row.incident_id is None:
            return ""
        incident_id = on.row.incident_id
        events = await self.guard.db.read(lambda conn: self._events(conn, incident_id))
        if not events:
            return ""
        last = events[-1]
        return content_for(last, "sms", WHOLE[last.stage], language).body


def _filled(of: Script) -> dict[str, dict[str, str]]:
    """By step, language -> what it tells, without what it asks back."""
    found: dict[str, dict[str, str]] = {}
    for language, steps in of.steps.items():
        for step in steps:
            told = [one.text for one in step.says if not one.text.rstrip().endswith(("?", "？", "؟"))]
            if told:
                found.setdefault(step.anchor, {})[language] = " ".join(told)
    return found


def whose(request: web.Request) -> str:
    return request[VISIT].staff.person_id


def languages_of(office: Office) -> Sequence[str]:
    """What a person at the desk may choose from: the city's languages."""
    return office.guard.screens.site.languages
