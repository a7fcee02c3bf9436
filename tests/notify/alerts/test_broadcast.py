"""Compose, approve, send and stop as transactions: who may, what was read, and who was first."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from notify import audit
from notify.alerts import register
from notify.alerts.alert import Mode, Stage, from_json
from notify.alerts.assembly import Assembly
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.draft import read
from notify.alerts.life import Role, Status
from notify.alerts.register import Conflict
from notify.clock import ManualClock
from notify.db import Database
from notify.tables import Due
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room, a_draft, follow_up, somebody

SECOND = timedelta(seconds=1)


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def at_once(count: int, work: Callable[[int], Any]) -> tuple[list[Any], list[Exception]]:
    """Runs the work in as many threads, all let go together; what came out, and what was refused."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        gate.wait(60)
        try:
            return work(number)
        except (Conflict, NotAllowed, Unfit) as refused:
            return refused

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(one, range(count)))
    return [one for one in results if not isinstance(one, Exception)], [one for one in results if isinstance(one, Exception)]


def test_the_event_is_what_was_read_and_nothing_has_left(room: Room) -> None:
    alert_id, digest = room.submitted()
    room.do("approve", APPROVER, alert_id, digest)
    row = room.event(alert_id)
    event = from_json(row.content)
    assert row.digest == event.digest == digest
    assert event.identifier == row.identifier and row.identifier.encode() in row.cap
    assert row.status == Status.APPROVED and row.started_at is None


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_machine_too_busy_to_make_the_texts_at_once_is_not_taken_for_frozen(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assemble, patience = Assembly.assemble, []

    def asked(assembly: Assembly, conn: Connection, *given: Any) -> Any:
        patience.append(conn.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one())
        return assemble(assembly, conn, *given)

    monkeypatch.setattr(Assembly, "assemble", asked)
    room.submitted()
    assert patience == ["2min"], "others wait ten seconds for what a frozen process holds; nobody waits for this"


def test_an_edit_voids_what_was_read(room: Room) -> None:
    alert_id, digest = room.submitted()
    with pytest.raises(Conflict, match="only a draft or a returned alert"):
        room.do("edit", AUTHOR, alert_id, a_draft(short=True))
    room.do("send_back", APPROVER, alert_id, "Too long.")
    edited = room.do("edit", AUTHOR, alert_id, a_draft(area={"names": ["Lents"]}))
    assert (edited.digest, edited.frozen) == (None, None)
    with pytest.raises(Conflict, match="only a submitted alert"):
        room.do("approve", APPROVER, alert_id, digest)
    again = room.do("submit", AUTHOR, alert_id)
    assert again.digest != digest
    with pytest.raises(Conflict, match="not what you read"):
        room.do("approve", APPROVER, alert_id, digest)


def test_twenty_approvals_at_once_make_one_event(room: Room) -> None:
    alert_id, digest = room.submitted()
    approvers = [somebody(f"approver-{number}", Role.APPROVER) for number in range(20)]
    done, refused = at_once(20, lambda number: room.do("approve", approvers[number], alert_id, digest))
    assert (len(done), len(refused)) == (1, 19)
    assert all(isinstance(error, Conflict) for error in refused)
    lines = room.db.read_now(lambda conn: audit.lines(conn, alert_id))
    assert [line.action for line in lines].count("approved") == 1


def test_of_two_alerts_of_one_incident_only_one_is_approved_as_it_was_read(room: Room, clock: ManualClock) -> None:
    first = room.left()
    clock.forward(timedelta(seconds=1))
    waiting = [room.submitted(follow_up(first, stage)) for stage in (Stage.UPDATE, Stage.ALL_CLEAR)]
    clock.forward(timedelta(seconds=1))
    done, (refused,) = at_once(2, lambda number: room.do("approve", APPROVER, *waiting[number]))
    assert len(done) == 1
    assert "was approved since" in str(refused)


def test_drafts_composed_at_once_in_one_incident_get_different_ids(room: Room) -> None:
    first = room.left()
    done, refused = at_once(8, lambda _: room.do("compose", AUTHOR, follow_up(first, Stage.UPDATE)))
    assert refused == []
    assert len({row.alert_id for row in done}) == 8


def test_of_twenty_edits_of_what_was_read_every_one_is_a_version(room: Room) -> None:
    row = room.do("compose", AUTHOR, a_draft())
    done, refused = at_once(20, lambda number: room.do("edit", AUTHOR, row.alert_id, a_draft(note=f"Edit {number}.")))
    assert (len(done), refused) == (20, [])
    assert sorted(one.version for one in done) == list(range(2, 22))


def test_submitting_and_returning_at_once_leaves_one_clear_state(room: Room) -> None:
    alert_id, digest = room.submitted()
    verbs: list[Callable[[], Any]] = [
        lambda: room.do("approve", APPROVER, alert_id, digest),
        lambda: room.do("send_back", APPROVER, alert_id, "Not now."),
    ]
    done, refused = at_once(2, lambda number: verbs[number]())
    assert (len(done), len(refused)) == (1, 1)


def test_the_author_of_a_two_person_alert_cannot_approve_it(room: Room) -> None:
    both = somebody("both", Role.AUTHOR, Role.APPROVER)
    alert_id, digest = room.submitted(author=both)
    with pytest.raises(NotAllowed, match="both wrote this alert"):
        room.do("approve", both, alert_id, digest)


def test_the_last_editor_cannot_approve_either(room: Room) -> None:
    row = room.do("compose", AUTHOR, a_draft())
    editor = somebody("editor", Role.APPROVER)
    room.do("edit", editor, row.alert_id, a_draft(area={"names": ["Lents"]}))
    digest = room.do("submit", AUTHOR, row.alert_id).digest
    with pytest.raises(NotAllowed, match="last to edit"):
        room.do("approve", editor, row.alert_id, digest)
    room.do("approve", APPROVER, row.alert_id, digest)


def test_an_author_alone_sends_what_needs_one_person(room: Room) -> None:
    slots = {"road": "SE Foster Rd"}
    alert_id, digest = room.submitted(read({"hazard": "road_closed", "area": {"names": ["Lents"]}, "slots": slots}))
    room.do("approve", AUTHOR, alert_id, digest)
    assert room.do("send", AUTHOR, alert_id).status == Status.COUNTDOWN


def test_a_correction_is_approved_by_its_author_alone(room: Room, clock: ManualClock) -> None:
    first = room.left()
    clock.forward(timedelta(minutes=1))
    alert_id, digest = room.submitted(follow_up(first, Stage.CORRECTION))
    with pytest.raises(NotAllowed):
        room.do("approve", somebody("stranger", Role.AUTHOR), alert_id, digest)
    room.do("approve", AUTHOR, alert_id, digest)
    assert room.event(alert_id).priority < room.event(first).priority


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT311, Role.LEAD311, Role.TRANSLATOR, Role.ADMIN])
def test_other_roles_do_nothing_with_alerts(room: Room, role: Role) -> None:
    other = somebody("other", role)
    with pytest.raises(NotAllowed):
        room.do("compose", other, a_draft())
    alert_id, digest = room.submitted()
    for verb, *rest in (("submit",), ("approve", digest), ("send_back", "Why not."), ("edit", a_draft())):
        with pytest.raises((NotAllowed, Conflict)):
            room.do(verb, other, alert_id, *rest)
    room.do("approve", APPROVER, alert_id, digest)
    for verb, *rest in (("send",), ("stop", "Why not.")):
        with pytest.raises(NotAllowed):
            room.do(verb, other, alert_id, *rest)
    assert room.event(alert_id).status == Status.APPROVED


@pytest.mark.parametrize(
    "scope",
    [
        {"hazards": frozenset({"flood"})},
        {"areas": frozenset({"Lents"})},
        {"channels": frozenset({"feed"})},
    ],
)
def test_a_scope_holds_for_writing_and_approving(room: Room, scope: dict[str, frozenset[str]]) -> None:
    with pytest.raises(NotAllowed):
        room.do("compose", somebody("narrow", Role.AUTHOR, **scope), a_draft())
    alert_id, digest = room.submitted()
    with pytest.raises(NotAllowed):
        room.do("approve", somebody("narrow-too", Role.APPROVER, **scope), alert_id, digest)
    with pytest.raises(NotAllowed):
        room.do("send_back", somebody("narrow-too", Role.APPROVER, **scope), alert_id, "Not mine to judge.")
    inside = {"hazards": frozenset({"boil_water"}), "areas": frozenset({"Portland"})}
    room.do("approve", somebody("fitting", Role.APPROVER, **inside), alert_id, digest)


def test_only_its_approver_sends_and_only_once(room: Room) -> None:
    alert_id = room.approved()
    with pytest.raises(NotAllowed, match="Only approver"):
        room.do("send", somebody("another", Role.APPROVER), alert_id)
    done, refused = at_once(8, lambda _: room.do("send", APPROVER, alert_id))
    assert (len(done), len(refused)) == (1, 7)


def test_an_alert_that_would_have_expired_is_not_approved(room: Room, clock: ManualClock) -> None:
    alert_id, digest = room.submitted(a_draft(until="", expires="2014-05-23T16:00Z"))
    clock.forward(timedelta(hours=1))
    with pytest.raises(Unfit, match="would already have expired"):
        room.do("approve", APPROVER, alert_id, digest)


def test_an_alert_of_another_mode_is_not_approved(room: Room) -> None:
    alert_id, digest = room.submitted()
    with pytest.raises(Unfit, match="written in mode demo; this service runs in mode training"):
        room.in_mode(Mode.TRAINING).do("approve", APPROVER, alert_id, digest)


def test_an_approved_alert_is_not_sent_after_its_last_moment(room: Room, clock: ManualClock) -> None:
    alert_id = room.approved(a_draft(not_after="2014-05-23T16:00Z"))
    clock.forward(timedelta(hours=1))
    with pytest.raises(Unfit, match="was not to be sent after 2014-05-23 16:00"):
        room.do("send", APPROVER, alert_id)


def test_an_approved_alert_is_not_sent_after_its_expiry(room: Room, clock: ManualClock) -> None:
    alert_id = room.approved()
    clock.forward(timedelta(hours=24))
    with pytest.raises(Unfit, match="would already have expired"):
        room.do("send", APPROVER, alert_id)


def test_not_before_holds_the_countdown(room: Room, clock: ManualClock) -> None:
    alert_id = room.approved(a_draft(not_before="2014-05-23T18:00Z"))
    row = room.do("send", APPROVER, alert_id)
    assert row.countdown_until == datetime.fromisoformat("2014-05-23T18:00+00:00")
    assert due_of(room, alert_id)["send"] == row.countdown_until


def test_what_is_due_after_sending_leaves_time_for_a_renewal(room: Room) -> None:
    alert_id = room.pressed()
    expires = room.event(alert_id).expires_at
    due = due_of(room, alert_id)
    assert due["expire"] == expires - 5 * SECOND
    assert due["renewal warning"] == expires - timedelta(minutes=30)


def test_an_update_approved_before_the_all_clear_never_follows_it(room: Room, clock: ManualClock) -> None:
    first = room.left()
    clock.forward(timedelta(minutes=1))
    update = room.approved(follow_up(first, Stage.UPDATE))
    clock.forward(timedelta(minutes=1))
    room.left(follow_up(first, Stage.ALL_CLEAR))
    with pytest.raises(Unfit, match=r"\(all_clear\) has left since"):
        room.do("send", APPROVER, update)


def test_a_scheduled_update_is_held_for_good_by_an_all_clear(room: Room, clock: ManualClock) -> None:
    first = room.left()
    clock.forward(timedelta(minutes=1))
    update = room.pressed(follow_up(first, Stage.UPDATE, not_before="2014-05-23T20:00Z"))
    clock.forward(timedelta(minutes=1))
    over = room.left(follow_up(first, Stage.ALL_CLEAR))
    clock.forward(timedelta(hours=5))
    assert room.begin(update) is None
    assert (room.event(update).status, room.event(over).status) == (Status.STOPPED, Status.PUBLISHING)


def test_stop_is_final(room: Room) -> None:
    alert_id = room.left()
    room.do("stop", APPROVER, alert_id, "Wrong area.")
    for verb, *rest in (("send",), ("stop", "Again."), ("approve", room.event(alert_id).digest)):
        with pytest.raises(Conflict):
            room.do(verb, APPROVER, alert_id, *rest)
    assert room.event(alert_id).status == Status.STOPPED


def test_stop_during_the_countdown_keeps_everything_back(room: Room) -> None:
    alert_id = room.pressed()
    room.do("stop", AUTHOR, alert_id, "Not yet.")
    assert room.begin(alert_id) is None
    assert room.event(alert_id).started_at is None


def test_stop_and_the_start_at_once_end_stopped_or_leave_nothing_undecided(room: Room) -> None:
    alert_id = room.pressed()
    verbs: list[Callable[[], Any]] = [
        lambda: room.do("stop", APPROVER, alert_id, "Wrong."),
        lambda: room.begin(alert_id),
    ]
    _, refused = at_once(2, lambda number: verbs[number]())
    assert refused == []
    assert room.event(alert_id).status == Status.STOPPED


def test_a_reason_is_required_and_a_return_says_it(room: Room) -> None:
    alert_id, _ = room.submitted()
    with pytest.raises(Unfit, match="reason is required"):
        room.do("send_back", APPROVER, alert_id, "  ")
    room.do("send_back", APPROVER, alert_id, "Which street?", reject=True)
    row = room.db.read_now(lambda conn: register.alert(conn, alert_id))
    assert (row.status, row.reason) == ("rejected", "Which street?")
    with pytest.raises(Conflict):
        room.do("submit", AUTHOR, alert_id)


def test_a_draft_cannot_turn_into_another_hazard_or_stage(room: Room) -> None:
    row = room.do("compose", AUTHOR, a_draft())
    with pytest.raises(Unfit, match="compose another alert"):
        room.do("edit", AUTHOR, row.alert_id, a_draft(hazard="flood"))


def test_a_follow_up_of_no_incident_is_refused(room: Room) -> None:
    with pytest.raises(Unfit, match="no incident ZZZZZ"):
        room.do("compose", AUTHOR, follow_up("ZZZZZ-1", Stage.UPDATE))


def due_of(room: Room, ref: str) -> dict[str, datetime]:
    table = Due.__table__  # type: ignore[attr-defined]
    rows = room.db.read_now(lambda conn: conn.execute(table.select().where(table.c.ref == ref)).all())
    return {row.kind: row.due_at for row in rows}
