"""Reviews and readers' notes in the database. A note is a line of the log: it concerns the words of that moment only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert
from sqlmodel import col, select

from notify import audit
from notify.alerts.life import Role
from notify.audit import Act
from notify.tables import AuditLine, WordReview
from notify.wording.reviews import Review, fingerprint
from notify.wording.slots import ENGLISH

REVIEWERS: Final = frozenset({Role.TRANSLATOR, Role.ADMIN})
ASKED: Final = "asked for other words"
LONGEST_NOTE: Final = 1_000
NO_NOTE: Final = "Say what is wrong with these words, so that somebody can mend them."
LONG_NOTE: Final = "The note is too long; 1,000 characters fit."


class NotKept(ValueError):
    """A reader's answer cannot be kept as it is; `problems` say why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a reader wants changed. seen: names the words it is about."""

    by: str
    at: datetime
    text: str
    seen: str


def approve(conn: Connection, given: Review, now: datetime) -> None:
    """A reader's yes to exactly these words."""
    keep(conn, given)
    detail = {"kind": given.kind, "source": given.source_hash[:12], "target": given.target_hash[:12]}
    audit.append(conn, Act(actor=given.reviewer, action="reviewed words", subject=_subject(given), detail=detail), now)


def ask_for_change(conn: Connection, given: Review, typed: str, now: datetime) -> None:
    """Keeps the note. Words that a reader finds wrong are approved no more; English stays, for there is nothing behind it.
    given: what a yes would have been. Raises NotKept."""
    note = " ".join(typed.split())
    if not note or len(note) > LONGEST_NOTE:
        raise NotKept([LONG_NOTE if note else NO_NOTE])
    taken_back = given.language != ENGLISH and take_back(conn, given.language, given.key)
    seen = mark(given.source_hash, given.target_hash)
    detail = {"note": note, "seen": seen, "approval taken back": taken_back}
    audit.append(conn, Act(actor=given.reviewer, action=ASKED, subject=_subject(given), detail=detail), now)


def holds(conn: Connection, given: Review) -> bool:
    """Whether exactly these words are approved, by whomever."""
    query = select(col(WordReview.source_hash), col(WordReview.target_hash))
    found = conn.execute(query.where(col(WordReview.language) == given.language, col(WordReview.key) == given.key)).first()
    return found is not None and tuple(found) == (given.source_hash, given.target_hash)


def mark(source_hash: str, target_hash: str) -> str:
    """Names these words of a message: whatever is said about them is void once either text changes."""
    return fingerprint(f"{source_hash} {target_hash}")[:32]


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
    """Whether there was a review of the message that is gone now. Until this transaction ends nobody else gives one."""
    audit.lock(conn)
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


def _subject(given: Review) -> str:
    return subject(given.language, given.key)
