"""Who has opted out, in three places: ours, the provider's, the carrier's. Where they differ, nobody is texted.

A refusal for an opt-out is learnt when a text is handed over or reported on (reports.py). Here the provider is asked every hour
which texts it took from residents: a stop that never reached us is obeyed now. Any other text we missed is counted and left
alone: to sign somebody up, or start again, needs their own words at the time, and an answer.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, or_, select

from channels.base import Channel, Misconfigured, Recalled, Recalls
from notify.residents.carrying_out import CLOSES
from notify.residents.inbox import Inbox
from subscribers import contacts, statements, store
from subscribers.address import SMS
from subscribers.dialog.hearing import fold
from subscribers.dialog.intent import Kind
from subscribers.dialog.reading import read
from subscribers.dialog.turn import Obeyed
from subscribers.place import in_words
from subscribers.tables import Basis

logger = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
LOOK_BACK: Final = timedelta(hours=3)  # before the last look that succeeded
LOOK_BACK_FIRST: Final = timedelta(hours=48)  # before the first one: the service may have been down
SETTLING: Final = timedelta(minutes=2)  # a text may still be on its way to us
ENDS: Final = frozenset({Kind.STOP, Kind.WRONG})
MISSED_STOP, MISSED = "missed stop", "missed text"  # what is counted for staff


@dataclass(slots=True, kw_only=True)
class Truth:
    """channels: one for each of our numbers."""

    inbox: Inbox
    channels: Sequence[Channel]
    _looked_at: dict[int, datetime] = field(default_factory=dict)  # by channel: what came before has been seen, or is too old
    _counted: set[str] = field(default_factory=set)  # texts that are no stops, and are listed again at the next look

    async def tick(self) -> int:
        """Returns how many stops it obeyed that had never reached us."""
        now = self.inbox.clock.now()
        missed: list[Recalled] = []
        answered: dict[int, datetime] = {}
        for number, channel in enumerate(self.channels):
            if isinstance(channel, Recalls):
                last = self._looked_at.setdefault(number, now - LOOK_BACK_FIRST + LOOK_BACK)
                try:
                    missed += await self._missed(await channel.recall(last - LOOK_BACK), now)
                    answered[number] = now
                except (ConnectionError, Misconfigured) as error:  # of this number; the others' stops are obeyed meanwhile
                    logger.warning("the provider cannot be asked which texts it took: %s", error)
        ends = [one for one in missed if await self._is_end(one)]
        stops = sum([await self._obey(one) for one in ends])
        self._looked_at |= answered
        others = {one.heard.provider_id for one in missed if one not in ends} - self._counted
        if stops or others:
            logger.warning("the provider took %d texts that never reached us; %d stops obeyed", stops + len(others), stops)
            await self.inbox.db.write(partial(_count, stops=stops, others=len(others), now=now))
            self._counted |= others
        return stops

    async def _missed(self, texts: Sequence[Recalled], now: datetime) -> list[Recalled]:
        settled = [one for one in texts if one.at <= now - SETTLING and one.heard.provider_id]
        ids = [one.heard.provider_id for one in settled]
        taken = await self.inbox.db.read(partial(contacts.taken, provider_ids=ids))
        return [one for one in settled if one.heard.provider_id not in taken]

    async def _is_end(self, text: Recalled) -> bool:
        names = await self.inbox.db.read(partial(_names, blind=self.inbox.keys.blind(SMS, text.heard.address)))
        return read(text.heard.text, self.inbox.lexicon, names).kind in ENDS

    async def _obey(self, text: Recalled) -> bool:
        """Stops whoever wrote, unless they have agreed anew since. Nothing is answered: it is too late for that."""
        blind = self.inbox.keys.blind(SMS, text.heard.address)
        if await self.inbox.db.read(partial(_agreed_since, blind=blind, at=text.at)):
            return False
        obeyed = Obeyed.STOP if text.heard.text.strip().upper() in CLOSES else Obeyed.MISSED
        await self.inbox.hear(replace(text.heard, obeyed=obeyed.value))
        return True


def _names(conn: Connection, blind: bytes) -> frozenset[str]:
    """What a phone's places are called: "STOP CABIN" is a stop to whoever has a CABIN."""
    known = store.find_address(conn, SMS, blind)
    places = store.places_of(conn, known.subscriber_id) if known is not None else []
    return frozenset(name for place in places for name in (place.label, fold(in_words(place.spot)).upper()))


def _agreed_since(conn: Connection, blind: bytes, at: datetime) -> bool:
    """By their own words. A list that names them, imported since, is somebody else's."""
    known = store.find_address(conn, SMS, blind)
    if known is None:
        return False
    consent = store.CONSENT.c
    own = or_(consent.basis == Basis.OPT_IN, consent.source.startswith(statements.GATEWAY))
    query = select(consent.consent_id).where(consent.address_id == known.address_id, consent.granted, consent.at > at, own)
    return conn.execute(query.limit(1)).first() is not None


def _count(conn: Connection, stops: int, others: int, now: datetime) -> None:
    for note, times in ((MISSED_STOP, stops), (MISSED, others)):
        for _ in range(times):
            contacts.count(conn, f"{now:%Y-%m-%d}", note)
