"""Carries the board's orders to the telephone and to texts, and says back to the board what became of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from channels.calls import NotPlaced, Outcome, Placed
from channels.calls import Ring as Call
from surge.contact import Standing
from surge.floor.board import Board
from surge.floor.callback import Promise
from surge.floor.orders import Dial, HangUp, Order, Redirect, Ring, Step, Summon, Tell, Text, Turn, Word
from surge.floor.records import Record
from surge.floor.telephone import Telephone
from surge.voice.voice_call import Sent

logger = logging.getLogger(__name__)

CENTRE_S: Final = 15  # for the emergency centre
RING_S: Final = 20  # shorter than the lease: the provider gives up first
UNTOLD: Final = "The emergency centre did not answer, and the caller could not be told: their agent must say to dial 911."
TRIES: Final = 3  # to reach the provider about a live call
AGAIN_S: Final = 1.0
PATHS: Final = {
    Step.BRIDGE: f"/voice/said/{Sent.BRIDGE}",
    Step.WAIT: f"/voice/said/{Sent.AGAIN}",
    Step.FULL: f"/voice/said/{Sent.ELSE}",
    Step.LONGEST: f"/voice/said/{Sent.ELSE}",
    Step.PARTNER: f"/voice/said/{Sent.PARTNER}",
    Step.NO_CENTRE: f"/voice/said/{Sent.NO_CENTRE}",
}


class Floor(Protocol):
    """What is said back, and to whom."""

    board: Board
    centre: str  # the emergency centre's ten-digit line

    def now(self) -> datetime: ...

    def say(self, turn: Turn) -> None: ...

    def number_of(self, record: Record) -> str:
        """In clear; "" where nobody knows it."""

    def line_of(self, agent_id: str) -> str:
        """An agent's telephone; "" for none."""


class Texts(Protocol):
    """How a caller is texted. Never raises: what could not leave is logged there."""

    async def __call__(self, number: str, language: str, what: Word, promise: Promise | None) -> None: ...


async def no_texts(number: str, language: str, what: Word, promise: Promise | None) -> None:
    """Where there is nothing to text with."""
    logger.warning("there is nothing to text callers with: %s was not sent", what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """telephone: None where there is no provider; agents then take what is written alone."""

    floor: Floor
    telephone: Telephone | None
    texts: Texts
    public_url: str
    tell: Callable[[str], None]

    async def carry(self, order: Order) -> None:
        match order:
            case Ring():
                await self._ring(order)
            case Dial():
                await self._dial(order)
            case Summon(contact_id=contact_id):
                await self._summon(contact_id)
            case Redirect():
                await self._redirect(order)
            case HangUp(call_sid=call_sid):
                await self._ask(lambda phone: phone.hang_up(call_sid), "hung up")
            case Text():
                await self._text(order)
            case Tell(sentence=sentence):
                self.tell(sentence)

    async def _ring(self, order: Ring) -> None:
        held, floor = order.reservation_id, self.floor
        if floor.board.holds(held) is None:
            return  # nobody waits for it any more
        outcome = await self._call(floor.line_of(order.agent_id), f"/voice/agent/{held}", f"reservation={held}")
        match outcome:
            case Placed(call_sid):
                floor.say(floor.board.rung(held, call_sid, floor.now()))
            case NotPlaced(why, again):
                logger.warning("an agent could not be rung: %s", why)
                floor.say(floor.board.not_rung(held, floor.now(), fault=not again))
            case _:  # nobody knows: the lease ends by itself
                logger.warning("nobody knows whether an agent is being rung")

    async def _dial(self, order: Dial) -> None:
        floor, called = self.floor, order.callback_id
        number = floor.number_of(floor.board.books.records[order.contact_id])
        outcome = await self._call(number, f"/voice/callback/{called}", f"callback={called}", resident=True)
        match outcome:
            case Placed(call_sid):
                floor.say(floor.board.dialled(called, call_sid, floor.now()))
            case NotPlaced(why, again):
                logger.warning("a resident could not be called back: %s", why)
                floor.say(floor.board.not_dialled(called, floor.now(), again=again))
            case _:  # it counts as a try when nothing more is heard of it
                logger.warning("nobody knows whether a resident is being called back")

    async def _summon(self, contact_id: str) -> None:
        """A call that nobody knows of ends by itself: what has not answered in time is told to the caller."""
        floor = self.floor
        outcome = await self._call(floor.centre, f"/voice/centre/{contact_id}", f"centre={contact_id}", ring_s=CENTRE_S)
        match outcome:
            case Placed(call_sid):
                floor.say(floor.board.centre_placed(contact_id, call_sid, floor.now()))
            case NotPlaced(why):
                logger.error("the emergency centre could not be called: %s", why)
                floor.say(floor.board.centre_gone(contact_id, floor.now()))
            case _:
                logger.error("nobody knows whether the emergency centre is being called")

    async def _call(self, to: str, path: str, what: str, *, resident: bool = False, ring_s: int = RING_S) -> Outcome:
        if self.telephone is None or not to:
            return NotPlaced("there is no telephone" if to else "there is no number", again=not resident)
        base = self.public_url
        status = f"{base}/voice/status?{what}"
        return await self.telephone.ring(
            Call(to=to, url=base + path, status_url=status, ring_s=ring_s, hears_machines=resident)
        )

    async def _redirect(self, order: Redirect) -> None:
        """A call that has ended meanwhile is said so; where the provider cannot be asked, the agent is free again."""
        url = self.public_url + PATHS[order.step]
        alive = await self._ask(lambda phone: phone.redirect(order.call_sid, url), f"sent to {order.step}")
        floor = self.floor
        record = floor.board.books.records.get(order.contact_id)
        if alive is None:
            held = floor.board.books.held_for(order.contact_id)
            if order.step is Step.BRIDGE and held is not None:
                floor.say(floor.board.agent_left(held.reservation_id, floor.now()))
            if order.step is Step.NO_CENTRE:
                self.tell(UNTOLD)
        elif not alive and record is not None and record.call_sid == order.call_sid:
            callback = floor.board.books.callback_of(order.contact_id)
            if record.contact.standing is Standing.CALLBACK and callback is not None:
                floor.say(floor.board.callback_ended(callback.callback_id, "completed", floor.now()))
            else:
                floor.say(floor.board.ended(order.contact_id, floor.now()))

    async def _ask(self, how: Callable[[Telephone], Awaitable[bool]], what: str) -> bool | None:
        """Asked a few times: it may be done twice without harm. None where the provider could not be asked at all."""
        telephone = self.telephone
        for number in range(TRIES):
            if telephone is None:
                break
            try:
                return await how(telephone)
            except ConnectionError as error:
                logger.warning("a call could not be %s: %s", what, error)
                await asyncio.sleep(AGAIN_S if number + 1 < TRIES else 0)
        return None

    async def _text(self, order: Text) -> None:
        record = self.floor.board.books.records.get(order.contact_id)
        callback = self.floor.board.books.callback_of(order.contact_id)
        number = self.floor.number_of(record) if record is not None else ""
        if record is not None and number:
            await self.texts(number, record.contact.language, order.what, callback.promise if callback else None)
