"""Carries an approved event from its countdown's end to its last row: withdraws what it replaces, publishes, plans, sends.

Every step is written down before the next begins and can be repeated, so that another process can take over at any line.
Texts wait for page and feeds a few seconds at most: sending never depends on a disk or a feed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts import promises, register
from notify.alerts.alert import Event, Stage, from_json, to_json
from notify.alerts.life import LEAVING, EndedWhy, Status
from notify.alerts.sequence import too_late
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.sending import ledger
from notify.sending.deliveries import State
from notify.sending.desk import Halted
from notify.sending.planning import Planner
from notify.sending.reconcile import LEFT_TO_STAFF
from notify.tables import EventRow

logger = logging.getLogger(__name__)

SYSTEM: Final = "tocsin"  # the actor of what nobody pressed a button for
WITHDRAW_CHUNK: Final = 20_000

WHY_REPLACED = {Stage.ALL_CLEAR: EndedWhy.CLEARED, Stage.FALSE_ALARM: EndedWhy.FALSE_ALARM}


Referring = Callable[[Connection, Event, datetime], tuple[Event, bytes] | None]


@dataclass(slots=True)
class Conductor:
    """publish: writes page, feeds and CAP of everything in force. wake: tells the senders there is work. partners: notes an
    event for whoever has a webhook. refer: an event with its CAP document anew, where more has left in its incident than it
    refers to."""

    db: Database
    clock: Clock
    planner: Planner
    publish: Callable[[], Awaitable[None]]
    wake: Callable[[], None]
    halted: Halted
    page: Callable[[str], None]
    publish_wait_s: float
    partners: Callable[[Connection, Event, datetime], object] | None = None
    refer: Referring | None = None
    _plans: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def start(self, event_id: str) -> None:
        """What is due at a countdown's end; also picks up an event whose process died in the middle."""
        beginning = partial(begin, event_id=event_id, now=self.clock.now(), partners=self.partners, refer=self.refer)
        replaced = await self.db.write(beginning)
        if replaced is None:
            await self._explain_why_not(event_id)
            return
        self.halted.update(replaced)
        row = await self.db.read(partial(register.event, event_id=event_id))
        event = from_json(row.content)
        publishing = asyncio.create_task(self._publish(event_id))
        planning = self._plan(row, event)
        done, _ = await asyncio.wait([publishing], timeout=self.publish_wait_s)
        await self.db.write(partial(_release, event_id=event_id, now=self.clock.now()))
        self.wake()
        if not done:
            await self._warn(event_id, "Page and feeds are not out yet; texts go first.")
        await asyncio.wait([planning])
        taken = sum([await self.withdraw(other) for other in replaced])
        if taken and event.stage is Stage.CORRECTION:
            self.page(_untold(event_id, taken))
        await publishing
        await planning

    async def withdraw(self, event_id: str) -> int:
        """Takes back what a stopped or replaced event has not handed over; returns how many rows."""
        self.halted.add(event_id)
        row = await self.db.read(partial(register.event, event_id=event_id))
        into, code = _why_taken_back(row)
        taken = 0
        while count := await self.db.write(
            partial(
                ledger.end_waiting,
                event=row,
                into=into,
                code=code,
                limit=WITHDRAW_CHUNK,
                now=self.clock.now(),
            )
        ):
            taken += count
        return taken

    async def resume(self) -> None:
        """After a start: what was under way goes on. One event that cannot go on keeps no other waiting."""
        rows = await self.db.read(partial(register.events, statuses=[Status.PUBLISHING, Status.SENDING]))
        broken = [row.event_id for row in rows if row.published_at is None or row.planned_at is None]
        self.wake()
        ends = await asyncio.gather(*(self.start(event_id) for event_id in broken), return_exceptions=True)
        for event_id, error in zip(broken, ends, strict=True):
            if isinstance(error, Exception):
                logger.error("%s cannot be resumed", event_id, exc_info=error)
                self.page(f"{event_id} was under way before the restart and cannot go on: {type(error).__name__}: {error}")

    async def settle(self) -> None:
        """Notes events whose every row has left, and ends the rows of those that were stopped, replaced or have expired."""
        held = [Status.SENDING, Status.ACTIVE, Status.STOPPED, Status.ENDED]
        for row in await self.db.read(partial(register.standing, statuses=held, undone=True)):
            if row.status == Status.SENDING and row.planned_at is None:
                continue
            if row.status in (Status.STOPPED, Status.ENDED):
                await self.withdraw(row.event_id)
            if not await self.db.read(partial(ledger.waiting, event=row, left_to_staff=LEFT_TO_STAFF)):
                await self.db.write(partial(_finish, event_id=row.event_id, now=self.clock.now()))

    def _plan(self, row: EventRow, event: Event) -> "asyncio.Task[None]":
        self._plans = {event_id: task for event_id, task in self._plans.items() if not task.done()}
        if row.event_id not in self._plans:
            self._plans[row.event_id] = asyncio.create_task(self._plan_now(row, event))
        return self._plans[row.event_id]

    async def _plan_now(self, row: EventRow, event: Event) -> None:
        if row.planned_at is None:
            await self.planner.plan(row, event)
        self.wake()

    async def _publish(self, event_id: str) -> None:
        try:
            await self.publish()
        except Exception as error:  # whatever fails here, texts must leave
            logger.exception("page and feeds cannot be written (docs/operations.md#publishing)")
            await self._warn(event_id, f"Page and feeds cannot be written ({error}). Texts are sent all the same.")
            return
        await self.db.write(partial(note_published, event_id=event_id, now=self.clock.now()))

    async def _warn(self, event_id: str, problem: str) -> None:
        self.page(f"{event_id}: {problem}")
        await self.db.write(partial(_note_problem, event_id=event_id, problem=problem, now=self.clock.now()))

    async def _explain_why_not(self, event_id: str) -> None:
        row = await self.db.read(partial(register.event, event_id=event_id))
        if row.status == Status.STOPPED and row.started_at is None and row.publish_problem:
            self.page(f"{event_id} was not sent. {row.publish_problem} Somebody must decide what people are told now.")


def begin(
    conn: Connection,
    event_id: str,
    now: datetime,
    partners: Callable[[Connection, Event, datetime], object] | None = None,
    refer: Referring | None = None,
) -> list[str] | None:
    """Starts an event, in one transaction: the incident's other events end, a renewal of one of them that waits is taken back,
    its promises are kept and made, and it is noted for partners' webhooks.

    Returns the events it replaced; None when it may not start (stopped meanwhile, expired, past its not-after, overtaken by a
    later message of its incident: nobody reads "boil your water" after the all clear).
    """
    register.lock_incident_of(conn, event_id)
    row = _locked(conn, event_id)
    if row.status in (Status.PUBLISHING, Status.SENDING):  # taken over from a process that died
        return [other.event_id for other in _others(conn, row) if other.replaced_by == row.identifier]
    if row.status != Status.COUNTDOWN:
        return None
    if problems := too_late(conn, row, now):
        register.set_status(conn, event_id, Status.STOPPED, now, stopped_at=now, publish_problem=" ".join(problems))
        _log(conn, "not sent in time", event_id, now, problems=problems)
        return None
    event = from_json(row.content)
    if refer is not None and (anew := refer(conn, event, now)) is not None:
        event, document = anew
        register.change_event(conn, event_id, content=to_json(event), cap=document)
    register.set_status(conn, event_id, Status.PUBLISHING, now, started_at=now)
    if partners is not None:
        partners(conn, event, now)
    replaced = []
    for other in _others(conn, row):
        if other.stage == Stage.RENEWAL and other.status == Status.COUNTDOWN:  # it would say again what this one replaces
            register.set_status(conn, other.event_id, Status.STOPPED, now, stopped_at=now)
            _log(conn, "not sent: overtaken", other.event_id, now, by=event_id)
        elif other.started_at is not None and other.ended_at is None:
            leaving = Status(other.status) in LEAVING
            if leaving:
                register.set_status(conn, other.event_id, Status.ENDED, now)
            register.end(conn, other.event_id, WHY_REPLACED.get(event.stage, EndedWhy.UPDATED), now, row.identifier)
            replaced.append(other.event_id)
    promises.keep_and_make(conn, event, now)
    _log(conn, "leaves", event_id, now, replaces=replaced)
    return replaced


def _untold(event_id: str, taken: int) -> str:
    """What somebody must be told when a correction, which goes to the told alone, has kept a text from others."""
    return (
        f"{event_id} corrects an alert that was still leaving. {taken:,} texts and mails of it were taken back, and nobody has "
        "told those people anything. If the danger goes on, send them an update."
    )


def _why_taken_back(row: EventRow) -> tuple[State, str]:
    """What becomes of the rows an event will not send any more: nobody took an expired one back, its time was over."""
    if row.stopped_at is not None:
        return State.WITHDRAWN, "stopped"
    if row.ended_why == EndedWhy.EXPIRED:
        return State.EXPIRED, "expired"
    return State.WITHDRAWN, "replaced"


def _locked(conn: Connection, event_id: str) -> EventRow:
    """The event, held until this transaction ends. Alert before event, as the verbs do: in another order the two could end
    each other as a deadlock, and a stop could fail by it."""
    register.alert(conn, event_id, lock=True)
    return register.event(conn, event_id, lock=True)


def _others(conn: Connection, row: EventRow) -> list[EventRow]:
    return [other for other in register.standing(conn, incident_id=row.incident_id) if other.event_id != row.event_id]


def _release(conn: Connection, event_id: str, now: datetime) -> None:
    row = _locked(conn, event_id)
    if row.status == Status.PUBLISHING:
        register.set_status(conn, event_id, Status.SENDING, now)


def unpublished(conn: Connection) -> list[str]:
    """Events that leave, or wait to, and of which no page is known to be out."""
    rows = register.standing(conn, [Status.PUBLISHING.value, Status.SENDING.value])
    return [row.event_id for row in rows if row.published_at is None]


def note_published(conn: Connection, event_id: str, now: datetime) -> None:
    row = _locked(conn, event_id)
    if row.published_at is None:
        register.change_event(conn, event_id, published_at=now, publish_problem="")
        _log(conn, "published", event_id, now)


def _note_problem(conn: Connection, event_id: str, problem: str, now: datetime) -> None:
    register.change_event(conn, event_id, publish_problem=problem)
    _log(conn, "not published", event_id, now, problem=problem)


def _finish(conn: Connection, event_id: str, now: datetime) -> None:
    row = _locked(conn, event_id)
    if ledger.waiting(conn, row, LEFT_TO_STAFF):  # a latecomer came in between
        return
    if row.status == Status.SENDING:
        register.set_status(conn, event_id, Status.ACTIVE, now, done_at=now)
        _log(conn, "all handed over", event_id, now)
    elif row.done_at is None:
        register.change_event(conn, event_id, done_at=now)


def _log(conn: Connection, action: str, subject: str, now: datetime, **detail: object) -> None:
    audit.append(conn, Act(actor=SYSTEM, action=action, subject=subject, detail=detail), now)
