"""What every page of the desk works with: who asks, what is switched on, which script is read, and where a place lies."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import shapely
from aiohttp import web
from sqlalchemy import Connection
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.affected import Map, Verdict, meant, touched
from notify.alerts.alert import Event, Stage
from notify.alerts.broadcast import Unfit
from notify.alerts.life import IN_FORCE, Role
from notify.clock import Clock
from notify.console.routing import Guard
from notify.console.screens import VISIT
from notify.db import Database
from notify.publishing.site import Site
from notify.residents.live import WHOLE
from notify.sending.outbox import content_for
from notify.tables import EventRow
from notify.wording.translations import info_for
from subscribers import atlas
from subscribers.dialog.turn import Sight
from subscribers.place import Point, ZipArea
from subscribers.sealing import Keyring
from surge.desk import desk_rows, knowledge, question_rows
from surge.desk.desk_line import DeskLine
from surge.desk.knowledge import Shelf
from surge.desk.referrals import Referrals
from surge.desk.written import Written
from surge.pack import Pack
from surge.recorded.studio import Studio
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
    """What the service hands to the desk. line, written: None where calls and letters are dealt with elsewhere; studio: where
    callers hear nothing of ours."""

    line: DeskLine | None = None
    written: Written | None = None
    find_place: FindPlace | None = None
    pack: Pack | None = None
    referrals: Referrals = field(default_factory=Referrals)
    studio: Studio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """What is switched on, as one reader sees it. changed: what they have not ticked as read."""

    row: ActivationRow
    script: Script | None
    unread: bool
    unread_by: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a place stands to the area of one incident that is in force."""

    title: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of an address. judged: by each incident in force, the one that is switched on before all others: a place
    outside of that one may lie in another's danger. Empty where there is no area to compare with."""

    typed: str
    judged: Sequence[Judged]
    places: Sequence[str] = ()
    zip: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(slots=True, kw_only=True)
class Room:
    """What whoever works at the desk goes by, on its pages and by the API alike."""

    db: Database
    clock: Clock
    ring: Keyring
    site: Site
    side: Side
    _maps: dict[str, tuple[tuple[object, ...], Map]] = field(default_factory=dict)  # by incident
    _scripts: dict[tuple[str, int], Script] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def on(self, person_id: str) -> On | None:
        """None while nothing is armed or open."""
        return await self.db.read(lambda conn: self._on(conn, person_id))

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
        rows = await self.db.read(lambda conn: question_rows.standing(conn, activation_id))
        entries = question_rows.entries(rows if on else [row for row in rows if row.activation_id is None])
        if on is not None and on.script is not None:
            entries += knowledge.answers(on.script.book, on.script.version, _filled(on.script))
        return Shelf.of([*entries, *self.side.referrals.known()])

    async def agent(self, person_id: str) -> AgentRow | None:
        query = select(AgentRow).where(col(AgentRow.person_id) == person_id)
        row = await self.db.read(lambda conn: conn.execute(query).first())
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
        """Where a place lies, and whether that is inside the area of anything in force. Nothing of it is kept."""
        sights = meant(await self.side.find_place(typed)) if self.side.find_place and typed else ()
        incident_id = on.row.incident_id if on else None
        judged = await self.db.read(lambda conn: self._judged(conn, incident_id, typed, sights))
        best = sights[0] if sights else None
        point = best.spot if best is not None and isinstance(best.spot, Point) and len(sights) == 1 else None
        return Placed(
            typed=typed,
            judged=judged,
            places=[sight.exact for sight in sights[:3]],
            zip=(best.zip or "") if best is not None else (typed if _is_zip(typed) else ""),
            lat=point.lat if point else None,
            lon=point.lon if point else None,
        )

    def _judged(self, conn: Connection, ours: str | None, typed: str, sights: Sequence[Sight]) -> list[Judged]:
        """By the incident that is switched on, then by all others in force, in the order of their names."""
        by_incident: dict[str, list[Event]] = {}
        for row in self._rows(conn):  # what was only just approved is among them before it leaves
            if row.incident_id != ours and Stage(row.stage) is Stage.TEST:
                continue  # nobody is in danger by a test
            by_incident.setdefault(row.incident_id, []).append(register.frozen(conn, row.event_id))
        for gone in self._maps.keys() - by_incident.keys():
            del self._maps[gone]
        found = []
        for incident_id in sorted(by_incident, key=lambda one: (one != ours, one)):
            events = by_incident[incident_id]
            area = self._map(conn, incident_id, events)
            verdict = area.of(ZipArea(typed)) if not sights and _is_zip(typed) else area.of_sights(sights)
            found.append(Judged(title=info_for(events[-1], ENGLISH).event, verdict=verdict))
        return found

    def _map(self, conn: Connection, incident_id: str, events: Sequence[Event]) -> Map:
        """The whole area of what is in force of an incident."""
        key = (*(event.event_id for event in events), atlas.version(conn))
        known = self._maps.get(incident_id)
        if known is None or known[0] != key:
            areas = [area for event in events for area in event.areas]
            near = touched(areas, atlas.areas(conn))
            shape = shapely.union_all([area.shape for area in areas])
            known = (key, Map.drawn(shape, dict((*near.zips, *near.others)), self.site.phone))
            self._maps[incident_id] = known
        return known[1]

    def _rows(self, conn: Connection) -> list[EventRow]:
        rows = register.standing(conn, [status.value for status in IN_FORCE])
        return [row for row in rows if row.ended_at is None and Stage(row.stage) not in OVER]

    async def guide(self, on: On | None, language: str) -> str:
        """The text that whoever asks is sent: the alert's own, approved with it, once it has begun to leave and until it runs
        out; "" where there is none."""
        if on is None or on.row.incident_id is None:
            return ""
        incident_id, now = on.row.incident_id, self.now

        def newest(conn: Connection) -> Event | None:
            rows = [row for row in self._rows(conn) if row.incident_id == incident_id]
            told = [row for row in rows if row.started_at is not None and row.expires_at > now]
            return register.frozen(conn, told[-1].event_id) if told else None

        last = await self.db.read(newest)
        return content_for(last, "sms", WHOLE[last.stage], language).body if last is not None else ""


@dataclass(slots=True, kw_only=True)
class Office(Room):
    """A room with pages. guard: what stands before them."""

    guard: Guard

    @classmethod
    def of(cls, guard: Guard, side: Side) -> "Office":
        site = guard.screens.site
        return cls(db=guard.db, clock=guard.clock, ring=guard.ring, site=site, side=side, guard=guard)


def _is_zip(typed: str) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) == 5


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


def languages_of(office: Room) -> Sequence[str]:
    """What a person at the desk may choose from: the city's languages."""
    return office.site.languages
