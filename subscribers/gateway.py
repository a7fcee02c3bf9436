"""What the provider's gateway does with a phone by itself: its STOP closes it, its START opens it, and we only learn of either.

Consent rows tell it of an address; of a number whose person was erased, the memory beside its keyed hash does.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from subscribers import contacts, statements, store
from subscribers.contacts import KnownContact
from subscribers.store import KnownAddress, Said

STILL_CLOSED: Final = f"{statements.GATEWAY}still closed"


def note_open(conn: Connection, known: KnownAddress, said: Said) -> None:
    """The gateway has seen a START of an address that nothing held up, as far as we knew."""
    row = {"address_id": known.address_id, "granted": True, "basis": known.basis}
    conn.execute(statements.NOTE_CONSENT, row | asdict(said))


def note_refusal(conn: Connection, address_id: int, said: Said, left_at: datetime | None) -> bool:
    """Mirrors the refusal of a message that left at that time (None: just now), because its person had opted out. False when
    it says nothing new: it was known, the address is gone, or the gateway has opened the number since the message left."""
    known = store.addresses(conn, [address_id]).get(address_id)
    if known is None or (known.stopped_at is not None and store.is_blocked(conn, address_id)):
        return False
    said_last = conn.execute(statements.GATEWAY_SAID, {"of": address_id}).first()
    if left_at is not None and said_last is not None and said_last.granted and said_last.at >= left_at:
        return False
    store.stop(conn, address_id, said)
    return True


def keep_closed(conn: Connection, address_id: int, at: datetime) -> None:
    """A number that the gateway had closed before its person was erased is closed to whoever signs up with it now."""
    store.stop(conn, address_id, Said(at=at, source=STILL_CLOSED))


def blank(conn: Connection, contact: KnownContact, known: KnownAddress | None, at: datetime) -> None:
    """Forgets what a contact said, as contacts.blank does; that the gateway has closed the number stays known. To be called
    while the address is still there."""
    closed = contact.memory.closed or (known is not None and store.is_blocked(conn, known.address_id))
    contacts.blank(conn, contact.contact_id, at, closed=closed)
