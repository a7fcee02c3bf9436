"""The SQL of received alerts and their sources. Each function is one step of the caller's transaction."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, or_, update
from sqlalchemy import select as sa_select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.alert import Reference
from notify.alerts.life import Status
from notify.alerts.register import Conflict
from notify.received.message import MESSAGE, Message
from notify.received.standing import ENDS, Known
from notify.received.tables import ReceivedAlert, ReceivedSource

SHOWN_AFTER_END: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(days=30)  # what no draft began with
MOST_SHOWN: Final = 2_000
LONG: Final = frozenset({"content", "document"})
BRIEF: Final = [one for one in ReceivedAlert.__table__.columns if one.name not in LONG]  # type: ignore[attr-defined]


class NoSuchReceived(LookupError):
    """There is no received alert of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A message with how it came. entry: what its source calls it; signer: "" where no signature was asked for."""

    source: str
    message: Message
    document: bytes
    media: str
    entry: str = ""
    signer: str = ""

    @property
    def received_id(self) -> str:
        one = self.message
        named = json.dumps([self.source, one.identifier, one.sender, one.sent.timestamp()])
        return f"R-{hashlib.sha256(named.encode()).hexdigest()[:16]}"


def keep(conn: Connection, came: Came, now: datetime) -> bool:
    """Whether it was new. What is there already stays as it came first."""
    if _there(conn, came.received_id):
        return False
    one = came.message
    row = ReceivedAlert(
        received_id=came.received_id,
        source=came.source,
        identifier=one.identifier,
        sender=one.sender,
        sent=one.sent,
        status=one.status,
        msg_type=one.msg_type,
        earlier=json.dumps([[each.sender, each.identifier, each.sent.isoformat()] for each in one.references]),
        event=one.english.event,
        headline=one.english.headline,
        area_desc=one.english.area_desc,
        severity=one.severity,
        urgency=one.urgency,
        all_clear="AllClear" in one.responses,
        ends_at=one.ends_at,
        signer=came.signer,
        entry=came.entry,
        came_at=now,
        content=MESSAGE.dump_json(one).decode(),
        media=came.media,
        document=came.document,
    )
    try:
        with conn.begin_nested():
            conn.execute(insert(ReceivedAlert).values(**row.model_dump()))
    except IntegrityError:  # another process had it in the same moment
        return False
    return True


def drafted_from(conn: Connection, came: Came) -> list[ReceivedAlert]:
    """The alerts that drafts of ours began with, and that this message now updates or takes back."""
    one = came.message
    if one.msg_type not in ENDS or not one.references:
        return []
    named = {(each.identifier, each.sent) for each in one.references if each.sender == one.sender}
    query = sa_select(*BRIEF).where(
        col(ReceivedAlert.draft_id) != "",
        col(ReceivedAlert.source) == came.source,
        col(ReceivedAlert.sender) == one.sender,
        col(ReceivedAlert.identifier).in_(sorted({identifier for identifier, _ in named})),
    )
    rows = [_brief(row) for row in conn.execute(query)]
    return [row for row in rows if (row.identifier, row.sent) in named and (row.status == "Actual") == one.actual]


def seen(conn: Connection, source: str, entries: Sequence[str]) -> set[str]:
    """Which of these entries of an index are here already."""
    query = select(col(ReceivedAlert.entry)).where(col(ReceivedAlert.source) == source, col(ReceivedAlert.entry).in_(entries))
    return {row[0] for row in conn.execute(query)}


def recent(conn: Connection, now: datetime) -> list[ReceivedAlert]:
    """What is in force or was until lately, without what is long."""
    since = now - SHOWN_AFTER_END
    lately = or_(col(ReceivedAlert.ends_at) > since, col(ReceivedAlert.came_at) > since)
    query = sa_select(*BRIEF).where(lately).order_by(col(ReceivedAlert.came_at).desc()).limit(MOST_SHOWN)
    return [_brief(row) for row in conn.execute(query)]


def known(row: ReceivedAlert) -> Known:
    return Known(
        received_id=row.received_id,
        source=row.source,
        own=Reference(sender=row.sender, identifier=row.identifier, sent=row.sent),
        actual=row.status == "Actual",
        msg_type=row.msg_type,
        all_clear=row.all_clear,
        references=tuple(
            Reference(sender=sender, identifier=identifier, sent=datetime.fromisoformat(sent))
            for sender, identifier, sent in json.loads(row.earlier)
        ),
        ends_at=row.ends_at,
        came_at=row.came_at,
        system=row.status == "System",
    )


def one(conn: Connection, received_id: str, *, lock: bool = False) -> ReceivedAlert:
    """Raises NoSuchReceived."""
    query = select(ReceivedAlert).where(col(ReceivedAlert.received_id) == received_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise NoSuchReceived(f"There is no received alert {received_id}.")
    return ReceivedAlert(**found._mapping)


def of_sender(conn: Connection, sender: str, source: str, now: datetime) -> list[ReceivedAlert]:
    """Everything kept of one sender by one source: what an old alert's standing follows from."""
    query = (
        sa_select(*BRIEF)
        .where(col(ReceivedAlert.sender) == sender, col(ReceivedAlert.source) == source)
        .where(col(ReceivedAlert.came_at) > now - KEPT_FOR)
        .order_by(col(ReceivedAlert.came_at).desc())
        .limit(MOST_SHOWN)
    )
    return [_brief(row) for row in conn.execute(query)]


def message(row: ReceivedAlert) -> Message:
    return MESSAGE.validate_json(row.content)


def note_draft(conn: Connection, row: ReceivedAlert, alert_id: str, person_id: str, now: datetime) -> None:
    """Raises Conflict when somebody made a draft of it that was not rejected."""
    if row.draft_id and register.alert(conn, row.draft_id).status != Status.REJECTED:
        raise Conflict(f"{row.drafted_by} made the draft {row.draft_id} of it already.")
    conn.execute(
        update(ReceivedAlert)
        .where(col(ReceivedAlert.received_id) == row.received_id)
        .values(draft_id=alert_id, drafted_by=person_id, drafted_at=now)
    )


def forget_old(conn: Connection, now: datetime) -> int:
    """Erases what is long over and no draft began with; returns how many."""
    old = col(ReceivedAlert.came_at) < now - KEPT_FOR
    over = col(ReceivedAlert.ends_at) < now - KEPT_FOR
    return conn.execute(delete(ReceivedAlert).where(old, over, col(ReceivedAlert.draft_id) == "")).rowcount


def source(conn: Connection, name: str, now: datetime) -> ReceivedSource:
    """How a source answered last; as of now where it is new."""
    query = select(ReceivedSource).where(col(ReceivedSource.name) == name)
    found = conn.execute(query).first()
    return ReceivedSource(**found._mapping) if found is not None else ReceivedSource(name=name, since=now)


def note_source(conn: Connection, name: str, now: datetime, **values: Any) -> None:
    """Writes how a source answered."""
    if conn.execute(update(ReceivedSource).where(col(ReceivedSource.name) == name).values(**values)).rowcount:
        return
    fields: dict[str, Any] = {"name": name, "since": now} | values
    row = ReceivedSource(**fields)
    conn.execute(insert(ReceivedSource).values(**row.model_dump()))


def _there(conn: Connection, received_id: str) -> bool:
    query = select(col(ReceivedAlert.received_id)).where(col(ReceivedAlert.received_id) == received_id)
    return conn.execute(query).first() is not None


def _brief(row: Any) -> ReceivedAlert:
    return ReceivedAlert(**row._mapping, content="", document=b"")
