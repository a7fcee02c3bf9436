"""311's telephone in a running service: the floor with its number, its webhooks and what is on the air."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from notify import telephones
from notify.alerts.alert import Mode
from notify.db import Database
from notify.sending.brake import unmeasured
from notify.sending.coupling import Queue
from notify.service import Service
from notify.settings import Settings
from notify.wording.reviews import Review
from subscribers.sealing import Keyring
from surge import pack as packs
from surge.desk import asking
from surge.desk.asking import Asking
from surge.desk.outgoing import SMS, Outgoing
from surge.floor.air import Air
from surge.floor.floor import Parts
from surge.floor.floor_desk import DeskFloor
from surge.floor.journal import Held
from surge.floor.texts import CallerTexts, Sayable
from surge.numbers import number_rows, pressure
from surge.numbers.forecast import Span
from surge.pack import Pack, Shape
from surge.recorded import studio as studios
from surge.recorded.speaking import Speaking
from surge.recorded.studio import Studio
from surge.scripts import script
from surge.switch.activation import SERVING, Activation
from surge.voice.conversation import Conversation
from surge.voice.situation import Situations
from surge.voice.webhooks import VoiceWebhooks

logger = logging.getLogger(__name__)

JOURNAL: Final = "floor.journal"
LOOK_S: Final = 5.0
Kind = Callable[[str], Awaitable[str]]


@dataclass(slots=True, kw_only=True)
class Hotline:
    """routes: for the public listener. situations: what callers hear of an activation's alert. speaking: what can be said, it
    changes with every review and every recording that is released; None where it stays as it is. sayable: so can what callers
    are texted. asking: after their calls, where the city wants that."""

    floor: DeskFloor
    pack: Pack
    routes: Sequence[web.RouteDef]
    db: Database
    situations: Situations
    speaking: Speaking | None = None
    sayable: Sayable | None = None
    asking: Asking | None = None
    _on: Activation | None = None

    async def switched(self, activation: Activation | None) -> None:
        """The floor follows the switch, and callers hear what is said from now on."""
        self._on = activation if activation is not None and activation.status in SERVING else None
        await self.look()
        await self.floor.activate(activation)

    async def look(self) -> None:
        """What is on the air follows the alert in force and what can be said: an update, or a recording that was released in
        another process, is heard a few seconds later."""
        on = self._on
        if on is None:  # whatever the database says: nothing is going on any more
            self.floor.air = Air(speech=self.floor.air.speech)
        found = await self.db.read(partial(self._air, activation=on))
        if on is self._on:  # else it was switched meanwhile
            self.floor.air = found

    async def follow(self) -> None:
        """Looks again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S / self.floor.parts.speed)
            try:
                await self.look()
            except SQLAlchemyError:
                logger.exception("what callers hear cannot be read anew; they hear what was said before")

    def _air(self, conn: Connection, activation: Activation | None) -> Air:
        speech = self.speaking.now(conn) if self.speaking is not None else self.floor.air.speech
        self.situations.speech = speech
        if self.sayable is not None:
            self.sayable.look(conn)
        if activation is None:
            return Air(speech=speech)
        said = self.situations(conn, activation)
        latest = script.latest(conn, activation.activation_id)
        return Air(
            speech=speech,
            activation_id=activation.activation_id,
            level=activation.level,
            drill=activation.drill,
            script=latest.version if latest is not None else None,
            messages=said.messages,
            zips=said.zips,
        )

    async def ask(self) -> None:
        """Asks whether calls have helped, again and again, until it is cancelled."""
        while self.asking is not None:
            await asyncio.sleep(asking.EVERY_S / self.floor.parts.speed)
            try:
                await self.asking.tick()
            except SQLAlchemyError:
                logger.exception("who is to be asked whether a call has helped cannot be read; it is tried again")

    def staffed(self) -> int:
        """How many are at the desks."""
        return self.floor.board.on_duty

    async def stop(self, going_on: Sequence["asyncio.Task[None]"]) -> None:
        for one in going_on:
            one.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        await self.floor.stop()


def studio(
    settings: Settings, service: Service, ring: Keyring, reviews: Callable[[Connection], Sequence[Review]]
) -> Studio | None:
    """What callers hear, and how it is recorded, in every process; None where the city has no surge.toml. Raises BadPack for
    one that cannot be used, 911 as a dial target among it."""
    folder = service.assembly.city.folder
    if not (folder / packs.FILE).exists():
        return None
    pack = packs.load(folder)
    speaking = Speaking(
        words=service.assembly.words,
        pack=pack,
        allow_drafts=settings.sends_drafts,
        public_url=settings.public_url,
        reviews=reviews,
    )
    parts = studios.Parts(db=service.db, clock=service.clock, ring=ring, phone=telephones.of(settings, pack))
    made = studios.build(parts, speaking)
    if service.surge is not None and pack.shape is not Shape.DESK:
        control = service.surge.control
        control.publishing = replace(control.publishing, off_the_telephone=speaking.refusals)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a hotline is started with. studio: None where the city has none. may_act, superseded: see surge.floor.floor.Parts.
    kind: asks a carrier what line a number is."""

    studio: Studio | None
    may_act: Callable[[], bool] = lambda: True
    superseded: Callable[[], None] = lambda: None
    kind: Kind | None = None


async def start(
    settings: Settings, service: Service, ring: Keyring, given: Given
) -> tuple[Hotline | None, Callable[[], Awaitable[None]]]:
    """The hotline and how to end it; None where there is no studio, or another process of this machine has the floor still."""
    studio = given.studio
    if studio is None:
        return None, _nothing
    pack, speaking = studio.speaking.pack, studio.speaking
    telephone = telephones.for_callers(studio.phone, pack, settings.mode)
    speech = await service.db.read(speaking.now)
    sayable = Sayable(words=service.assembly.words, reviews=speaking.reviews, allow_drafts=settings.sends_drafts)
    await service.db.read(sayable.look)
    floor: DeskFloor
    outgoing = Outgoing(service.dispatchers, settings.mode)
    texts = CallerTexts(site=service.assembly.site, send=outgoing.send, air=lambda: floor.air, texts=sayable)
    parts = Parts(
        db=service.db,
        clock=service.clock,
        ring=ring,
        pack=pack,
        journal=settings.data_dir / JOURNAL,
        public_url=settings.public_url,
        telephone=telephone,
        texts=texts,
        tell=service.pager,
        speed=settings.replay_speed if settings.replay_from is not None else 1.0,
        may_act=given.may_act,
        superseded=given.superseded,
    )
    floor = DeskFloor(parts, Air(speech=speech))
    try:
        await floor.start()
    except Held as error:
        logger.error("311's floor does not run here: %s (docs/surge.md#how-it-is-put-together)", error)
        return None, _nothing
    webhooks = VoiceWebhooks(Conversation(floor), telephone, settings.public_url).routes() if telephone is not None else []
    line = Hotline(
        floor=floor,
        pack=pack,
        routes=webhooks,
        db=service.db,
        situations=Situations(speech),
        speaking=speaking,
        sayable=sayable,
        asking=_asking(service, ring, pack, sayable, outgoing, given.kind),
    )
    studio.changed = line.look
    before = _joined(service, line)
    if service.surge is not None:
        await service.surge.control.tell()  # before anybody calls: whoever does belongs to what is going on
    service.brake.measure = _measure(service, floor, pack)
    following = asyncio.create_task(line.follow(), name="what callers hear")
    asks = asyncio.create_task(line.ask(), name="whether calls have helped")

    async def end() -> None:
        before()
        service.brake.measure = unmeasured
        await line.stop((following, asks))

    return line, end


def _joined(service: Service, line: Hotline) -> Callable[[], None]:
    """Surge mode tells the floor, and asks it; returns how to undo that."""
    if service.surge is None:
        return lambda: None
    control, watch, floor = service.surge.control, service.surge.watch, line.floor
    outside, oldest = control.outside, watch.oldest_wait_s if watch is not None else None
    if watch is not None:
        watch.oldest_wait_s = lambda: floor.glance().longest.total_seconds()
    control.outside = replace(outside, switched=line.switched, staffed=line.staffed, call_back=floor.call_back)
    control.again()

    def undo() -> None:
        control.outside = outside
        if watch is not None and oldest is not None:
            watch.oldest_wait_s = oldest

    return undo


def _asking(
    service: Service, ring: Keyring, pack: Pack, texts: Sayable, outgoing: Outgoing, kind: Kind | None
) -> Asking | None:
    if not pack.satisfaction:
        return None
    return Asking(
        db=service.db,
        clock=service.clock,
        ring=ring,
        city=pack.name,
        texts=texts,
        send=outgoing.send,
        free=lambda: outgoing.is_free(SMS) and not service.brake.shares(),
        kind=kind,
    )


def _measure(service: Service, floor: DeskFloor, pack: Pack) -> Callable[[datetime], Awaitable[Queue | None]]:
    """What callers wait, for alerts that slow down with it: by the line here, or by the figures of the city's own centre. Those
    who call for practice slow nothing real."""

    async def of_line(now: datetime) -> Queue | None:
        practice = floor.air.drill and service.assembly.mode is Mode.LIVE
        return None if practice else pressure.of_line(floor.waiting(), now)

    async def of_intervals(now: datetime) -> Queue | None:
        span = Span(start=now - pressure.LOOKED_BACK, end=now)
        return pressure.of_intervals(await service.db.read(partial(number_rows.intervals, span=span)))

    return of_line if pack.shape is Shape.FULL_QUEUE else of_intervals


async def _nothing() -> None:
    """Where nothing was started."""
