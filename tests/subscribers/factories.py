"""People, keys and moments for tests."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from subscribers import store
from subscribers.place import Envelope, Point, Spot
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said

NOON = datetime(2014, 5, 23, 19, 0, tzinfo=UTC)
ENVELOPE = Envelope(south=45.40, west=-122.90, north=45.70, east=-122.40)
DOWNTOWN = Point(45.5152, -122.6784)
LENTS = Point(45.4797, -122.5670)


def a_keyring(current: str = "2014", **keys: bytes) -> Keyring:
    return Keyring(current=current, keys=keys or {"2014": b"k" * 32}, blind_key=b"b" * 32)


def said(source: str = "form", evidence: str = "", at: datetime = NOON) -> Said:
    return Said(at=at, source=source, evidence=evidence)


def a_person(
    conn: Connection, *reached_at: str, language: str = "en", basis: str = "opt-in", **places: Spot
) -> tuple[int, ...]:
    """Adds somebody; returns their subscriber_id, then an address_id for each address. Places are given as HOME=..."""
    subscriber_id = store.add_subscriber(conn, NOON, "form")
    ids = []
    for address in reached_at:
        channel = "email" if "@" in address else "sms"
        new = NewAddress(channel=channel, address=address, language=language, basis=basis)
        ids.append(store.add_address(conn, subscriber_id, new, a_keyring(), said()))
    for label, spot in places.items():
        store.add_place(conn, subscriber_id, label, spot)
    return subscriber_id, *ids
