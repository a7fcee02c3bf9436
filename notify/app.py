"""The composition root: builds a service from its settings, wires it, runs it, and ends it cleanly."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from channels.base import Misconfigured
from notify import duties, hotline, keys
from notify.clock import Clock
from notify.console import health
from notify.console.pages import Console
from notify.db import Database
from notify.processes import joining
from notify.processes.hearing import Hearing
from notify.processes.posts import DUTIES, FLOOR, Role
from notify.processes.session import Session
from notify.schedule import Tick, Ticker
from notify.sending import hold, seeds
from notify.service import Service
from notify.settings import Settings
from notify.web import api, public
from notify.web.answers import middleware
from notify.web.missed import Missed
from notify.websub import routes
from notify.websub.hub import link
from notify.websub.topics import addresses
from notify.wiring import CannotStart, Place, build, reviews
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
async def running(settings: Settings, clock: Clock | None = None, role: Role = Role.ALL) -> AsyncIterator[Running]:
    """Starts what a process of this role does; ends it in reverse order. Raises CannotStart."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(joining.only_one(settings, role))
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
        ports = await _serve_all(stack, settings, built, ring, ticks) if role.listens else (0, 0)
        if role.listens:  # feeds are there from the start
            stack.push_async_callback(_end, asyncio.create_task(duties.republish(built), name="the first publishing"))
        if hearing is None:  # else it comes with the duties
            stack.push_async_callback(_end, asyncio.create_task(built.service.conductor.resume(), name="resume"))
        yield Running(built.service, *ports, ticks)


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
    if not session.term(FLOOR):
        joining.without_floor(session)
    return hearing


async def _serve_all(
    stack: contextlib.AsyncExitStack, settings: Settings, built: duties.Built, ring: Keyring, ticks: Sequence[Tick]
) -> tuple[int, int]:
    """Opens both listeners; returns their ports."""
    public_app = web.Application(client_max_size=MOST_BODY)
    await built.residents.live.refresh()
    public_app.add_routes([*built.callbacks.routes(), *built.residents.routes])
    public_app.add_routes(Missed(poster=built.poster).routes())
    public_app.add_routes(_published(built, settings))
    private_app = web.Application(client_max_size=MOST_BODY, middlewares=[middleware(built.service.db)])
    studio = hotline.studio(settings, built.service, ring, reviews)
    here = built.service.crew.term(FLOOR) > 0
    line, hang_up = await hotline.start(settings, built.service, ring, studio if here else None, built.residents.line_kind)
    stack.push_async_callback(hang_up)
    if studio is not None:
        stack.push_async_callback(studio.recorder.close)
        public_app.add_routes(studio.routes)
    public_app.add_routes(line.routes if line is not None else [])
    private_app[health.SETTINGS], private_app[health.TICKS] = settings, ticks
    private_app.add_routes(api.routes(built.service, ring, settings.private_url))
    side = desks.side(replace(_desk(built, ring, settings, line), studio=studio))
    private_app.add_routes(Console(built.service, ring, settings.private_url, side).web_routes())
    public_app.add_routes(_asked(built, ring, side))
    shared = isinstance(built.service.crew, Session)  # several web processes of a machine share its ports
    public_port = await _listen(stack, public_app, (settings.public_host, settings.public_port), shared=shared)
    private_port = await _listen(stack, private_app, (settings.private_host, settings.private_port), shared=shared)
    return public_port, private_port


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


def _published(built: duties.Built, settings: Settings) -> Sequence[web.RouteDef]:
    """What is published, each feed with the address it may be subscribed to; and the hub that is asked for that."""
    hub, site = built.hub, built.service.assembly.site
    links = {name: link(hub.url, topic) for name, topic in addresses(site).items()}
    files = public.routes(settings.published, built.residents.places, links)
    return [*routes.routes(hub, site, settings.signup_proxies), *files]


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
    service = built.service
    return [
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


async def _listen(stack: contextlib.AsyncExitStack, app: web.Application, at: tuple[str, int], *, shared: bool) -> int:
    """Serves an application; returns the port, which the system chose if 0 was given. shared: other processes of this machine
    may listen there as well, and each connection goes to one of them."""
    host, port = at
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, reuse_port=shared or None)
    try:
        await site.start()
    except OSError as error:
        raise CannotStart([f"Cannot listen on {host}:{port}: {error.strerror or error}."]) from None
    return int(runner.addresses[0][1])
