"""What a running service looks after by itself: everything due, and the ticks that look."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from notify import audit, due, memory, retention, set_clock
from notify.alerts import promises, register, renewal
from notify.alerts.alert import from_json
from notify.alerts.life import REACHING, EndedWhy, Status
from notify.audit import Act
from notify.clock import Steps
from notify.due import Task
from notify.mirror.copying import EVERY_S as MIRROR_S
from notify.partners import poster, webhook_rows
from notify.partners.poster import Poster
from notify.partners.webhook import Kind as Said
from notify.processes.posts import DUTIES, FLOOR, PAGES, Kind
from notify.publishing.printing import ELSEWHERE, Printing
from notify.received import office, polling
from notify.residents import checks
from notify.residents.reception import Residents
from notify.schedule import Tick
from notify.sending import hold, late, lateness, leases, truth
from notify.sending.brake import EVERY_S
from notify.sending.punctuality import Punctuality
from notify.sending.reconcile import Reconciler
from notify.service import Service
from notify.staff import paging
from notify.tables import EventRow
from notify.web.callbacks import Callbacks
from notify.websub.hub import EVERY_S as HUB_S
from notify.websub.hub import Hub
from subscribers import reach
from surge.desk import replies
from surge.switch import reminder

logger = logging.getLogger(__name__)

SYSTEM: Final = "tocsin"
TRIM_S: Final = 5.0  # how often free memory goes back to the system
HELD_EVERY_S: Final = 900.0  # what is held after a restore is paged again after this


@dataclass(slots=True)
class Built:
    """The parts of a service that its ticks drive."""

    service: Service
    reconciler: Reconciler
    publisher: Printing
    callbacks: Callbacks
    residents: Residents
    hub: Hub
    poster: Poster
    _under_way: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)


def ticks(built: Built) -> list[Tick]:
    """Everything that happens by itself, how often it is looked at, and by whom (docs/deployment.md#who-does-what)."""
    service = built.service
    reports = Punctuality(service.db, service.clock, [one.route for one in service.dispatchers])
    return [
        Tick("due work", 0.2, partial(look, built), post=DUTIES),
        Tick("clock of the machine", 1, partial(mind_the_clock, built, Steps(service.clock))),
        Tick("leases of dead senders", 2, partial(_release, built), post=DUTIES),
        Tick("ends of sends", 1, service.conductor.settle, post=DUTIES),
        Tick("unknown outcomes", 2, built.reconciler.tick, post=DUTIES),
        Tick("late reports", lateness.EVERY_S, reports.tick),
        Tick("audience", 5, service.crowd.follow),
        Tick("memory that is free", TRIM_S, partial(asyncio.to_thread, memory.trim)),
        Tick("alerts for the text dialog", 1, built.residents.live.refresh),
        Tick("texts that the desk has not got", 10, built.residents.inbox.hand_on, post=FLOOR),
        Tick("texts that wait for morning", 10, built.residents.night.tick, post=DUTIES),
        Tick("texts that wait for room", 10, built.residents.enough.tick, post=DUTIES),
        Tick("yearly checks", checks.EVERY_S, built.residents.checks.tick, post=DUTIES),
        Tick("what is old", retention.EVERY_S, built.residents.retention.tick, post=DUTIES),
        Tick("opt-outs at the provider", truth.EVERY_S, built.residents.truth.tick, post=DUTIES),
        Tick("page and feeds", 30, partial(republish, built), post=PAGES),
        Tick("phones given up", 3600, partial(_try_again, built), post=DUTIES),
        Tick("what is held", HELD_EVERY_S, partial(remind, built), post=DUTIES),
        Tick("audit head", 3600, partial(_publish_head, built), post=DUTIES),
        Tick("alerts that 311 slows", EVERY_S, partial(_slow, service), post=FLOOR),
        *(Tick(f"mirror {one.name}", MIRROR_S, one.tick, post=PAGES) for one in service.mirrors),
        Tick("WebSub", HUB_S, built.hub.tick, post=PAGES),
        Tick("webhooks", poster.EVERY_S, built.poster.tick, post=DUTIES),
        *_of_others(service),
        *_of_surge(service),
    ]


def _of_others(service: Service) -> list[Tick]:
    """What looks after alerts of other agencies, where there is a source of them."""
    if service.received is None or not service.received.sources:
        return []
    asked = Tick("alerts of other agencies", polling.EVERY_S, service.received.poller.tick, post=DUTIES)
    return [asked, Tick("silent sources", office.WATCH_S, service.received.watch, post=DUTIES)]


def _of_surge(service: Service) -> list[Tick]:
    if service.surge is None:
        return []
    found = [
        Tick("surge mode", 2, service.surge.control.tick, post=FLOOR),
        Tick("answers of dead desks", 60, partial(_strand, service), post=DUTIES),
    ]
    if service.surge.reminder is not None:
        found.append(Tick("surge that is left on", reminder.EVERY_S, service.surge.reminder.tick, post=DUTIES))
    if service.surge.watch is not None:
        found.append(Tick("load of 311", 5, service.surge.watch.tick, post=FLOOR))
    return found


async def _slow(service: Service) -> None:
    """Whoever drives a sender must know: nobody but the process with 311's line sees how long callers wait."""
    await service.brake.tick()
    if decided := service.brake.decided():
        service.crew.tell(Kind.SHARES, json.dumps(dict(decided)))


async def _strand(service: Service) -> None:
    """What the desk was sending when a process died: nobody knows whether it left, and whoever answers is told so."""
    now = service.clock.now()
    await service.db.write(lambda conn: replies.strand(conn, now))


async def look(built: Built) -> None:
    """Claims what is due and starts it; what takes longer keeps its lease until it ends."""
    now = built.service.clock.now()
    _log_failures(built)
    held = [Task(due_id, "", "", now) for due_id in built._under_way]
    if held:
        await built.service.db.write(lambda conn: due.keep(conn, held, now))
    claimed = await built.service.db.write(lambda conn: due.claim(conn, now))
    fresh = [task for task in claimed if task.due_id not in built._under_way]
    latecomers = [task for task in fresh if task.kind == late.KIND]
    if latecomers:  # one look at the audience for all of them
        telling = asyncio.create_task(_tell(built, latecomers), name=f"{len(latecomers)} latecomers")
        built._under_way |= {task.due_id: telling for task in latecomers}
    for task in fresh:
        if task.kind != late.KIND:
            built._under_way[task.due_id] = asyncio.create_task(_do(built, task), name=f"{task.kind} {task.ref}")


def _log_failures(built: Built) -> None:
    """A duty that failed keeps its row: it is due again when its lease ends."""
    for due_id, running in list(built._under_way.items()):
        if running.done():
            del built._under_way[due_id]
            if not running.cancelled() and (error := running.exception()) is not None:
                logger.error("%s failed and will be tried again", running.get_name(), exc_info=error)
                built.service.pager(f"{running.get_name()} failed: {error}. It is tried again.")


async def _do(built: Built, task: Task) -> None:
    service = built.service
    match task.kind:
        case "send":
            await service.conductor.start(task.ref)
        case "expire":
            await _expire(built, task.ref)
        case "promise":
            sentence = await service.db.read(partial(promises.overdue_sentence, promise_id=task.ref))
            if sentence:
                service.pager(sentence)
        case "escalate":
            await _escalate(built, task.ref)
        case "renewal warning":
            await _warn_of_renewal(built, task.ref)
        case paging.ASK:
            await service.paging.ask(task.ref)
        case paging.GLASS:
            await service.paging.tell_of_glass(task.ref)
    await service.db.write(lambda conn: due.done(conn, task, service.clock.now()))


async def _tell(built: Built, tasks: list[Task]) -> None:
    await built.residents.latecomers.tell([int(task.ref) for task in tasks])
    now = built.service.clock.now()

    def finish(conn: Connection) -> None:
        for task in tasks:
            due.done(conn, task, now)

    await built.service.db.write(finish)


async def _expire(built: Built, event_id: str) -> None:
    """At its expiry an alert ends; one that must not end in silence is renewed instead."""
    service = built.service
    now = service.clock.now()

    def work(conn: Connection) -> tuple[str | None, EventRow]:
        before = register.event(conn, event_id)
        renewed = renewal.expire(conn, assembly=service.assembly, event_id=event_id, now=now)
        row = register.event(conn, event_id)
        if before.ended_at is None and row.ended_why == EndedWhy.EXPIRED:
            webhook_rows.plan(conn, from_json(row.content), now, Said.ENDED)
        return renewed, row

    renewed, row = await service.db.write(work)
    if renewed:
        service.pager(f"{event_id} reached its expiry and was renewed as {renewed}: nobody has said that it is over.")
    elif row.stopped_at is not None and row.ended_why == EndedWhy.EXPIRED:
        service.pager(f"{event_id} was stopped, and has now expired: nobody has told people that it is over.")
    await service.conductor.settle()
    await republish(built)


async def _warn_of_renewal(built: Built, event_id: str) -> None:
    row = await built.service.db.read(partial(register.event, event_id=event_id))
    if row.ended_at is None and row.started_at is not None and renewal.may_renew(built.service.assembly.hazards, row):
        built.service.pager(f"{event_id} expires at {row.expires_at:%H:%M} UTC. Clear it, update it, or it renews itself.")


async def _escalate(built: Built, alert_id: str) -> None:
    row = await built.service.db.read(partial(register.alert, alert_id=alert_id))
    if row.status == Status.PENDING:
        built.service.pager(f"{alert_id} ({row.hazard}) still waits for approval. Digest {row.digest}.")


async def mind_the_clock(built: Built, steps: Steps) -> None:
    """When the machine's clock was set, what is a length of time goes on as one, and somebody is told."""
    by, service = steps.look(), built.service
    if not by:
        return
    now = service.clock.now()
    lease = max((one.desk.lease_for for one in service.dispatchers), default=timedelta(0))
    said = set_clock.sentence(by)
    logger.warning("%s", said)

    if not service.crew.term(DUTIES):  # they write it down, once for all
        return

    def work(conn: Connection) -> None:
        if by < timedelta(0):
            set_clock.carry(conn, set_clock.SetBack(before=now - by, now=now, lease=lease))
        act = Act(actor=SYSTEM, action="clock was set", subject="clock", detail={"by_s": round(by.total_seconds())})
        audit.append(conn, act, now)

    try:
        await service.db.write(work)
    except SQLAlchemyError:
        steps.put_back(by)
        raise
    if abs(by) >= set_clock.WORTH_A_PAGE:
        service.pager(said)


async def _release(built: Built) -> None:
    service = built.service
    await service.db.write(lambda conn: leases.release_expired(conn, now=service.clock.now()))


async def _try_again(built: Built) -> None:
    """Phones that were given up long enough ago get the next alert as well."""
    service = built.service
    phones = await service.db.read(partial(reach.due_again, now=service.clock.now()))
    if phones:
        await service.db.write(partial(reach.try_again, address_ids=phones))


async def republish(built: Built) -> None:
    """Brings page and feeds up to date with the clock, and tries again what could not be written."""
    service = built.service
    try:
        written = await built.publisher.publish(service.clock.now())
    except OSError as error:
        logger.error("page and feeds cannot be written: %s (docs/operations.md#publishing)", error)
        return
    if written is ELSEWHERE:
        return
    await service.db.write(partial(_mend, now=service.clock.now()))


def _mend(conn: Connection, now: datetime) -> None:
    """Events whose publishing failed before are published now."""
    for row in register.standing(conn, REACHING):
        if row.published_at is None and row.publish_problem:
            register.change_event(conn, row.event_id, published_at=now, publish_problem="")
            audit.append(conn, Act(actor=SYSTEM, action="published late", subject=row.event_id, detail={}), now)


async def remind(built: Built) -> None:
    """What is held after a restore waits for a person."""
    if held := await built.service.db.read(hold.standing):
        built.service.pager(hold.sentence(held))


async def _publish_head(built: Built) -> None:
    """The audit log's head goes to the log of the machine: an outside copy that a rebuilt log does not match."""
    head = await built.service.db.read(audit.head)
    logger.info("audit head %s", head)
