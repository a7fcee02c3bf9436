"""The chain that says what a queue does next, against the long run, against dice, and against its own books."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.numbers.chain import Expected, Habits, Slice, expected_wait_s, play, solve
from surge.numbers.erlang import Line, steady

HABITS = Habits(handling_s=240.0, patience_s=300.0, most_waiting=60)
SLICES = st.builds(Slice, seconds=st.floats(1.0, 600.0), calls_per_s=st.floats(0.0, 0.5), agents=st.integers(0, 12))


def surge_morning() -> list[Slice]:
    """Calls grow sixfold within half an hour; staff comes 40 minutes later."""
    rates = [0.02 * min(6.0, 1.08 ** max(0, minute - 10)) for minute in range(90)]
    return [Slice(seconds=60.0, calls_per_s=rate, agents=5 if minute < 50 else 34) for minute, rate in enumerate(rates)]


@given(st.lists(SLICES, min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_every_caller_is_in_one_place(slices: list[Slice]) -> None:
    found, before = solve(slices, HABITS), 0.0
    for one in found:
        assert one.offered == pytest.approx(one.started + one.abandoned + one.blocked + one.waiting - before, abs=1e-6)
        assert one.abandoned >= 0 and one.blocked >= 0 and one.waiting >= -1e-12
        before = one.waiting


def test_after_hours_of_the_same_it_does_what_the_formula_for_the_long_run_says() -> None:
    for agents in (3, 8, 15):
        long = steady(Line(calls_per_s=0.04, handling_s=240.0, patience_s=300.0, agents=agents))
        hours = solve([Slice(seconds=3600.0, calls_per_s=0.04, agents=agents)] * 6, HABITS)
        assert hours[-1].waiting == pytest.approx(long.mean_queue, rel=1e-6)
        assert hours[-1].busy == pytest.approx(long.busy, rel=1e-6)
        assert hours[-1].abandoned / hours[-1].offered == pytest.approx(long.abandoned, rel=1e-6)


def test_ten_thousand_seconds_at_once_are_the_same_as_in_pieces() -> None:
    whole = solve([Slice(seconds=10_000.0, calls_per_s=0.06, agents=9)], HABITS)[0]
    pieces = solve([Slice(seconds=2_500.0, calls_per_s=0.06, agents=9)] * 4, HABITS)
    assert sum(one.abandoned for one in pieces) == pytest.approx(whole.abandoned, rel=1e-9)
    assert pieces[-1].waiting == pytest.approx(whole.waiting, rel=1e-9)


@pytest.mark.parametrize("most_waiting", [5, 60])
def test_dice_agree_within_their_error(most_waiting: int) -> None:
    habits, plays = Habits(handling_s=240.0, patience_s=300.0, most_waiting=most_waiting), 400
    expected, played = solve(surge_morning(), habits), play(surge_morning(), habits, plays, np.random.default_rng(20140523))
    sums = {name: sum(getattr(one, name) for one in expected) for name in ("started", "abandoned", "blocked")}
    sums["waiting"] = expected[-1].waiting
    for name, mean in sums.items():
        counts = getattr(played, name)
        error = counts.std() / math.sqrt(plays)
        assert abs(counts.mean() - mean) < 4 * error + 0.01, name
    assert sums["abandoned"] > 20 and (sums["blocked"] > 20) == (most_waiting == 5)  # the test has something to see


def test_staff_that_comes_with_the_alert_saves_callers_that_staff_forty_minutes_late_loses() -> None:
    late = surge_morning()
    armed = [Slice(seconds=one.seconds, calls_per_s=one.calls_per_s, agents=34) for one in late]

    def lost(found: list[Expected]) -> float:
        return sum(one.abandoned for one in found)

    assert lost(solve(armed, HABITS)) < lost(solve(late, HABITS)) / 3


def test_an_honest_wait_counts_those_ahead_who_hang_up() -> None:
    assert expected_wait_s(0, 4, HABITS) == pytest.approx(240.0 / 4)
    assert expected_wait_s(30, 4, HABITS) == pytest.approx(sum(1 / (4 / 240 + j / 300) for j in range(31)))
    assert expected_wait_s(30, 4, HABITS) < 31 * 240 / 4 / 2  # a position times the handling time is far too long
    assert expected_wait_s(3, 0, HABITS) == math.inf


def test_what_makes_no_sense_is_said_all_at_once() -> None:
    with pytest.raises(ValueError, match="Slice 1") as error:
        solve([Slice(seconds=0.0, calls_per_s=0.1, agents=1)], Habits(handling_s=0.0, patience_s=1.0, most_waiting=1))
    assert "Handling" in str(error.value)
    with pytest.raises(ValueError, match="no time"):
        solve([], HABITS)
