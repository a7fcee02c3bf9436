"""The table of the wallboard: true by the identities of its formulas, and silent where too little was measured."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.contact import Contact, Standing, Way
from surge.numbers import chain, erlang, staffing, whatif
from surge.numbers.chain import Habits, Slice
from surge.numbers.erlang import Line
from surge.numbers.number_tables import IntervalRow
from surge.numbers.staffing import Basis, Missing, option
from surge.numbers.whatif import Situation

NOW = datetime(2026, 5, 23, 18, 0, tzinfo=UTC)
BUSY = Situation(calls_per_s=0.1, handling_s=240.0, patience_s=300.0, most_waiting=80)
HABITS = Habits(handling_s=240.0, patience_s=300.0, most_waiting=150)
THERE = {"talking": 6, "wrap": 1, "ready": 1, "break": 3, "offline": 9}


@settings(max_examples=6, deadline=None)
@given(st.integers(16, 30), st.sampled_from([0.0, 20.0, 60.0, 300.0]))
def test_in_the_long_run_as_many_are_reached_in_time_as_erlang_a_says(agents: int, within_s: float) -> None:
    hours = [Slice(seconds=3600, calls_per_s=0.1, agents=agents)] * 4
    line = Line(calls_per_s=0.1, handling_s=240.0, patience_s=300.0, agents=agents)
    found = chain.solve(hours, HABITS, within_s)[-1]
    assert found.in_time / found.offered == pytest.approx(erlang.answered_in_time(line, within_s), abs=1e-6)


def test_whoever_is_next_and_endlessly_patient_waits_for_the_first_of_the_agents() -> None:
    habits = Habits(handling_s=120.0, patience_s=1e12, most_waiting=5)
    chances = chain.in_time(4, habits, 30.0)
    assert chances[0] == pytest.approx(1 - np.exp(-4 * 30 / 120))
    assert chances[1] == pytest.approx(1 - np.exp(-1.0) * 2)  # Erlang's distribution of the second
    assert list(chances) == sorted(chances, reverse=True)


def test_given_for_ever_one_is_reached_or_hangs_up() -> None:
    habits = Habits(handling_s=120.0, patience_s=60.0, most_waiting=3)
    on = [4 / 120 + j / 60 for j in range(3)]
    first = on[0] / (on[0] + 1 / 60)
    expected = [first, first * on[1] / (on[1] + 1 / 60), first * on[1] / (on[1] + 1 / 60) * on[2] / (on[2] + 1 / 60)]
    assert list(chain.in_time(4, habits, 1e4)) == pytest.approx(expected)
    assert not chain.in_time(0, habits, 1e4).any() and not chain.in_time(4, habits, 0.0).any()


def test_an_option_is_the_hour_that_the_command_shows() -> None:
    now = replace(BUSY, waiting=12, talking=18)
    (hour,) = (one.hour for one in whatif.options(now, [20]))
    found = option(now, 20)
    assert (found.abandoned, found.waiting) == (pytest.approx(hour.abandoned), pytest.approx(hour.waiting))
    assert found.in_time <= hour.offered
    assert found.wait_s == pytest.approx(hour.abandoned * 300.0 / (12 + 360))


def test_the_mean_wait_is_what_all_of_them_stood_in_the_line() -> None:
    """Little: the area under the queue, here in slices of a second, is the sum of all waits."""
    now, seconds = replace(BUSY, calls_per_s=0.2), 600
    slices = [Slice(seconds=1, calls_per_s=0.2, agents=30)] * seconds
    each = chain.solve(slices, Habits(handling_s=240.0, patience_s=300.0, most_waiting=80))
    area = sum(one.waiting for one in each)
    assert sum(one.abandoned for one in each) * now.patience_s == pytest.approx(area, rel=0.01)


def test_one_agent_more_never_makes_it_worse_in_any_row_of_the_table() -> None:
    basis = Basis(since=NOW, until=NOW, calls=180, agents=22, now=replace(BUSY, waiting=20, talking=22))
    found = staffing.table(basis, NOW)
    assert [one.agents for one in found.options] == list(range(20, 28)) and found.offered == pytest.approx(360)
    for name, sign in (("wait_s", -1), ("abandoned", -1), ("waiting", -1), ("in_time", 1)):
        values = [sign * getattr(one, name) for one in found.options]
        assert values == sorted(values), name


def test_nobody_has_fewer_than_no_agents() -> None:
    basis = Basis(since=NOW, until=NOW, calls=10, agents=1, now=replace(BUSY, calls_per_s=0.005, most_waiting=20))
    assert [one.agents for one in staffing.table(basis, NOW).options] == [0, 1, 2, 3, 4, 5, 6]


def answered(number: int, waited_s: int, took_s: int = 200) -> Contact:
    begun = NOW - timedelta(minutes=20) + timedelta(seconds=number)
    met = begun + timedelta(seconds=waited_s)
    took = timedelta(seconds=took_s)
    return Contact(
        contact_id=f"a{number}", offered_at=begun, enqueued_at=begun, answered_at=met, left_queue_at=met,
        standing=Standing.DONE, talked=took * 0.9, wrapped=took * 0.1, since=met + took,
    )  # fmt: skip


def gone(number: int, waited_s: int, way: Way = Way.VOICE) -> Contact:
    begun = NOW - timedelta(minutes=15) + timedelta(seconds=number)
    left = begun + timedelta(seconds=waited_s)
    return Contact(
        contact_id=f"g{number}", offered_at=begun, enqueued_at=begun, left_queue_at=left, since=left,
        standing=Standing.ABANDONED, way=way,
    )  # fmt: skip


def waiting(number: int, minutes: float) -> Contact:
    at = NOW - timedelta(minutes=minutes)
    return Contact(contact_id=f"w{number}", offered_at=at, enqueued_at=at, standing=Standing.QUEUEING, since=at)


def measured(contacts: Sequence[Contact], agents: dict[str, int] | None = None) -> Basis:
    found = staffing.of_line(contacts, THERE if agents is None else agents, 300, NOW)
    assert isinstance(found, Basis), found
    return found


def test_the_line_here_is_measured_as_it_was() -> None:
    contacts = [answered(one, 60) for one in range(12)] + [gone(one, 90) for one in range(6)] + [waiting(1, 5), waiting(2, 40)]
    found = measured(contacts)
    assert (found.agents, found.calls, found.since, found.until) == (8, 12 + 6 + 1, NOW - timedelta(minutes=30), NOW)
    assert found.now.calls_per_s == pytest.approx(19 / 1800) and found.now.handling_s == pytest.approx(200.0)
    assert found.now.patience_s == pytest.approx((12 * 60 + 6 * 90 + 5 * 60 + 30 * 60) / 6)
    assert (found.now.waiting, found.now.talking, found.now.most_waiting) == (2, 7, 300)


def test_what_lies_before_the_window_and_what_is_written_does_not_count() -> None:
    contacts = [answered(one, 60) for one in range(12)] + [gone(one, 90) for one in range(6)]
    long_ago = [replace(one, contact_id=f"x{one.contact_id}", offered_at=NOW - timedelta(hours=3),
                        enqueued_at=NOW - timedelta(hours=3), left_queue_at=NOW - timedelta(hours=2),
                        since=NOW - timedelta(hours=2)) for one in contacts]  # fmt: skip
    written = [gone(one, 500, Way.EMAIL) for one in range(40)]
    assert measured([*contacts, *long_ago, *written]) == measured(contacts)


def test_patience_is_found_again_though_many_were_answered_first() -> None:
    dice = np.random.default_rng(7)
    contacts: list[Contact] = []
    for number in range(600):
        patience, wait = dice.exponential(240.0), dice.uniform(0, 400)
        contacts.append(answered(number, int(wait)) if wait < patience else gone(number, round(patience)))
    assert measured(contacts).now.patience_s == pytest.approx(240.0, rel=0.15)


@pytest.mark.parametrize(
    ("calls", "left", "agents", "said"),
    [
        (0, 0, THERE, [Missing.CALLS, Missing.ENDED, Missing.GONE]),
        (12, 4, THERE, [Missing.GONE]),
        (4, 6, THERE, [Missing.ENDED]),
        (12, 6, {}, [Missing.AGENTS]),
    ],
)
def test_too_little_is_said_and_no_number_shown(calls: int, left: int, agents: dict[str, int], said: list[Missing]) -> None:
    contacts = [answered(one, 60) for one in range(calls)] + [gone(one, 90) for one in range(left)]
    assert staffing.of_line(contacts, agents, 300, NOW) == said


def test_callers_who_hang_up_before_they_wait_tell_nothing_of_patience() -> None:
    contacts = [answered(one, 0) for one in range(12)] + [gone(one, 0) for one in range(6)]
    assert staffing.of_line(contacts, THERE, 300, NOW) == [Missing.GONE]


def test_everybody_on_a_break_is_a_table_from_none() -> None:
    contacts = [answered(one, 60) for one in range(12)] + [gone(one, 90) for one in range(6)]
    assert measured(contacts, {"break": 4}).agents == 0


def row(begins: int, queue: str = "311", minutes: int = 15, **given: object) -> IntervalRow:
    values: dict[str, object] = {"offered": 60, "answered": 50, "abandoned": 10, "mean_wait_s": 120.0, "mean_handling_s": 240.0}
    values |= {"agents": 9, "source": "api", "entered_by": "centre", "entered_at": NOW}
    return IntervalRow(queue=queue, begins_at=NOW + timedelta(minutes=begins), minutes=minutes, **(values | given))


def test_a_call_centre_is_measured_by_its_last_hour_and_all_its_queues() -> None:
    rows = [row(-90, offered=900), row(-60), row(-45), row(-30), row(-15), row(-15, "water", agents=3, mean_wait_s=240.0)]
    found = staffing.of_intervals(rows, NOW)
    assert isinstance(found, Basis)
    assert (found.calls, found.agents, found.since, found.until) == (300, 12, NOW - timedelta(hours=1), NOW)
    wait = (4 * 120 + 240) / 5
    assert found.now.calls_per_s == pytest.approx(300 / 3600) and found.now.handling_s == 240.0
    assert found.now.patience_s == pytest.approx(wait * 300 / 50)
    assert (found.now.waiting, found.now.talking) == (round(wait / 12), 12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], [Missing.LINE]),
        ([row(-60)], [Missing.LINE]),
        ([row(30)], [Missing.LINE]),
        ([row(-15, agents=None)], [Missing.AGENTS]),
        ([row(-15, mean_handling_s=None, mean_wait_s=None)], [Missing.ENDED, Missing.GONE]),
    ],
)
def test_figures_that_are_old_or_not_there_are_no_table(rows: list[IntervalRow], said: list[Missing]) -> None:
    assert staffing.of_intervals(rows, NOW) == said
