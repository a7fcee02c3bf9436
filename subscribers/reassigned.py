"""Numbers that may have a new owner: what the Reassigned Numbers Database said of them, whom to ask, and who kept silent.

The database (47 CFR 64.1200(l)) answers, for a number and the date of the last consent, whether the number has been permanently
disconnected since: yes, no, or no data. Only a yes says something, and not about who has given consent after that date.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Connection, String, cast, exists, extract, literal, select, update

from subscribers import contacts, gateway, store
from subscribers.address import SMS, BadAddress, Samples, normal_phone
from subscribers.contacts import CONTACT, WORDS, KnownContact
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress, Said
from subscribers.tables import Basis

COLUMNS: Final = ("number", "answer", "date")
ANSWERS: Final = ("yes", "no", "no data")
MOST_ASKED: Final = 3  # times a suspect number is asked, a day apart, as long as no question has left
YOUNG: Final = timedelta(days=300)  # who signed up this month is asked a year from now
SOURCE: Final = "reassigned numbers"  # of consent rows
SILENT: Final = "may have a new owner; did not answer within 14 days"
AFRESH: Final = "might have had a new owner; whoever holds it has signed up anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody to ask. mark: the question's own name; what was asked under it once is not asked again."""

    address_id: int
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row of the file: gone, whether the number was disconnected after `since`."""

    number: str
    gone: bool
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """answers: rows read. suspect: numbers that may have a new owner from now on. newer: whose consent is younger than the
    date asked with. unknown: numbers we do not hold."""

    answers: int
    suspect: int
    newer: int
    unknown: int


class BadAnswers(ValueError):
    """The file cannot be taken; `problems` holds a sentence for each thing wrong, with its line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(data: bytes, samples: Samples) -> list[Answer]:
    """The answers in a UTF-8 CSV with the columns number, answer, date. Raises BadAnswers: it is taken whole or not at all."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restkey="more", restval="")
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise BadAnswers([f"The first line lacks {', '.join(missing)}; it must name number, answer and date."])
        found, problems = [], []
        for row in rows:
            answer, wrong = _answer(row, samples)
            problems += [f"line {rows.line_num}: {problem}" for problem in wrong]
            found += [answer] if answer is not None else []
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadAnswers([f"The file is no CSV in UTF-8: {error}."]) from error
    if problems:
        raise BadAnswers(problems)
    return found


def _answer(row: dict[str, str], samples: Samples) -> tuple[Answer | None, list[str]]:
    problems, number, since = [], "", date.min
    try:
        number = normal_phone(row["number"], samples)
    except BadAddress as fault:
        problems.append(str(fault))
    answer = " ".join(row["answer"].replace("_", " ").lower().split())
    if answer not in ANSWERS:
        problems.append(f"the answer is yes, no or no data, not {row['answer'][:20]!r}.")
    try:
        since = date.fromisoformat(row["date"].strip())
    except ValueError:
        problems.append(f"{row['date'][:20]!r} is no date like 2026-05-23.")
    return (None if problems else Answer(number=number, gone=answer == "yes", since=since)), problems


def take(conn: Connection, answers: Sequence[Answer], keyring: Keyring, now: datetime) -> Totals:
    """Marks numbers that may have a new owner. Taking the same answers twice changes nothing."""
    suspect = newer = unknown = 0
    for answer in answers:
        blind = keyring.blind(SMS, answer.number)
        known = store.find_address(conn, SMS, blind)
        if known is None:
            unknown += 1
        elif answer.gone and _heard_since(conn, known, answer.since):
            newer += 1
        elif answer.gone:
            contact = contacts.meet(conn, SMS, blind, now)
            suspect += contact.suspect_at is None
            fresh = (CONTACT.c.contact_id == contact.contact_id) & CONTACT.c.suspect_at.is_(None)
            conn.execute(update(CONTACT).where(fresh).values(suspect_at=now, changed_at=now))
    return Totals(answers=len(answers), suspect=suspect, newer=newer, unknown=unknown)


def _heard_since(conn: Connection, known: KnownAddress, since: date) -> bool:
    """Whether they have agreed after that day: the answer may be about whoever had the number before them."""
    query = select(store.CONSENT.c.at).where(store.CONSENT.c.address_id == known.address_id, store.CONSENT.c.granted)
    after = datetime.combine(since, time.max, UTC)
    return any(at > after for at in conn.scalars(query))


def yearly(conn: Connection, today: date, days: int) -> list[Ask]:
    """Who asked for our texts in this month of an earlier year and is to be asked by today: each on a day of their own, and
    whoever was missed on theirs. days: of this month."""
    address, person = store.ADDRESS, store.SUBSCRIBER
    mark = literal("check/") + cast(address.c.address_id, String) + literal(f"/{today.year}")
    query = (
        select(address.c.address_id)
        .join(person, person.c.subscriber_id == address.c.subscriber_id)
        .where(
            address.c.channel == SMS,
            address.c.stopped_at.is_(None),
            address.c.unreachable_at.is_(None),
            address.c.basis == Basis.OPT_IN,
            address.c.address_id % days < today.day,
            extract("month", person.c.created_at) == today.month,
            person.c.created_at < datetime.combine(today, time(), UTC) - YOUNG,
            ~exists().where(WORDS.c.provider_id == mark),
        )
    )
    return [Ask(address_id=one, mark=f"check/{one}/{today.year}") for one in conn.scalars(query.order_by(address.c.address_id))]


def suspects_to_ask(conn: Connection, now: datetime) -> list[Ask]:
    """Numbers that may have a new owner and were not asked yet; again after a day if the question may not have left."""
    return list(_to_ask(conn, now))


def _to_ask(conn: Connection, now: datetime) -> Iterator[Ask]:
    for address_id, suspect_at in _suspects(conn):
        asked = _asked(conn, address_id, suspect_at)
        left = [one for one in asked if one.ours]
        again = not asked or (len(asked) < MOST_ASKED and asked[-1].at <= now - timedelta(hours=20))
        if not left and again:
            yield Ask(address_id=address_id, mark=f"{_mark(address_id, suspect_at)}{len(asked) + 1}")


def remove_silent(conn: Connection, since: datetime, now: datetime) -> int:
    """Removes suspect numbers whose question left before `since` and who have not said who they are; returns how many.

    The hash alone stays, as "do not text"; a person's other addresses stay as they are.
    """
    removed = 0
    for address_id, suspect_at in _suspects(conn):
        if not any(one.ours and one.at <= since for one in _asked(conn, address_id, suspect_at)):
            continue
        known = store.addresses(conn, [address_id])[address_id]
        blind = conn.scalars(select(store.ADDRESS.c.blind).where(store.ADDRESS.c.address_id == address_id)).one()
        contact = contacts.meet(conn, SMS, bytes(blind), now)
        if contact.suspect_at is None:
            continue
        part(conn, known, contact, Said(at=now, source=SOURCE, evidence=SILENT))
        removed += 1
    return removed


def part(conn: Connection, known: KnownAddress, contact: KnownContact, said: Said) -> None:
    """Parts a number from the person who had it: their places and words are gone with it, or stay with their other addresses;
    what they agreed to stays on record. said: why."""
    store.stop(conn, known.address_id, said)
    gateway.blank(conn, contact, known, said.at)
    if len(store.addresses_of(conn, known.subscriber_id)) == 1:
        store.erase(conn, known.subscriber_id)
    else:
        store.remove_address(conn, known.address_id)


def _suspects(conn: Connection) -> list[tuple[int, datetime]]:
    """Addresses that may be texted and may have a new owner, with since when."""
    address = store.ADDRESS
    query = select(address.c.address_id, CONTACT.c.suspect_at).join(
        CONTACT, (CONTACT.c.channel == address.c.channel) & (CONTACT.c.blind == address.c.blind)
    )
    query = query.where(CONTACT.c.suspect_at.is_not(None), address.c.channel == SMS, address.c.stopped_at.is_(None))
    return [(row[0], row[1]) for row in conn.execute(query.order_by(address.c.address_id))]


def _mark(address_id: int, suspect_at: datetime) -> str:
    return f"check/{address_id}/suspect {suspect_at:%Y-%m-%dT%H:%M:%S}/"


def _asked(conn: Connection, address_id: int, suspect_at: datetime) -> list[contacts.Spoken]:
    marks = [f"{_mark(address_id, suspect_at)}{number}" for number in range(1, MOST_ASKED + 1)]
    return contacts.spoken(conn, marks)
