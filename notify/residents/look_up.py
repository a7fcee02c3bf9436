"""What is held of one resident, for staff who say why they ask: who looked and why is logged, the address is not."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from notify import audit
from notify.alerts.alert import Mode
from notify.alerts.exercise import SAMPLES
from notify.alerts.life import Staff
from notify.audit import Act
from subscribers import history
from subscribers.address import normal
from subscribers.history import History
from subscribers.sealing import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An address as it is kept, and why somebody asks."""

    channel: str
    address: str
    reason: str


def question(typed: str, reason: str, mode: Mode) -> Question:
    """Raises subscribers.address.BadAddress."""
    channel, address = normal(typed, SAMPLES[mode])
    return Question(channel=channel, address=address, reason=reason)


def look(conn: Connection, staff: Staff, asked: Question, ring: Keyring, now: datetime) -> History | None:
    """None when nobody ever heard of the address; that somebody looked is logged all the same."""
    found = history.of(conn, asked.channel, asked.address, ring)
    detail = {"reason": asked.reason, "found": found is not None}
    audit.append(conn, Act(actor=staff.person_id, action="looked up a resident", subject=asked.channel, detail=detail), now)
    return found
