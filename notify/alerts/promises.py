"""What our texts promised people: an update by a time, and to say when it is over. Open promises stay in sight until kept."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, update
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.alert import Event, Stage
from notify.tables import OpenPromise

WARNING: Final = timedelta(minutes=30)  # before it is due, the duty officer is paged
SILENT: Final = frozenset({Stage.TEST, Stage.RENEWAL})  # neither keep a promise nor make one
FINAL: Final = frozenset({Stage.ALL_CLEAR, Stage.FALSE_ALARM})  # keep every promise of the incident


def keep_and_make(conn: Connection, event: Event, now: datetime) -> None:
    """An event keeps the incident's promises of an update; one that ends the incident keeps all; others make new ones."""
    if event.stage in SILENT:
        return
    _keep(conn, event, now)
    if event.stage in FINAL:
        return
    if event.next_update_by is not None:
        promise_id = f"{event.event_id}/update"
        _make(conn, event, promise_id, "an update", event.next_update_by)
        register.due(conn, "promise", promise_id, event.next_update_by - WARNING)
    if event.until_cleared:
        _make(conn, event, f"{event.incident_id}/all_clear", "to say when it is over", None)


def still_open(conn: Connection) -> list[OpenPromise]:
    """Every promise not kept yet, the most pressing first; those without a time come last."""
    query = select(OpenPromise).where(col(OpenPromise.kept_at).is_(None))
    found = [OpenPromise(**row._mapping) for row in conn.execute(query)]
    return sorted(found, key=lambda promise: (promise.by is None, promise.by or promise.promise_id))


def overdue_sentence(conn: Connection, promise_id: str) -> str | None:
    """What to page the duty officer with about a promise; None when it has been kept."""
    for promise in still_open(conn):
        if promise.promise_id == promise_id and promise.by is not None:
            return f"{promise.incident_id}: we promised {promise.what} by {promise.by:%H:%M} UTC and it has not been sent."
    return None


def _keep(conn: Connection, event: Event, now: datetime) -> None:
    query = update(OpenPromise).where(col(OpenPromise.incident_id) == event.incident_id, col(OpenPromise.kept_at).is_(None))
    if event.stage not in FINAL:
        query = query.where(col(OpenPromise.by).is_not(None))
    conn.execute(query.values(kept_at=now, kept_by=event.event_id))


def _make(conn: Connection, event: Event, promise_id: str, what: str, by: datetime | None) -> None:
    """Also opens a promise anew that was thought kept: a correction takes back an all clear that was sent too soon."""
    again = update(OpenPromise).where(col(OpenPromise.promise_id) == promise_id).values(by=by, kept_at=None, kept_by="")
    if conn.execute(again).rowcount == 0:
        row = OpenPromise(promise_id=promise_id, incident_id=event.incident_id, what=what, by=by)
        conn.execute(insert(OpenPromise).values(**row.model_dump()))
