"""The yearly question whether everything still holds, and what becomes of numbers that may have a new owner.

Each number is asked in the month it signed up, on a day of its own, by day, and never while an alert is leaving. The question
is on disk before it is sent, under a name of its own: whatever crashes in between, nobody is asked twice. A number that may
have a new owner is asked at once, in words that name no place; two weeks of silence after a question that left remove it.
"""

import logging
import math
from calendar import monthrange
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.life import LEAVING
from notify.residents.inbox import Inbox, known_of
from notify.residents.replies import Phrase
from subscribers import contacts, reassigned, store
from subscribers.address import SMS
from subscribers.contacts import Line
from subscribers.dialog import talk
from subscribers.dialog.turn import Reply, Turn
from subscribers.reassigned import Ask

logger = logging.getLogger(__name__)

BEGINS, ENDS = time(10), time(18)  # in the city
EVERY_S: Final = 60.0  # between two ticks
MOST_A_TICK: Final = 200
PATIENCE: Final = timedelta(days=14)


@dataclass(slots=True, kw_only=True)
class Checks:
    """inbox: what the dialog needs. send: takes number, words and language; False when they may not have left."""

    inbox: Inbox
    send: Callable[[str, str, str], Awaitable[bool]]
    ours: str
    zone: ZoneInfo
    _day: date | None = None
    _waiting: deque[Ask] = field(default_factory=deque)

    async def tick(self) -> int:
        """Asks the next few, spread over what is left of the day; returns how many were asked."""
        local = self.inbox.clock.now().astimezone(self.zone)
        if not BEGINS <= local.time() < ENDS or await self._busy():
            return 0
        if self._day != local.date():
            await self._begin(local)
        asked = 0
        for _ in range(share(len(self._waiting), local)):
            if await self._busy() or not self._waiting:  # another look may have asked them meanwhile
                break
            asked += await self._ask(self._waiting.popleft())
        return asked

    async def _busy(self) -> bool:
        """Whether an alert is leaving: nothing competes with it."""
        return bool(await self.inbox.db.read(partial(register.standing, statuses=[one.value for one in LEAVING])))

    async def _begin(self, local: datetime) -> None:
        """A new day: who has kept silent is removed, and the day's questions are laid out."""
        now = self.inbox.clock.now()
        removed = await self.inbox.db.write(partial(reassigned.remove_silent, since=now - PATIENCE, now=now))
        if removed:
            logger.info("%d numbers that may have a new owner have not answered and were removed", removed)
        suspects = frozenset(await self.inbox.db.read(contacts.suspects))
        found = await self.inbox.db.read(partial(reassigned.suspects_to_ask, now=now))
        days = monthrange(local.year, local.month)[1]
        yearly = await self.inbox.db.read(partial(reassigned.yearly, today=local.date(), days=days))
        found += [ask for ask in yearly if ask.address_id not in suspects]
        self._waiting, self._day = deque(found), local.date()

    async def _ask(self, ask: Ask) -> bool:
        """Writes the question down, then sends it."""
        now = self.inbox.clock.now()
        written = await self.inbox.db.write(partial(self._write_down, ask=ask, now=now))
        if written is None:
            return False
        number, phrase = written
        if await self.send(number, phrase.body, phrase.language):
            await self.inbox.db.write(partial(contacts.note_left, provider_id=ask.mark, ours=self.ours))
        return True

    def _write_down(self, conn: Connection, ask: Ask, now: datetime) -> tuple[str, Phrase] | None:
        """None when there is nothing to ask any more, or it was asked before."""
        keys = self.inbox.keys
        address = store.addresses(conn, [ask.address_id]).get(ask.address_id)
        if address is None:
            return None
        number = address.opened(keys)
        contact = contacts.meet(conn, SMS, keys.blind(SMS, number), now)
        turn = talk.yearly_check(known_of(conn, contact, address), now, self.inbox.world(conn), self.inbox.lexicon)
        if not turn.replies or contacts.was_said(conn, ask.mark) or address.unreachable_at is not None:
            return None
        phrase, key = self._phrased(turn)
        line = Line(inbound=False, at=now, ours="", body=phrase.body, key=key, provider_id=ask.mark)
        contacts.write_down(conn, contact, [line], keys)
        contacts.remember(conn, contact.contact_id, turn.memory, now)
        return number, phrase

    def _phrased(self, turn: Turn) -> tuple[Phrase, str]:
        (reply,) = turn.replies
        key = f"{reply.key}.{reply.language}" if isinstance(reply, Reply) else ""
        return self.inbox.replies.text(reply, plain=turn.memory.plain), key


def share(waiting: int, local: datetime) -> int:
    """How many of those who wait to ask now, so that the last is asked before the day's end."""
    left_s = (datetime.combine(local.date(), ENDS, local.tzinfo) - local).total_seconds()
    return min(waiting, MOST_A_TICK, math.ceil(waiting * EVERY_S / max(left_s - EVERY_S, EVERY_S)))
