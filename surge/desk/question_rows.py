"""The SQL of questions and their answers. Each function is one step of the caller's transaction."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, update
from sqlmodel import col, select

from subscribers.sealing import Keyring
from surge.desk.desk_rows import add
from surge.desk.desk_tables import FaqRow, QuestionRow
from surge.desk.faq import Status, Unanswerable, problems
from surge.desk.knowledge import Entry, Kind

PURPOSE: Final = "question"  # what the seals are bound to
MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    words: str
    language: str = "en"
    step: str = ""
    contact_id: str | None = None
    activation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """faq_id: "" for a new one. language: of both texts."""

    question: str
    answer: str
    language: str = "en"
    faq_id: str = ""
    activation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    row: QuestionRow
    words: str


def ask(conn: Connection, asked: Asked, by: str, ring: Keyring, now: datetime) -> str:
    """A question that nobody at the desk can answer. Returns its id."""
    sealed = ring.seal(PURPOSE, asked.words)
    row = QuestionRow(
        question_id=f"Q-{secrets.token_hex(5).upper()}",
        activation_id=asked.activation_id,
        contact_id=asked.contact_id,
        language=asked.language,
        words=sealed.data,
        key_id=sealed.key_id,
        step=asked.step,
        status=Status.OPEN,
        asked_by=by,
        asked_at=now,
    )
    add(conn, row)
    return row.question_id


def approve(conn: Connection, answer: Answer, by: str, now: datetime) -> str:
    """An answer for all desks, new or in the place of an earlier one. Returns its id. Raises Unanswerable, LookupError."""
    if found := problems(answer.question, answer.answer):
        raise Unanswerable(found)
    faq_id, activation_id = answer.faq_id or f"F-{secrets.token_hex(4).upper()}", answer.activation_id
    if answer.faq_id:
        activation_id = _any(conn, faq_id).activation_id
    row = FaqRow(
        faq_id=faq_id,
        language=answer.language,
        rev=_last(conn, faq_id, answer.language) + 1,
        activation_id=activation_id,
        question=answer.question,
        answer=answer.answer,
        approved_by=by,
        approved_at=now,
    )
    add(conn, row)
    return faq_id


def withdraw(conn: Connection, faq_id: str, by: str, now: datetime) -> None:
    """No desk shows it any more, in any language. Raises LookupError for one that there is not."""
    _any(conn, faq_id)
    for row in standing(conn):
        if row.faq_id == faq_id:
            last = {"rev": row.rev + 1, "withdrawn": True, "approved_by": by, "approved_at": now}
            add(conn, FaqRow(**(row.model_dump() | last)))


def settle(conn: Connection, question_id: str, status: Status, by: str, now: datetime, faq_id: str | None = None) -> bool:
    """Ends an open question; False when somebody else has."""
    done = (
        update(QuestionRow)
        .where(col(QuestionRow.question_id) == question_id, col(QuestionRow.status) == Status.OPEN.value)
        .values(status=status.value, faq_id=faq_id, settled_by=by, settled_at=now, rev=QuestionRow.rev + 1)
    )
    return bool(conn.execute(done).rowcount)


def open_ones(conn: Connection, ring: Keyring) -> list[Opened]:
    """The oldest first."""
    query = (
        select(QuestionRow)
        .where(col(QuestionRow.status) == Status.OPEN.value)
        .order_by(col(QuestionRow.asked_at), col(QuestionRow.question_id))
        .limit(MOST)
    )
    rows = [QuestionRow(**row._mapping) for row in conn.execute(query)]
    return [Opened(row=row, words=ring.open(PURPOSE, row.key_id, row.words)) for row in rows]


def standing(conn: Connection, activation_id: str | None = None) -> list[FaqRow]:
    """Every answer as it holds now: those of one activation and those that hold always; of all, for None."""
    last = (
        select(col(FaqRow.faq_id), col(FaqRow.language), func.max(col(FaqRow.rev)).label("rev"))
        .group_by(col(FaqRow.faq_id), col(FaqRow.language))
        .subquery()
    )
    query = select(FaqRow).join(
        last,
        (col(FaqRow.faq_id) == last.c.faq_id) & (col(FaqRow.language) == last.c.language) & (col(FaqRow.rev) == last.c.rev),
    )
    query = query.where(col(FaqRow.withdrawn).is_(False))
    if activation_id is not None:
        query = query.where(col(FaqRow.activation_id).is_(None) | (col(FaqRow.activation_id) == activation_id))
    found = [FaqRow(**row._mapping) for row in conn.execute(query.order_by(col(FaqRow.approved_at)))]
    return sorted(found, key=lambda row: (row.question, row.language))


def entries(rows: list[FaqRow]) -> list[Entry]:
    """Answers as the desk searches them: one entry for all languages of one answer."""
    by_id: dict[str, list[FaqRow]] = {}
    for row in rows:
        by_id.setdefault(row.faq_id, []).append(row)
    return [
        Entry(
            source=f"faq:{faq_id}:{max(row.rev for row in each)}",
            kind=Kind.FAQ,
            about=_by_language(each, "question"),
            words=_by_language(each, "answer"),
        )
        for faq_id, each in by_id.items()
    ]


def _by_language(rows: list[FaqRow], name: str) -> Mapping[str, str]:
    return {row.language: getattr(row, name) for row in rows}


def _last(conn: Connection, faq_id: str, language: str) -> int:
    query = select(func.max(col(FaqRow.rev))).where(col(FaqRow.faq_id) == faq_id, col(FaqRow.language) == language)
    return conn.execute(query).scalar() or 0


def _any(conn: Connection, faq_id: str) -> FaqRow:
    row = conn.execute(select(FaqRow).where(col(FaqRow.faq_id) == faq_id)).first()
    if row is None:
        raise LookupError(f"There is no answer {faq_id}.")
    return FaqRow(**row._mapping)
