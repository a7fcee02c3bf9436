"""The rule that slows an alert's texts: from what callers wait, and the clock, to a share of the rate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Severity, Stage, Urgency
from notify.alerts.hazards import catalogue
from notify.sending import coupling
from notify.sending.coupling import EASES_AT, FLOOR, FRESH, HOLDS, LONGEST, STEPS, Queue, State, step

NOW = datetime(2026, 5, 23, 18, 0, tzinfo=UTC)
WAITS = st.one_of(st.floats(0, 7200), st.just(float("nan")), st.just(float("inf")))
LOOKS = st.lists(st.tuples(st.floats(0.5, 120), st.one_of(st.none(), WAITS), st.floats(-120, 3600)), max_size=40)


def waited(seconds: float, at: datetime = NOW) -> Queue:
    return Queue(wait_s=seconds, at=at)


def played(looks: list[tuple[float, float | None, float]]) -> list[tuple[datetime, State, Queue | None]]:
    """(pause before it, what callers wait or None, age of the figure) -> the state after each look."""
    now, state, found = NOW, State(), []
    for pause, wait, age in looks:
        now += timedelta(seconds=pause)
        queue = None if wait is None else waited(wait, now - timedelta(seconds=age))
        state = step(state, queue, now)
        found.append((now, state, queue))
    return found


@given(LOOKS)
def test_a_share_is_one_of_the_steps_and_never_below_the_floor(looks: list[tuple[float, float | None, float]]) -> None:
    for _, state, _ in played(looks):
        assert FLOOR <= state.share <= 1.0 and state.share in {1.0, *(share for _, share in STEPS)}


@given(LOOKS)
def test_what_is_not_known_or_old_or_no_number_is_the_full_rate_at_once(looks: list[tuple[float, float | None, float]]) -> None:
    for now, state, queue in played(looks):
        known = queue is not None and queue.wait_s < float("inf") and timedelta(minutes=-1) <= now - queue.at <= FRESH
        assert known or state.share == 1.0


@given(LOOKS)
def test_it_slows_by_one_step_and_only_after_the_last_change_has_shown(looks: list[tuple[float, float | None, float]]) -> None:
    before = State()
    for now, state, queue in played(looks):
        assert state.level <= before.level + 1
        if state.level > before.level:
            assert queue is not None and queue.wait_s >= STEPS[state.level - 1][0]
            assert before.since is None or now - before.since >= HOLDS
        before = state


@given(st.floats(0, EASES_AT * STEPS[0][0]), st.integers(0, len(STEPS)))
def test_a_short_wait_is_the_full_rate_at_the_next_look(seconds: float, level: int) -> None:
    assert step(State(level=level, since=NOW), waited(seconds), NOW).share == 1.0


@given(st.floats(EASES_AT * STEPS[0][0] + 0.001, STEPS[0][0] - 0.001))
def test_between_the_two_thresholds_nothing_changes(seconds: float) -> None:
    for state in (State(), State(level=1, since=NOW)):
        assert step(state, waited(seconds, NOW + HOLDS), NOW + HOLDS) == state


def test_it_goes_down_to_a_quarter_and_back_as_the_line_does() -> None:
    minutes = [(0, 100, 1.0), (1, 300, 0.5), (2, 650, 0.25), (3, 500, 0.25), (4, 360, 0.5), (5, 200, 0.5), (6, 180, 1.0)]
    state = State()
    for minute, wait, share in minutes:
        now = NOW + timedelta(minutes=minute)
        state = step(state, waited(wait, now), now)
        assert state.share == share, minute


def test_a_clock_that_was_set_back_keeps_nobody_slow() -> None:
    state = State(level=2, since=NOW + timedelta(hours=5))
    assert step(state, waited(0), NOW).share == 1.0
    assert step(state, waited(900, NOW + timedelta(hours=5)), NOW).share == 1.0
    assert coupling.share(state, NOW + timedelta(minutes=1), NOW + timedelta(days=1), NOW) == 1.0


@pytest.mark.parametrize(
    ("started", "left", "share"),
    [(0, 24.0, 0.25), (59, 24.0, 0.25), (60, 24.0, 1.0), (30, 1.0, 1.0), (30, 1.01, 0.25)],
)
def test_an_alert_is_slowed_in_its_first_hour_and_not_in_its_last(started: int, left: float, share: float) -> None:
    found = coupling.share(State(level=2), NOW - timedelta(minutes=started), NOW + timedelta(hours=left), NOW)
    assert found == share


def test_an_alert_that_has_not_started_is_not_slowed() -> None:
    assert coupling.share(State(level=2), None, NOW + timedelta(days=1), NOW) == 1.0


@given(st.integers(0, 10_000_000), st.lists(st.floats(0.5, 500), min_size=1, max_size=4))
def test_slowing_costs_less_than_an_hour(units: int, rates: list[float]) -> None:
    longest, usual = coupling.longest(units, rates), timedelta(seconds=units / sum(rates))
    assert longest is not None
    second = timedelta(seconds=1)
    assert usual - second <= longest <= min(usual / FLOOR, usual + LONGEST * (1 - FLOOR)) + second


def test_the_cost_is_a_quarter_for_an_hour_and_then_the_full_rate() -> None:
    assert coupling.longest(9_000, [10.0]) == timedelta(minutes=60)
    assert coupling.longest(15_000, [5.0, 5.0]) == timedelta(minutes=70)
    assert coupling.longest(9_000, []) is None and coupling.longest(9_000, [float("inf")]) is None


def test_minutes_that_count_are_nobodys_to_give_away() -> None:
    slow = {key for key, hazard in catalogue().items() if hazard.may_slow}
    assert "boil_water" in slow and "help_open" in slow
    for key in slow:
        hazard = catalogue()[key]
        assert not hazard.fast_path and hazard.severity is not Severity.EXTREME
        assert (hazard.urgency, hazard.severity) != (Urgency.IMMEDIATE, Severity.EXTREME)


def test_why_an_alert_is_not_slowed_is_said_all_at_once() -> None:
    hazards = catalogue()
    assert coupling.problems(hazards["boil_water"], Stage.FIRST, None) == []
    assert coupling.problems(hazards["boil_water"], Stage.CORRECTION, Severity.EXTREME) == [
        "slows: an alert of Extreme severity is never slowed.",
        "slows: a correction is never slowed.",
    ]
    assert coupling.problems(hazards["gas_leak"], Stage.FALSE_ALARM, None) == [
        "slows: alerts of 'gas_leak' are never slowed.",
        "slows: an alert of Extreme severity is never slowed.",
        "slows: a false alarm is never slowed.",
    ]
    raised = replace(hazards["boil_water"], severity=Severity.EXTREME)
    assert coupling.problems(raised, Stage.FIRST, Severity.SEVERE) == []
