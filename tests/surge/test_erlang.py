"""The formulas, held against identities that they must keep, and against a few values anybody can work out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.numbers.erlang import UNSTABLE, Line, answered_in_time, answered_within, blocked, mean_wait_s, steady, waiting

LOADS = st.floats(0.01, 200.0)
AGENTS = st.integers(1, 150)


def a_line(load: float, agents: int, handling_s: float = 240.0, patience_s: float = 300.0) -> Line:
    return Line(calls_per_s=load / handling_s, handling_s=handling_s, patience_s=patience_s, agents=agents)


def test_one_line_and_two_are_worked_out_by_hand() -> None:
    assert blocked(1.0, 1) == pytest.approx(1 / 2)
    assert blocked(2.0, 2) == pytest.approx(2 / 5)  # (2²/2) / (1 + 2 + 2)
    assert waiting(0.5, 1) == pytest.approx(0.5)  # one agent busy half the time
    assert mean_wait_s(0.5, 1, 240.0) == pytest.approx(240.0)  # M/M/1: load/(1 - load) handling times
    assert answered_within(0.5, 1, 240.0, 240.0) == pytest.approx(1 - 0.5 * math.exp(-0.5))


@given(LOADS, AGENTS)
def test_erlang_b_is_its_own_sum(load: float, agents: int) -> None:
    logs = [k * math.log(load) - math.lgamma(k + 1) for k in range(agents + 1)]
    most = max(logs)
    assert blocked(load, agents) == pytest.approx(
        math.exp(logs[-1] - most) / sum(math.exp(one - most) for one in logs), rel=1e-9
    )


@given(LOADS, AGENTS)
def test_without_hanging_up_too_few_agents_are_told_as_such_and_never_as_a_number(load: float, agents: int) -> None:
    share, within, wait = waiting(load, agents), answered_within(load, agents, 20.0, 240.0), mean_wait_s(load, agents, 240.0)
    if agents <= load:
        assert share is within is wait is UNSTABLE
    else:
        assert isinstance(share, float) and isinstance(within, float) and isinstance(wait, float)
        assert 0.0 <= share <= 1.0 and 0.0 <= within <= 1.0 and wait >= 0.0
        assert blocked(load, agents) <= share + 1e-12  # waiting is at least as common as being turned away


@given(st.floats(0.01, 60.0), st.integers(1, 70))
def test_endless_patience_makes_erlang_a_into_c_and_no_patience_into_b(load: float, agents: int) -> None:
    assert steady(a_line(load, agents, patience_s=1e-7)).abandoned == pytest.approx(blocked(load, agents), rel=1e-3, abs=1e-6)
    if agents > load * 1.05 + 0.2:  # else the queue is so long that patience never looks endless
        assert steady(a_line(load, agents, patience_s=1e9)).waits == pytest.approx(waiting(load, agents), rel=1e-3, abs=1e-9)


@given(LOADS, AGENTS)
def test_patience_as_long_as_a_call_leaves_everybody_for_poisson(load: float, agents: int) -> None:
    """Whoever is in the line leaves at one rate, talking or waiting: how many there are is Poisson(load)."""
    found = steady(a_line(load, agents, handling_s=240.0, patience_s=240.0))
    poisson = [math.exp(k * math.log(load) - load - math.lgamma(k + 1)) for k in range(agents)]
    assert found.waits == pytest.approx(1 - sum(poisson), abs=1e-9)
    assert found.mean_queue + found.busy == pytest.approx(load, rel=1e-9)


@given(LOADS, AGENTS, st.floats(5.0, 2000.0))
def test_whoever_does_not_hang_up_keeps_an_agent_busy(load: float, agents: int, patience_s: float) -> None:
    found = steady(a_line(load, agents, patience_s=patience_s))
    assert load * (1 - found.abandoned) == pytest.approx(found.busy, rel=1e-9)
    assert found.abandoned == pytest.approx(found.mean_wait_s / patience_s, rel=1e-9)  # P(abandon) = E[wait]/patience
    assert 0.0 <= found.abandoned <= found.waits <= 1.0


@given(LOADS, AGENTS)
def test_more_agents_help_and_more_calls_hurt(load: float, agents: int) -> None:
    here, more, busier = a_line(load, agents), a_line(load, agents + 1), a_line(load * 1.1, agents)
    assert steady(more).abandoned <= steady(here).abandoned + 1e-12 <= steady(busier).abandoned + 2e-12
    assert answered_in_time(more, 20.0) >= answered_in_time(here, 20.0) - 1e-9 >= answered_in_time(busier, 20.0) - 2e-9
    assert answered_in_time(here, 60.0) >= answered_in_time(here, 20.0)


@given(st.floats(0.5, 60.0), st.integers(1, 70), st.floats(30.0, 900.0))
def test_whoever_waits_for_ever_is_answered_or_has_hung_up(load: float, agents: int, patience_s: float) -> None:
    """The integral over waiting times and the balance of states know nothing of each other."""
    line = a_line(load, agents, patience_s=patience_s)
    assert answered_in_time(line, 20 * patience_s) == pytest.approx(1 - steady(line).abandoned, abs=1e-4)


def test_nobody_calls_and_nobody_answers() -> None:
    assert steady(a_line(0.0, 3)).abandoned == 0.0 and answered_in_time(a_line(0.0, 3), 20.0) == 1.0
    alone = steady(a_line(10.0, 0))
    assert alone.abandoned == pytest.approx(1.0) and alone.busy == 0.0 and answered_in_time(a_line(10.0, 0), 60.0) == 0.0
    assert blocked(0.0, 0) == 1.0 and blocked(0.0, 5) == 0.0
    with pytest.raises(ValueError, match="no line of calls"):
        blocked(-1.0, 3)
