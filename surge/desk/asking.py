"""Whether a call to 311 has helped: asked once, by one text that nobody need answer, where the city pack says so.

    a call answered and wrapped up -> nothing bars it -> row, dialog's memory and words in one transaction -> the text leaves

A process that dies in between has asked nobody: no question is sent twice. The answer, one digit, is the text dialog's to read
(subscribers.dialog.grading); `Grades` keeps it on the transaction of the text.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Content
from channels.base import Heard as Text
from channels.text import sanitise
from notify.alerts import register
from notify.alerts.life import LEAVING
from notify.clock import Clock
from notify.db import Database
from notify.wording.slots import ENGLISH
from notify.wording.words import fill
from subscribers import contacts
from subscribers.address import SMS
from subscribers.contacts import Line
from subscribers.dialog.turn import Count, Note, Turn
from subscribers.sealing import Keyring, Unopenable
from surge.desk import asking_rows
from surge.desk.asking_rows import TEXTED, Ended
from surge.desk.outgoing import came
from surge.desk.written import Send
from surge.floor.texts import EXERCISE, HELPED, Texts
from surge.numbers import number_rows

logger = logging.getLogger(__name__)

EVERY_S: Final = 10.0
NUMBER: Final = "voice"  # what callers' numbers are sealed for: surge.floor.floor.PURPOSE


@dataclass(slots=True, kw_only=True)
class Asking:
    """city: who asks. texts: what may be sent now. free: whether texts leave without waiting. kind: asks a carrier what line a
    number is; None where the city does not pay for that, and then only numbers are asked that are known to take texts."""

    db: Database
    clock: Clock
    ring: Keyring
    city: str
    texts: Callable[[], Texts]
    send: Send
    free: Callable[[], bool]
    kind: Callable[[str], Awaitable[str]] | None = None
    _over: set[str] = field(default_factory=set)  # who is not asked, for good

    async def tick(self) -> int:
        """Asks after the calls that ended lately; how many. Nothing competes with an alert, or waits for a slot."""
        if not self.free():
            return 0
        found = await self.db.read(partial(asking_rows.ended, now=self.clock.now()))
        self._over &= {one.contact_id for one in found}
        asked = 0
        for one in found:
            if one.contact_id not in self._over and self.free():
                asked += await self._ask(one)
        return asked

    async def _ask(self, one: Ended) -> bool:
        number = self._number(one)
        if not number or not await self._takes_texts(number):
            self._over.add(one.contact_id)
            return False
        content = await self.db.write(partial(self._write_down, one=one, now=self.clock.now()))
        if content is None:
            return False
        left, why = came(await self.send(SMS, number, content, ""))
        if left is False:
            logger.warning("nobody was asked whether a call has helped: %s", why)
            self._over.add(one.contact_id)
            await self.db.write(partial(self._take_back, one=one, now=self.clock.now()))
        elif left:
            await self.db.write(partial(contacts.note_left, provider_id=_mark(one), ours=SMS))
        return left is not False

    def _number(self, one: Ended) -> str:
        try:
            number = self.ring.open(NUMBER, one.key_id, one.sealed)
        except Unopenable as error:
            logger.error("%s", error)
            return ""
        return number if number.startswith("+") else ""

    async def _takes_texts(self, number: str) -> bool:
        known = await self.db.read(
            partial(asking_rows.takes_texts, ring=self.ring, number=number, now=self.clock.now()),
        )
        if known is None and self.kind is not None:
            return await self.kind(number) in TEXTED
        return known is True

    def _write_down(self, conn: Connection, one: Ended, now: datetime) -> Content | None:
        """The question, kept before it leaves; None for whoever is not to be asked now, or was."""
        if register.standing(conn, [status.value for status in LEAVING]):
            return None
        contact = contacts.meet(conn, SMS, one.caller, now)
        if asking_rows.barred(conn, one, now):
            return None
        language, body = self.body(ENGLISH if contact.memory.plain else one.language, drill=one.drill)
        if not number_rows.ask(conn, one.contact_id, one.activation_id, language, now):
            return None
        key = f"{HELPED}.{language}"
        line = Line(inbound=False, at=now, ours="", body=body, key=key, provider_id=_mark(one))
        contacts.write_down(conn, contact, [line], self.ring)
        contacts.remember(conn, contact.contact_id, replace(contact.memory, helped=(now, language)), now)
        return Content(key=f"surge/{key}", language=language, body=body)

    def _take_back(self, conn: Connection, one: Ended, now: datetime) -> None:
        """It certainly did not leave: nobody was asked, and a digit from that number means what it always does."""
        contact = contacts.meet(conn, SMS, one.caller, now)
        number_rows.unask(conn, one.contact_id)
        contacts.remember(conn, contact.contact_id, replace(contact.memory, helped=None), now)

    def body(self, language: str, *, drill: bool) -> tuple[str, str]:
        """The language it came to be in, and the words; an exercise says so first, in the same language."""
        texts, needed = self.texts(), {HELPED, EXERCISE} if drill else {HELPED}
        spoken = language if needed <= texts.get(language, {}).keys() else ENGLISH
        body = fill(texts[spoken][HELPED], {"city": self.city})
        return spoken, sanitise(f"{texts[spoken][EXERCISE]}\n{body}" if drill else body).text


@dataclass(frozen=True, slots=True)
class Grades:
    """Hears of every text, as the desk does, and keeps grades. Needed in each process that takes texts."""

    ring: Keyring
    clock: Clock

    def owe(self, conn: Connection, text: Text, turn: Turn, language: str) -> bool:
        for act in turn.acts:
            if isinstance(act, Count) and act.note is Note.GRADED:
                asking_rows.answered(conn, self.ring.blind(SMS, text.address), int(act.detail), self.clock.now())
        return False

    async def collect(self) -> None:
        """Nothing is ever owed."""


def _mark(one: Ended) -> str:
    return f"helped {one.contact_id}"
