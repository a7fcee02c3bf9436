"""The verbs of surge mode on both databases: one transaction each, two people, nothing lost of who did what."""

import json

import pytest
from sqlalchemy import Connection, update
from sqlmodel import col

from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.register import Conflict
from notify.clock import ManualClock
from notify.db import Database
from notify.staff import paging_rows, people
from notify.staff.paging import Kind
from notify.staff.paging_tables import StaffContact
from surge.switch import store
from surge.switch.activate import NoSuchActivation
from surge.switch.activation import Status
from surge.tables import CallbackRow, ContactRow
from tests.surge.incident_factory import AGENT, APPROVER, AUTHOR, LEAD, Desk, drills


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


def acts(db: Database) -> list[str]:
    return [line.action for line in db.read_now(audit.lines)]


def test_from_the_draft_to_the_report_every_step_is_in_the_log(desk: Desk) -> None:
    row = desk.opened()
    desk.db.write_now(lambda conn: desk.switch.level(conn, LEAD, row.activation_id, 2, "The line grows."))
    desk.db.write_now(lambda conn: desk.switch.stand_down(conn, LEAD, row.activation_id, "It is over."))
    closed = desk.db.write_now(lambda conn: desk.switch.close(conn, LEAD, row.activation_id, "Two deliveries are open."))
    assert closed.status == Status.CLOSED and closed.handover == "Two deliveries are open."
    assert desk.db.read_now(store.current) is None
    desk.db.write_now(lambda conn: desk.switch.report(conn, LEAD, row.activation_id))
    told = [one for one in acts(desk.db) if "fact" not in one and "line" not in one and "script" not in one]
    assert told == [
        "chose surge mode",
        "armed surge mode",
        "opened surge mode",
        "changed the level",
        "stood surge mode down",
        "closed surge mode",
        "reported surge mode",
    ]
    assert audit.problems(desk.db.read_now(audit.lines)) == []


def test_what_is_not_ready_is_not_armed_and_says_everything_at_once(desk: Desk) -> None:
    row, desk.heard = desk.made(), {"en"}
    with pytest.raises(Unfit) as refused:
        desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    assert refused.value.problems == [
        "boil_minutes: not set. How long?",
        "next_update: not set. When does the City speak next?",
        "sites: not set. Where is water?",
        "The script is not published.",
        "0 of 1 agents have ended the practice call.",
        "No message can be heard in es.",
        "The number's fallback was never tested: nobody knows where a call goes when this service is away.",
        "The number of 211 was never dialled to test it.",
    ]
    assert desk.db.read_now(store.current).status == Status.DRAFT  # type: ignore[union-attr]


def test_one_person_alone_opens_nothing(desk: Desk) -> None:
    row = desk.ready()
    desk.db.write_now(lambda conn: desk.switch.arm(conn, LEAD, row.activation_id))
    with pytest.raises(NotAllowed, match="somebody else must open it"):
        desk.db.write_now(lambda conn: desk.switch.open(conn, LEAD, row.activation_id, 1))
    opened = desk.db.write_now(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1))
    assert (opened.armed_by, opened.opened_by, opened.level) == ("lead", "approver", 1)


def test_opening_twice_leaves_one_line(desk: Desk) -> None:
    row = desk.opened()
    again = desk.db.write_now(lambda conn: desk.switch.open(conn, LEAD, row.activation_id, 1))
    assert again.rev == row.rev and acts(desk.db).count("opened surge mode") == 1
    with pytest.raises(Conflict, match="open at level 1 already"):
        desk.db.write_now(lambda conn: desk.switch.open(conn, LEAD, row.activation_id, 3))


def test_there_is_one_activation_at_a_time_and_a_drill_gives_way(desk: Desk) -> None:
    drill = desk.made(drill=True)
    with pytest.raises(Conflict, match="close it first"):
        desk.made(drill=True)
    real = desk.made()
    assert desk.db.read_now(lambda conn: desk.switch.row(conn, drill.activation_id)).status == Status.CLOSED
    assert desk.db.read_now(store.current).activation_id == real.activation_id  # type: ignore[union-attr]
    for kind in (True, False):
        with pytest.raises(Conflict, match="There is one at a time"):
            desk.made(drill=kind)


def test_an_instance_that_reaches_nobody_makes_drills_only(desk: Desk) -> None:
    assert drills(desk).made().drill


def test_who_looked_at_an_older_one_is_told_so(desk: Desk) -> None:
    row = desk.opened()
    with pytest.raises(Conflict, match="changed since you looked; it is open now"):
        desk.db.write_now(lambda conn: desk.switch.stand_down(conn, LEAD, row.activation_id, "Over.", seen=row.rev - 1))
    with pytest.raises(NoSuchActivation):
        desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, "S-none"))


def test_a_reason_is_required_and_not_a_novel(desk: Desk) -> None:
    for why in ("", "  ", "x" * 501):
        with pytest.raises(Unfit, match=r"reason"):
            desk.db.write_now(lambda conn, why=why: desk.switch.make(conn, AUTHOR, "boil", why))
    with pytest.raises(Unfit, match="There is no runbook flood; there are boil"):
        desk.db.write_now(lambda conn: desk.switch.make(conn, AUTHOR, "flood", "Rain."))
    with pytest.raises(NotAllowed):
        desk.db.write_now(lambda conn: desk.switch.make(conn, AGENT, "boil", "Many calls."))


def test_nobody_who_waits_is_left_alone(desk: Desk) -> None:
    row = desk.opened()
    desk.contact(row, "c1", "queueing", 1)
    desk.contact(row, "c2", "callback", 1)
    callback = CallbackRow(
        callback_id="b1",
        contact_id="c2",
        state="holding",
        asked_at=row.made_at,
        promised_from=row.made_at,
        promised_to=row.made_at,
        next_at=row.made_at,
    )
    desk.db.write_now(lambda conn: store.add(conn, callback))
    desk.db.write_now(lambda conn: desk.switch.stand_down(conn, LEAD, row.activation_id, "Over."))
    with pytest.raises(Unfit) as refused:
        desk.db.write_now(lambda conn: desk.switch.close(conn, LEAD, row.activation_id, "note"))
    assert len(refused.value.problems) == 2 and "1 people still wait" in refused.value.problems[0]

    def served(conn: Connection) -> None:
        conn.execute(update(ContactRow).where(col(ContactRow.contact_id) == "c1").values(standing="done"))
        conn.execute(update(CallbackRow).values(ended_at=row.made_at))

    desk.db.write_now(served)
    assert desk.db.write_now(lambda conn: desk.switch.close(conn, LEAD, row.activation_id, "note")).status == "closed"


def test_with_nobody_at_the_desks_everybody_who_answers_is_called_in_with_the_opening(desk: Desk) -> None:
    row = desk.ready()

    def hire(conn: Connection) -> None:
        for person_id, role in (("librarian", "agent311"), ("chief", "lead311"), ("poet", "author"), ("silent", "agent311")):
            people.add(conn, person_id, [role], {}, desk.clock.now())
            if person_id != "silent":
                store.add(
                    conn,
                    StaffContact(person_id=person_id, channel="sms", sealed=b"x", key_id="k", confirmed_at=desk.clock.now()),
                )

    desk.db.write_now(hire)
    desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    for _ in range(2):  # pressed twice, called once
        desk.db.write_now(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1, nobody=True))
    pages = desk.db.read_now(lambda conn: paging_rows.of_kind(conn, Kind.CALL_IN, row.activation_id))
    assert sorted(one.person_id for one in pages) == ["chief", "librarian"]
    line = next(one for one in desk.db.read_now(audit.lines) if one.action == "opened surge mode")
    assert json.loads(line.detail)["called_in"] == 2


def test_lines_that_are_not_ours_are_not_tested(desk: Desk) -> None:
    with pytest.raises(Unfit, match="there are fallback, partner 211"):
        desk.db.write_now(lambda conn: desk.switch.tested(conn, LEAD, "911"))
    with pytest.raises(NotAllowed):
        desk.db.write_now(lambda conn: desk.switch.tested(conn, AGENT, "fallback"))
