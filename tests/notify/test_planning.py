import asyncio
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from channels.base import Handed, Receipt, Retry, Unknown
from notify import leases, ledger, planning, register
from notify.alert import Stage
from notify.clock import ManualClock
from notify.db import Database
from notify.planning import Groups, Planner
from tests.notify.incident_factory import Incident


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


async def test_an_update_speaks_to_three_audiences_and_an_all_clear_to_everybody_told(incident: Incident) -> None:
    people = incident.people(12)
    first = incident.countdown(1, Stage.FIRST, people[:8])
    await incident.start(first)
    assert incident.wordings(first) == {"first": set(people[:8])}
    incident.hand_over(first, people[:6])

    update = incident.countdown(2, Stage.UPDATE, people[4:12])
    await incident.start(update)
    assert incident.wordings(update) == {
        "update": set(people[4:6]),
        "first": set(people[6:12]),
        "outside": set(people[:4]),
    }
    assert {state for _, state in incident.rows(first).values()} == {"handed", "withdrawn"}
    incident.hand_over(update, people[:9])

    clear = incident.countdown(3, Stage.ALL_CLEAR, people)
    await incident.start(clear)
    assert incident.wordings(clear) == {"all_clear": set(people[:9])}


async def test_people_whose_call_is_under_way_are_decided_when_it_has_ended(incident: Incident) -> None:
    people = incident.people(4)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    handed, refused, doubtful, back = incident.claimed(first)
    update = incident.countdown(2, Stage.UPDATE, people)
    starting = asyncio.create_task(incident.start(update))
    async with asyncio.timeout(60):
        while incident.event(update).status != "sending":
            await asyncio.sleep(0.01)
    assert incident.rows(update) == {}
    for row, outcome in ((handed, Handed("SM1")), (doubtful, Unknown("cut")), (back, Retry(timedelta(0)))):
        result = [(row, Receipt(row.delivery_id, outcome))]
        incident.db.write_now(lambda conn, result=result: ledger.record(conn, result, now=incident.clock.now()))  # type: ignore[misc]
    incident.clock.forward(timedelta(seconds=9))  # the last one's sender has died
    incident.db.write_now(lambda conn: leases.release_expired(conn, now=incident.clock.now()))
    await starting
    told = {handed.address_id, doubtful.address_id, refused.address_id}
    assert incident.wordings(update) == {"update": told, "first": {back.address_id}}


async def test_those_a_renewal_told_get_the_all_clear_that_was_approved_before_it(incident: Incident) -> None:
    people = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, people[:1])
    await incident.start(first)
    incident.hand_over(first)
    clear = incident.countdown(2, Stage.ALL_CLEAR, people)  # approved, its countdown still runs
    renewal = incident.countdown(3, Stage.RENEWAL, people)
    await incident.start(renewal)
    incident.hand_over(renewal)
    incident.clock.forward(timedelta(seconds=1))
    await incident.start(clear)
    assert incident.wordings(clear) == {"all_clear": set(people)}


class Cut(Exception):
    """The process dies here."""


@pytest.mark.parametrize("survives", [0, 1, 2, 3])
async def test_a_plan_cut_off_after_any_chunk_and_repeated_has_everybody_once(
    incident: Incident, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    monkeypatch.setattr(planning, "FIRST_CHUNK", 4)
    monkeypatch.setattr(planning, "CHUNK", 10)
    people = incident.people(25)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    incident.db.write_now(lambda conn: conn.execute(text("DELETE FROM delivery")))
    real, done = ledger.plan, 0

    def plan(*given: Any) -> int:
        nonlocal done
        if done == survives:
            raise Cut
        done += 1
        return real(*given)

    planner, row = Planner(incident.db, incident.clock, incident.choosing), incident.row(first)
    event = incident.db.read_now(lambda conn: register.frozen(conn, first))
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "plan", plan)
        if survives < 4:
            with pytest.raises(Cut):
                await planner.plan(row, event)
    assert len(incident.rows(first)) == (0, 4, 14, 24)[survives]
    await planner.plan(row, event)
    await planner.plan(row, event)
    assert sorted(incident.rows(first)) == people


async def test_planning_ends_with_a_stop_and_leaves_no_row_behind(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "FIRST_CHUNK", 5)
    monkeypatch.setattr(planning, "CHUNK", 5)
    people = incident.people(30)
    first = incident.countdown(1, Stage.FIRST, people)
    real = ledger.plan

    def plan(conn: Any, *given: Any) -> int:
        if conn.execute(text("SELECT COUNT(*) FROM delivery")).scalar_one() == 10:
            conn.execute(text("UPDATE event SET status = 'stopped'"))
        return real(conn, *given)

    monkeypatch.setattr(ledger, "plan", plan)
    await incident.start(first)
    conductor = incident.conductor()
    await conductor.settle()
    assert len(incident.rows(first)) == 15
    assert {state for _, state in incident.rows(first).values()} == {"withdrawn"}
    assert incident.event(first).done_at is not None


async def test_languages_advance_together(incident: Incident) -> None:
    people = incident.people(90)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    order = list(incident.rows(first))
    for start in range(0, 90, 9):
        groups = [address_id % 3 for address_id in order[start : start + 9]]
        assert {groups.count(group) for group in range(3)} == {3}


async def test_whom_an_event_left_out_is_noted_once(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(1))
    await incident.start(first)
    await incident.start(first)
    found = incident.db.read_now(lambda conn: conn.execute(text("SELECT reason, people FROM skip")).all())
    assert [tuple(row) for row in found] == [("stopped", 2)]


@given(st.dictionaries(st.integers(1, 50), st.integers(0, 5)), st.lists(st.integers(1, 60), max_size=20))
def test_groups_answer_as_a_dict_would(known: dict[int, int], asked: list[int]) -> None:
    ids = sorted(known)
    groups = Groups(np.array(ids, np.int64), np.array([known[one] for one in ids], np.int64))
    assert dict(groups) == known
    people = np.array(asked, np.int64)
    assert groups.of(people, np.full(len(people), -1, np.int64)).tolist() == [known.get(one, -1) for one in asked]
