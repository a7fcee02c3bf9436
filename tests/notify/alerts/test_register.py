"""Incidents, alerts and events as rows: ids that do not repeat, changes that do not overwrite each other, things due once."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from notify.alerts import register
from notify.alerts.life import LEAVING, Status
from notify.alerts.register import ID_LENGTH, ID_LETTERS, Conflict, NoSuchAlert
from notify.db import Database
from notify.tables import AlertRow, Due, EventRow
from tests.notify.ledger_factory import add_event, an_event_row

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENCE_S = 60


def an_alert(incident_id: str, alert_id: str, **given: Any) -> AlertRow:
    values: dict[str, Any] = {
        "alert_id": alert_id,
        "incident_id": incident_id,
        "stage": "first",
        "hazard": "boil_water",
        "status": Status.DRAFT,
        "content": "{}",
        "author": "author",
        "last_editor": "author",
        "created_at": NOW,
        "changed_at": NOW,
    }
    return AlertRow(**(values | given))


def add_alert(conn: Connection, incident_id: str) -> str:
    """As the newsroom does: nobody else adds to the incident meanwhile."""
    assert register.lock_incident(conn, incident_id)
    alert_id = register.next_alert_id(conn, incident_id)
    register.add(conn, an_alert(incident_id, alert_id))
    return alert_id


@pytest.fixture
def incident_id(db: Database) -> str:
    return db.write_now(lambda conn: register.new_incident(conn, "boil_water", NOW))


@pytest.fixture
def sent(db: Database) -> EventRow:
    """An event being sent, and its alert."""
    return db.write_now(lambda conn: add_event(conn, an_event_row(NOW, content="{}", cap=b"<alert/>"), NOW))


def test_an_incident_gets_an_id_that_can_be_read_out_on_the_phone(incident_id: str) -> None:
    assert len(incident_id) == ID_LENGTH
    assert set(incident_id) <= set(ID_LETTERS)
    assert not set(ID_LETTERS) & set("AEIOU01")


def test_an_id_that_was_used_before_is_never_given_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = itertools.chain("22222", "22222", "22222", "33333")
    monkeypatch.setattr("notify.alerts.register.secrets.choice", lambda letters: next(drawn))
    found = [db.write_now(lambda conn: register.new_incident(conn, "flood", NOW)) for _ in range(2)]
    assert found == ["22222", "33333"]


def test_alerts_of_an_incident_are_counted_through_and_those_of_others_are_not_counted(db: Database, incident_id: str) -> None:
    other = db.write_now(lambda conn: register.new_incident(conn, "flood", NOW))
    db.write_now(lambda conn: add_alert(conn, other))
    found = [db.write_now(lambda conn: add_alert(conn, incident_id)) for _ in range(11)]
    assert found == [f"{incident_id}-{number}" for number in range(1, 12)]


def test_alerts_added_at_once_get_ids_of_their_own(db: Database, incident_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: db.write_now(lambda conn: add_alert(conn, incident_id)), range(24)))
    assert sorted(found) == sorted(f"{incident_id}-{number}" for number in range(1, 25))


def test_what_does_not_exist_is_said_so(db: Database, incident_id: str) -> None:
    for read in (register.alert, register.event, register.frozen, register.lock_incident_of):
        with pytest.raises(NoSuchAlert, match="NNNNN-1"):
            db.write_now(lambda conn, read=read: read(conn, "NNNNN-1"))  # type: ignore[misc]
    assert not db.write_now(lambda conn: register.lock_incident(conn, "NNNNN"))
    assert db.write_now(lambda conn: register.lock_incident(conn, incident_id))


def test_a_row_reads_as_it_was_written(db: Database, incident_id: str) -> None:
    row = an_alert(incident_id, f"{incident_id}-1", reason="Ünïcode, 中文", submitted_at=NOW + SECOND / 3)
    db.write_now(lambda conn: register.add(conn, row))
    assert db.read_now(lambda conn: register.alert(conn, row.alert_id)).model_dump() == row.model_dump()


def test_a_change_is_written_over_what_was_read(db: Database, incident_id: str) -> None:
    alert_id = db.write_now(lambda conn: add_alert(conn, incident_id))
    row = db.read_now(lambda conn: register.alert(conn, alert_id))
    changed = db.write_now(
        lambda conn: register.change_alert(conn, row, NOW + SECOND, status=Status.PENDING.value, reason="ready")
    )
    assert (changed.status, changed.reason, changed.version, changed.changed_at) == ("pending", "ready", 2, NOW + SECOND)
    assert changed == db.read_now(lambda conn: register.alert(conn, row.alert_id))


def test_a_change_over_somebody_elses_is_refused_and_changes_nothing(db: Database, incident_id: str) -> None:
    alert_id = db.write_now(lambda conn: add_alert(conn, incident_id))
    row = db.read_now(lambda conn: register.alert(conn, alert_id))
    db.write_now(lambda conn: register.change_alert(conn, row, NOW, status=Status.PENDING.value))
    with pytest.raises(Conflict, match=f"{alert_id} has been changed meanwhile and is now pending"):
        db.write_now(lambda conn: register.change_alert(conn, row, NOW, content="mine"))
    assert db.read_now(lambda conn: register.alert(conn, alert_id)).content == "{}"


def test_a_change_of_a_row_that_is_gone_is_said_so(db: Database, incident_id: str) -> None:
    with pytest.raises(NoSuchAlert):
        db.write_now(lambda conn: register.change_alert(conn, an_alert(incident_id, "NNNNN-1"), NOW, content="mine"))


def test_of_many_changes_to_one_reading_exactly_one_is_taken(db: Database, incident_id: str) -> None:
    alert_id = db.write_now(lambda conn: add_alert(conn, incident_id))
    row = db.read_now(lambda conn: register.alert(conn, alert_id))
    gate = threading.Barrier(6)

    def change(number: int) -> bool:
        gate.wait(PATIENCE_S)
        try:
            db.write_now(lambda conn: register.change_alert(conn, row, NOW, content=str(number)))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(change, range(6)))
    now = db.read_now(lambda conn: register.alert(conn, alert_id))
    assert sum(taken) == 1
    assert (now.content, now.version) == (str(taken.index(True)), 2)


def test_an_event_and_its_alert_move_together(db: Database, sent: EventRow) -> None:
    later = NOW + SECOND
    db.write_now(lambda conn: register.set_status(conn, sent.event_id, Status.ACTIVE, later, done_at=later))
    row = db.read_now(lambda conn: register.event(conn, sent.event_id))
    alert = db.read_now(lambda conn: register.alert(conn, sent.event_id))
    assert (row.status, row.done_at) == ("active", later)
    assert (alert.status, alert.changed_at, alert.version) == ("active", later, 2)


@pytest.mark.parametrize("status", list(Status))
def test_an_end_leaves_an_event_that_is_leaving_to_those_who_stop_it(db: Database, sent: EventRow, status: Status) -> None:
    db.write_now(lambda conn: register.set_status(conn, sent.event_id, status, NOW))
    db.write_now(lambda conn: register.end(conn, sent.event_id, "updated", NOW + SECOND, "id-2"))
    row = db.read_now(lambda conn: register.event(conn, sent.event_id))
    assert (row.ended_why, row.ended_at, row.replaced_by) == ("updated", NOW + SECOND, "id-2")
    assert row.status == (status if status in LEAVING else Status.ENDED)
    assert db.read_now(lambda conn: register.alert(conn, sent.event_id)).ended_why == "updated"


def test_events_come_in_the_order_they_were_approved_and_as_asked_for(db: Database) -> None:
    order = [("B-1", "B", 3, "sending"), ("A-1", "A", 1, "active"), ("A-2", "A", 2, "sending"), ("A-3", "A", 2, "ended")]
    for event_id, incident, at, status in order:
        row = an_event_row(
            NOW + SECOND * at,
            event_id=event_id,
            alert_id=event_id,
            incident_id=incident,
            identifier=event_id,
            status=status,
            content='{"long": true}',
            cap=b"<alert/>",
        )
        db.write_now(lambda conn, row=row: add_event(conn, row, NOW))  # type: ignore[misc]

    def ids(rows: list[EventRow]) -> list[str]:
        return [row.event_id for row in rows]

    def read(conn: Connection) -> None:
        assert ids(register.events(conn)) == ids(register.standing(conn)) == ["A-1", "A-2", "A-3", "B-1"]
        assert ids(register.events(conn, "A", ["sending", "ended"])) == ["A-2", "A-3"]
        assert ids(register.standing(conn, ["sending"])) == ["A-2", "B-1"]
        assert [(row.content, row.cap) for row in register.standing(conn, event_id="A-2")] == [("", b"")]
        assert ids(register.standing(conn, incident_id="A")) == ["A-1", "A-2", "A-3"]
        register.change_event(conn, "A-1", done_at=NOW)
        assert ids(register.standing(conn, undone=True)) == ["A-2", "A-3", "B-1"]
        assert register.event(conn, "A-2").cap == b"<alert/>"
        assert [row.alert_id for row in register.all_alerts(conn, "A")] == ["A-1", "A-2", "A-3"]
        assert len(register.all_alerts(conn)) == 4 and register.all_alerts(conn, "A")[0].frozen is None

    db.write_now(read)


def test_standing_leaves_out_what_is_long_and_nothing_else(db: Database, sent: EventRow) -> None:
    (row,) = db.read_now(register.standing)
    whole = db.read_now(lambda conn: register.event(conn, sent.event_id))
    assert row.model_dump() == whole.model_dump() | {"content": "", "cap": b""}


def test_of_what_is_over_only_a_late_all_clear_or_false_alarm_is_looked_at_again(db: Database) -> None:
    told: list[tuple[str, dict[str, object]]] = [
        ("first-on", {"stage": "first", "started_at": NOW - SECOND * 50}),
        ("not-begun", {"stage": "update"}),
        ("replaced", {"stage": "update", "started_at": NOW, "ended_at": NOW}),
        ("cleared", {"stage": "all_clear", "started_at": NOW, "ended_at": NOW}),
        ("cleared-long-ago", {"stage": "all_clear", "started_at": NOW - SECOND * 50, "ended_at": NOW}),
        ("never-was", {"stage": "false_alarm", "started_at": NOW, "ended_at": NOW}),
    ]
    for number, (name, given) in enumerate(told):
        row = an_event_row(NOW + SECOND * number, event_id=name, alert_id=name, identifier=name, **given)
        db.write_now(lambda conn, row=row: add_event(conn, row, NOW))  # type: ignore[misc]
    found = db.read_now(lambda conn: register.standing(conn, since=NOW - SECOND))
    assert [row.event_id for row in found] == ["first-on", "not-begun", "cleared", "never-was"]


def due_count(db: Database) -> int:
    return db.read_now(lambda conn: conn.execute(select(func.count()).select_from(Due)).scalar_one())


def test_something_due_is_noted_once_for_each_kind_matter_and_time(db: Database) -> None:
    for kind, ref, at in itertools.product(("send", "expire"), ("K7Q2X-1", "K7Q2X-2"), (NOW, NOW + SECOND)):
        for _ in range(2):
            db.write_now(lambda conn, kind=kind, ref=ref, at=at: register.due(conn, kind, ref, at))  # type: ignore[misc]
    assert due_count(db) == 8


def test_what_two_note_in_the_same_moment_is_noted_once_and_nobody_is_refused(db: Database) -> None:
    inserting = threading.Event()

    def note() -> None:
        with db.writer.begin() as conn:
            event.listen(conn, "before_cursor_execute", lambda _c, _u, said, *_: inserting.set() if "INSERT" in said else None)
            register.due(conn, "send", "K7Q2X-1", NOW)

    with ThreadPoolExecutor(1) as pool:
        with db.writer.begin() as conn:
            register.due(conn, "send", "K7Q2X-1", NOW)
            other = pool.submit(note)
            if not db.sqlite:  # there only one writes at a time: the other one has not begun
                assert inserting.wait(PATIENCE_S)
        other.result(PATIENCE_S)
    assert due_count(db) == 1
