"""The received alerts of a running service: what console and API show, what is handed in, the draft that begins with one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from cryptography.x509 import Certificate
from sqlalchemy import Connection

from notify import audit
from notify.alerts.alert import Stage
from notify.alerts.assembly import Assembly
from notify.alerts.broadcast import Newsroom, NotAllowed, Unfit
from notify.alerts.life import Role, Staff
from notify.alerts.limits import narrowed
from notify.audit import Act
from notify.publishing.cap_document import Unreadable
from notify.received import drafting, standing, store
from notify.received.index import CAP_TYPE
from notify.received.message import Message
from notify.received.polling import Poller, judge, kept
from notify.received.sources import Kind, Source
from notify.received.standing import Shown
from notify.received.store import Came
from notify.received.tables import ReceivedAlert, ReceivedSource
from notify.tables import AlertRow

WATCH_S: Final = 30.0
DRAFTERS: Final = frozenset({Role.AUTHOR, Role.APPROVER, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One source and how it answers. silent: nothing good came for longer than its setting allows."""

    source: Source
    row: ReceivedSource
    silent: bool

    @property
    def trouble(self) -> bool:
        return self.silent or bool(self.row.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything received lately, each alert once: what is real apart from what is not, and what is over."""

    in_force: Sequence[Shown]
    unreal: Sequence[Shown]  # tests, exercises and the like, whatever they say
    over: Sequence[Shown]
    rows: Mapping[str, ReceivedAlert]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One received alert, whole."""

    row: ReceivedAlert
    message: Message
    shown: Shown
    hindrances: Sequence[str]
    hazard: str
    inside: bool  # whether a part of what it draws lies in the city's envelope


class Received:
    def __init__(
        self,
        *,
        newsroom: Newsroom,
        assembly: Assembly,
        sources: Sequence[Source],
        trusted: Mapping[str, Sequence[Certificate]],
        poller: Poller,
    ) -> None:
        self._db, self._clock, self._page = poller.db, poller.clock, poller.page
        self._newsroom, self._assembly = newsroom, assembly
        self.sources, self._trusted, self.poller = tuple(sources), trusted, poller

    async def overview(self) -> Overview:
        now = self._clock.now()
        rows = await self._db.read(partial(store.recent, now=now))
        found = standing.shown(map(store.known, rows), now)
        real = [one for one in found if one.one.actual]
        in_force = [one for one in real if one.standing is standing.Standing.IN_FORCE]
        return Overview(
            in_force=in_force,
            unreal=[one for one in found if not one.one.actual],
            over=[one for one in real if one not in in_force],
            rows={row.received_id: row for row in rows},
            lines=await self.lines(),
        )

    async def lines(self) -> list[Line]:
        now = self._clock.now()

        def read(conn: Connection) -> list[ReceivedSource]:
            return [store.source(conn, one.name, now) for one in self.sources]

        rows = await self._db.read(read)
        return [Line(source=one, row=row, silent=_silent(one, row, now)) for one, row in zip(self.sources, rows, strict=True)]

    async def one(self, received_id: str) -> Look:
        """Raises NoSuchReceived."""
        return await self._db.read(partial(self._look, received_id=received_id))

    async def judged(self, staff: Staff, document: str) -> Came:
        """What somebody hands in, judged by what is set for the source of their name. Raises NotAllowed or Unfit."""
        source = next((one for one in self.sources if one.name == staff.person_id and one.kind is Kind.POST), None)
        if source is None:
            raise NotAllowed([f"{staff.person_id} is not a source of kind post in TOCSIN_CAP_SOURCES."])
        xml = document.encode("utf-8", "surrogatepass")
        try:
            found, signer = await asyncio.to_thread(judge, xml, source, self._trusted.get(source.name, ()))
        except Unreadable as error:
            await self._db.write(partial(self._note, name=source.name, problem=str(error)))
            raise Unfit([str(error)]) from None
        return Came(source=source.name, message=found, document=xml, media=CAP_TYPE, signer=signer)

    def hand_in(self, conn: Connection, staff: Staff, came: Came) -> tuple[bool, list[str]]:
        """Keeps what was judged: whether it was new, and what the duty officer must hear once it is on disk."""
        now = self._clock.now()
        new, sentences = kept(conn, came, now)
        store.note_source(conn, came.source, now, tried_at=now, heard_at=now, problem="", told_silent=False)
        if new:
            act = Act(actor=staff.person_id, action="handed in an alert", subject=came.received_id, detail=_named(came.message))
            audit.append(conn, act, now)
        return new, sentences

    def tell(self, sentences: Sequence[str]) -> None:
        """To the duty officer."""
        for sentence in sentences:
            self._page(sentence)

    def draft(self, conn: Connection, staff: Staff, received_id: str, hazard: str = "") -> AlertRow:
        """A draft of ours that begins with it; nothing more happens to that by itself. Raises NoSuchReceived, NotAllowed,
        Unfit, Conflict."""
        now = self._clock.now()
        row = store.one(conn, received_id, lock=True)
        look = self._look(conn, received_id)
        if not staff.roles & DRAFTERS:
            raise NotAllowed([f"This takes the role {' or '.join(sorted(DRAFTERS))}."])
        if look.hindrances:
            raise Unfit(look.hindrances)
        key = hazard or look.hazard
        if key not in self._assembly.hazards:
            raise Unfit([f"There is no hazard '{key}'."])
        title = next((one.title for one in self.sources if one.name == row.source), row.source)
        draft = drafting.draft(look.message, key, title, self._assembly.city.pack.box, now)
        if key == "test" and draft.stage is not Stage.TEST:
            raise Unfit(["A real alert does not begin a test."])
        # Whoever runs the service may begin one too; to word it, and to approve it, takes the roles that always do.
        writer = replace(staff, roles=staff.roles | {Role.AUTHOR}) if Role.ADMIN in staff.roles else staff
        made = self._newsroom.compose(conn, writer, narrowed(draft, staff))
        store.note_draft(conn, row, made.alert_id, staff.person_id, now)
        detail = {"received": received_id, "source": row.source, **_named(look.message)}
        audit.append(conn, Act(actor=staff.person_id, action="drafted from", subject=made.alert_id, detail=detail), now)
        return made

    async def watch(self) -> None:
        """Pages the duty officer about a source that has fallen silent, once; and forgets what is long over."""
        now = self._clock.now()
        for line in await self.lines():
            if line.silent and not line.row.told_silent:
                await self._db.write(partial(store.note_source, name=line.source.name, now=now, told_silent=True))
                since = line.row.heard_at or line.row.since
                self._page(f"{line.source.title} has been silent since {since:%Y-%m-%d %H:%M} UTC. {line.row.problem}".strip())
            elif line.row.tried_at is None:  # from now on it is waited for
                await self._db.write(partial(store.note_source, name=line.source.name, now=now, since=line.row.since))
        await self._db.write(partial(store.forget_old, now=now))

    def _look(self, conn: Connection, received_id: str) -> Look:
        now = self._clock.now()
        row = store.one(conn, received_id)
        message = store.message(row)
        every = {one.received_id: one for one in store.of_sender(conn, row.sender, row.source, now)}
        every |= {one.received_id: one for one in store.recent(conn, now)} | {received_id: row}
        shown = next(
            one
            for one in standing.shown(map(store.known, every.values()), now)
            if received_id in (each.received_id for each in one.copies)
        )
        return Look(
            row=row,
            message=message,
            shown=shown,
            hindrances=drafting.hindrances(message, shown.standing),
            hazard=drafting.hazard(message, self._assembly.hazards),
            inside=drafting.inside(message, self._assembly.city.pack.box) is not None,
        )

    def _note(self, conn: Connection, name: str, problem: str) -> None:
        now = self._clock.now()
        store.note_source(conn, name, now, tried_at=now, problem=problem)


def _silent(source: Source, row: ReceivedSource, now: datetime) -> bool:
    allowed = timedelta(seconds=source.silent_after_s)
    return bool(allowed) and now - (row.heard_at or row.since) > allowed


def _named(message: Message) -> dict[str, Any]:
    return {"identifier": message.identifier, "sender": message.sender, "sent": message.sent.isoformat()}
