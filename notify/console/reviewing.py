"""Reviews and readers' notes in the database. A note is a line of the log: it concerns the words of that moment only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert
from sqlmodel import col, select

from notify.tables import AuditLine, WordReview
from notify.wording.reviews import Review

ASKED: Final = "asked for other words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a reader wants changed. seen: fingerprint of the words it is about."""

    by: str
    at: datetime
    text: str
    seen: str


def subject(language: str, key: str) -> str:
    """What a line of the log about one message in one language is filed under."""
    return f"{language} {key}"


def keep(conn: Connection, given: Review) -> None:
    """Stores a review in place of an older one of the same message."""
    take_back(conn, given.language, given.key)
    row = WordReview(
        language=given.language,
        key=given.key,
        source_hash=given.source_hash,
        target_hash=given.target_hash,
        reviewer=given.reviewer,
        kind=given.kind,
        at=given.at,
    )
    conn.execute(insert(WordReview).values(**row.model_dump()))


def take_back(conn: Connection, language: str, key: str) -> bool:
    """Whether there was a review of the message that is gone now."""
    gone = delete(WordReview).where(col(WordReview.language) == language, col(WordReview.key) == key)
    return conn.execute(gone).rowcount > 0


def notes(conn: Connection, language: str) -> Mapping[str, Note]:
    """The newest note on each message of a language, by the message's key."""
    start = subject(language, "")
    query = select(AuditLine).where(col(AuditLine.action) == ASKED, col(AuditLine.subject).startswith(start, autoescape=True))
    found = {}
    for row in conn.execute(query.order_by(col(AuditLine.seq))):
        detail = json.loads(row.detail)
        at = datetime.fromisoformat(row.at)
        found[row.subject.removeprefix(start)] = Note(by=row.actor, at=at, text=detail["note"], seen=detail["seen"])
    return found
