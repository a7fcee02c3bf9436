"""The composition root: builds a service from its settings, wires it, runs it, and ends it cleanly."""

import asyncio
import contextlib
import fcntl
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from channels.base import Misconfigured
from notify import due, duties, hotline, keys, schema
from notify.clock import Clock, HurriedClock, SystemClock
from notify.console import health
from notify.console.pages import Console
from notify.db import Database, engine_for
from notify.schedule import Tick, Ticker
from notify.sending import leases
from notify.service import Service
from notify.settings import Settings
from notify.web import api, public
from notify.web.answers import middleware
from notify.wiring import CannotStart, build, reviews
from notify.wording.press import Press
from subscribers.sealing import Keyring
from surge.desk.ask import AskPages
from surge.desk.asking import Grades
from surge.desk.open_needs import OpenNeeds
from surge.pages import desks
from surge.pages.office import Side

logger = logging.getLogger(__name__)

GOODBYE_S: Final = 5.0  # how long an open page that follows a send may hold up the end
MOST_BODY: Final = 4 * 1024 * 1024  # an uploaded area


@dataclass(frozen=True, slots=True)
class Running:
    """A started service, where it listens, and what it looks after by itself."""

    service: Service
    public_port: int
    private_port: int
    ticks: Sequence[Tick]


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Starts everything; ends it in reverse order. Raises CannotStart."""
    clock = clock or _clock(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_only_one(settings))
        db = stack.enter_context(contextlib.closing(_open_database(settings)))
        if db.sqlite:
            await db.write(partial(_take_over, clock=clock))
        ring = keys.load(settings.keys_file)
        built = await build(settings, db, clock, ring)
        tasks = await _start_senders(built.service)
        stack.push_async_callback(_stop_senders, built.service, tasks)
        stack.push_async_callback(built.residents.errands.settle)
        ticks = duties.ticks(built)
        ticker = Ticker(ticks)
        ticker.start()
        stack.callback(ticker.stop)
        public_app = web.Application(client_max_size=MOST_BODY)
        await built.residents.live.refresh()
        public_app.add_routes([*built.callbacks.routes(), *built.residents.routes])
        public_app.add_routes(public.routes(settings.published, built.residents.places))
        private_app = web.Application(client_max_size=MOST_BODY, middlewares=[middleware(db)])
        studio = hotline.studio(settings, built.service, ring, reviews)
        line, hang_up = await hotline.start(settings, built.service, ring, studio, built.residents.line_kind)
        stack.push_async_callback(hang_up)
        if studio is not None:
            stack.push_async_callback(studio.recorder.close)
            public_app.add_routes(studio.routes)
        public_app.add_routes(line.routes if line is not None else [])
        private_app[health.SETTINGS], private_app[health.TICKS] = settings, ticks
        private_app.add_routes(api.routes(built.service, ring))
        side = desks.side(replace(_desk(built, ring, settings, line), studio=studio))
        private_app.add_routes(Console(built.service, ring, settings.private_url, side).web_routes())
        public_app.add_routes(_asked(built, ring, side))
        public_port = await _listen(stack, public_app, settings.public_host, settings.public_port)
        private_port = await _listen(stack, private_app, settings.private_host, settings.private_port)
        for task in (
            asyncio.create_task(duties.republish(built), name="the first publishing"),  # feeds are there from the start
            asyncio.create_task(built.service.conductor.resume(), name="resume"),
        ):
            stack.push_async_callback(_end, task)
        yield Running(built.service, public_port, private_port, ticks)


def _desk(built: duties.Built, ring: Keyring, settings: Settings, line: hotline.Hotline | None) -> desks.Parts:
    """What the 311 desk is built from."""
    service, residents = built.service, built.residents
    return desks.Parts(
        db=service.db,
        clock=service.clock,
        ring=ring,
        site=service.assembly.site,
        mode=settings.mode,
        folder=service.assembly.city.folder,
        lexicon=residents.inbox.lexicon,
        dispatchers=service.dispatchers,
        find_place=residents.places.find_place,
        line=line.floor if line is not None else None,
        pack=line.pack if line is not None else None,
    )


def _asked(built: duties.Built, ring: Keyring, side: Side) -> Sequence[web.RouteDef]:
    """What anybody may ask of the desk, and where services are needed. What the text dialog could not match goes there, too,
    and what callers say of their calls."""
    service, residents = built.service, built.residents
    residents.inbox.beyond.append(Grades(ring, service.clock))
    needed = OpenNeeds(db=service.db, clock=service.clock, site=service.assembly.site).routes()
    if side.written is None or side.line is None:
        return needed
    residents.inbox.beyond.append(side.written)
    return [*needed, *AskPages(counter=residents.counter, desk=side.written, db=service.db, ring=ring).routes()]


async def serve(settings: Settings, ready: Callable[[Running], None]) -> None:
    """Runs until SIGTERM or SIGINT, then lets calls under way end and records them."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with running(settings) as started:
        # What is loaded by now stays: looking through 200,000 objects for garbage would stop everything for 100 ms each time.
        gc.collect()
        gc.freeze()
        rendered = started.service.assembly.rendered
        rendered.press = Press(started.service.assembly.words, settings.log_level)
        rendered.press.start()
        with contextlib.closing(rendered.press):
            ready(started)
            await end.wait()
            logger.info("ending: calls under way are waited for")


def _clock(settings: Settings) -> Clock:
    if settings.replay_from is None:
        return SystemClock()
    return HurriedClock(settings.replay_from, settings.replay_speed)


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
    leases.end_leases(conn, now=clock.now())
    leases.release_expired(conn, now=clock.now())
    due.end_leases(conn)


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
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise CannotStart([f"Cannot listen on {host}:{port}: {error.strerror or error}."]) from None
    return int(runner.addresses[0][1])
