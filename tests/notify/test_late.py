"""Latecomers get the alert in force once, whatever races with it; nobody gets one that is not for them, or an older one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy import text

from notify import late, leases, planning
from notify.alert import Event, Stage
from notify.clock import ManualClock
from notify.db import Database
from notify.late import Latecomers
from notify.life import Status
from tests.notify.incident_factory import DAY, Incident


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


@dataclass(slots=True)
class Everywhere:
    """Events reach everybody but those `outside`; those `erased` are not there any more."""

    outside: Sequence[int] = ()
    erased: Sequence[int] = ()

    async def reached(self, event: Event, address_ids: Sequence[int]) -> list[int]:
        return [one for one in address_ids if one not in self.erased and one not in self.outside]


@dataclass(slots=True)
class Desk:
    incident: Incident
    woken: list[str] = field(default_factory=list)

    def latecomers(self, crowd: Everywhere | None = None) -> Latecomers:
        from notify import register

        return Latecomers(
            db=self.incident.db,
            clock=self.incident.clock,
            crowd=crowd or Everywhere(),
            event=lambda event_id: self.incident.db.read_now(partial(register.frozen, event_id=event_id)),
            wake=lambda: self.woken.append("woken"),
        )


@pytest.fixture
def desk(incident: Incident) -> Desk:
    return Desk(incident)


async def test_a_latecomer_gets_the_whole_alert_once(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    assert await desk.latecomers().tell([newcomer]) == [(first, newcomer)]
    assert await desk.latecomers().tell([newcomer]) == []
    assert incident.rows(first)[newcomer] == ("first", "planned")
    assert desk.woken == ["woken"]


async def test_an_alert_that_had_handed_everything_over_leaves_once_more_and_is_done_again(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    conductor = incident.conductor()
    await conductor.settle()
    assert incident.row(first).status == Status.ACTIVE and incident.row(first).done_at is not None
    await desk.latecomers().tell([newcomer])
    assert incident.row(first).done_at is None
    await conductor.settle()
    assert incident.row(first).done_at is None, "somebody still waits"
    incident.hand_over(first, [newcomer])
    await conductor.settle()
    assert incident.row(first).done_at is not None
    assert incident.rows(first)[newcomer] == ("first", "handed")


async def test_after_an_update_a_latecomer_gets_the_update_s_whole_alert_and_not_the_older_one(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, early)
    await incident.start(update)
    assert await desk.latecomers().tell([newcomer]) == [(update, newcomer)]
    assert newcomer not in incident.rows(first)
    assert incident.rows(update)[newcomer] == ("first", "planned")


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
async def test_when_it_is_over_a_latecomer_gets_nothing(incident: Incident, desk: Desk, stage: Stage) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    end = incident.countdown(2, stage, early)
    await incident.start(end)
    assert await desk.latecomers().tell([newcomer]) == []


async def test_nobody_outside_stopped_events_or_past_their_end_is_told(incident: Incident, desk: Desk) -> None:
    *early, newcomer, outside = incident.people(4)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    assert await desk.latecomers(Everywhere(outside=[outside])).tell([outside]) == []
    assert await desk.latecomers(Everywhere(erased=[newcomer])).tell([newcomer]) == []
    incident.clock.forward(DAY)
    assert await desk.latecomers().tell([newcomer]) == []


async def test_who_was_told_that_it_does_not_concern_them_is_told_when_it_does_again(incident: Incident, desk: Desk) -> None:
    inside, moved = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [inside, moved])
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, [inside])
    await incident.start(update)
    assert incident.rows(update)[moved] == ("outside", "planned")
    incident.hand_over(update)
    assert await desk.latecomers().tell([inside]) == []
    second = incident.countdown(3, Stage.UPDATE, [inside])
    await incident.start(second)
    assert await desk.latecomers().tell([moved]) == [(second, moved)]


async def test_latecomers_and_an_all_clear_at_the_same_moment_leave_nobody_with_an_alert_and_no_end(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    end = incident.countdown(2, Stage.ALL_CLEAR, early)
    await asyncio.gather(incident.start(end), desk.latecomers().tell([newcomer]))
    rows = incident.rows(first)
    if newcomer in rows:
        assert rows[newcomer][1] == "withdrawn"
    assert newcomer not in incident.rows(end)


async def test_a_latecomer_does_not_wait_behind_everybody_else(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(6)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    await desk.latecomers().tell([newcomer])
    now, until = incident.clock.now(), incident.clock.now() + DAY
    leased = incident.db.write_now(lambda conn: leases.lease(conn, "s1", "sms", limit=1, below=100, now=now, until=until))
    assert [row.address_id for row in leased] == [newcomer]


async def test_a_latecomer_s_row_is_taken_back_with_the_others(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    await desk.latecomers().tell([newcomer])
    end = incident.countdown(2, Stage.ALL_CLEAR, early)
    await incident.start(end)
    assert incident.rows(first)[newcomer][1] == "withdrawn"


def test_noting_the_same_person_twice_is_noting_them_once(db: Database, clock: ManualClock) -> None:
    for _ in range(2):
        db.write_now(lambda conn: late.note(conn, [1, 2], clock.now()))
    assert db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM due")).scalar_one()) == 2
