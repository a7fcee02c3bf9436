"""The SQL of incidents, alerts and events. Each function is one step of the caller's transaction."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, text, update
from sqlalchemy import select as sa_select
from sqlmodel import SQLModel, col, select

from notify.alerts import alert as alerts
from notify.alerts.alert import Stage
from notify.alerts.life import LEAVING, Status
from notify.tables import AlertRow, Due, EventRow, Incident

ID_LETTERS: Final = "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels (no words), nothing that reads like another letter
ID_LENGTH: Final = 5


_NOTE: Final = text(
    "INSERT INTO due (kind, ref, due_at, outcome) VALUES (:kind, :ref, :at, '') ON CONFLICT (kind, ref, due_at) DO NOTHING"
).bindparams(bindparam("at", type_=Due.__table__.c.due_at.type))  # type: ignore[attr-defined]
WRITTEN: Final = [column for column in AlertRow.__table__.columns if column.name != "frozen"]  # type: ignore[attr-defined]


class NoSuchAlert(LookupError):
    """There is no alert of this id."""


class Conflict(Exception):
    """Somebody else was first; the message says how things stand now."""


def new_incident(conn: Connection, hazard: str, at: datetime) -> str:
    """Opens an incident under a random public id that was never used before."""
    while True:
        incident_id = "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))
        if conn.execute(select(col(Incident.hazard)).where(col(Incident.incident_id) == incident_id)).first() is None:
            conn.execute(insert(Incident).values(incident_id=incident_id, hazard=hazard, opened_at=at))
            return incident_id


def lock_incident(conn: Connection, incident_id: str) -> bool:
    """Until this transaction ends, nobody else adds to the incident, approves or starts anything in it. False without one."""
    query = select(col(Incident.hazard)).where(col(Incident.incident_id) == incident_id).with_for_update()
    return conn.execute(query).first() is not None


def lock_incident_of(conn: Connection, alert_id: str) -> None:
    """As `lock_incident`, for the alert's own. Comes before the alert's lock wherever both are held. Raises NoSuchAlert."""
    lock_incident(conn, alert(conn, alert_id).incident_id)


def next_alert_id(conn: Connection, incident_id: str) -> str:
    """K7Q2X-1, K7Q2X-2, ...: how staff name the messages of an incident."""
    held = conn.execute(select(col(AlertRow.alert_id)).where(col(AlertRow.incident_id) == incident_id)).all()
    return f"{incident_id}-{len(held) + 1}"


def add(conn: Connection, row: SQLModel) -> None:
    conn.execute(insert(type(row)).values(**row.model_dump()))


def alert(conn: Connection, alert_id: str, *, lock: bool = False) -> AlertRow:
    """Raises NoSuchAlert. With `lock`, nobody else changes it before this transaction ends."""
    query = select(AlertRow).where(col(AlertRow.alert_id) == alert_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise NoSuchAlert(f"There is no alert {alert_id}.")
    return AlertRow(**found._mapping)


def all_alerts(conn: Connection, incident_id: str | None = None) -> list[AlertRow]:
    """Without what was frozen at submission, hundreds of kilobytes each (`frozen` is None; `alert` has it)."""
    query = sa_select(*WRITTEN).order_by(col(AlertRow.created_at), col(AlertRow.alert_id))
    if incident_id is not None:
        query = query.where(col(AlertRow.incident_id) == incident_id)
    return [AlertRow(**row._mapping) for row in conn.execute(query)]


def change_alert(conn: Connection, row: AlertRow, at: datetime, **values: Any) -> AlertRow:
    """Writes values over a row as it was read; raises Conflict when somebody changed it since."""
    done = conn.execute(
        update(AlertRow)
        .where(col(AlertRow.alert_id) == row.alert_id, col(AlertRow.version) == row.version)
        .values(version=row.version + 1, changed_at=at, **values)
    )
    if done.rowcount != 1:
        now = alert(conn, row.alert_id)
        raise Conflict(f"{row.alert_id} has been changed meanwhile and is now {now.status}.")
    return alert(conn, row.alert_id)


def event(conn: Connection, event_id: str, *, lock: bool = False) -> EventRow:
    """Raises NoSuchAlert when the alert was never approved.

    Always locked after its alert: two that took them in different order would wait for each other.
    """
    if lock:
        conn.execute(select(col(AlertRow.alert_id)).where(col(AlertRow.alert_id) == event_id).with_for_update())
    query = select(EventRow).where(col(EventRow.event_id) == event_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise NoSuchAlert(f"{event_id} has not been approved.")
    return EventRow(**found._mapping)


MODE_WITHIN: Final = 300  # characters of a stored event: three short ids come first
_MODE: Final = re.compile(r'"mode":"(\w+)"')
LONG: Final = frozenset({"content", "cap"})  # columns of hundreds of kilobytes
STANDING: Final = [column for column in EventRow.__table__.columns if column.name not in LONG]  # type: ignore[attr-defined]


def standing(
    conn: Connection,
    statuses: Sequence[str] = (),
    event_id: str | None = None,
    since: datetime | None = None,
    incident_id: str | None = None,
    undone: bool = False,
) -> list[EventRow]:
    """How events stand, without what they say (content and cap are empty): cheap enough to look every second. since: without
    what has ended, which years of alerts are, but with the all clears and false alarms that left after it. undone: only
    those of which rows may still wait."""
    query = sa_select(*STANDING).order_by(col(EventRow.approved_at), col(EventRow.event_id))
    if since is not None:
        is_end = col(EventRow.stage).in_((Stage.ALL_CLEAR, Stage.FALSE_ALARM))
        query = query.where(col(EventRow.ended_at).is_(None) | (is_end & (col(EventRow.started_at) > since)))
    if statuses:
        query = query.where(col(EventRow.status).in_(statuses))
    if event_id is not None:
        query = query.where(col(EventRow.event_id) == event_id)
    if incident_id is not None:
        query = query.where(col(EventRow.incident_id) == incident_id)
    if undone:
        query = query.where(col(EventRow.done_at).is_(None))
    return [EventRow(**row._mapping, content="", cap=b"") for row in conn.execute(query)]


def events(conn: Connection, incident_id: str | None = None, statuses: Sequence[str] = ()) -> list[EventRow]:
    """Events in the order they were approved."""
    query = select(EventRow).order_by(col(EventRow.approved_at), col(EventRow.event_id))
    if incident_id is not None:
        query = query.where(col(EventRow.incident_id) == incident_id)
    if statuses:
        query = query.where(col(EventRow.status).in_(statuses))
    return [EventRow(**row._mapping) for row in conn.execute(query)]


def modes(conn: Connection) -> set[str]:
    """In which modes the events here were approved: read from the beginning of each, where its mode stands."""
    starts = conn.execute(sa_select(func.substr(col(EventRow.content), 1, MODE_WITHIN))).scalars()
    return {found[1] for found in map(_MODE.search, starts) if found}


def change_event(conn: Connection, event_id: str, **values: Any) -> None:
    conn.execute(update(EventRow).where(col(EventRow.event_id) == event_id).values(**values))


def set_status(conn: Connection, event_id: str, status: Status, at: datetime, **values: Any) -> None:
    """Moves an event and its alert together."""
    conn.execute(
        update(AlertRow)
        .where(col(AlertRow.alert_id) == event_id)
        .values(status=status.value, changed_at=at, version=col(AlertRow.version) + 1)
    )
    change_event(conn, event_id, status=status.value, **values)


def began(conn: Connection, incident_id: str) -> datetime | None:
    """When the first event of an incident began to leave; None before."""
    first = sa_select(func.min(col(EventRow.started_at))).where(col(EventRow.incident_id) == incident_id)
    return conn.execute(first).scalar_one()


def frozen(conn: Connection, event_id: str) -> alerts.Event:
    """The event as approved."""
    return alerts.from_json(event(conn, event_id).content)


def end(conn: Connection, event_id: str, why: str, at: datetime, replaced_by: str = "") -> None:
    """The event is no longer in force (its messages may still be leaving only if it is leaving now: stop it first)."""
    row = event(conn, event_id, lock=True)
    conn.execute(update(AlertRow).where(col(AlertRow.alert_id) == event_id).values(ended_why=why))
    change_event(conn, event_id, ended_at=at, ended_why=why, replaced_by=replaced_by)
    if row.status not in LEAVING:
        set_status(conn, event_id, Status.ENDED, at)


def due(conn: Connection, kind: str, ref: str, at: datetime) -> None:
    """Notes something to do at a time; noting the same twice, even in the same moment, is noting it once."""
    conn.execute(_NOTE, {"kind": kind, "ref": ref, "at": at})
