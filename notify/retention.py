"""What is erased by itself once it is old: texts with residents, addresses of those who opted out, what waited in vain.

Proof stays: the ledger's rows, which name an address by a number that outlives it; every yes and no, with the words that prove
one of somebody still on the list; the log, which holds no resident's data; and of each erased number its keyed hash, so that no
list brings it back.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, select, update

from notify import audit
from notify.alerts import register
from notify.alerts.life import LEAVING
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.partners import webhook_rows
from notify.settings import Settings
from notify.tables import IdempotencyKey
from subscribers import contacts, gateway, lines, pending, store
from subscribers.contacts import CONTACT, WORDS
from surge import forgetting

logger = logging.getLogger(__name__)

SYSTEM: Final = "tocsin"
EVERY_S: Final = 3600.0  # how often it is looked whether a new day has begun
ANSWERS_KEPT: Final = timedelta(days=30)  # replies under an Idempotency-Key: a request repeated later is a new one
POSTINGS_KEPT: Final = timedelta(days=90)  # after they were taken or given up: as long they can be replayed
CHUNK: Final = 500  # in one transaction: a send that begins meanwhile waits for no more than that
EVIDENCE: Final = "text "  # how the evidence of a yes or no begins that was a text; its provider's id follows
REPLIES: Final[Table] = IdempotencyKey.__table__  # type: ignore[attr-defined]
NAMES: Final[Mapping[str, str]] = {
    "texts": "texts with residents",
    "addresses": "addresses that have opted out",
    "questions": "open questions of the text dialog",
    "sign_ups": "sign-ups that nobody confirmed",
    "lines": "answers of carriers about numbers",
    "replies": "saved replies to programs",
    "postings": "messages to webhooks, with the log of their tries",
    "contacts": "numbers, words and places of people who turned to 311",
    "seats": "when 311's agents were at their desks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long what is kept. None: for ever."""

    texts: timedelta | None
    stopped: timedelta | None

    @classmethod
    def of(cls, settings: Settings) -> "Keeping":
        texts, stopped = settings.keep_texts_days, settings.keep_stopped_days
        return cls(texts=timedelta(days=texts) if texts else None, stopped=timedelta(days=stopped) if stopped else None)


def look(conn: Connection, keeping: Keeping, now: datetime) -> dict[str, int]:
    """How much would go now, by the keys of NAMES."""

    def count(table: Table, which: Any) -> int:
        return int(conn.execute(select(func.count()).select_from(table).where(which)).scalar_one())

    found = {
        "sign_ups": count(pending.PENDING, pending.PENDING.c.expires_at <= now),
        "lines": count(lines.LINE, lines.LINE.c.asked_at <= now - lines.KEPT),
        "replies": count(REPLIES, REPLIES.c.at <= now - ANSWERS_KEPT),
        "postings": webhook_rows.count_old(conn, now - POSTINGS_KEPT),
    }
    if keeping.texts is not None:
        found["texts"] = count(WORDS, _old_texts(now - keeping.texts))
        found["questions"] = count(CONTACT, _old_questions(now - keeping.texts))
        found["contacts"] = forgetting.count(conn, now - keeping.texts)
        found["seats"] = forgetting.count_seats(conn, now - keeping.texts)
    if keeping.stopped is not None:
        found["addresses"] = count(store.ADDRESS, _long_stopped(now - keeping.stopped))
    return {name: found.get(name, 0) for name in NAMES}


def erase(conn: Connection, keeping: Keeping, now: datetime) -> dict[str, int]:
    """Erases at most CHUNK of each kind; returns how many. Repeat until nothing goes."""
    gone = dict.fromkeys(NAMES, 0)
    gone["sign_ups"] = conn.execute(delete(pending.PENDING).where(pending.PENDING.c.expires_at <= now)).rowcount
    gone["lines"] = conn.execute(delete(lines.LINE).where(lines.LINE.c.asked_at <= now - lines.KEPT)).rowcount
    gone["replies"] = conn.execute(delete(REPLIES).where(REPLIES.c.at <= now - ANSWERS_KEPT)).rowcount
    gone["postings"] = webhook_rows.erase_old(conn, now - POSTINGS_KEPT, CHUNK)
    if keeping.texts is not None:
        gone["texts"] = _erase_texts(conn, now - keeping.texts)
        gone["questions"] = _forget_questions(conn, now - keeping.texts)
        gone["contacts"] = forgetting.erase(conn, now - keeping.texts, CHUNK)
        gone["seats"] = forgetting.erase_seats(conn, now - keeping.texts, CHUNK)
    if keeping.stopped is not None:
        gone["addresses"] = _erase_addresses(conn, now - keeping.stopped, now)
    return gone


def note(conn: Connection, gone: Mapping[str, int], keeping: Keeping, actor: str, now: datetime) -> None:
    """One line of the log says how much went, and by which limits; never whose it was."""
    days = {"texts_days": keeping.texts, "stopped_days": keeping.stopped}
    limits = {name: limit.days if limit is not None else None for name, limit in days.items()}
    detail = {name: count for name, count in gone.items() if count} | limits
    audit.append(conn, Act(actor=actor, action="erased what was old", subject="retention", detail=detail), now)


@dataclass(slots=True, kw_only=True)
class Retention:
    """`tick` erases once a day, a little at a time, and never while an alert is leaving."""

    db: Database
    clock: Clock
    keeping: Keeping
    _day: date | None = None

    async def tick(self) -> int:
        """Returns how much went."""
        today = self.clock.now().date()
        if self._day == today:
            return 0
        gone = dict.fromkeys(NAMES, 0)
        while not await self._busy():
            now = self.clock.now()
            some = await self.db.write(partial(erase, keeping=self.keeping, now=now))
            gone = {name: gone[name] + some[name] for name in NAMES}
            if not any(some.values()):
                self._day = today
                break
        total = sum(gone.values())
        if total:
            actor, now = SYSTEM, self.clock.now()
            await self.db.write(lambda conn: note(conn, gone, self.keeping, actor, now))
            logger.info("%d things were old and are erased", total)
        return total

    async def _busy(self) -> bool:
        return bool(await self.db.read(partial(register.standing, statuses=[one.value for one in LEAVING])))


def _old_texts(before: datetime) -> Any:
    """Texts still readable. Those stay that prove a yes or no of somebody whose address is still kept."""
    proofs = select(func.substr(store.CONSENT.c.evidence, len(EVIDENCE) + 1)).where(
        store.CONSENT.c.evidence.startswith(EVIDENCE), store.CONSENT.c.address_id.in_(select(store.ADDRESS.c.address_id))
    )
    proves = WORDS.c.provider_id.is_not(None) & WORDS.c.provider_id.in_(proofs)
    return (WORDS.c.at <= before) & WORDS.c.sealed.is_not(None) & ~proves


def _erase_texts(conn: Connection, before: datetime) -> int:
    old = list(conn.scalars(select(WORDS.c.words_id).where(_old_texts(before)).limit(CHUNK)))
    conn.execute(update(WORDS).where(WORDS.c.words_id.in_(old)).values(sealed=None, key_id=None))
    return len(old)


def _old_questions(before: datetime) -> Any:
    """A question offers places in words; nobody can answer it any more. (Memory holds no other words of a resident's.)"""
    return (CONTACT.c.changed_at <= before) & CONTACT.c.memory.contains('"question":{')


def _forget_questions(conn: Connection, before: datetime) -> int:
    asked = select(CONTACT.c.contact_id, CONTACT.c.memory, CONTACT.c.changed_at).where(_old_questions(before))
    rows = conn.execute(asked.limit(CHUNK)).all()
    for contact_id, memory, changed_at in rows:
        kept = replace(contacts.remembered(memory), question=None)
        contacts.remember(conn, contact_id, kept, changed_at)
    return len(rows)


def _long_stopped(before: datetime) -> Any:
    return store.ADDRESS.c.stopped_at <= before


def _erase_addresses(conn: Connection, before: datetime, now: datetime) -> int:
    """With an address go its person's places, unless they have another address; "do not text" stays beside its keyed hash, and
    whether the gateway is closed to it."""
    query = select(store.ADDRESS.c.address_id, store.ADDRESS.c.blind).where(_long_stopped(before))
    rows = conn.execute(query.order_by(store.ADDRESS.c.address_id).limit(CHUNK)).all()
    known = store.addresses(conn, [address_id for address_id, _ in rows])
    for address_id, blind in rows:
        one = known[address_id]
        contact = contacts.meet(conn, one.channel, bytes(blind), now)
        gateway.blank(conn, contact, one, now)
        if len(store.addresses_of(conn, one.subscriber_id)) == 1:
            store.erase(conn, one.subscriber_id)
        else:
            store.remove_address(conn, address_id)
    return len(rows)
