"""The load, looked at once a minute: what is counted, what a rule may do by itself, and what stands in the log afterwards."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notify import audit
from notify.clock import ManualClock
from notify.db import Database
from surge.scripts.runbook import Trigger
from surge.switch import store, watch
from surge.switch.control import Control
from surge.switch.trigger import Mode, Rule, Signal
from surge.switch.watch import Watch
from surge.tables import ContactRow
from tests.surge.incident_factory import APPROVER, AUTHOR, LEAD, Desk

LIMITS = Trigger(enter_at=300, leave_at=60, enter_minutes=1, window_minutes=1, dwell_minutes=5, leave_minutes=2)
RULE = Rule(name="wait", signal=Signal.WAIT, mode=Mode.ADVISE, runbook="boil", limits=LIMITS)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


class Load:
    """A watch with one rule on how long somebody has waited."""

    def __init__(self, desk: Desk, mode: Mode) -> None:
        self.desk, self.pages, self.wait = desk, list[str](), 0.0
        control = Control(db=desk.db, publishing=desk.publishing)
        rule = replace(RULE, mode=mode)
        self.watch = Watch(control=control, page=self.pages.append, rules=(rule,), oldest_wait_s=lambda: self.wait)

    async def goes_on(self, minutes: int, wait: float) -> None:
        self.wait = wait
        for _ in range(minutes):
            self.desk.clock.forward(MINUTE)
            await self.watch.tick()

    def lines(self, action: str) -> list[Any]:
        found = self.desk.db.read_now(audit.lines)
        return [json.loads(one.detail) for one in found if one.action == action]


def status(desk: Desk) -> str | None:
    row = desk.db.read_now(store.current)
    return row.status if row else None


async def test_advice_is_said_written_down_and_does_nothing(desk: Desk) -> None:
    load = Load(desk, Mode.ADVISE)
    await load.goes_on(1, 0)
    await load.goes_on(1, 900)
    assert len(load.pages) == 1 and "Somebody has waited 900 s" in load.pages[0]
    assert load.watch.advice() == [load.pages[0].removeprefix("Surge mode: ")]
    (line,) = load.lines("saw the load")
    assert (line["turned"], line["value"], line["enter_at"], line["leave_at"]) == ("on", 900.0, 300, 60)
    assert status(desk) is None
    await load.goes_on(7, 0)
    assert [one["turned"] for one in load.lines("saw the load")] == ["on", "off"] and load.watch.advice() == []


async def test_a_rule_that_arms_leaves_the_opening_to_a_person(desk: Desk) -> None:
    row = desk.ready()
    load = Load(desk, Mode.ARM)
    await load.goes_on(1, 0)
    await load.goes_on(1, 900)
    assert status(desk) == "armed"
    opened = desk.db.write_now(lambda conn: desk.switch.open(conn, LEAD, row.activation_id, 1))
    assert (opened.armed_by, opened.opened_by) == ("tocsin", "lead")


async def test_a_rule_opens_only_what_a_person_has_armed_and_stands_down_what_it_opened(desk: Desk) -> None:
    row = desk.ready()
    load = Load(desk, Mode.OPEN)
    await load.goes_on(1, 0)
    desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    await load.goes_on(1, 900)
    kept = desk.db.read_now(store.current)
    assert kept is not None and (kept.status, kept.armed_by, kept.opened_by) == ("open", "author", "tocsin")
    await load.goes_on(7, 0)
    assert status(desk) == "standing down"


async def test_a_rule_never_arms_and_opens_both(desk: Desk) -> None:
    desk.ready()
    load = Load(desk, Mode.OPEN)
    await load.goes_on(1, 0)
    await load.goes_on(30, 900)
    assert status(desk) == "armed", "it armed; a person opens"


async def test_what_a_person_opened_no_rule_closes(desk: Desk) -> None:
    desk.opened()
    load = Load(desk, Mode.OPEN)
    await load.goes_on(1, 0)
    await load.goes_on(1, 900)
    await load.goes_on(10, 0)
    assert status(desk) == "open"


async def test_what_is_not_ready_is_advice_with_its_reasons(desk: Desk) -> None:
    load = Load(desk, Mode.ARM)
    await load.goes_on(1, 0)
    await load.goes_on(1, 900)
    (line,) = load.lines("could only advise")
    assert any("boil_minutes: not set." in sentence for sentence in line["why"])
    assert status(desk) is None and len(load.pages) == 1


def called(desk: Desk, number: int, caller: bytes | None, *, drill: str | None = None, way: str = "voice") -> None:
    row = ContactRow(
        contact_id=f"c{number}",
        activation_id=drill,
        way=way,
        caller=caller,
        standing="done",
        offered_at=desk.clock.now() + timedelta(seconds=number % 50),
    )
    desk.db.write_now(lambda conn: store.add(conn, row))


def test_attempts_and_callers_are_counted_apart_and_drills_not_at_all(desk: Desk) -> None:
    drill = desk.made(drill=True).activation_id
    for number, caller in enumerate([b"a", b"a", b"a", b"b", None, None]):
        called(desk, number, caller)
    called(desk, 10, b"d", drill=drill)
    called(desk, 11, b"w", way="sms")
    begin = desk.clock.now()
    found = desk.db.read_now(lambda conn: watch.counted(conn, begin, begin + 2 * MINUTE))
    assert found == [(begin + MINUTE, 6, 4, 0), (begin + 2 * MINUTE, 0, 0, 0)]


def test_weeks_with_a_surge_tell_nothing_of_what_is_usual(desk: Desk) -> None:
    now = desk.clock.now()
    for number in range(8):
        called(desk, number, b"x")
        desk.clock.forward(timedelta(weeks=1))
    weeks, offered = desk.db.read_now(lambda conn: watch.clean_weeks(conn, now + timedelta(weeks=8)))
    assert len(weeks) == 8 and len(offered) == 8
    desk.clock.forward(timedelta(minutes=-1) * 60 * 24 * 10)
    row = desk.ready()
    desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    desk.db.write_now(lambda conn: desk.switch.open(conn, APPROVER, row.activation_id, 1))
    weeks, _ = desk.db.read_now(lambda conn: watch.clean_weeks(conn, now + timedelta(weeks=8)))
    assert len(weeks) < 8
