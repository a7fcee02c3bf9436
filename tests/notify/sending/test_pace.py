import math
import random
from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.sending.pace import CATCH_UP_S, Pace


def starts(rate: float, lengths: list[int], idle: list[float] | None = None) -> list[tuple[float, int]]:
    """Start times of messages that are each asked for as soon as the one before has started (plus an idle time)."""
    pace, now, found = Pace(rate), 0.0, []
    for number, units in enumerate(lengths):
        now = pace.slot(units, now + (idle[number] if idle else 0.0)).at
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


def arrivals(rate: float, lengths: list[int], late: Callable[[], float], back: Callable[[], float]) -> list[tuple[float, int]]:
    """When messages arrive whose way there takes `late()` seconds and the answer's `back()`, each asked for at its turn."""
    pace, now, found = Pace(rate), 0.0, []
    for units in lengths:
        slot = pace.slot(units, now)
        now = slot.at
        pace.started(slot, now)
        there = late()
        found.append((now + there, units))
        pace.answered(slot, there + back())
    return sorted(found)


def lengths_of(chance: random.Random) -> list[int]:
    return [chance.choice([1, 2]) for _ in range(1_000)]


@given(st.sampled_from([20, 100, 1000]), st.integers())
def test_arrivals_late_now_and_then_stay_within_the_rate(rate: int, seed: int) -> None:
    chance = random.Random(seed)
    found = arrivals(rate, lengths_of(chance), lambda: 0.001 + chance.choice([0.0, 0.0, 0.014, 0.06]), lambda: 0.001)
    assert busiest_second(found) <= rate


@given(st.sampled_from([20, 100, 1000]), st.integers())
def test_answers_of_any_lateness_stay_within_the_rate(rate: int, seed: int) -> None:
    chance = random.Random(seed)
    found = arrivals(rate, lengths_of(chance), lambda: chance.uniform(0.001, 0.014), lambda: chance.uniform(0.001, 0.3))
    assert busiest_second(found) <= rate


@given(st.integers())
def test_calls_that_begin_late_stay_within_the_rate(seed: int) -> None:
    chance = random.Random(seed)
    pace, now, found = Pace(100), 0.0, []
    for units in lengths_of(chance):
        slot = pace.slot(units, now)
        now = slot.at + chance.choice([0.0, 0.0, 0.0, 0.2])
        pace.started(slot, now)
        found.append((now, units))
    assert busiest_second(found) <= 100


def test_a_provider_that_is_slow_all_the_time_costs_no_pace() -> None:
    found = arrivals(100, [1] * 6_000, lambda: 0.1, lambda: 0.4)
    assert sum(1 for at, _ in found if at < 30.1) >= 0.97 * 30 * 100


def test_a_provider_that_has_become_slow_soon_costs_no_pace() -> None:
    answers = iter([0.01] * 100 + [0.09] * 20_000)
    found = arrivals(100, [1] * 9_000, lambda: 0.001, lambda: next(answers))
    assert sum(1 for at, _ in found if 30 <= at < 60) >= 0.97 * 30 * 100


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
    assert pace.slot(1, 0.0).at == 30.0


def test_slots_missed_by_a_busy_process_are_made_up() -> None:
    found = starts(1000, [1] * 31_000, [CATCH_UP_S if number % 20 == 0 else 0.0 for number in range(31_000)])
    assert sum(1 for start, _ in found if start < 30) >= 0.97 * 30 * 1000


def test_after_a_long_idle_time_only_the_last_moments_slots_are_made_up() -> None:
    pace = Pace(100)
    pace.slot(1, 0.0)
    at_once = [start for start in (pace.slot(1, 60.0).at for _ in range(20)) if start == 60.0]
    assert len(at_once) <= 1 + CATCH_UP_S * 100
