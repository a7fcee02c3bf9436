"""What the text dialog knows of alerts in force is read anew from the database; one bad row there hides nothing else."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from shapely.geometry import box
from sqlalchemy import text

from channels.base import Content
from notify.alerts import register
from notify.alerts.alert import Event, Stage
from notify.alerts.hazards import catalogue
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.live import LiveAlerts
from notify.sending import planning
from notify.sending.outbox import Tampered
from subscribers import atlas
from subscribers.areas import NamedShape
from tests.notify.incident_factory import Incident

KEYS = ["sms/first/en", "topic/WATER/1/en", "email/first/en"]


async def test_an_alert_that_is_not_what_was_approved_hides_neither_the_others_nor_the_city(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would keep the service from starting, and every ZIP would be outside the city."""
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    incident = Incident(db, clock)
    bad, good = incident.countdown(1, Stage.FIRST, []), incident.countdown(2, Stage.FIRST, [])
    db.write_now(lambda conn: conn.execute(text("UPDATE event SET incident_id = 'M3T8' WHERE event_id = :id"), {"id": good}))
    area = NamedShape(name="97214", kind="zip", shape=box(-122.66, 45.50, -122.62, 45.53))
    db.write_now(lambda conn: atlas.keep(conn, [area], "test", clock.now()))
    for event_id in (bad, good):
        await incident.start(event_id)

    def event(event_id: str) -> Event:
        if event_id == bad:
            raise Tampered(f"{event_id} is not what was approved.")
        return db.read_now(partial(register.frozen, event_id=event_id))

    live = LiveAlerts(db=db, clock=clock, hazards=catalogue(), event=event)
    for _ in range(3):
        await live.refresh()
    assert [one.event.event_id for one in live.standing] == [good]
    assert live.zips == {"97214"}
    assert [record.levelname for record in caplog.records if bad in record.getMessage()] == ["ERROR"], "and it is said once"


async def test_mails_of_an_alert_are_not_kept_for_those_who_text(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    incident = Incident(db, clock)
    event_id = incident.countdown(1, Stage.FIRST, [])
    await incident.start(event_id)
    frozen = db.read_now(partial(register.frozen, event_id=event_id))
    asked: list[str] = []

    def event(event_id: str) -> Event:
        asked.append(event_id)
        return replace(frozen, contents={key: Content(key=key, language="en", body=key) for key in KEYS})

    live = LiveAlerts(db=db, clock=clock, hazards=catalogue(), event=event)
    for _ in range(3):
        await live.refresh()
    (standing,) = live.standing
    assert list(standing.event.contents) == KEYS[:2]
    assert asked == [event_id], "and it is read once"


async def test_an_incident_of_weeks_is_told_since_its_first_alert_and_one_cleared_long_ago_is_not_looked_at(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    incident, asked = Incident(db, clock), list[str]()
    first, over = incident.countdown(1, Stage.FIRST, []), incident.countdown(3, Stage.ALL_CLEAR, [], incident_id="OVER")
    for event_id in (first, over):
        await incident.start(event_id)
    db.write_now(lambda conn: register.end(conn, over, "expired", clock.now()))
    clock.forward(timedelta(days=10))
    update = incident.countdown(2, Stage.UPDATE, [])
    await incident.start(update)

    def event(event_id: str) -> Event:
        asked.append(event_id)
        return db.read_now(partial(register.frozen, event_id=event_id))

    live = LiveAlerts(db=db, clock=clock, hazards=catalogue(), event=event)
    await live.refresh()
    assert asked == [update] == [one.event.event_id for one in live.standing]
    assert live.standing[0].since == incident.row(first).started_at
