import math
import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.pace import CATCH_UP_S, Pace


def starts(rate: float, lengths: list[int], idle: list[float] | None = None) -> list[tuple[float, int]]:
    """Start times of messages that are each asked for as soon as the one before has started (plus an idle time)."""
    pace, now, found = Pace(rate), 0.0, []
    for number, units in enumerate(lengths):
        now = pace.start_of(units, now + (idle[number] if idle else 0.0))
        found.append((now, units))
    return found


def busiest_second(found: list[tuple[float, int]]) -> int:
    times = [start for start, _ in found]
    return max(
        (sum(units for _, units in found[number : bisect_left(times, start + 1.0)]) for number, start in enumerate(times)),
        default=0,
    )


@given(st.sampled_from([1, 3, 20, 100, 1000]), st.lists(st.integers(1, 6), max_size=200), st.data())
def test_no_second_ever_holds_more_than_the_rate(rate: int, lengths: list[int], data: st.DataObject) -> None:
    idle = data.draw(st.lists(st.floats(0, 2), min_size=len(lengths), max_size=len(lengths)))
    assert busiest_second(starts(rate, lengths, idle)) <= max(rate, *lengths, 0)


@given(st.sampled_from([20, 100, 1000]), st.lists(st.integers(1, 2), min_size=300, max_size=300), st.randoms())
def test_arrivals_22_ms_late_now_and_then_stay_within_the_rate(rate: int, lengths: list[int], chance: random.Random) -> None:
    late = sorted((start + chance.choice([0.0, 0.022]), units) for start, units in starts(rate, lengths))
    assert busiest_second(late) <= rate


@given(st.lists(st.integers(1, 6), max_size=50))
def test_slots_never_go_back(lengths: list[int]) -> None:
    times = [start for start, _ in starts(7, lengths)]
    assert times == sorted(times)


@pytest.mark.parametrize("rate", [20, 100, 1000])
@pytest.mark.parametrize("lengths", [[1], [2], [1, 2, 2]])
def test_at_least_97_percent_of_the_rate_is_used(rate: int, lengths: list[int]) -> None:
    found = starts(rate, lengths * (60 * rate))
    spent = [units for start, units in found if start < 30]
    assert sum(spent) >= 0.97 * 30 * rate


def test_without_a_rate_nothing_waits() -> None:
    assert starts(math.inf, [1] * 5) == [(0.0, 1)] * 5


def test_a_pause_the_provider_asks_for_is_kept() -> None:
    pace = Pace(10)
    pace.hold_until(30.0)
    assert pace.start_of(1, 0.0) == 30.0


def test_slots_missed_by_a_busy_process_are_made_up() -> None:
    found = starts(1000, [1] * 31_000, [CATCH_UP_S if number % 20 == 0 else 0.0 for number in range(31_000)])
    assert sum(1 for start, _ in found if start < 30) >= 0.97 * 30 * 1000


def test_after_a_long_idle_time_only_the_last_moments_slots_are_made_up() -> None:
    pace = Pace(100)
    pace.start_of(1, 0.0)
    at_once = [start for start in (pace.start_of(1, 60.0) for _ in range(20)) if start == 60.0]
    assert len(at_once) <= 1 + CATCH_UP_S * 100
