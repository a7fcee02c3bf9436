"""What a text asks for, carried out on one connection: places, language, consent and its end, erasure, latecomers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from channels.base import Heard as Text
from notify.sending import late, opting_out
from subscribers import contacts, gateway, statements, store
from subscribers.address import SMS
from subscribers.contacts import KnownContact
from subscribers.dialog.turn import (
    Act,
    Count,
    Drop,
    Erase,
    Join,
    Keep,
    Obeyed,
    Reconfirm,
    Speak,
    Start,
    Stop,
    Turn,
)
from subscribers.place import Spot
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress, NewAddress, Said
from subscribers.tables import Basis

TERMS: Final = "2026-11"  # version of the terms that M02 names; raise it when they change
ENGLISH: Final = "en"
# What gateways open a number for without telling us: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
OPENS: Final = frozenset({"START", "UNSTOP", "YES"})
CLOSES: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})  # and closes it for
CLOSED: Final = "closed by the gateway"  # counted for staff: somebody wants our texts again, and cannot get any


@dataclass(frozen=True, slots=True)
class Phone:
    """Who has texted, as we know them before their text does anything."""

    contact: KnownContact
    address: KnownAddress | None


def is_closed(conn: Connection, phone: Phone, text: Text) -> bool:
    """Whether the provider's gateway holds back whatever we answer to this text."""
    known = phone.address
    if _opened(text) or text.obeyed == Obeyed.STOP:
        return False
    if known is None:
        return phone.contact.memory.closed
    return known.stopped_at is not None and store.is_blocked(conn, known.address_id)


def _opened(text: Text) -> bool:
    """Whether the gateway has itself started this number at this text. It may have closed it without our knowing."""
    return text.obeyed == Obeyed.START if text.obeyed else text.text.strip().upper() in OPENS


class Doer:
    """Carries a turn's acts out on one connection. The exact words heard are the evidence of every yes and no."""

    def __init__(self, conn: Connection, keys: Keyring, phone: Phone, text: Text, now: datetime) -> None:
        self._conn, self._keys, self._text, self._now = conn, keys, text, now
        self._contact, self._address = phone.contact, phone.address
        self._language = self._address.language if self._address else self._contact.language
        self._opened = _opened(text)
        by_gateway = self._opened or text.obeyed == Obeyed.STOP
        source = f"{statements.GATEWAY if by_gateway else ''}text to {text.ours}"
        self._said = Said(at=now, source=source, evidence=f"text {text.provider_id}", terms=TERMS)
        self._is_closed = is_closed(conn, phone, text)
        self._columns: dict[str, object] = {}
        self._plain = self._contact.memory.plain
        self._erased = self._granted = False

    def carry_out(self, turn: Turn) -> None:
        self._plain = turn.memory.plain
        for act in turn.acts:
            self._do(act)
        if not self._erased:
            if self._address is not None and self._address.plain is not self._plain:
                store.set_language(self._conn, self._address.address_id, self._language or ENGLISH, plain=self._plain)
            if self._address is not None and self._opened and not self._granted:
                gateway.note_open(self._conn, self._address, self._said)
            if self._opened:
                self._columns["erased_at"] = None  # they themselves want to hear from us again, by code or otherwise
            is_known = self._address is not None or self._opened  # of an address, its consent rows say whether it is closed
            memory = replace(turn.memory, closed=False) if is_known else turn.memory
            contacts.remember(self._conn, self._contact.contact_id, memory, self._now, **self._columns)

    def _do(self, act: Act) -> None:
        match act:
            case Speak(language=language):
                self._speak(language)
            case Keep(label=label, spot=spot):
                self._keep(label, spot)
            case Drop(label=label) if self._address is not None:
                store.remove_place(self._conn, self._address.subscriber_id, label)
            case Join():
                self._signed_up()
                self._catch_up()
            case Count(note=note, detail=detail):
                contacts.count(self._conn, f"{self._now:%Y-%m-%d}", note.value, detail)
            case _:
                self._change_standing(act)

    def _change_standing(self, act: Act) -> None:
        match act:
            case Stop():
                self._stop()
            case Start():
                self._start()
            case Erase(wrong=wrong):
                self._erase(whole=not wrong)
            case Reconfirm():
                self._columns["suspect_at"] = None
                self._catch_up()  # alerts have passed over a number in doubt

    def _speak(self, language: str) -> None:
        self._language = self._columns["language"] = language
        if self._address is not None:
            store.set_language(self._conn, self._address.address_id, language, plain=self._plain)

    def _keep(self, label: str, spot: Spot) -> None:
        person = self._signed_up().subscriber_id
        if not store.move_place(self._conn, person, label, spot):
            store.add_place(self._conn, person, label, spot)
        self._catch_up()

    def _signed_up(self) -> KnownAddress:
        """The address, kept with its consent if it was not; somebody on a list becomes somebody who asked."""
        known = self._present()
        if known.basis != Basis.OPT_IN:
            store.start(self._conn, known.address_id, Basis.OPT_IN, self._said)
            self._granted = True
        return known

    def _start(self) -> None:
        """Also for a number that the gateway has closed the wish is on record; what they get by mail goes on meanwhile."""
        store.start(self._conn, self._present().address_id, Basis.OPT_IN, self._said)
        self._granted = True
        self._columns["suspect_at"] = None
        if self._is_closed:
            contacts.count(self._conn, f"{self._now:%Y-%m-%d}", CLOSED)
        else:
            self._catch_up()

    def _stop(self) -> None:
        """Also somebody we know nothing of is never texted again; somebody erased already is not kept anew for it."""
        if self._address is not None or self._contact.erased_at is None:
            opting_out.stop(self._conn, self._present(granted=False).address_id, self._said)

    def _present(self, *, granted: bool = True) -> KnownAddress:
        """The address as kept, made when nothing is known of this phone."""
        if self._address is None:
            person = store.add_subscriber(self._conn, self._now, self._said.source)
            new = NewAddress(channel=SMS, address=self._text.address, language=self._language or ENGLISH, basis=Basis.OPT_IN)
            address_id = store.add_address(self._conn, person, new, self._keys, self._said, granted=granted)
            self._granted = granted
            if self._is_closed:
                gateway.keep_closed(self._conn, address_id, self._now)
                contacts.count(self._conn, f"{self._now:%Y-%m-%d}", CLOSED)
            self._address = store.addresses(self._conn, [address_id])[address_id]
            self._columns["erased_at"] = None
        return self._address

    def _catch_up(self) -> None:
        if self._address is not None and not self._is_closed:
            person = store.addresses_of(self._conn, self._address.subscriber_id)
            late.note(self._conn, [one.address_id for one in person], self._now)

    def _erase(self, *, whole: bool) -> None:
        """whole: the person with every address; else this phone only (somebody else had signed it up)."""
        self._erased = True
        gateway.blank(self._conn, self._contact, self._address, self._now)
        if self._address is not None:
            if whole or len(store.addresses_of(self._conn, self._address.subscriber_id)) == 1:
                self._blank_others(self._address)
                opting_out.erase(self._conn, self._address.subscriber_id, self._now)
            else:
                opting_out.remove(self._conn, self._address.address_id, self._now)

    def _blank_others(self, known: KnownAddress) -> None:
        """What the person's other addresses said goes with them; a keyed hash stays of each, so that no list brings it back."""
        for other in store.addresses_of(self._conn, known.subscriber_id):
            if other.address_id != known.address_id:
                blind = self._keys.blind(other.channel, other.opened(self._keys))
                contact = contacts.meet(self._conn, other.channel, blind, self._now)
                gateway.blank(self._conn, contact, other, self._now)
