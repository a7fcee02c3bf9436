"""Incidents, alerts and events in the database: ids that never repeat, changes that never overwrite somebody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from notify import register
from notify.clock import ManualClock
from notify.db import Database
from notify.life import EndedWhy, Status
from notify.register import Conflict, NoSuchAlert
from tests.notify.ledger_factory import add_event, an_event_row


@pytest.fixture
def event_id(db: Database, clock: ManualClock) -> str:
    row = an_event_row(clock.now())
    db.write_now(lambda conn: add_event(conn, row, clock.now()))
    return row.event_id


def test_an_incident_s_id_is_never_used_twice(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("BBBBB" + "BBBBB" + "CCCCC")
    monkeypatch.setattr(register.secrets, "choice", lambda _: next(letters))
    made = [db.write_now(lambda conn: register.new_incident(conn, "boil_water", clock.now())) for _ in range(2)]
    assert made == ["BBBBB", "CCCCC"]


def test_ids_have_no_vowels_and_nothing_that_reads_like_another_letter() -> None:
    assert not set(register.ID_LETTERS) & set("AEIOU01L")


def test_alerts_of_an_incident_are_numbered(db: Database, event_id: str) -> None:
    incident = event_id.rpartition("-")[0]
    assert db.read_now(lambda conn: register.next_alert_id(conn, incident)) == f"{incident}-2"
    assert db.read_now(lambda conn: register.next_alert_id(conn, "ZZZZZ")) == "ZZZZZ-1"


def test_a_change_over_somebody_else_s_change_is_refused_and_says_how_things_stand(
    db: Database, clock: ManualClock, event_id: str
) -> None:
    read = db.read_now(lambda conn: register.alert(conn, event_id))
    changed = db.write_now(lambda conn: register.change_alert(conn, read, clock.now(), reason="first"))
    assert (changed.version, changed.reason) == (read.version + 1, "first")
    with pytest.raises(Conflict, match=f"{event_id} has been changed meanwhile and is now {changed.status}"):
        db.write_now(lambda conn: register.change_alert(conn, read, clock.now(), reason="second"))
    assert db.read_now(lambda conn: register.alert(conn, event_id)).reason == "first"


@pytest.mark.parametrize("look", [register.alert, register.event, register.frozen])
def test_what_is_not_there_is_said_by_name(db: Database, look: object) -> None:
    with pytest.raises(NoSuchAlert, match="K7Q2-9"):
        db.read_now(lambda conn: look(conn, "K7Q2-9"))  # type: ignore[operator]


def test_standing_leaves_out_what_is_long_and_nothing_else(db: Database, event_id: str) -> None:
    (row,) = db.read_now(register.standing)
    whole = db.read_now(lambda conn: register.event(conn, event_id))
    assert (row.content, row.cap) == ("", b"")
    assert row.model_dump(exclude={"content", "cap"}) == whole.model_dump(exclude={"content", "cap"})
    assert db.read_now(lambda conn: register.standing(conn, statuses=["no such status"])) == []


def test_event_and_alert_move_together(db: Database, clock: ManualClock, event_id: str) -> None:
    db.write_now(lambda conn: register.set_status(conn, event_id, Status.STOPPED, clock.now(), stopped_at=clock.now()))
    alert = db.read_now(lambda conn: register.alert(conn, event_id))
    event = db.read_now(lambda conn: register.event(conn, event_id))
    assert alert.status == event.status == Status.STOPPED
    assert event.stopped_at == clock.now()


def test_an_end_is_noted_on_what_is_leaving_without_moving_it(db: Database, clock: ManualClock, event_id: str) -> None:
    db.write_now(lambda conn: register.set_status(conn, event_id, Status.SENDING, clock.now()))
    db.write_now(lambda conn: register.end(conn, event_id, EndedWhy.UPDATED, clock.now(), "id-2"))
    event = db.read_now(lambda conn: register.event(conn, event_id))
    assert (event.status, event.ended_why, event.replaced_by) == (Status.SENDING, EndedWhy.UPDATED, "id-2")
    db.write_now(lambda conn: register.set_status(conn, event_id, Status.ACTIVE, clock.now()))
    db.write_now(lambda conn: register.end(conn, event_id, EndedWhy.EXPIRED, clock.now()))
    assert db.read_now(lambda conn: register.event(conn, event_id)).status == Status.ENDED


def test_the_same_thing_due_at_the_same_time_is_due_once(db: Database, clock: ManualClock) -> None:
    for at in (clock.now(), clock.now(), clock.now() + timedelta(seconds=1)):
        db.write_now(lambda conn, at=at: register.due(conn, "expire", "K7Q2-1", at))
    assert db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM due")).scalar_one()) == 2
