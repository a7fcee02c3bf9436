"""Contacts and what was said between them and us, in the database. Each function works on the caller's transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, RowMapping, select, text, update

from subscribers import statements
from subscribers.dialog.turn import Memory
from subscribers.sealing import Keyring
from subscribers.store import batches

logger = logging.getLogger(__name__)

CONTACT, WORDS, NOTED = statements.CONTACT, statements.WORDS, statements.NOTED
MEMORY = TypeAdapter(Memory)

MOST_ANSWERS: Final = 4  # texts to one inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownContact:
    """A contact as kept. Times are aware UTC; `erased_at`: do not text until they write again themselves."""

    contact_id: int
    channel: str
    language: str
    memory: Memory
    suspect_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One text in either direction, to be kept sealed. key: which reply it was, "M02.es"; provider_id of an inbound one."""

    inbound: bool
    at: datetime
    ours: str
    body: str
    key: str = ""
    provider_id: str | None = None


def meet(conn: Connection, channel: str, blind: bytes, at: datetime) -> KnownContact:
    """The contact of this keyed hash, made if new, and held: two texts of one phone are answered one after the other."""
    known = _contact(conn, channel, blind, lock=True)
    if known is None:
        fresh = {"channel": channel, "blind": blind, "language": "", "memory": "{}", "changed_at": at}
        conn.execute(statements.NEW_CONTACT[conn.dialect.name], fresh)
        known = _contact(conn, channel, blind, lock=True)
    if known is None:
        raise LookupError("A contact was erased whole while it was met; contacts are only ever emptied.")
    return known


def find(conn: Connection, channel: str, blind: bytes) -> KnownContact | None:
    return _contact(conn, channel, blind, lock=False)


def _contact(conn: Connection, channel: str, blind: bytes, *, lock: bool) -> KnownContact | None:
    row = conn.execute(statements.CONTACT_BY_BLIND[lock], {"channel": channel, "blind": blind}).mappings().first()
    if row is None:
        return None
    return KnownContact(
        contact_id=row["contact_id"],
        channel=channel,
        language=row["language"],
        memory=remembered(row["memory"]),
        suspect_at=row["suspect_at"],
        erased_at=row["erased_at"],
    )


def remembered(written: str) -> Memory:
    """What is remembered of a contact. What cannot be read, as what a newer program wrote, is forgotten: its person must be
    heard all the same."""
    try:
        return MEMORY.validate_json(written)
    except ValidationError as error:
        logger.error("what the dialog remembered of a phone cannot be read and is forgotten: %d faults", error.error_count())
        return Memory()


def remember(conn: Connection, contact_id: int, memory: Memory, at: datetime, **values: Any) -> None:
    """Writes the dialog's memory, and any other column given (language, suspect_at, erased_at)."""
    written = MEMORY.dump_json(memory, exclude_defaults=True).decode()
    conn.execute(statements.CHANGE_CONTACT, {"of": contact_id, "memory": written, "changed_at": at, **values})


def write_down(conn: Connection, contact: KnownContact, lines: Sequence[Line], keyring: Keyring) -> None:
    """Keeps texts sealed. Raises IntegrityError when an inbound one was kept before."""
    rows = []
    for line in lines:
        sealed = keyring.seal(contact.channel, line.body)
        rows.append(
            {
                "contact_id": contact.contact_id,
                "inbound": line.inbound,
                "at": line.at,
                "ours": line.ours,
                "provider_id": line.provider_id,
                "key": line.key,
                "sealed": sealed.data,
                "key_id": sealed.key_id,
            }
        )
    conn.execute(statements.WRITE_DOWN, rows)


def answered_before(conn: Connection, provider_id: str, channel: str, keyring: Keyring) -> list[Line] | None:
    """What an inbound text was answered with, when it was taken before: providers deliver some twice. None for a new one."""
    if conn.execute(statements.WAS_TAKEN, {"provider_id": provider_id}).first() is None:
        return None
    ours = [answer_id(provider_id, number) for number in range(MOST_ANSWERS)]
    return [_line(row, channel, keyring) for row in conn.execute(statements.ANSWERS, {"provider_ids": ours}).mappings()]


def taken(conn: Connection, provider_ids: Sequence[str]) -> frozenset[str]:
    """Those of these inbound texts that were taken."""
    found: set[str] = set()
    for some in batches(provider_ids):
        found |= set(conn.scalars(select(WORDS.c.provider_id).where(WORDS.c.provider_id.in_(some))))
    return frozenset(found)


def answer_id(provider_id: str, number: int) -> str:
    """What an answer to an inbound text is kept under, so that it is found, and given once."""
    return f"{provider_id}/{number}"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text of ours that nobody wrote for. ours: "" while nobody can say that it has left."""

    at: datetime
    ours: str


def spoken(conn: Connection, provider_ids: Sequence[str]) -> list[Spoken]:
    """What of this was written down, oldest first."""
    query = select(WORDS.c.at, WORDS.c.ours).where(WORDS.c.provider_id.in_(provider_ids)).order_by(WORDS.c.words_id)
    return [Spoken(row.at, row.ours) for row in conn.execute(query)]


def was_said(conn: Connection, provider_id: str) -> bool:
    return bool(spoken(conn, [provider_id]))


def note_left(conn: Connection, provider_id: str, ours: str) -> None:
    """A text of ours has left, by this number."""
    conn.execute(update(WORDS).where(WORDS.c.provider_id == provider_id).values(ours=ours))


def said(conn: Connection, contact_id: int, channel: str, keyring: Keyring) -> list[Line]:
    """Everything kept between a contact and us, oldest first; of what was erased, only that it was. Raises Unopenable."""
    query = select(WORDS).where(WORDS.c.contact_id == contact_id).order_by(WORDS.c.words_id)
    return [_line(row, channel, keyring) for row in conn.execute(query).mappings()]


def _line(row: RowMapping, channel: str, keyring: Keyring) -> Line:
    return Line(
        inbound=row["inbound"],
        at=row["at"],
        ours=row["ours"],
        body=keyring.open(channel, row["key_id"], row["sealed"]) if row["sealed"] is not None else "",
        key=row["key"],
        provider_id=row["provider_id"],
    )


def blank(conn: Connection, contact_id: int, at: datetime, *, closed: bool = False) -> None:
    """Forgets what a contact said and how it stood; the keyed hash alone stays, as "do not text". closed: and that the gateway
    lets nothing out to it (see subscribers.gateway)."""
    conn.execute(update(WORDS).where(WORDS.c.contact_id == contact_id).values(sealed=None, key_id=None))
    remember(conn, contact_id, Memory(closed=closed), at, language="", suspect_at=None, erased_at=at)


def suspects(conn: Connection) -> list[int]:
    """The addresses of contacts that may have a new owner."""
    query = text("""
        SELECT a.address_id FROM contact c JOIN address a ON a.channel = c.channel AND a.blind = c.blind
        WHERE c.suspect_at IS NOT NULL ORDER BY a.address_id""")
    return list(conn.scalars(query))


def count(conn: Connection, day: str, note: str, detail: str = "") -> None:
    """One more of something staff count."""
    conn.execute(statements.COUNT[conn.dialect.name], {"day": day, "note": note, "detail": detail, "count": 1})
