"""Alerts as the API shows them, and their pages."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import and_, col, or_

from notify.alerts import progress, promises, register
from notify.sending import ledger
from notify.tables import AlertRow, EventRow


def page(conn: Connection, after: str | None, limit: int | None) -> list[AlertRow]:
    """Alerts in the order they were begun, those behind the one named `after`. Raises NoSuchAlert."""
    query = select(*register.WRITTEN).order_by(col(AlertRow.created_at), col(AlertRow.alert_id))
    if after is not None:
        last = register.alert(conn, after)
        same_time = and_(col(AlertRow.created_at) == last.created_at, col(AlertRow.alert_id) > last.alert_id)
        query = query.where(or_(col(AlertRow.created_at) > last.created_at, same_time))
    if limit is not None:
        query = query.limit(limit)
    return [AlertRow(**row._mapping) for row in conn.execute(query)]


def alert_json(row: AlertRow) -> dict[str, Any]:
    """An alert as the API shows it. `digest` is what an approval must name."""
    return {
        "alert_id": row.alert_id,
        "incident_id": row.incident_id,
        "stage": row.stage,
        "hazard": row.hazard,
        "status": row.status,
        "version": row.version,
        "author": row.author,
        "last_editor": row.last_editor,
        "approved_by": row.approved_by,
        "digest": row.digest,
        "reason": row.reason,
        "ended_why": row.ended_why,
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "draft": json.loads(row.content),
    }


def one_alert(conn: Connection, alert_id: str, now: datetime) -> dict[str, Any]:
    """An alert with its event's clock and counts, and the promises still open."""
    row = register.alert(conn, alert_id)
    reply = alert_json(row)
    reply["promises"] = [
        {"what": promise.what, "by": promise.by.isoformat() if promise.by else None}
        for promise in promises.still_open(conn)
        if promise.incident_id == row.incident_id
    ]
    if row.approved_by is not None:
        (event,) = register.standing(conn, event_id=alert_id)
        reply["event"] = event_json(event)
        reply["progress"] = progress.as_json(ledger.tally(conn, alert_id))
        reply["routes"] = ledger.by_route(conn, alert_id)
    reply["now"] = now.isoformat()
    return reply


def event_json(row: EventRow) -> dict[str, Any]:
    times = (
        "approved_at",
        "countdown_until",
        "started_at",
        "published_at",
        "planned_at",
        "done_at",
        "stopped_at",
        "ended_at",
        "expires_at",
    )
    return {
        "event_id": row.event_id,
        "identifier": row.identifier,
        "status": row.status,
        "priority": row.priority,
        "publish_problem": row.publish_problem,
        "replaced_by": row.replaced_by,
    } | {name: value.isoformat() if (value := getattr(row, name)) else None for name in times}
