"""What happens by itself: alerts expire or are renewed, promises and approvals are chased, and what is late never leaves."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from notify import audit, due, duties
from notify.alerts import register, renewal
from notify.alerts.alert import Stage, from_json
from notify.alerts.draft import read
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing import cap_check
from tests.notify.duties_factory import Watch
from tests.notify.ledger_factory import add_people
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room, a_draft, follow_up

MINUTE = timedelta(minutes=1)
ROAD = {"hazard": "road_closed", "area": {"names": ["Lents"]}, "slots": {"road": "SE Foster Rd"}}


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def people(room: Room, count: int) -> None:
    room.db.write_now(lambda conn: add_people(conn, count, room.clock.now()))


def hand_over(room: Room, event_id: str, count: int) -> None:
    """So many rows of the event leave."""
    room.db.write_now(
        lambda conn: conn.execute(
            text("""
            UPDATE delivery SET state = 'handed' WHERE delivery_id IN
            (SELECT delivery_id FROM delivery WHERE event_id = :id ORDER BY delivery_id LIMIT :count)"""),
            {"id": event_id, "count": count},
        )
    )


def states(room: Room, event_id: str) -> dict[tuple[str, str], int]:
    query = text("SELECT state, COALESCE(code, ''), COUNT(*) FROM delivery WHERE event_id = :id GROUP BY state, code")
    rows = room.db.read_now(lambda conn: conn.execute(query, {"id": event_id}).all())
    return {(row[0], row[1]): row[2] for row in rows}


def renewal_of(room: Room, event_id: str) -> Any:
    rows = room.db.read_now(lambda conn: register.events(conn, event_id.partition("-")[0]))
    return next((row for row in rows if row.stage == Stage.RENEWAL), None)


def road(room: Room) -> str:
    """An alert of Moderate severity, by its author alone, its countdown begun."""
    row = room.do("compose", AUTHOR, read(ROAD))
    digest = room.do("submit", AUTHOR, row.alert_id).digest
    room.do("approve", AUTHOR, row.alert_id, digest)
    room.do("send", AUTHOR, row.alert_id)
    return str(row.alert_id)


async def test_a_severe_alert_is_renewed_before_it_expires_and_tells_only_who_was_not_told(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    people(room, 6)
    first = room.pressed()
    await watch.turn()
    hand_over(room, first, 4)
    old = room.event(first)

    clock.forward(old.expires_at - clock.now() - timedelta(seconds=5))
    await watch.turn()
    new = renewal_of(room, first)
    assert new.started_at < old.expires_at, "no reader sees a gap"
    assert from_json(new.content).references[0].identifier == old.identifier
    assert [p.sentence for p in cap_check.problems(new.cap, "google", from_json(new.content).references) if not p.advice] == []
    assert from_json(new.content).contents == from_json(old.content).contents
    assert new.expires_at - old.expires_at >= timedelta(hours=23)
    assert states(room, first) == {("handed", ""): 4, ("withdrawn", "replaced"): 2}
    assert states(room, new.event_id) == {("planned", ""): 2}, "the told are not told twice"
    assert room.event(first).ended_why == "updated"
    assert any("was renewed as" in page for page in watch.pages)


async def test_half_an_hour_before_a_renewal_the_duty_officer_is_asked_once(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    first = room.pressed()
    await watch.turn()
    clock.forward(room.event(first).expires_at - clock.now() - 30 * MINUTE)
    await watch.turn()
    await watch.turn()
    assert [page for page in watch.pages if "or it renews itself" in page] == watch.pages != []
    assert len(watch.pages) == 1


async def test_a_renewal_is_renewed_in_its_turn(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed()
    await watch.turn()
    for count in (1, 2):
        clock.forward(timedelta(days=1))
        await watch.turn()
        events = room.db.read_now(lambda conn: register.events(conn, first.partition("-")[0]))
        assert [row.stage for row in events] == ["first"] + ["renewal"] * count
        assert [row.ended_at is None for row in events] == [False] * count + [True]


async def test_a_renewal_that_comes_late_still_names_what_it_renews(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed()
    await watch.turn()
    clock.forward(timedelta(days=3))
    await watch.turn()
    new = renewal_of(room, first)
    assert [one.identifier for one in from_json(new.content).references] == [room.event(first).identifier]


async def test_an_alert_that_is_over_is_not_renewed(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed()
    await watch.turn()
    clock.forward(MINUTE)
    room.pressed(follow_up(first, Stage.ALL_CLEAR))
    await watch.turn()
    clock.forward(timedelta(days=2))
    await watch.turn()
    assert renewal_of(room, first) is None
    assert not any("renewed" in page for page in watch.pages)


async def test_a_stopped_alert_is_never_renewed_and_somebody_is_told_that_it_has_expired(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    people(room, 5)
    first = room.pressed()
    await watch.turn()
    hand_over(room, first, 2)
    room.do("stop", APPROVER, first, "Wrong area.")
    await watch.conductor.withdraw(first)
    clock.forward(timedelta(days=1, minutes=1))
    await watch.turn()
    assert renewal_of(room, first) is None
    assert states(room, first) == {("handed", ""): 2, ("withdrawn", "stopped"): 3}
    assert any("was stopped, and has now expired" in page for page in watch.pages)


async def test_a_moderate_alert_expires_and_what_had_not_left_expires_with_it(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    people(room, 5)
    alert_id = road(room)
    await watch.turn()
    hand_over(room, alert_id, 3)
    expires = room.event(alert_id).expires_at
    clock.forward(expires - clock.now() - timedelta(seconds=1))
    await watch.turn()
    assert room.event(alert_id).ended_at is None, "an alert that is not renewed lasts to its end"
    clock.forward(timedelta(seconds=1))
    await watch.turn()
    row = room.event(alert_id)
    assert (row.status, row.ended_why) == (Status.ENDED, "expired")
    assert states(room, alert_id) == {("handed", ""): 3, ("expired", "expired"): 2}
    assert renewal_of(room, alert_id) is None


def looked_too_early(conn: Connection, room: Room, alert_id: str) -> None:
    """What a process does that looks at an alert's expiry just before it begins."""
    (task,) = [task for task in due.claim(conn, room.clock.now()) if task.kind == "expire"]
    assert renewal.expire(conn, room.newsroom.assembler, alert_id, room.clock.now()) is None
    due.done(conn, task, room.clock.now())


@pytest.mark.parametrize("renews", [False, True])
async def test_an_alert_that_begins_in_its_last_seconds_ends_or_is_renewed_like_any_other(
    room: Room, clock: ManualClock, watch: Watch, renews: bool
) -> None:
    people(room, 2)
    alert_id = room.pressed() if renews else road(room)
    expires = room.event(alert_id).expires_at
    clock.forward(expires - clock.now() - timedelta(seconds=3))
    room.db.write_now(lambda conn: looked_too_early(conn, room, alert_id))
    assert room.begin(alert_id) is not None
    clock.forward(timedelta(seconds=3))
    await watch.turn()
    assert room.event(alert_id).ended_why == ("updated" if renews else "expired")
    assert (renewal_of(room, alert_id) is not None) == renews


async def test_what_an_update_takes_the_place_of_is_withdrawn_and_not_expired(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    people(room, 2)
    first = room.pressed()
    await watch.turn()
    clock.forward(MINUTE)
    room.pressed(follow_up(first, Stage.UPDATE))
    await watch.turn()
    assert states(room, first) == {("withdrawn", "replaced"): 2}


async def test_a_scheduled_alert_waits_for_its_time(room: Room, clock: ManualClock, watch: Watch) -> None:
    people(room, 1)
    alert_id = room.pressed(a_draft(not_before="2014-05-23T18:00Z"))
    await watch.turn()
    assert room.event(alert_id).started_at is None
    clock.forward(timedelta(hours=3))
    await watch.turn()
    assert room.event(alert_id).started_at == clock.now()


async def test_an_alert_past_its_last_moment_never_leaves_and_somebody_is_told(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    people(room, 1)
    alert_id = room.pressed(a_draft(not_before="2014-05-23T18:00Z", not_after="2014-05-23T18:30Z"))
    clock.forward(timedelta(hours=4))  # the service was down
    await watch.turn()
    row = room.event(alert_id)
    assert (row.started_at, row.status) == (None, Status.STOPPED)
    (page,) = watch.pages
    assert f"{alert_id} was not sent" in page and "not to be sent after 2014-05-23 18:30" in page
    assert states(room, alert_id) == {}
    lines = room.db.read_now(lambda conn: audit.lines(conn, alert_id))
    assert lines[-1].action == "not sent in time"


async def test_an_alert_that_expired_while_it_waited_never_leaves_and_somebody_is_told(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    alert_id = room.pressed()
    clock.forward(timedelta(days=2))
    await watch.turn()
    assert room.event(alert_id).started_at is None
    assert any("already have expired" in page for page in watch.pages)


async def test_a_promise_is_chased_once_half_an_hour_before_it_is_due(room: Room, clock: ManualClock, watch: Watch) -> None:
    room.pressed(a_draft(next_update_by="2014-05-23T19:15Z"))
    await watch.turn()
    clock.forward(timedelta(hours=3, minutes=29))
    await watch.turn()
    assert watch.pages == []
    clock.forward(MINUTE)
    await watch.turn()
    await watch.turn()
    (page,) = watch.pages
    assert "we promised an update by 19:15 UTC" in page


async def test_a_promise_that_was_kept_is_not_chased(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed(a_draft(next_update_by="2014-05-23T19:15Z"))
    await watch.turn()
    clock.forward(MINUTE)
    room.pressed(follow_up(first, Stage.UPDATE, next_update_by="2014-05-23T23:00Z"))
    await watch.turn()
    clock.forward(timedelta(hours=4))
    await watch.turn()
    assert watch.pages == []


async def test_an_alert_nobody_approves_is_paged_after_ten_minutes(room: Room, clock: ManualClock, watch: Watch) -> None:
    alert_id, digest = room.submitted()
    clock.forward(9 * MINUTE)
    await watch.turn()
    assert watch.pages == []
    clock.forward(MINUTE)
    await watch.turn()
    (page,) = watch.pages
    assert alert_id in page and "still waits for approval" in page
    assert digest in page


async def test_a_duty_that_fails_is_tried_again_and_somebody_is_told(
    room: Room, clock: ManualClock, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = room.pressed()
    working = watch.conductor.start

    async def fail(_: str) -> None:
        raise OSError("no such luck")

    monkeypatch.setattr(type(watch.conductor), "start", lambda self, event_id: fail(event_id))
    await duties.look(watch.built)
    (task,) = [one for one in watch.built._under_way.values() if one.get_name().startswith("send ")]
    with pytest.raises(OSError, match="no such luck"):
        await task
    await duties.look(watch.built)
    assert any("failed: no such luck. It is tried again." in page for page in watch.pages)
    assert "will be tried again" in caplog.text
    monkeypatch.setattr(type(watch.conductor), "start", lambda self, event_id: working(event_id))
    clock.forward(MINUTE)
    await watch.turn()
    assert room.event(first).started_at == clock.now()
