"""The composition root: builds a service from its settings, wires it, runs it, and ends it cleanly."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from channels.base import Misconfigured
from notify import duties, keys
from notify.clock import Clock
from notify.db import Database
from notify.listening import Listening
from notify.processes import joining
from notify.processes.hearing import Hearing
from notify.processes.posts import DUTIES, PAGES, Role
from notify.processes.session import Session
from notify.reserve import EVERY_S, Caller, reserves
from notify.schedule import Tick, Ticker
from notify.sending import hold, seeds
from notify.service import Service
from notify.settings import Settings
from notify.wiring import Place, build
from notify.wording.press import Press

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A started service, where it listens, and what it looks after by itself."""

    service: Service
    public_port: int
    private_port: int
    ticks: Sequence[Tick]


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None, role: Role = Role.ALL) -> AsyncIterator[Running]:
    """Starts what a process of this role does; ends it in reverse order. Raises CannotStart."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(joining.only_one(settings, role))
        for one in reserves(settings):  # before the database: on a full disk it could not even be opened
            await asyncio.to_thread(one.look)
        db = stack.enter_context(contextlib.closing(joining.open_database(settings)))
        clock = clock or joining.clock_for(settings, db)
        place = await joining.place_in(db, role, clock)
        ring = keys.load(settings.keys_file)
        built = await build(settings, db, clock, ring, place)
        stack.callback(built.publisher.close)
        hearing = await _join(stack, built, place)
        tasks = await _open_senders(built.service, role)
        stack.push_async_callback(_stop_senders, built.service, tasks)
        stack.push_async_callback(built.residents.errands.settle)
        stack.push_async_callback(built.hub.close)
        for mirror in built.service.mirrors:
            stack.push_async_callback(mirror.close)
        built.poster.egress.open()
        stack.push_async_callback(built.poster.close)
        if built.service.received is not None:
            stack.push_async_callback(built.service.received.poller.close)
        if built.service.identity is not None:
            stack.push_async_callback(built.service.identity.close)
        await db.write(partial(_hold_if_older, settings=settings, clock=clock))
        ticks = joining.ticks_of([*duties.ticks(built), *_more(built, settings)], place, hearing)
        await _mark(db, settings)
        await duties.remind(built)
        ticker = Ticker(ticks)
        ticker.start()
        stack.callback(ticker.stop)
        listening = Listening(settings=settings, built=built, ring=ring, ticks=ticks)
        if role.listens:
            stack.push_async_callback(listening.close)
            await listening.open()
            stack.push_async_callback(_end, asyncio.create_task(listening.follow(), name="who has 311's line"))
        if role.listens:  # feeds are there from the start
            stack.push_async_callback(_end, asyncio.create_task(duties.republish(built), name="the first publishing"))
        if hearing is None:  # else it comes with the duties
            stack.push_async_callback(_end, asyncio.create_task(built.service.conductor.resume(), name="resume"))
        yield Running(built.service, *listening.ports, ticks)


async def _join(stack: contextlib.AsyncExitStack, built: duties.Built, place: Place) -> Hearing | None:
    """Joins the other processes, where there may be others."""
    session = place.crew
    if not isinstance(session, Session):
        return None
    session.wants = joining.wants(place.role, built.service)
    hearing = Hearing(built, session)
    hearing.begin()
    stack.push_async_callback(hearing.settle)
    await asyncio.to_thread(session.start)
    stack.push_async_callback(asyncio.to_thread, session.close)
    return hearing


async def serve(settings: Settings, ready: Callable[[Running], None], role: Role = Role.ALL) -> None:
    """Runs until SIGTERM or SIGINT, then lets calls under way end and records them."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with running(settings, role=role) as started:
        # What is loaded by now stays: looking through 200,000 objects for garbage would stop everything for 100 ms each time.
        gc.collect()
        gc.freeze()
        if not role.listens:
            ready(started)
            await end.wait()
            return
        rendered = started.service.assembly.rendered
        rendered.press = Press(started.service.assembly.words, settings.log_level)
        rendered.press.start()
        with contextlib.closing(rendered.press):
            ready(started)
            await end.wait()
            logger.info("ending: calls under way are waited for")


def _more(built: duties.Built, settings: Settings) -> list[Tick]:
    """What is looked at by itself and needs the settings."""
    service, caller = built.service, Caller(built.service.pager)
    return [
        Tick("room kept in reserve", EVERY_S, partial(_keep_room, service, caller), post=PAGES),
        Tick("mark of the log", hold.EVERY_S, partial(_mark, service.db, settings)),
        Tick("silent seeds", seeds.EVERY_S, partial(_hear_seeds, service, settings), post=DUTIES),
    ]


def _hold_if_older(conn: Connection, settings: Settings, clock: Clock) -> None:
    """A database that was put back by other means than ours holds what was leaving, too."""
    if why := hold.went_back(conn, settings.data_dir):
        hold.begin(conn, why, "tocsin", clock.now())


async def _hear_seeds(service: Service, settings: Settings) -> None:
    """Pages the duty officer about every seed that should have reported and has not."""
    within, now = timedelta(seconds=settings.seed_report_s), service.clock.now()
    if await service.db.read(lambda conn: seeds.silent(conn, within, now)):
        for one in await service.db.write(lambda conn: seeds.alarm(conn, within, now)):
            service.pager(seeds.sentence(one, within))


async def _keep_room(service: Service, caller: Caller) -> None:
    for one in service.reserves:
        await asyncio.to_thread(one.look)
    caller.look(service.reserves)


async def _mark(db: Database, settings: Settings) -> None:
    with contextlib.suppress(OSError):  # a full disk says so elsewhere
        await db.read(partial(hold.mark, folder=settings.data_dir))


async def _open_senders(service: Service, role: Role) -> list[asyncio.Task[None]]:
    """Opens every channel, for pages and answers leave by them everywhere. One that cannot work is said so and tried again; the
    others send meanwhile. A process that sends starts its senders."""
    opened = await asyncio.gather(*(one.sender.channel.open() for one in service.dispatchers), return_exceptions=True)
    for one, error in zip(service.dispatchers, opened, strict=True):
        if error is not None and not isinstance(error, Misconfigured):
            raise error
        one.light.trouble = str(error or "")
    running = service.dispatchers if role.sends else ()
    return [asyncio.create_task(one.run(), name=f"sender {one.sender.name}") for one in running]


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
