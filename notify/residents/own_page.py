"""One's own page: what somebody signed up with, seen and changed by whoever proves that the address is theirs.

    address typed -> code or link sent -> code typed or button pressed -> a visit of 30 minutes -> changes, one transaction each

Whoever opens the page of one address sees the person behind it: all their places, and in the download everything we hold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from notify.residents.signup import Errand, Reception, Wrong
from notify.sending import late, opting_out
from subscribers import contacts, gateway, store
from subscribers.address import EMAIL, SMS
from subscribers.dialog.turn import Tongue
from subscribers.pending import Held, Safe, Waiting
from subscribers.place import PLACES_MAX, Spot, in_words
from subscribers.signup import Fault, Kind, Reach, label_for, masked
from subscribers.store import CONSENT, KnownAddress, Said, SavedPlace
from subscribers.tables import Basis

T = TypeVar("T")

SOURCE: Final = "own page"


class Over(Exception):
    """The visit has ended, or the address it was for is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """What one's own page shows. name: the address, masked: somebody may look over a shoulder."""

    name: str
    channel: str
    language: str
    is_stopped: bool
    places: tuple[SavedPlace, ...]

    @property
    def has_room(self) -> bool:
        return len(self.places) < PLACES_MAX


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is on their own page, on this connection at this moment."""

    conn: Connection
    reception: Reception
    now: datetime
    address: KnownAddress
    blind: bytes

    def said(self, evidence: str, terms: str = "") -> Said:
        return Said(at=self.now, source=SOURCE, evidence=evidence, terms=terms)


@dataclass(frozen=True, slots=True)
class OwnPage:
    reception: Reception

    async def ask(self, reach: Reach, language: str, client: str) -> str:
        """Sends a code or link; returns the token the code page goes by ("" for e-mail). Raises Spent."""
        return await self.reception.ask(reach, client, partial(self._ask, reach, language), own_page=True)

    def _ask(self, reach: Reach, language: str, safe: Safe) -> tuple[str, Errand | None]:
        reception, conn = self.reception, safe.conn
        blind = reception.keys.blind(reach.channel, reach.address)
        known = store.find_address(conn, reach.channel, blind)
        if reach.channel == EMAIL:
            letter = reception.letters.unknown(language)
            if known is not None:
                letter = reception.letters.manage(known.language, safe.put(Kind.MANAGE, EMAIL, blind, Held()))
            return "", partial(reception.notices.mail, reach.address, letter, reception.reference(known))
        held = Held.with_code()
        token = safe.put(Kind.ENTRY, SMS, blind, held)
        contact = contacts.find(conn, SMS, blind)
        # A number with a new owner must not show them where the old one lives.
        is_theirs = contact is None or contact.suspect_at is None
        if known is None or not is_theirs or not reception.may_text(contact, known):
            return token, None
        return token, partial(reception.notices.text, reach.address, reception.letters.entry(held.code, known.language))

    async def enter(self, token: str, code: str) -> str | Wrong | None:
        """A visit's token for whoever types the code sent to the phone. None when there is nothing (any more) to open."""
        return await self.reception.db.write(partial(self._enter, token=token, code=code, now=self.reception.clock.now()))

    def _enter(self, conn: Connection, token: str, code: str, now: datetime) -> str | Wrong | None:
        safe = Safe(conn, self.reception.keys, now)
        waiting = safe.find(Kind.ENTRY, token)
        if waiting is None or not waiting.is_open(now):
            return None
        left = safe.try_code(waiting, code)
        if left is not None:
            return Wrong(left) if left else None
        _revive(safe, waiting)
        return safe.put(Kind.VISIT, SMS, waiting.blind, Held())

    async def look(self, token: str) -> bool:
        """Whether a mailed link still opens the page. Changes nothing."""
        now = self.reception.clock.now()
        waiting = await self.reception.db.read(lambda conn: Safe(conn, self.reception.keys, now).find(Kind.MANAGE, token))
        return waiting is not None and waiting.used_at is None

    async def open(self, token: str) -> str | None:
        """A visit's token for whoever presses the button behind a mailed link, once."""
        return await self.reception.db.write(partial(self._open, token=token, now=self.reception.clock.now()))

    def _open(self, conn: Connection, token: str, now: datetime) -> str | None:
        safe = Safe(conn, self.reception.keys, now)
        waiting = safe.find(Kind.MANAGE, token)
        if waiting is None or not safe.use(waiting):
            return None
        _revive(safe, waiting)
        return safe.put(Kind.VISIT, EMAIL, waiting.blind, Held())

    async def see(self, visit: str) -> Mine:
        """Raises Over."""
        return await self.reception.db.read(partial(self._visited, visit=visit, act=_shown))

    async def download(self, visit: str) -> Mapping[str, Any]:
        """Everything we hold of the person, as JSON values. Raises Over."""
        return await self.reception.db.read(partial(self._visited, visit=visit, act=record))

    async def add(self, visit: str, spot: Spot, label: str) -> Fault | None:
        """Adds a place, under the next free label if none is given. Raises Over."""
        return await self._do(visit, partial(_add, spot=spot, label=label))

    async def remove(self, visit: str, place_id: int) -> bool:
        """Raises Over."""
        return await self._do(visit, partial(_remove, place_id=place_id))

    async def speak(self, visit: str, language: str) -> None:
        """Raises Over."""
        await self._do(visit, partial(_speak, language=language))

    async def stop(self, visit: str) -> None:
        """Nothing more is sent to this address. Raises Over."""
        await self._do(visit, lambda me: opting_out.stop(me.conn, me.address.address_id, me.said("button pressed: stop")))

    async def start(self, visit: str, agreed: str, terms: str) -> None:
        """Lifts the stop. agreed: the words beside the button. Raises Over."""
        await self._do(visit, partial(_start, agreed=agreed, terms=terms))

    async def erase(self, visit: str) -> None:
        """The person with every address, place and word; only keyed hashes stay, as "do not text". Raises Over."""
        await self._do(visit, _erase)

    async def leave(self, visit: str) -> None:
        """Ends a visit; one that is over already stays over."""
        await self.reception.db.write(partial(self._leave, visit=visit, now=self.reception.clock.now()))

    def _leave(self, conn: Connection, visit: str, now: datetime) -> None:
        safe = Safe(conn, self.reception.keys, now)
        waiting = safe.find(Kind.VISIT, visit)
        if waiting is not None:
            safe.use(waiting)

    async def _do(self, visit: str, act: Callable[[Visitor], T]) -> T:
        return await self.reception.db.write(partial(self._visited, visit=visit, act=act))

    def _visited(self, conn: Connection, visit: str, act: Callable[[Visitor], T]) -> T:
        now = self.reception.clock.now()
        waiting = Safe(conn, self.reception.keys, now).find(Kind.VISIT, visit)
        if waiting is None or waiting.used_at is not None:
            raise Over
        address = store.find_address(conn, waiting.channel, waiting.blind)
        if address is None:
            raise Over
        return act(Visitor(conn, self.reception, now, address, waiting.blind))


def _revive(safe: Safe, waiting: Waiting) -> None:
    """Whoever has got our code or link can be reached there, though we had given it up."""
    known = store.find_address(safe.conn, waiting.channel, waiting.blind)
    if known is not None and known.unreachable_at is not None:
        store.mark_unreachable(safe.conn, [known.address_id], None)
        late.note(safe.conn, [known.address_id], safe.now)


def _shown(me: Visitor) -> Mine:
    return Mine(
        name=masked(me.address.channel, me.address.opened(me.reception.keys)),
        channel=me.address.channel,
        language=me.address.language,
        is_stopped=me.address.stopped_at is not None,
        places=tuple(store.places_of(me.conn, me.address.subscriber_id)),
    )


def _add(me: Visitor, spot: Spot, label: str) -> Fault | None:
    contacts.meet(me.conn, me.address.channel, me.blind, me.now)  # held: two presses at once add one after the other
    places = store.places_of(me.conn, me.address.subscriber_id)
    if any(place.spot == spot for place in places):
        return None
    named = Fault.BAD_LABEL if len(places) >= PLACES_MAX else label_for(label, [place.label for place in places])
    if isinstance(named, Fault):
        return named
    store.add_place(me.conn, me.address.subscriber_id, named, spot)
    late.note(me.conn, [one.address_id for one in store.addresses_of(me.conn, me.address.subscriber_id)], me.now)
    return None


def _remove(me: Visitor, place_id: int) -> bool:
    label = {place.place_id: place.label for place in store.places_of(me.conn, me.address.subscriber_id)}.get(place_id)
    return label is not None and store.remove_place(me.conn, me.address.subscriber_id, label)


def _speak(me: Visitor, language: str) -> None:
    store.set_language(me.conn, me.address.address_id, language)
    contact = contacts.meet(me.conn, me.address.channel, me.blind, me.now)
    memory = replace(contact.memory, plain=False, tongue=Tongue.CHOSEN)  # as when they ask for a language by text
    contacts.remember(me.conn, contact.contact_id, memory, me.now, language=language)


def _start(me: Visitor, agreed: str, terms: str) -> None:
    store.start(me.conn, me.address.address_id, Basis.OPT_IN, me.said(f'button pressed under: "{agreed}"', terms))
    late.note(me.conn, [me.address.address_id], me.now)


def _erase(me: Visitor) -> None:
    for address in store.addresses_of(me.conn, me.address.subscriber_id):
        blind = me.reception.keys.blind(address.channel, address.opened(me.reception.keys))
        contact = contacts.meet(me.conn, address.channel, blind, me.now)
        gateway.blank(me.conn, contact, address, me.now)
        Safe(me.conn, me.reception.keys, me.now).forget(address.channel, blind)
    opting_out.erase(me.conn, me.address.subscriber_id, me.now)


def record(me: Visitor) -> Mapping[str, Any]:
    """Everything we hold of a person: addresses with their consents and what was said, and places. Times are ISO 8601 UTC."""
    places = store.places_of(me.conn, me.address.subscriber_id)
    return {
        "as_of": me.now.isoformat(),
        "places": [{"label": place.label, "where": in_words(place.spot)} | store.columns_of(place.spot) for place in places],
        "addresses": [_of_address(me, one) for one in store.addresses_of(me.conn, me.address.subscriber_id)],
    }


def _of_address(me: Visitor, address: KnownAddress) -> dict[str, Any]:
    opened = address.opened(me.reception.keys)
    contact = contacts.find(me.conn, address.channel, me.reception.keys.blind(address.channel, opened))
    lines = contacts.said(me.conn, contact.contact_id, address.channel, me.reception.keys) if contact else []
    return {
        "channel": address.channel,
        "address": opened,
        "language": address.language,
        "basis": address.basis,
        "stopped_at": _iso(address.stopped_at),
        "unreachable_at": _iso(address.unreachable_at),
        "consents": _consents(me.conn, address.address_id),
        "messages": [
            {"at": line.at.isoformat(), "from": "you" if line.inbound else "us", "ours": line.ours, "text": line.body}
            for line in lines
        ],
    }


def _consents(conn: Connection, address_id: int) -> Sequence[dict[str, Any]]:
    query = select(CONSENT).where(CONSENT.c.address_id == address_id).order_by(CONSENT.c.consent_id)
    columns = ("granted", "basis", "source", "evidence", "terms")
    return [{"at": row["at"].isoformat()} | {name: row[name] for name in columns} for row in conn.execute(query).mappings()]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
