"""What leaves in an incident agrees with what left before it, however close the two are and whoever was quicker."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from notify import duties
from notify.alerts import register, sequence
from notify.alerts.alert import Event, Stage, from_json
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import Draft, read
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing.cap_check import problems as cap_problems
from notify.tables import EventRow
from tests.notify.duties_factory import Watch
from tests.notify.ledger_factory import add_people, an_event_row
from tests.notify.newsroom_factory import APPROVER, Room, a_draft, follow_up
from tests.notify.signup_factory import embedded

NOW = datetime(2014, 5, 23, 16, 0, tzinfo=UTC)  # 9:00 in the city
PEOPLE = 6


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        database.write_now(lambda conn: add_people(conn, PEOPLE, NOW))
        yield database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def rows(room: Room, event_id: str) -> Mapping[str, int]:
    """How many texts of an event are in each state."""
    query = text("SELECT state, COUNT(*) AS people FROM delivery WHERE event_id = :id GROUP BY state")
    found = room.db.read_now(lambda conn: conn.execute(query, {"id": event_id}).all())
    return {row.state: row.people for row in found}


def hand_over(room: Room, event_id: str, people: int) -> None:
    query = text(
        "UPDATE delivery SET state = 'handed' WHERE delivery_id IN "
        "(SELECT delivery_id FROM delivery WHERE event_id = :id ORDER BY delivery_id LIMIT :people)"
    )
    room.db.write_now(lambda conn: conn.execute(query, {"id": event_id, "people": people}))


def of_stage(room: Room, event_id: str, stage: Stage) -> EventRow:
    rows = room.db.read_now(lambda conn: register.events(conn, event_id.partition("-")[0]))
    return next(row for row in rows if row.stage == stage)


def said(room: Room, event_id: str) -> Event:
    return from_json(room.event(event_id).content)


def until_its_end(room: Room, clock: ManualClock, event_id: str, left: timedelta) -> None:
    clock.forward(room.event(event_id).expires_at - clock.now() - left)


def a_test(incident: str) -> Draft:
    return read({"hazard": "test", "stage": "test", "area": {"names": ["Lents"]}, "incident": incident, "slots": {}})


@pytest.mark.parametrize("stage", [Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM])
async def test_a_renewal_that_waits_never_takes_back_what_people_have_just_said(
    room: Room, clock: ManualClock, watch: Watch, stage: Stage
) -> None:
    first = room.pressed()
    await watch.turn()
    hand_over(room, first, PEOPLE)
    until_its_end(room, clock, first, timedelta(minutes=1))
    promised = {"next_update_by": (clock.now() + timedelta(hours=3)).isoformat()} if stage is Stage.UPDATE else {}
    later = room.approved(follow_up(first, stage, **promised))
    until_its_end(room, clock, first, timedelta(seconds=5))
    await duties.look(watch.built)
    for task in list(watch.built._under_way.values()):
        await task
    renewal = of_stage(room, first, Stage.RENEWAL)
    assert renewal.status == Status.COUNTDOWN, "made, and not begun"
    room.do("send", APPROVER, later)
    room.begin(later)
    await watch.turn()
    renewal = room.event(renewal.event_id)
    assert renewal.status == Status.STOPPED and renewal.started_at is None
    assert room.event(later).ended_at is None, "what people said last is in force"
    assert room.event(first).ended_at is not None
    assert not any("was not sent" in page for page in watch.pages), "nobody is woken for what nobody misses"


@pytest.mark.parametrize("opens", [Stage.TEST, Stage.FIRST])
async def test_what_opens_an_incident_never_leaves_in_one_that_was_opened_meanwhile(
    room: Room, clock: ManualClock, watch: Watch, opens: Stage
) -> None:
    first = room.approved(a_draft(not_before=(NOW + timedelta(minutes=30)).isoformat()))
    room.do("send", APPROVER, first)
    clock.forward(timedelta(minutes=1))
    incident = first.partition("-")[0]
    second, digest = room.submitted(
        a_test(incident) if opens is Stage.TEST else a_draft(incident=incident, area={"names": ["Lents"]})
    )
    clock.forward(timedelta(minutes=30))
    await watch.turn()
    assert room.event(first).started_at is not None
    room.do("approve", APPROVER, second, digest)
    with pytest.raises(Unfit, match=f"{first} has left, and {second} is no message of its incident"):
        room.do("send", APPROVER, second)
    assert rows(room, first) == {"planned": PEOPLE}, "everybody still gets the alert"


async def test_whom_a_correction_keeps_from_hearing_anything_staff_are_told(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    first = room.pressed()
    await watch.turn()
    hand_over(room, first, 1)
    clock.forward(timedelta(minutes=1))
    correction = room.pressed(follow_up(first, Stage.CORRECTION))
    await watch.turn()
    assert rows(room, correction) == {"planned": 1}
    assert [page for page in watch.pages if correction in page] == [
        f"{correction} corrects an alert that was still leaving. 5 texts and mails of it were taken back, and nobody has told "
        "those people anything. If the danger goes on, send them an update."
    ]


@pytest.mark.parametrize(
    ("stage", "status", "warned"),
    [
        (Stage.CORRECTION, Status.SENDING, True),
        (Stage.CORRECTION, Status.PUBLISHING, True),
        (Stage.CORRECTION, Status.ACTIVE, False),
        (Stage.CORRECTION, Status.STOPPED, False),
        (Stage.UPDATE, Status.SENDING, False),
    ],
)
def test_the_author_of_a_correction_is_told_before_it_whom_it_will_miss(stage: Stage, status: Status, warned: bool) -> None:
    said = sequence.untold(stage, [an_event_row(NOW, status=status)])
    assert ("Whoever has not been told yet hears nothing" in " ".join(said)) is warned


async def test_a_correction_of_what_everybody_had_wakes_nobody(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed()
    await watch.turn()
    hand_over(room, first, PEOPLE)
    clock.forward(timedelta(minutes=1))
    room.pressed(follow_up(first, Stage.CORRECTION))
    await watch.turn()
    assert watch.pages == []


async def test_an_all_clear_that_waits_to_be_approved_outlives_a_renewal(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed()
    await watch.turn()
    until_its_end(room, clock, first, timedelta(seconds=20))
    clear, digest = room.submitted(follow_up(first, Stage.ALL_CLEAR))
    clock.forward(timedelta(seconds=20))
    await watch.turn()
    assert of_stage(room, first, Stage.RENEWAL).started_at is not None
    room.do("approve", APPROVER, clear, digest)
    room.do("send", APPROVER, clear)
    await watch.turn()
    assert room.event(clear).started_at is not None and of_stage(room, first, Stage.RENEWAL).ended_at is not None


def test_an_update_promised_for_before_the_alert_leaves_is_refused(room: Room) -> None:
    scheduled = {"not_before": (NOW + timedelta(hours=11)).isoformat()}
    draft = a_draft(next_update_by=(NOW + timedelta(hours=2)).isoformat(), **scheduled)
    with pytest.raises(Unfit) as refused:
        room.submitted(draft)
    assert refused.value.problems == ["next_update_by: lies before not_before, so people would read it when it has passed."]
    room.submitted(a_draft(next_update_by=(NOW + timedelta(hours=12)).isoformat(), **scheduled))


def test_an_alert_approved_so_late_that_its_promise_has_passed_is_written_anew(room: Room, clock: ManualClock) -> None:
    alert_id = room.approved(a_draft(next_update_by=(NOW + timedelta(hours=2)).isoformat()))
    clock.forward(timedelta(hours=3))
    with pytest.raises(Unfit, match="promises an update by 2014-05-23 18:00 UTC and leaves no earlier"):
        room.do("send", APPROVER, alert_id)


def test_what_leaves_already_leaves_though_its_promise_has_passed_meanwhile(room: Room, clock: ManualClock) -> None:
    alert_id = room.pressed(a_draft(next_update_by=(NOW + timedelta(hours=2)).isoformat()))
    clock.forward(timedelta(hours=3))
    assert room.begin(alert_id) == []


def test_a_scheduled_text_names_the_time_at_which_it_leaves(room: Room) -> None:
    alert_id = room.approved(a_draft(not_before=(NOW + timedelta(hours=11)).isoformat()))
    body = said(room, alert_id).contents["email/first/en"].body
    assert "8:00 PM" in body and "9:00 AM" not in body


async def test_a_false_alarm_names_the_message_that_people_got_and_no_renewal_of_it(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    first = room.pressed()
    await watch.turn()
    clock.forward(timedelta(days=1))
    await watch.turn()
    assert of_stage(room, first, Stage.RENEWAL).started_at is not None
    clock.forward(timedelta(minutes=1))
    body = said(room, room.approved(follow_up(first, Stage.FALSE_ALARM))).contents["sms/false_alarm/en"].body
    assert "Fri 9:00 AM" in body and "Sat" not in body


async def test_the_cap_of_an_all_clear_refers_to_what_left_after_its_approval(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    first = room.pressed()
    await watch.turn()
    until_its_end(room, clock, first, timedelta(seconds=40))
    clear = room.approved(follow_up(first, Stage.ALL_CLEAR))
    approved = room.event(clear)
    clock.forward(timedelta(seconds=40))
    await watch.turn()
    renewal = of_stage(room, first, Stage.RENEWAL)
    assert renewal.started_at is not None and renewal.identifier.encode() not in approved.cap
    room.do("send", APPROVER, clear)
    await watch.turn()
    left = room.event(clear)
    assert {renewal.identifier, room.event(first).identifier} <= {one.identifier for one in said(room, clear).references}
    assert renewal.identifier.encode() in left.cap
    assert (left.identifier, left.digest) == (approved.identifier, approved.digest), "it is what was approved"
    assert said(room, clear).sent >= said(room, renewal.event_id).sent
    assert [problem for problem in cap_problems(left.cap, "google", said(room, clear).references) if not problem.advice] == []
