"""An event is sent only if it still is what was approved, whatever has become of its row."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from notify import trusted
from notify.alerts import register
from notify.alerts.alert import Stage, to_json
from notify.alerts.digest import digest
from notify.clock import ManualClock
from notify.db import Database
from notify.sending.outbox import Tampered
from tests.notify.incident_factory import Incident


def put(db: Database, event_id: str, content: str) -> None:
    changed = text("UPDATE event SET content = :content WHERE event_id = :id")
    db.write_now(lambda conn: conn.execute(changed, {"id": event_id, "content": content}))


def test_an_event_that_was_changed_or_cannot_even_be_read_is_not_what_was_approved(db: Database, clock: ManualClock) -> None:
    event_id = Incident(db, clock).countdown(1, Stage.FIRST, [])
    drawn = db.read_now(lambda conn: register.frozen(conn, event_id))
    approved = to_json(replace(drawn, digest=digest(drawn)))
    put(db, event_id, approved)
    assert db.read_now(lambda conn: trusted.untampered(conn, event_id)).event_id == event_id
    for content in (approved.replace("Boil", "Drink"), approved[:-1], approved.replace('"first"', '"none"'), "{}", ""):
        put(db, event_id, content)
        with pytest.raises(Tampered, match=event_id):
            db.read_now(lambda conn: trusted.untampered(conn, event_id))
