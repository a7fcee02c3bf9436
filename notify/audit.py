"""The hash-chained log of who did what: no line can be changed, moved, dropped or slipped in without `problems` naming it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, text
from sqlmodel import col, select

from notify.db import is_sqlite
from notify.tables import AuditLine

GENESIS: Final = "0" * 64
_LOCK: Final = 0x70C51  # any number; the advisory lock that keeps two writers from forking the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is logged: `actor` did `action` to `subject`, with details that hold no personal data."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def line_hash(previous: str, seq: int, at: str, act: tuple[str, str, str, str]) -> str:
    """SHA-256 over the previous hash and every field, each with its length, so that no two lines read the same."""
    digest = hashlib.sha256()
    for field in (previous, str(seq), at, *act):
        data = field.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def lock(conn: Connection) -> None:
    """Until this transaction ends nobody else adds a line. For whoever reads something first that the line rests on."""
    if not is_sqlite(conn):  # SQLite has one writer at a time already
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def append(conn: Connection, act: Act, at: datetime) -> str:
    """Adds a line in the caller's transaction and returns the chain's new head."""
    lock(conn)
    seq, previous = last(conn)
    fields = (act.actor, act.action, act.subject, json.dumps(act.detail, sort_keys=True, ensure_ascii=False))
    stamp = at.isoformat()
    new = line_hash(previous, seq + 1, stamp, fields)
    actor, action, subject, detail = fields
    conn.execute(
        insert(AuditLine).values(seq=seq + 1, at=stamp, actor=actor, action=action, subject=subject, detail=detail, hash=new)
    )
    return new


def head(conn: Connection) -> str:
    """The hash of the last line: to be kept outside, so that a shortened or rebuilt log is seen."""
    return last(conn)[1]


def lines(conn: Connection, subject: str | None = None) -> list[AuditLine]:
    """The log in order, or what concerns one subject or anything below it ("K7Q2" has "K7Q2-1")."""
    query = select(AuditLine).order_by(col(AuditLine.seq))
    if subject is not None:
        query = query.where(
            or_(col(AuditLine.subject) == subject, col(AuditLine.subject).startswith(f"{subject}-", autoescape=True))
        )
    return [AuditLine(**row._mapping) for row in conn.execute(query)]


def table(log: Iterable[AuditLine]) -> Iterator[Sequence[object]]:
    """The log as rows under their names, for a records request. It holds no resident's data."""
    yield "line", "at", "who", "what", "about", "details", "hash"
    for line in log:
        yield line.seq, line.at, line.actor, line.action, line.subject, line.detail, line.hash


def latest(conn: Connection, wanted: str, before: int, limit: int) -> list[AuditLine]:
    """The newest lines before line `before` whose actor, action or subject holds `wanted` ("" for every line)."""
    query = select(AuditLine).where(col(AuditLine.seq) < before)
    if wanted:
        columns = (col(AuditLine.actor), col(AuditLine.action), col(AuditLine.subject))
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    return [AuditLine(**row._mapping) for row in conn.execute(query.order_by(col(AuditLine.seq).desc()).limit(limit))]


def problems(log: Iterable[AuditLine], known_head: str | None = None) -> list[str]:
    """What is wrong with the chain, as sentences naming the first bad line; empty when it holds.

    known_head: a head written down elsewhere; it must stand somewhere in the chain.
    """
    previous, heads, expected = GENESIS, {GENESIS}, 1
    for line in log:
        if line.seq != expected:
            return [f"Line {expected} is missing: the next one found is line {line.seq}."]
        if line.hash != line_hash(previous, line.seq, line.at, (line.actor, line.action, line.subject, line.detail)):
            return [f"Line {line.seq} ({line.at}, {line.action}) has been changed, or the line before it has."]
        previous, expected = line.hash, expected + 1
        heads.add(previous)
    if known_head is not None and known_head not in heads:
        return [f"The head {known_head[:12]}... is not in this log: lines were removed, or the log was rebuilt."]
    return []


def last(conn: Connection) -> tuple[int, str]:
    """Number and hash of the last line; of an empty log 0 and what the first line begins from."""
    query = select(col(AuditLine.seq), col(AuditLine.hash)).order_by(col(AuditLine.seq).desc()).limit(1)
    row = conn.execute(query).first()
    return (row[0], row[1]) if row else (0, GENESIS)
