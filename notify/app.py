"""The composition root: builds a service from its settings, wires it, runs it, and ends it cleanly."""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection
from sqlmodel import select

from channels.base import Misconfigured
from channels.feed_folder import FeedFolder
from notify import city, data, due, duties, hazards, keys, ledger, register, residents, schema, senders, words
from notify.alert import Mode, from_json
from notify.assembly import Assembly
from notify.broadcast import Newsroom
from notify.clock import Clock, SystemClock
from notify.conductor import Conductor
from notify.crowd import Crowd
from notify.db import Database, engine_for
from notify.digest import digest
from notify.dispatch import Desk, Dispatcher
from notify.outbox import Envelopes, FrozenEvents, Tampered
from notify.pager import Pager
from notify.pages import Pages
from notify.planning import Planner
from notify.publish import Publisher
from notify.reconcile import Reconciler
from notify.reviews import Reader, Review, arrange, standings
from notify.schedule import Ticker
from notify.service import Service
from notify.settings import Settings
from notify.shelf import Shelf
from notify.site import Site
from notify.tables import WordReview
from notify.web import api, public
from notify.web.answers import middleware
from notify.web.callbacks import Callbacks
from subscribers.sealing import Keyring

logger = logging.getLogger(__name__)

MOST_BODY: Final = 4 * 1024 * 1024  # an uploaded area


class CannotStart(Exception):
    """The service must not run like this; `problems` says why, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Running:
    """A started service and where it listens."""

    service: Service
    public_port: int
    private_port: int


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Starts everything; ends it in reverse order. Raises CannotStart."""
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_only_one(settings))
        db = stack.enter_context(contextlib.closing(_open_database(settings)))
        if db.sqlite:
            await db.write(partial(_take_over, clock=clock))
        ring = keys.load(settings.keys_file)
        built = await _build(settings, db, clock, ring)
        tasks = await _start_senders(built.service)
        stack.push_async_callback(_stop_senders, built.service, tasks)
        ticker = Ticker(duties.ticks(built))
        ticker.start()
        stack.callback(ticker.stop)
        public_app = web.Application(client_max_size=MOST_BODY)
        await built.residents.live.refresh()
        public_app.add_routes(
            [*built.callbacks.routes(), *built.residents.inbound.routes(), *public.routes(settings.published)]
        )
        private_app = web.Application(client_max_size=MOST_BODY, middlewares=[middleware(db)])
        private_app.add_routes(api.routes(built.service))
        public_port = await _listen(stack, public_app, settings.public_host, settings.public_port)
        private_port = await _listen(stack, private_app, settings.private_host, settings.private_port)
        for task in (
            asyncio.create_task(duties.republish(built), name="the first publishing"),  # feeds are there from the start
            asyncio.create_task(built.service.conductor.resume(), name="resume"),
        ):
            stack.push_async_callback(_end, task)
        yield Running(built.service, public_port, private_port)


async def serve(settings: Settings, ready: Callable[[Running], None]) -> None:
    """Runs until SIGTERM or SIGINT, then lets calls under way end and records them."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with running(settings) as started:
        ready(started)
        await end.wait()
        logger.info("ending: calls under way are waited for")


async def _build(settings: Settings, db: Database, clock: Clock, ring: Keyring) -> duties.Built:
    pager = Pager(settings.page_command)
    pack = city.load(city.find(settings.city, data.folder("city")))
    vocabulary = await asyncio.to_thread(words.load, data.folder("templates"))
    catalogue = hazards.catalogue()
    crowd = Crowd(db, pack.policy, catalogue)
    await crowd.follow()
    site = _site(settings, pack)
    assembly = Assembly(
        city=pack,
        site=site,
        words=vocabulary,
        hazards=catalogue,
        mode=settings.mode,
        index=lambda: crowd.index,
        reviews=reviews,
        allow_drafts=settings.sends_drafts,
        countdown_s=settings.countdown_s,
    )
    await _refuse_unreviewed(settings, db, vocabulary)
    halted: set[str] = set()
    events = FrozenEvents(lambda event_id: db.read_now(partial(_untampered, event_id=event_id)))
    desk = Desk(
        db=db,
        clock=clock,
        outbox=Envelopes(events, ring, clock, settings.mode, pager),
        halted=halted,
        page=pager,
        lease_for=settings.lease,
        lead_s=settings.lead_s,
    )
    found = senders.build(settings, pack.pack, ring)
    process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    dispatchers = [Dispatcher(sender, desk, f"{process}:{sender.name}") for sender in found]
    publisher = Publisher(
        FeedFolder(settings.published), site, Pages(data.folder("templates") / "pages"), partial(db.read, Shelf())
    )
    conductor = Conductor(
        db=db,
        clock=clock,
        planner=Planner(db, clock, crowd),
        publish=lambda: _publish(publisher, clock),
        wake=partial(_wake, dispatchers),
        halted=halted,
        page=pager,
        publish_wait_s=settings.publish_wait_s,
    )
    channels = {one.sender.channel.name: one.sender.channel for one in dispatchers}
    asked = {name: [one.sender.channel for one in dispatchers if one.sender.channel.name == name] for name in channels}
    reconciler = Reconciler(db, clock, ring, asked, timedelta(seconds=settings.not_found_after_s))
    service = Service(
        db=db,
        clock=clock,
        newsroom=Newsroom(clock, assembly),
        assembly=assembly,
        crowd=crowd,
        conductor=conductor,
        dispatchers=dispatchers,
        pager=pager,
    )
    callbacks = Callbacks(db, clock, channels, settings.public_url, ring.blind_key)
    side = residents.Side(settings, pack, site, vocabulary, db, clock, ring, crowd, catalogue, events.event, channels)
    return duties.Built(service, reconciler, publisher, callbacks, residents.build(side, dispatchers, await db.read(reviews)))


def reviews(conn: Connection) -> list[Review]:
    """Every review in the database."""
    rows = [WordReview(**row._mapping) for row in conn.execute(select(WordReview))]
    return [
        Review(
            language=row.language,
            key=row.key,
            source_hash=row.source_hash,
            target_hash=row.target_hash,
            reviewer=row.reviewer,
            at=row.at,
            kind=Reader(row.kind),
        )
        for row in rows
    ]


def _wake(dispatchers: list[Dispatcher]) -> None:
    for one in dispatchers:
        one.wake()


async def _publish(publisher: Publisher, clock: Clock) -> None:
    await publisher.publish(clock.now())


def _untampered(conn: Connection, event_id: str) -> Any:
    """The event, if it still is what was approved. Raises Tampered."""
    row = register.event(conn, event_id)
    event = from_json(row.content)
    if not row.digest == event.digest == digest(event):
        raise Tampered(f"{event_id} is not what was approved: its digest differs. Nothing of it is sent.")
    return event


def _site(settings: Settings, pack: city.City) -> Site:
    return Site(
        base=settings.public_url.rstrip("/"),
        city=pack.pack.name,
        publisher=pack.pack.publisher,
        email=pack.pack.sender,
        time_zone=pack.pack.zone,
        languages=pack.pack.tags,
        mode=settings.mode,
        phone=pack.pack.phones[0],
    )


def _open_database(settings: Settings) -> Database:
    engine = engine_for(settings.database)
    try:
        schema.check(engine)
    finally:
        engine.dispose()
    return Database(settings.database)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """An embedded database has one service: a second one is refused. (The lock goes with the process, however it dies.)"""
    if not settings.database.startswith("sqlite"):
        yield
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with open(settings.data_dir / "service.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart([f"Another service already runs on {settings.data_dir}."]) from None
        yield


def _take_over(conn: Connection, clock: Clock) -> None:
    """Whoever held leases here is dead: we hold the lock."""
    ledger.end_leases(conn, now=clock.now())
    ledger.release_expired(conn, now=clock.now())
    due.end_leases(conn)


async def _refuse_unreviewed(settings: Settings, db: Database, vocabulary: words.Words) -> None:
    """A live instance speaks no English that nobody has read."""
    if settings.mode is not Mode.LIVE:
        return
    english = standings(vocabulary, arrange(await db.read(reviews)))[0]
    waiting = english.draft + english.stale
    if waiting:
        raise CannotStart([f"{waiting} English messages are not reviewed. Run 'tocsin words review en' first."])


async def _start_senders(service: Service) -> list[asyncio.Task[None]]:
    """Opens every channel. One that cannot work is said so and tried again; the others send meanwhile."""
    opened = await asyncio.gather(*(one.sender.channel.open() for one in service.dispatchers), return_exceptions=True)
    for one, error in zip(service.dispatchers, opened, strict=True):
        if error is not None and not isinstance(error, Misconfigured):
            raise error
        one.light.trouble = str(error or "")
    return [asyncio.create_task(one.run(), name=f"sender {one.sender.name}") for one in service.dispatchers]


async def _stop_senders(service: Service, tasks: list[asyncio.Task[None]]) -> None:
    for one in service.dispatchers:
        one.close()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for task, error in zip(tasks, ends, strict=True):
        if error is not None:
            logger.error("%s ended badly", task.get_name(), exc_info=error)
    for one in service.dispatchers:
        await one.sender.channel.close()


async def _end(task: asyncio.Task[None]) -> None:
    """Ends what still runs in the background; what it had to write is on disk or is done again."""
    task.cancel()
    (error,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(error, Exception):
        logger.error("%s failed", task.get_name(), exc_info=error)


async def _listen(stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int) -> int:
    """Serves an application; returns the port, which the system chose if 0 was given."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise CannotStart([f"Cannot listen on {host}:{port}: {error.strerror or error}."]) from None
    return int(runner.addresses[0][1])
