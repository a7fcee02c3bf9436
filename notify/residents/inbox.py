"""A resident's text, taken: one transaction for what it changes, what it proves and what it is answered with.

    signed text -> contact held -> dialog turn -> acts carried out, words kept sealed, latecomers noted -> committed -> answered

A text that is delivered twice is answered twice with the same words, and counts once. A number that the provider's gateway
has closed is answered nothing, for nothing would arrive, and counts as stopped until the gateway itself has seen a START.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from channels.base import Heard as Text
from notify.clock import Clock
from notify.db import Database
from notify.residents.carrying_out import Doer, Phone, is_closed
from notify.residents.replies import Phrase, Replies
from notify.sending import affinity, late, night
from subscribers import contacts, store
from subscribers.address import SMS
from subscribers.contacts import KnownContact, Line
from subscribers.dialog import talk
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.turn import (
    Heard,
    Kept,
    Known,
    Obeyed,
    Reply,
    Standing,
    Turn,
    World,
)
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress

OBEYED: Final = {one.value: one for one in Obeyed}


class Beyond(Protocol):
    """Whoever else is to hear of texts: the 311 desk."""

    def owe(self, conn: Connection, text: Text, turn: Turn, language: str) -> bool:
        """On the text's own transaction: whether they must have it, which is then on disk with it. language: of its answer."""

    async def collect(self) -> None:
        """Hands on all that is owed. Never raises."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a text. parts: of its answers. owed: somebody else is to hear of it."""

    answers: list[str]
    parts: int = 0
    owed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """world: what a turn may look up, on the transaction's connection. spend: takes the parts of an answer out of the pace of
    the number that sends it, so that alerts and answers together stay within its rate."""

    db: Database
    clock: Clock
    keys: Keyring
    lexicon: Lexicon
    replies: Replies
    world: Callable[[Connection], World]
    spend: Callable[[str, int], None]
    beyond: list[Beyond] = field(default_factory=list)

    async def hear(self, text: Text) -> list[str]:
        """Takes a text; returns what it is answered with, in order, once everything is on disk."""
        take = partial(self._take, text=text, now=self.clock.now())
        try:
            taken = await self.db.write(take)
        except IntegrityError:  # a list that was imported meanwhile has this very number: now it is known
            taken = await self.db.write(take)
        self.spend(text.ours, taken.parts)
        if taken.owed:
            await self.hand_on()
        return taken.answers

    async def hand_on(self) -> None:
        """Whoever else is to hear of texts gets what they have not got yet."""
        for each in self.beyond:
            await each.collect()

    def _take(self, conn: Connection, text: Text, now: datetime) -> Taken:
        contact = contacts.meet(conn, SMS, self.keys.blind(SMS, text.address), now)
        before = contacts.answered_before(conn, text.provider_id, SMS, self.keys)
        if before is not None:
            return Taken([line.body for line in before if line.body])  # nothing is left of what was erased since
        address = store.find_address(conn, SMS, self.keys.blind(SMS, text.address))
        phone, known = Phone(contact, address), known_of(conn, contact, address)
        heard = Heard(text=text.text, at=now, has_media=text.has_media, obeyed=OBEYED.get(text.obeyed, Obeyed.NOTHING))
        turn = talk.turn(known, heard, self.world(conn), self.lexicon)
        if is_closed(conn, phone, text):
            turn = replace(turn, replies=())
        phrases = [(reply, self.replies.text(reply, plain=turn.memory.plain)) for reply in turn.replies]
        contacts.write_down(conn, contact, _lines(text, turn, phrases, now), self.keys)
        if address is not None and address.unreachable_at is not None:
            store.mark_unreachable(conn, [address.address_id], None)
            late.note(conn, [address.address_id], now)
        Doer(conn, self.keys, phone, text, now).carry_out(turn)
        affinity.wrote_to(conn, text.ours, self.keys.blind(SMS, text.address))
        if address is not None and contact.memory.night and not turn.memory.night:
            night.let_go_to(conn, address.address_id)
        language = next((reply.language for reply, _ in phrases), known.language)
        owed = [each.owe(conn, text, turn, language) for each in self.beyond]
        return Taken([phrase.body for _, phrase in phrases], sum(phrase.parts for _, phrase in phrases), any(owed))


def known_of(conn: Connection, contact: KnownContact, address: KnownAddress | None) -> Known:
    """What the dialog is told of a phone."""
    if address is None:
        return Known(standing=Standing.NEW, language=contact.language, memory=contact.memory)
    standing = Standing.ACTIVE
    if address.stopped_at is not None:
        standing = Standing.STOPPED
    elif contact.suspect_at is not None:
        standing = Standing.SUSPECT
    places = tuple(Kept(label=one.label, spot=one.spot) for one in store.places_of(conn, address.subscriber_id))
    return Known(standing=standing, language=address.language, places=places, memory=contact.memory)


def _lines(text: Text, turn: Turn, phrases: Sequence[tuple[object, Phrase]], now: datetime) -> list[Line]:
    lines = [Line(inbound=True, at=now, ours=text.ours, body=text.text, provider_id=text.provider_id)]
    for number, (reply, phrase) in enumerate(phrases):
        key = f"{reply.key}.{reply.language}" if isinstance(reply, Reply) else f"alert.{phrase.language}"
        answer = contacts.answer_id(text.provider_id, number)
        lines.append(Line(inbound=False, at=now, ours=text.ours, body=phrase.body, key=key, provider_id=answer))
    return lines
