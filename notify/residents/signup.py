"""Sign-up on the web and by e-mail: asked for, proven by a code or a button, kept. One transaction each.

    page -> ask: limits counted, wish kept sealed -> committed -> code or link sent
    code typed or button pressed -> confirm: used once, address and place and consent kept, latecomer noted -> committed

What is answered never depends on whether an address is known, nor does how long it takes: messages leave after the answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection

from channels.base import Content
from notify.clock import Clock
from notify.db import Database
from notify.residents.signup_letters import Letters
from notify.sending import late
from notify.sending.outbox import unsubscribe_reference
from subscribers import contacts, reassigned, store
from subscribers.address import EMAIL, SMS
from subscribers.contacts import KnownContact
from subscribers.pending import Held, Safe
from subscribers.place import PLACES_MAX
from subscribers.quotas import Meter, rules_for
from subscribers.sealing import Keyring
from subscribers.signup import Kind, Reach, Wish, free_label
from subscribers.store import KnownAddress, NewAddress, Said
from subscribers.tables import Basis

logger = logging.getLogger(__name__)

SOURCE: Final = "web sign-up"

Errand = Callable[[], Coroutine[None, None, bool]]


class Notices(Protocol):
    """Sends single messages that belong to no alert; False when one certainly or possibly did not leave."""

    async def text(self, number: str, body: str) -> bool: ...

    async def mail(self, address: str, content: Content, recipient: str) -> bool: ...


class Errands:
    """Messages that leave after the page is answered, so that how long an answer takes tells nothing."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(_carried_out(errand), name="a sign-up message")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Waits until everything started has ended."""
        while self._under_way:
            await asyncio.gather(*self._under_way)


async def _carried_out(errand: Coroutine[None, None, bool]) -> None:
    try:
        if not await errand:
            logger.warning("a sign-up message did not leave; whoever waits for it can ask again")
    except Exception:  # the errand's own boundary: nobody awaits it
        logger.exception("a sign-up message could not be sent")


class Landline(Exception):
    """The number cannot get texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What sign-up and one's own page share. Limits are messages a day, for everybody together; alerts count in neither."""

    db: Database
    clock: Clock
    keys: Keyring
    notices: Notices
    letters: Letters
    errands: Errands
    texts_a_day: int
    mails_a_day: int
    is_landline: Callable[[str], Awaitable[bool]] | None = None  # a carrier look-up, where the city pays for one

    async def ask(self, reach: Reach, client: str, work: Callable[[Safe], tuple[str, Errand | None]], *, own_page: bool) -> str:
        """Counts one message to an address and does the work that leads to it, in one transaction; the message leaves after it.
        Returns the work's token. Raises Spent (before anything is written, for a limit reached long ago) and Landline."""
        rules = rules_for(reach, own_page=own_page, texts_a_day=self.texts_a_day, mails_a_day=self.mails_a_day)
        now = self.clock.now()

        def check(conn: Connection) -> None:
            Meter(conn, self.keys, now).check(rules, reach, client)

        def act(conn: Connection) -> tuple[str, Errand | None]:
            meter, safe = Meter(conn, self.keys, now), Safe(conn, self.keys, now)
            meter.spend(rules, reach, client)
            meter.forget()
            safe.clear()
            return work(safe)

        await self.db.read(check)
        token, errand = await self.db.write(act)
        if reach.channel == SMS and not own_page and self.is_landline is not None and await self.is_landline(reach.address):
            raise Landline
        if errand is not None:
            self.errands.start(errand())
        return token

    def may_text(self, contact: KnownContact | None, address: KnownAddress | None) -> bool:
        """Whether a phone has not told us to leave it alone. (Mailboxes have no other way back than a mail asked for.)"""
        if contact is not None and (contact.erased_at is not None or contact.memory.closed):
            return False
        return address is None or address.stopped_at is None

    def reference(self, address: KnownAddress | None) -> str:
        """What stands in the unsubscribe link of a mail; nothing to unsubscribe for somebody we do not know."""
        return unsubscribe_reference(self.keys.blind_key, address.address_id) if address else ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code was not the one sent; so many tries are left."""

    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Somebody is signed up. words: the place they will be warned for, "" for the whole city; is_full: they have as many
    places as we keep, so this one was not added."""

    address_id: int
    language: str
    words: str
    is_full: bool


@dataclass(frozen=True, slots=True)
class SignUp:
    reception: Reception

    async def ask(self, wish: Wish, client: str) -> str:
        """Sends the code or link for a sign-up; returns the token the code page goes by ("" for e-mail).

        Raises Spent, and Landline where the carrier was asked and says so.
        """
        reach = Reach(channel=wish.channel, address=wish.address)
        return await self.reception.ask(reach, client, partial(self._ask, wish), own_page=False)

    def _ask(self, wish: Wish, safe: Safe) -> tuple[str, Errand | None]:
        reception, conn = self.reception, safe.conn
        blind = reception.keys.blind(wish.channel, wish.address)
        known = store.find_address(conn, wish.channel, blind)
        if wish.channel == SMS:
            held = Held.with_code(wish)
            token = safe.put(Kind.CODE, SMS, blind, held)
            contact = contacts.find(conn, SMS, blind)
            if not reception.may_text(contact, known):
                return token, None
            is_theirs = known is not None and known.basis == Basis.OPT_IN and (contact is None or contact.suspect_at is None)
            if known is not None and is_theirs:  # a stranger's joke must not end in their WRONG, which erases them
                return token, partial(reception.notices.text, wish.address, reception.letters.entry(held.code, known.language))
            return token, partial(reception.notices.text, wish.address, reception.letters.code(held.code, wish.language))
        if known is not None and known.stopped_at is None and known.basis == Basis.OPT_IN:  # who was only listed asks now
            content = reception.letters.manage(known.language, safe.put(Kind.MANAGE, EMAIL, blind, Held()))
        else:
            content = reception.letters.confirm(wish.language, safe.put(Kind.CONFIRM, EMAIL, blind, Held(wish=wish)))
        return "", partial(reception.notices.mail, wish.address, content, reception.reference(known))

    async def confirm_code(self, token: str, code: str) -> Joined | Wrong | None:
        """Signs up whoever types the code sent to the phone. None when there is nothing (any more) to confirm."""
        return await self.reception.db.write(
            partial(self._confirm_code, token=token, code=code, now=self.reception.clock.now())
        )

    def _confirm_code(self, conn: Connection, token: str, code: str, now: datetime) -> Joined | Wrong | None:
        safe = Safe(conn, self.reception.keys, now)
        waiting = safe.find(Kind.CODE, token)
        if waiting is None or waiting.held.wish is None or not waiting.is_open(now):
            return None
        left = safe.try_code(waiting, code)
        if left is not None:
            return Wrong(left) if left else None
        return self._join(conn, waiting.held.wish, "code sent to the phone typed", now)

    async def look(self, token: str) -> Wish | None:
        """What the link of a mail would confirm. Changes nothing."""
        now = self.reception.clock.now()
        waiting = await self.reception.db.read(lambda conn: Safe(conn, self.reception.keys, now).find(Kind.CONFIRM, token))
        return waiting.held.wish if waiting is not None and waiting.used_at is None else None

    async def confirm_link(self, token: str) -> Joined | None:
        """Signs up whoever presses the button behind the mailed link, once. None when there is nothing left to confirm."""
        return await self.reception.db.write(partial(self._confirm_link, token=token, now=self.reception.clock.now()))

    def _confirm_link(self, conn: Connection, token: str, now: datetime) -> Joined | None:
        safe = Safe(conn, self.reception.keys, now)
        waiting = safe.find(Kind.CONFIRM, token)
        if waiting is None or waiting.held.wish is None or not safe.use(waiting):
            return None
        return self._join(conn, waiting.held.wish, "button behind the mailed link pressed", now)

    def _join(self, conn: Connection, wish: Wish, proof: str, now: datetime) -> Joined | None:
        """Keeps address, consent, language and place. None for a phone that was erased since it was asked for."""
        keys = self.reception.keys
        contact = contacts.meet(conn, wish.channel, keys.blind(wish.channel, wish.address), now)
        if wish.channel == SMS and contact.erased_at is not None:
            return None  # they answered WRONG or DELETE to the code: only they themselves, by text, come back from that
        said = Said(at=now, source=SOURCE, evidence=f'ticked: "{wish.agreed}"; {proof}', terms=wish.terms)
        if contact.suspect_at is not None:
            contact = self._start_afresh(conn, wish, contact, now)
        address = self._kept(conn, wish, said)
        is_full = _add_place(conn, address.subscriber_id, wish)
        memory = replace(contact.memory, plain=False)  # as when they ask for a language by text
        # Whoever types the code holds the phone: it is no longer somebody else's.
        contacts.remember(conn, contact.contact_id, memory, now, language=wish.language, erased_at=None, suspect_at=None)
        late.note(conn, [one.address_id for one in store.addresses_of(conn, address.subscriber_id)], now)
        return Joined(address_id=address.address_id, language=wish.language, words=wish.words, is_full=is_full)

    def _start_afresh(self, conn: Connection, wish: Wish, contact: KnownContact, now: datetime) -> KnownContact:
        """Whoever types the code may be the number's new owner: nothing of whoever had it before is shown or kept."""
        keys = self.reception.keys
        blind = keys.blind(wish.channel, wish.address)
        known = store.find_address(conn, wish.channel, blind)
        if known is not None:
            reassigned.part(conn, known, contact, Said(at=now, source=reassigned.SOURCE, evidence=reassigned.AFRESH))
            Safe(conn, keys, now).forget(wish.channel, blind)
        return contacts.meet(conn, wish.channel, blind, now)

    def _kept(self, conn: Connection, wish: Wish, said: Said) -> KnownAddress:
        """The address with this yes on record: made, or started again whatever it was before."""
        keys = self.reception.keys
        known = store.find_address(conn, wish.channel, keys.blind(wish.channel, wish.address))
        if known is not None:
            store.start(conn, known.address_id, Basis.OPT_IN, said)
            store.set_language(conn, known.address_id, wish.language)
            return known
        person = store.add_subscriber(conn, said.at, SOURCE)
        new = NewAddress(channel=wish.channel, address=wish.address, language=wish.language, basis=Basis.OPT_IN)
        address_id = store.add_address(conn, person, new, keys, said)
        return store.addresses(conn, [address_id])[address_id]


def _add_place(conn: Connection, subscriber_id: int, wish: Wish) -> bool:
    """Adds the place under the first free label, unless it is there; True when there was no room for it."""
    if wish.spot is None:
        return False
    places = store.places_of(conn, subscriber_id)
    if any(place.spot == wish.spot for place in places):
        return False
    if len(places) >= PLACES_MAX:
        return True
    store.add_place(conn, subscriber_id, free_label(place.label for place in places), wish.spot)
    return False
