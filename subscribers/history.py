"""Everything we hold of one phone or mailbox: who, where, when they said yes or no and in which words, both directions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from subscribers import contacts, store
from subscribers.place import in_words
from subscribers.sealing import Keyring
from subscribers.store import CONSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a history: when, what kind of thing, and what it was."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """facts: how things stand now. entries: consent and words, oldest first. erased_at: nothing else is left but the hash."""

    facts: dict[str, Any]
    entries: tuple[Entry, ...]


def of(conn: Connection, channel: str, address: str, keyring: Keyring) -> History | None:
    """The history of a normalised address; None when nobody ever heard of it. Raises Unopenable."""
    blind = keyring.blind(channel, address)
    known, contact = store.find_address(conn, channel, blind), contacts.find(conn, channel, blind)
    if known is None and contact is None:
        return None
    facts: dict[str, Any] = {"channel": channel, "address": address}
    entries: list[Entry] = []
    if known is not None:
        places = [f"{place.label} {in_words(place.spot)}" for place in store.places_of(conn, known.subscriber_id)]
        standing = "stopped" if known.stopped_at else "unreachable" if known.unreachable_at else "active"
        facts |= {"standing": standing, "language": known.language, "basis": known.basis, "places": places}
        entries += _consents(conn, known.address_id)
    if contact is not None:
        facts |= {"erased_at": contact.erased_at, "may have a new owner since": contact.suspect_at}
        for line in contacts.said(conn, contact.contact_id, channel, keyring):
            what = "they wrote" if line.inbound else "we wrote"
            entries.append(Entry(at=line.at, what=what, detail=line.body or "(erased)"))
    return History(facts=facts, entries=tuple(sorted(entries, key=lambda entry: entry.at)))


def _consents(conn: Connection, address_id: int) -> Iterator[Entry]:
    query = select(CONSENT).where(CONSENT.c.address_id == address_id).order_by(CONSENT.c.consent_id)
    for row in conn.execute(query):
        terms = f", terms {row.terms}" if row.terms else ""
        yield Entry(
            at=row.at,
            what="said yes" if row.granted else "said no",
            detail=f"{row.basis}: {row.source}{terms}; {row.evidence}",
        )
