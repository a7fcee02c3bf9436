"""What our texts promised stays open until it is kept, and somebody is told before it is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from notify.alerts import promises, register
from notify.alerts.alert import Event, Stage
from notify.db import Database
from tests.notify.factories import an_event

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
BY = NOW + timedelta(hours=4)


def an_act(number: int = 1, stage: Stage = Stage.FIRST, **fields: Any) -> Event:
    given: dict[str, Any] = {"event_id": f"K7Q2-{number}", "incident_id": "K7Q2", "until_cleared": False}
    return an_event(stage=stage, **(given | fields))


def happen(db: Database, event: Event) -> None:
    db.write_now(lambda conn: promises.keep_and_make(conn, event, NOW))


def still_open(db: Database) -> list[tuple[str, str]]:
    return [(one.incident_id, one.what) for one in db.read_now(promises.still_open)]


def warned_at(db: Database) -> list[datetime]:
    query = text("SELECT due_at FROM due WHERE kind = 'promise' ORDER BY due_at").columns(due_at=register.Due.due_at.type)  # type: ignore[attr-defined]
    return list(db.read_now(lambda conn: conn.execute(query).scalars().all()))


def test_an_alert_promises_an_update_and_to_say_when_it_is_over(db: Database) -> None:
    happen(db, an_act(next_update_by=BY, until_cleared=True))
    assert still_open(db) == [("K7Q2", "an update"), ("K7Q2", "to say when it is over")]
    assert warned_at(db) == [BY - timedelta(minutes=30)]


def test_an_update_keeps_the_promise_and_makes_the_next(db: Database) -> None:
    happen(db, an_act(next_update_by=BY, until_cleared=True))
    happen(db, an_act(2, Stage.UPDATE, next_update_by=BY + timedelta(hours=4), until_cleared=True))
    by = [one.by for one in db.read_now(promises.still_open)]
    assert by == [BY + timedelta(hours=4), None]
    assert db.read_now(lambda conn: promises.overdue_sentence(conn, "K7Q2-1/update")) is None


def test_an_open_promise_is_told_in_a_sentence(db: Database) -> None:
    happen(db, an_act(next_update_by=BY))
    told = db.read_now(lambda conn: promises.overdue_sentence(conn, "K7Q2-1/update"))
    assert told == "K7Q2: we promised an update by 19:15 UTC and it has not been sent."


def test_an_all_clear_and_a_false_alarm_keep_everything(db: Database) -> None:
    for stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM):
        happen(db, an_act(next_update_by=BY, until_cleared=True))
        happen(db, an_act(2, stage, next_update_by=BY, until_cleared=True))
        assert still_open(db) == []


def test_a_test_and_a_renewal_neither_keep_nor_make(db: Database) -> None:
    happen(db, an_act(next_update_by=BY, until_cleared=True))
    before = still_open(db)
    for stage in (Stage.TEST, Stage.RENEWAL):
        happen(db, an_act(2, stage, next_update_by=BY, until_cleared=True))
    assert still_open(db) == before


def test_another_incident_keeps_nothing_of_this_one(db: Database) -> None:
    happen(db, an_act(next_update_by=BY))
    happen(db, an_event(event_id="ZZZZ-1", incident_id="ZZZZ", stage=Stage.ALL_CLEAR))
    assert still_open(db) == [("K7Q2", "an update")]


def test_a_correction_of_an_all_clear_opens_the_promise_anew(db: Database) -> None:
    happen(db, an_act(until_cleared=True))
    happen(db, an_act(2, Stage.ALL_CLEAR))
    happen(db, an_act(3, Stage.CORRECTION, until_cleared=True))
    assert still_open(db) == [("K7Q2", "to say when it is over")]


def test_the_most_pressing_promise_stands_first(db: Database) -> None:
    happen(db, an_act(1, until_cleared=True, next_update_by=BY))
    happen(db, an_event(event_id="A-1", incident_id="A", next_update_by=NOW + timedelta(hours=1), until_cleared=False))
    assert [one.incident_id for one in db.read_now(promises.still_open)] == ["A", "K7Q2", "K7Q2"]
