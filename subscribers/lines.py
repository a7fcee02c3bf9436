"""What carriers have said of phone numbers, kept a while, because each question costs money. On the caller's transaction."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from subscribers.sealing import Keyring
from subscribers.store import table_of
from subscribers.tables import PhoneLine

LINE = table_of(PhoneLine)

KEPT: Final = timedelta(days=90)  # numbers are given to somebody else, and ported from one kind of line to another


def find(conn: Connection, keyring: Keyring, number: str, now: datetime) -> str | None:
    """The kind of line a number in E.164 is; None when nobody has said so of late."""
    fresh = select(LINE.c.kind).where(LINE.c.blind == _blind(keyring, number), LINE.c.asked_at > now - KEPT)
    return conn.execute(fresh).scalar()


def keep(conn: Connection, keyring: Keyring, number: str, kind: str, now: datetime) -> None:
    """Keeps what was said, in place of what was said before; forgets whatever is too old."""
    conn.execute(delete(LINE).where(LINE.c.asked_at <= now - KEPT))
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    said = {"kind": kind, "asked_at": now}
    row = dialect.insert(LINE).values(blind=_blind(keyring, number), **said)
    conn.execute(row.on_conflict_do_update(index_elements=["blind"], set_=said))


def _blind(keyring: Keyring, number: str) -> bytes:
    """Another hash than an address or contact has: the row says nothing about who is signed up."""
    return keyring.blind("line type", number)
