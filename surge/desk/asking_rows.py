"""The SQL of the one question that may follow a call: who may be asked whether it has helped, and whose answer came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, or_
from sqlmodel import col, select

from channels.lookup import LineType
from subscribers import contacts, lines, store
from subscribers.address import SMS
from subscribers.contacts import WORDS
from subscribers.dialog.grading import ANSWERED_WITHIN
from subscribers.dialog.scene import alive
from subscribers.sealing import Keyring
from surge.contact import TERMINAL, Standing, Way
from surge.floor.callback import State
from surge.numbers import number_rows
from surge.numbers.number_tables import GradeRow
from surge.scripts.runbook import Ending
from surge.tables import ActivationRow, CallbackRow, ContactRow

SOON: Final = timedelta(minutes=15)  # after the wrap; later nobody is asked any more
WRAP: Final = timedelta(minutes=3)  # surge.floor.records.Rules.wrap: of a callback only the end of the talk is kept
NEVER_AFTER: Final = (Ending.EMERGENCY.value, Ending.WRONG_NUMBER.value)
TEXTED: Final = frozenset({LineType.MOBILE, LineType.NON_FIXED_VOIP, LineType.PERSONAL})  # carriers say that texts arrive
MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that an agent has answered and wrapped up. caller: the keyed hash of its number; sealed: the number."""

    contact_id: str
    activation_id: str
    incident_id: str | None
    drill: bool
    caller: bytes
    sealed: bytes
    key_id: str
    language: str


def ended(conn: Connection, now: datetime) -> list[Ended]:
    """Calls and callbacks of an activation that ended a moment ago and were not asked about; the oldest first."""
    contact, called = ContactRow, CallbackRow
    answered = and_(
        col(contact.standing) == Standing.DONE.value, col(contact.answered_at).is_not(None), col(contact.ended_at) > now - SOON
    )
    called_back = and_(
        col(called.state) == State.DONE.value,
        col(called.connected_at).is_not(None),
        col(called.ended_at) > now - SOON - WRAP,
        col(called.ended_at) <= now - WRAP,
    )
    query = (
        select(contact, col(ActivationRow.incident_id), col(ActivationRow.drill))
        .join(ActivationRow, col(ActivationRow.activation_id) == col(contact.activation_id))
        .outerjoin(called, col(called.contact_id) == col(contact.contact_id))
        .outerjoin(GradeRow, col(GradeRow.contact_id) == col(contact.contact_id))
        .where(
            col(contact.way) == Way.VOICE.value,
            col(contact.caller).is_not(None),
            col(contact.sealed).is_not(None),
            col(contact.disposition).not_in(NEVER_AFTER),
            col(GradeRow.contact_id).is_(None),
            or_(answered, called_back),
        )
        .order_by(col(contact.offered_at))
        .limit(MOST)
    )
    return [
        Ended(
            contact_id=row.contact_id,
            activation_id=row.activation_id,
            incident_id=row.incident_id,
            drill=row.drill,
            caller=bytes(row.caller),
            sealed=bytes(row.sealed),
            key_id=row.key_id,
            language=row.language,
        )
        for row in conn.execute(query)
    ]


def barred(conn: Connection, one: Ended, now: datetime) -> str:
    """Why this number is not asked now, "" when it may be."""
    address, contact = store.find_address(conn, SMS, one.caller), contacts.find(conn, SMS, one.caller)
    if address is not None and address.stopped_at is not None:
        return "has stopped our texts"
    if contact is not None:
        if contact.memory.closed or contact.erased_at is not None:
            return "is not to be texted"
        if alive(contact.memory.question, now) is not None:
            return "has an open question of the text dialog"
        if contact.memory.helped is not None and now - contact.memory.helped[0] <= ANSWERED_WITHIN:
            return "has a question about another call"
    if _asked_before(conn, one):
        return "was asked in this incident"
    theirs = (col(ContactRow.caller) == one.caller, col(ContactRow.activation_id) == one.activation_id)
    in_danger = or_(
        col(ContactRow.standing) == Standing.EMERGENCY_OUT.value, col(ContactRow.disposition) == Ending.EMERGENCY.value
    )
    if conn.execute(select(ContactRow.contact_id).where(*theirs, in_danger)).first():
        return "was handed to the emergency centre"
    return "waits again" if _waits(conn, one) else ""


def _asked_before(conn: Connection, one: Ended) -> bool:
    same = col(GradeRow.activation_id) == one.activation_id
    if one.incident_id is not None:
        of_incident = select(ActivationRow.activation_id).where(col(ActivationRow.incident_id) == one.incident_id)
        same = or_(same, col(GradeRow.activation_id).in_(of_incident))
    query = select(GradeRow.contact_id).join(ContactRow, col(ContactRow.contact_id) == col(GradeRow.contact_id))
    return conn.execute(query.where(col(ContactRow.caller) == one.caller, same)).first() is not None


def _waits(conn: Connection, one: Ended) -> bool:
    open_ = col(ContactRow.standing).not_in([standing.value for standing in TERMINAL])
    promised = and_(col(ContactRow.standing) == Standing.CALLBACK.value, col(CallbackRow.ended_at).is_(None))
    query = select(ContactRow.contact_id).outerjoin(CallbackRow, col(CallbackRow.contact_id) == col(ContactRow.contact_id))
    return conn.execute(query.where(col(ContactRow.caller) == one.caller, or_(open_, promised))).first() is not None


def takes_texts(conn: Connection, ring: Keyring, number: str, now: datetime) -> bool | None:
    """Whether a number is known to take texts: its carrier has said so, or it has texted us or gets our alerts. None: nobody
    knows."""
    kind = lines.find(conn, ring, number, now)
    if kind in TEXTED or kind == LineType.LANDLINE:
        return kind in TEXTED
    blind = ring.blind(SMS, number)
    address, contact = store.find_address(conn, SMS, blind), contacts.find(conn, SMS, blind)
    if address is not None and address.unreachable_at is None:
        return True
    if contact is None:
        return None
    wrote = select(WORDS.c.words_id).where(WORDS.c.contact_id == contact.contact_id, WORDS.c.inbound)
    return True if conn.execute(wrote.limit(1)).first() else None


def answered(conn: Connection, caller: bytes, grade: int, now: datetime) -> bool:
    """Keeps the grade that came from this number for the call it was last asked about; False where nobody asked."""
    query = (
        select(GradeRow.contact_id)
        .join(ContactRow, col(ContactRow.contact_id) == col(GradeRow.contact_id))
        .where(col(ContactRow.caller) == caller, col(GradeRow.grade).is_(None), col(GradeRow.asked_at) >= now - ANSWERED_WITHIN)
        .order_by(col(GradeRow.asked_at).desc())
        .limit(1)
    )
    contact_id = conn.execute(query).scalar()
    return contact_id is not None and number_rows.graded(conn, contact_id, grade, now)
