"""Where a process listens: the public and the private applications, with 311's line behind them while this process has it.

Of several processes one has the line. Another one takes it when that one is gone: then its applications are built anew around
the line and listen on the same ports, and the old ones end with what they still answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from aiohttp import web

from notify import duties, hotline
from notify.console import health
from notify.console.pages import Console
from notify.hotline import Hotline
from notify.hotline_door import Doorway
from notify.processes import joining
from notify.processes.posts import FLOOR, Standing
from notify.processes.session import Session
from notify.residents.inbox import Beyond
from notify.schedule import Tick
from notify.settings import Settings
from notify.web import api, public
from notify.web.answers import middleware
from notify.web.missed import Missed
from notify.websub import routes
from notify.websub.hub import link
from notify.websub.topics import addresses
from notify.wiring import CannotStart, reviews
from subscribers.sealing import Keyring
from surge.desk.ask import AskPages
from surge.desk.asking import Grades
from surge.desk.open_needs import OpenNeeds
from surge.floor import doors
from surge.floor.doors import Door
from surge.pages import desks
from surge.pages.office import Side
from surge.recorded.studio import Studio

logger = logging.getLogger(__name__)

GOODBYE_S: Final = 5.0  # how long an open page that follows a send may hold up the end
MOST_BODY: Final = 4 * 1024 * 1024  # an uploaded area
HELD_S: Final = 2.0
LOOK_S: Final = 0.25  # at who has 311's line


@dataclass(slots=True, kw_only=True)
class Listening:
    """`open` once; `follow` beside it where there are other processes; `close` at the end."""

    settings: Settings
    built: duties.Built
    ring: Keyring
    ticks: Sequence[Tick]
    ports: tuple[int, int] = (0, 0)
    studio: Studio | None = None
    _line: Hotline | None = None
    _hang_up: Callable[[], Awaitable[None]] | None = None
    _superseded: bool = False
    _runners: list[web.AppRunner] = field(default_factory=list)
    _ending: set["asyncio.Task[None]"] = field(default_factory=set)
    _heard_before: list[Beyond] = field(default_factory=list)
    _doorway: Doorway = field(init=False)

    def __post_init__(self) -> None:
        self._doorway = Doorway(look=partial(self.built.service.db.read, doors.find))

    @property
    def session(self) -> Session | None:
        """None where there is no other process."""
        crew = self.built.service.crew
        return crew if isinstance(crew, Session) else None

    def answers(self, line: Hotline | None) -> bool:
        """Whether what needs 311's line is answered by applications built around this one: it is surely ours, or nobody can
        take it; or there is none in this city."""
        if self.studio is None or self.session is None:
            return True
        return line is not None and line is self._line and not self._superseded and self.may_act()

    def may_act(self) -> bool:
        return self.built.service.crew.standing(FLOOR) in (Standing.OURS, Standing.NOBODY)

    async def open(self) -> None:
        """Raises CannotStart."""
        await self.built.residents.live.refresh()
        self.studio = hotline.studio(self.settings, self.built.service, self.ring, reviews)
        self._heard_before = list(self.built.residents.inbox.beyond)
        if self.session is None or self.session.term(FLOOR):
            await self._take()
        elif self.session is not None:
            joining.floor_first(self.session, ours=False)
        await self._listen()

    async def follow(self) -> None:
        """Takes the line when its process is gone, and lets go of it when another one has it; until cancelled."""
        session = self.session
        if session is None or self.studio is None:
            return
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                standing = session.standing(FLOOR)
                if self._line is None and standing is Standing.OURS:
                    await self._come(session)
                elif self._line is not None and (standing is Standing.THEIRS or self._superseded):
                    await self._go(session)
            except Exception:  # the loop's own boundary: it looks again
                logger.exception("311's line could not be taken or left; it is tried again")

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._leave()
        if self.studio is not None:
            await self.studio.recorder.close()
        await self._doorway.close()

    async def _come(self, session: Session) -> None:
        await self._take()
        if self._line is None:  # a frozen process of this machine keeps the journal
            await asyncio.sleep(HELD_S)
            return
        joining.floor_first(session, ours=True)
        await self._listen()

    async def _go(self, session: Session) -> None:
        logger.error("another process has 311's line now; this one hands on what needs it")
        await self._leave()
        joining.floor_first(session, ours=False)
        await self._listen()

    async def _take(self) -> None:
        given = hotline.Given(
            studio=self.studio, may_act=self.may_act, superseded=self._note_superseded, kind=self.built.residents.line_kind
        )
        self._superseded = False
        self._line, self._hang_up = await hotline.start(self.settings, self.built.service, self.ring, given)

    def _note_superseded(self) -> None:
        self._superseded = True

    async def _leave(self) -> None:
        hang_up, self._line, self._hang_up = self._hang_up, None, None
        if hang_up is not None:
            await hang_up()

    async def _listen(self) -> None:
        """Builds both applications as things stand, and listens with them instead of those before."""
        old, self._runners = self._runners, []
        shared = self.session is not None  # several web processes of a machine share its ports
        settings, found = self.settings, list[web.AppRunner]()
        where = ((settings.public_host, settings.public_port), (settings.private_host, settings.private_port))
        ports, ways = [], []
        try:
            for at, (app, (host, port)) in enumerate(zip(self._apps(), where, strict=True)):
                runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
                await runner.setup()
                found.append(runner)
                ports.append(await _open(runner, host, self.ports[at] or port, shared=shared))
                ways.append(await _open(runner, settings.floor_host, 0, shared=False) if shared else 0)
        except CannotStart:
            for runner in found:
                await runner.cleanup()
            self._runners = old
            raise
        self.ports, self._runners = (ports[0], ports[1]), found
        self._doorway.ports.update(way for way in ways if way)
        if shared and self._line is not None:
            await self._put_up(ways)
        for runner in old:
            self._end(runner)

    async def _put_up(self, ways: Sequence[int]) -> None:
        """From now on others of the instance ask here."""
        service, host = self.built.service, self.settings.floor_host
        public_, private = (f"http://{host}:{port}" for port in ways)
        door = Door(process=service.crew.process, public=public_, private=private)
        await service.db.write(partial(doors.put, door=door, now=service.clock.now()))

    def _end(self, runner: web.AppRunner) -> None:
        task = asyncio.create_task(runner.cleanup(), name="applications of before")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _apps(self) -> tuple[web.Application, web.Application]:
        built, line, studio, doorway = self.built, self._line, self.studio, self._doorway
        here = partial(self.answers, line)
        side = desks.side(replace(_desk(built, self.ring, self.settings, line), studio=studio, elsewhere=studio is not None))
        public_app = web.Application(client_max_size=MOST_BODY, middlewares=[doorway.middleware(here, public=True)])
        public_app.add_routes([*built.callbacks.routes(), *built.residents.routes])
        public_app.add_routes(Missed(poster=built.poster).routes())
        public_app.add_routes(_published(built, self.settings))
        public_app.add_routes(studio.routes if studio is not None else [])
        public_app.add_routes(line.routes if line is not None else [])
        public_app.add_routes(_asked(built, self.ring, side, self._heard_before))
        both = [middleware(built.service.db), doorway.middleware(here, public=False)]
        private_app = web.Application(client_max_size=MOST_BODY, middlewares=both)
        private_app[health.SETTINGS], private_app[health.TICKS] = self.settings, self.ticks
        private_app.add_routes(api.routes(built.service, self.ring, self.settings.private_url, side))
        private_app.add_routes(Console(built.service, self.ring, self.settings.private_url, side).web_routes())
        return public_app, private_app


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


def _asked(built: duties.Built, ring: Keyring, side: Side, before: Sequence[Beyond]) -> Sequence[web.RouteDef]:
    """What anybody may ask of the desk, and where services are needed. What the text dialog could not match goes there, too,
    and what callers say of their calls. before: who hears of every text otherwise."""
    service, residents = built.service, built.residents
    residents.inbox.beyond[:] = [*before, Grades(ring, service.clock), *([side.written] if side.written is not None else [])]
    needed = OpenNeeds(db=service.db, clock=service.clock, site=service.assembly.site).routes()
    if side.written is None or side.line is None:
        return needed
    return [*needed, *AskPages(counter=residents.counter, desk=side.written, db=service.db, ring=ring).routes()]


async def _open(runner: web.AppRunner, host: str, port: int, *, shared: bool) -> int:
    """Opens one more address of an application; returns the port, which the system chose if 0 was given. shared: other
    processes of this machine may listen there as well, and each connection goes to one of them. Raises CannotStart."""
    before = set(map(tuple, runner.addresses))
    site = web.TCPSite(runner, host, port, reuse_port=shared or None)
    try:
        await site.start()
    except OSError as error:
        raise CannotStart([f"Cannot listen on {host}:{port}: {error.strerror or error}."]) from None
    (found,) = set(map(tuple, runner.addresses)) - before
    return int(found[1])
