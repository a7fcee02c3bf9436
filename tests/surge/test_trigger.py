"""Triggers: by value for the figures that ship, by property for what must hold whatever the load does."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.scripts.runbook import Trigger
from surge.switch import trigger
from surge.switch.trigger import Minute, Mode, Rule, Signal, State, Turn

ZONE = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)  # a Monday, 12:00 in Portland
LIMITS = Trigger(enter_at=2.5, leave_at=1.3, enter_minutes=3, window_minutes=5, dwell_minutes=45, leave_minutes=30)
CALLS = Rule(name="calls", signal=Signal.CALLS, mode=Mode.ADVISE, runbook="boil-water", limits=LIMITS)
WAIT = replace(CALLS, signal=Signal.WAIT, limits=replace(LIMITS, enter_at=300.0, leave_at=60.0))


def minutes(counts: Iterable[int], start: datetime = NOON, usual: float | None = 4.0) -> list[Minute]:
    return [
        Minute(at=start + number * trigger.MINUTE, attempts=count, callers=count, usual=usual)
        for number, count in enumerate(counts)
    ]


def waits(seconds: Iterable[float | None], start: datetime = NOON) -> list[Minute]:
    return [Minute(at=start + number * trigger.MINUTE, oldest_wait_s=wait) for number, wait in enumerate(seconds)]


def test_after_one_half_life_half_of_a_jump_is_seen() -> None:
    state, _ = trigger.replayed(CALLS, minutes([4, 40, 40, 40]))
    assert state.attempts == pytest.approx(22.0)
    assert state.value == pytest.approx(22.0 / 4.0)


def test_a_surge_is_on_after_three_of_five_minutes_and_off_after_thirty_quiet_ones() -> None:
    surge = [4] * 10 + [40] * 20 + [4] * 90
    _, turns = trigger.replayed(CALLS, minutes(surge))
    # 40 against 4: after one minute 11.4 a minute (2.9 times), so minutes 10, 11 and 12 are above 2.5.
    assert turns[0] == (NOON + timedelta(minutes=12), Turn.ON)
    assert len(turns) == 2 and turns[1][1] is Turn.OFF
    quiet = turns[1][0] - timedelta(minutes=30)
    # from 4 + 36 * 2 ** (-k/3) down to 1.3 * 4: k = 15 minutes after the last busy one
    assert quiet == NOON + timedelta(minutes=29 + 15)


def test_one_loud_minute_is_no_surge() -> None:
    assert trigger.replayed(WAIT, waits([0, 900, 900, 0, 0, 0, 900, 900]))[1] == []
    assert trigger.replayed(WAIT, waits([0, 900, 900, 0, 0, 900]))[1] == [(NOON + timedelta(minutes=5), Turn.ON)]


def test_it_stays_on_for_its_shortest_time_however_quiet_it_gets() -> None:
    rule = replace(WAIT, limits=replace(WAIT.limits, leave_minutes=5))
    _, turns = trigger.replayed(rule, waits([900] * 3 + [0] * 120))
    assert turns == [(NOON + timedelta(minutes=2), Turn.ON), (NOON + timedelta(minutes=47), Turn.OFF)]


def test_between_the_thresholds_nothing_turns() -> None:
    _, turns = trigger.replayed(WAIT, waits([900] * 3 + [200] * 300))
    assert [turn for _, turn in turns] == [Turn.ON]


def test_after_it_closed_it_waits_before_it_opens_again() -> None:
    rule = replace(WAIT, limits=replace(WAIT.limits, leave_minutes=2, dwell_minutes=0))
    _, turns = trigger.replayed(rule, waits([900] * 3 + [0] * 3 + [900] * 30))
    off = next(at for at, turn in turns if turn is Turn.OFF)
    again = next(at for at, turn in turns if turn is Turn.ON and at > off)
    assert again - off == trigger.COOL_DOWN


def test_minutes_that_nobody_counted_are_no_proof_of_calm() -> None:
    state, _ = trigger.replayed(WAIT, waits([900] * 3 + [0] * 2))
    done = trigger.step(WAIT, state, Minute(at=NOON + timedelta(hours=3), oldest_wait_s=0.0))
    assert done.turn is Turn.NONE and done.state.on
    assert done.state.low_since == NOON + timedelta(hours=3)


def test_what_nobody_knows_turns_nothing() -> None:
    assert trigger.replayed(CALLS, minutes([500] * 30, usual=None))[1] == []
    state, turns = trigger.replayed(WAIT, waits([900] * 3 + [None] * 120))
    assert [turn for _, turn in turns] == [Turn.ON] and state.on


def test_an_alert_of_severe_or_more_turns_it_on_at_once() -> None:
    limits = Trigger(enter_at=1, leave_at=0, enter_minutes=1, window_minutes=1, dwell_minutes=45, leave_minutes=30)
    rule = replace(CALLS, signal=Signal.ALERT, limits=limits)
    done = trigger.step(rule, State(), Minute(at=NOON, alerts=1))
    assert done.turn is Turn.ON
    assert trigger.explanation(rule, done.state, ZONE).startswith("1 alerts of Severe or more have left")


def test_whoever_dials_ten_times_blocks_ten_lines_and_needs_one_agent() -> None:
    many = [Minute(at=one.at, attempts=40, callers=4, usual=4.0) for one in minutes([0] * 10)]
    state, turns = trigger.replayed(CALLS, many)
    assert turns and trigger.level(state) == 1
    crowd, _ = trigger.replayed(CALLS, minutes([40] * 10))
    assert trigger.level(crowd) == 3
    assert trigger.level(State()) == 1


def test_at_night_one_call_is_no_surge() -> None:
    assert trigger.replayed(CALLS, minutes([0, 1, 0, 0, 0, 0, 1, 0], usual=0.0))[1] == []


def test_the_explanation_names_signal_thresholds_and_when_it_closes() -> None:
    state, _ = trigger.replayed(CALLS, minutes([40] * 6))
    assert trigger.explanation(CALLS, state, ZONE) == (
        "40.0 calls a minute, from 40.0 different callers, are 10.0 times what is usual on a Monday at 12:05 (4.0), "
        "and it was 2.5 times or more in 3 of the last 5 minutes. "
        "It closes when it is 1.3 times or less for 30 minutes, at 12:47 at the earliest."
    )
    calm, _ = trigger.replayed(CALLS, minutes([4] * 6))
    assert trigger.explanation(CALLS, calm, ZONE).endswith("surge mode is suggested at 2.5 times in 3 of 5 minutes.")


def test_what_is_usual_is_a_quarter_hour_of_the_local_week() -> None:
    weeks = [NOON - timedelta(weeks=number) for number in range(1, 7)]
    offered = [week + timedelta(minutes=3 * k) for week in weeks for k in range(5)]  # five within each quarter hour
    known = trigger.usual(offered, weeks, ZONE)
    assert known.at(NOON) == pytest.approx(5 / 15)
    assert known.at(NOON + timedelta(minutes=15)) == 0.0
    assert trigger.usual(offered, weeks[:5], ZONE).at(NOON) is None


def test_the_week_of_the_clock_change_is_read_by_the_clock_on_the_wall() -> None:
    before, after = datetime(2026, 3, 2, 20, 0, tzinfo=UTC), datetime(2026, 3, 9, 19, 0, tzinfo=UTC)
    assert trigger.quarter(before, ZONE) == trigger.quarter(after, ZONE)


SECONDS = st.lists(st.one_of(st.none(), st.floats(0, 2000)), max_size=150)


@given(SECONDS, st.integers(1, 8), st.integers(0, 60), st.integers(1, 40))
def test_it_never_flaps(load: list[float | None], window: int, dwell: int, leave: int) -> None:
    limits = Trigger(
        enter_at=300, leave_at=60, enter_minutes=1, window_minutes=window, dwell_minutes=dwell, leave_minutes=leave
    )
    rule = replace(WAIT, limits=limits)
    _, turns = trigger.replayed(rule, waits(load))
    assert [turn for _, turn in turns] == [Turn.ON, Turn.OFF] * (len(turns) // 2) + [Turn.ON] * (len(turns) % 2)
    for (before, turn), (after, _) in pairwise(turns):
        least = timedelta(minutes=max(dwell, leave)) if turn is Turn.ON else rule.cool_down
        assert after - before >= least


@given(SECONDS)
def test_a_minute_told_twice_is_told_once(load: list[float | None]) -> None:
    once, turns = trigger.replayed(WAIT, waits(load))
    doubled = [one for minute in waits(load) for one in (minute, minute)]
    assert trigger.replayed(WAIT, doubled) == (once, turns)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 59))
def test_a_state_that_was_kept_goes_on_as_if_nothing_had_been(counts: list[int], cut: int) -> None:
    whole = minutes(counts)
    first, _ = trigger.replayed(CALLS, whole[:cut])
    assert trigger.replayed(CALLS, whole[cut:], first)[0] == trigger.replayed(CALLS, whole)[0]
