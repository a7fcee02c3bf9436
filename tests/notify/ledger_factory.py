"""Rows for ledger tests: an event being sent, and people to send it to."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from notify.tables import AlertRow, EventRow, Incident
from subscribers.tables import Address, Subscriber


def an_event_row(now: datetime, **given: Any) -> EventRow:
    values: dict[str, Any] = {
        "event_id": "K7Q2-1",
        "alert_id": "K7Q2-1",
        "incident_id": "K7Q2",
        "stage": "first",
        "content": "{}",
        "digest": "d",
        "identifier": "id-1",
        "cap": b"",
        "status": "sending",
        "priority": 3,
        "approved_at": now,
        "expires_at": now + timedelta(hours=24),
    }
    return EventRow(**(values | given))


def add_event(conn: Connection, event: EventRow, now: datetime) -> EventRow:
    incident, alert = Incident.__table__, AlertRow.__table__  # type: ignore[attr-defined]
    if not conn.execute(incident.select().where(incident.c.incident_id == event.incident_id)).first():
        conn.execute(insert(Incident).values(incident_id=event.incident_id, hazard="boil_water", opened_at=now))
    conn.execute(
        insert(alert).values(
            alert_id=event.alert_id,
            incident_id=event.incident_id,
            stage=event.stage,
            hazard="boil_water",
            status="sending",
            content="{}",
            version=1,
            author="author",
            last_editor="author",
            reason="",
            ended_why="",
            created_at=now,
            changed_at=now,
        )
    )
    conn.execute(insert(EventRow).values(**event.model_dump()))
    return event


def add_people(conn: Connection, count: int, now: datetime, **given: object) -> list[int]:
    """Adds people with one address each; returns the address ids. The sealed address is just its number here."""
    ids = []
    for number in range(count):
        subscriber = conn.execute(insert(Subscriber).values(created_at=now, source="test")).inserted_primary_key
        assert subscriber is not None
        values = {
            "subscriber_id": subscriber[0],
            "channel": "sms",
            "sealed": str(number).encode(),
            "key_id": "k1",
            "blind": f"{given.get('channel', 'sms')}{subscriber[0]}".encode(),
            "language": "en",
            "basis": "opt-in",
        }
        added = conn.execute(insert(Address).values(**(values | given))).inserted_primary_key
        assert added is not None
        ids.append(added[0])
    return ids
