"""What follows from a switch: the floor is told once, staff are called in once, and a restart forgets neither."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from notify.clock import ManualClock
from notify.db import Database
from notify.staff import paging_rows
from notify.staff.paging import Kind, PageState
from surge.switch.activation import Activation, Status
from surge.switch.call_in import CallIn
from surge.switch.control import Control, Outside
from tests.notify.paging_factory import Office
from tests.surge.incident_factory import APPROVER, AUTHOR, LEAD, Desk


class World:
    """Everything outside, listening."""

    def __init__(self, call_in: CallIn | None = None) -> None:
        self.told: list[Activation | None] = []
        self.called: list[tuple[Sequence[str], str]] = []
        self._call_in = call_in

    async def switched(self, one: Activation | None) -> None:
        self.told.append(one)

    async def call_back(self, contacts: Sequence[str], why: str) -> None:
        self.called.append((contacts, why))

    def outside(self) -> Outside:
        more = {"call_in": self._call_in} if self._call_in else {}
        return Outside(switched=self.switched, call_back=self.call_back, **more)


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


def control_of(desk: Desk, world: World) -> Control:
    return Control(db=desk.db, publishing=desk.publishing, outside=world.outside())


async def test_the_floor_is_told_of_every_change_and_of_nothing_else(desk: Desk) -> None:
    world = World()
    control = control_of(desk, world)
    await control.tell()
    assert world.told == [None], "at a start it is told how things stand"
    row = desk.ready()
    await control.do(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    await control.do(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1))
    await control.do(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1))
    await control.tick()
    assert [one.status if one else None for one in world.told] == [None, Status.ARMED, Status.OPEN]
    desk.fact(row.activation_id, "sites", "Gateway Park")
    await control.do(lambda conn: desk.publishing.publish_script(conn, LEAD, row.activation_id))
    assert len(world.told) == 4, "another version of the script is a change, too"


async def test_after_a_restart_the_floor_hears_what_is_open(desk: Desk) -> None:
    desk.opened()
    world = World()
    await control_of(desk, world).tick()
    assert [one.status if one else None for one in world.told] == [Status.OPEN]


async def test_what_ran_out_is_read_no_more_without_anybody_doing_anything(desk: Desk) -> None:
    row = desk.opened()
    later = desk.clock.now() + timedelta(hours=1)
    desk.fact(row.activation_id, "sites", "Lents Park", valid_to=later)
    desk.publish(row.activation_id)
    world = World()
    control = control_of(desk, world)
    await control.tick()
    desk.clock.forward(timedelta(hours=1))
    await control.tick()
    assert len(world.told) == 2


async def test_whoever_heard_a_wrong_fact_is_called_back(desk: Desk) -> None:
    row = desk.opened()
    desk.contact(row, "heard", "done", 1)
    world = World()
    found = await control_of(desk, world).recall(LEAD, row.activation_id, 3, "It was five.")
    assert world.called == [(list(found.contacts), "It was five.")] == [(["heard"], "It was five.")]


async def test_opened_with_nobody_at_the_desks_staff_are_texted_once(db: Database, clock: ManualClock) -> None:
    office, desk = Office.on(db, clock), Desk(db, clock)
    row = desk.ready()

    def reached(conn: Connection) -> None:
        conn.exec_driver_sql("UPDATE person SET roles = 'agent311' WHERE person_id = 'deputy'")

    db.write_now(reached)
    office.contact("deputy", "503-555-0142")
    world = World(CallIn(office.paging.delivery))
    control = control_of(desk, world)
    db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    assert control.nobody
    await control.do(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1, nobody=control.nobody))
    await control.tick()
    await control_of(desk, world).tick()
    (sent,) = office.texts.sent
    assert sent.content.body.startswith("DEMO. 311 NEEDS YOU: Boil water. Surge mode is open and nobody is at the desks.")
    (page,) = db.read_now(lambda conn: paging_rows.of_kind(conn, Kind.CALL_IN, row.activation_id))
    assert page.state == PageState.ACCEPTED and office.calls == []


async def test_nobody_is_woken_for_what_was_half_an_hour_ago(db: Database, clock: ManualClock) -> None:
    office, desk = Office.on(db, clock), Desk(db, clock)
    row = desk.ready()
    db.write_now(lambda conn: conn.exec_driver_sql("UPDATE person SET roles = 'lead311' WHERE person_id = 'deputy'"))
    office.contact("deputy", "503-555-0142")
    db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    db.write_now(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1, nobody=True))
    clock.forward(timedelta(minutes=30))
    await control_of(desk, World(CallIn(office.paging.delivery))).tick()
    assert office.texts.sent == []
