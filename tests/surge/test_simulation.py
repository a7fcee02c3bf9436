"""Every call of a day: ties as they are written down, and a second simulator that steps through every second."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.numbers.chain import Habits, Slice, solve
from surge.numbers.simulation import Day, figures, simulate

TIMES = st.integers(0, 12)
Steps = Sequence[tuple[int, int]]


def a_day(*calls: tuple[int, int, int], staff: Steps = ((0, 1),), cap: int | None = None) -> Day:
    """calls: (arrival, service, patience) in seconds."""
    arrival, service, patience = zip(*calls, strict=True) if calls else ((), (), ())
    return Day(arrival=arrival, service=service, patience=patience, staff=staff, cap=cap)


def played(*calls: tuple[int, int, int], staff: Steps = ((0, 1),), cap: int | None = None) -> dict[str, Any]:
    return figures(simulate(a_day(*calls, staff=staff, cap=cap)))


def test_whoever_comes_first_is_answered_first() -> None:
    found = played((0, 10, 99), (1, 10, 99), (2, 10, 99))
    assert (found["answered"], found["wait_sum_s"], found["max_queue"], found["asa_s"]) == (3, 9 + 18, 2, 9.0)


@pytest.mark.parametrize(
    ("why", "day", "expected"),
    [
        ("service wins over patience", a_day((0, 5, 9), (0, 5, 5)), {"answered": 2, "abandoned": 0}),
        ("patience ends a moment before service does", a_day((0, 6, 9), (0, 5, 5)), {"answered": 1, "abandoned": 1}),
        ("a level that rises comes before patience", a_day((0, 5, 5), staff=((5, 1),)), {"answered": 1, "wait_sum_s": 5}),
        ("a level that rises comes before an arrival", a_day((5, 1, 0), staff=((5, 1),)), {"answered": 1, "wait_sum_s": 0}),
        ("an arrival comes before the end of a call", a_day((0, 5, 9), (5, 5, 9), cap=0), {"blocked": 1, "answered": 1}),
        ("an arrival that waits no time counts as waiting", a_day((0, 5, 9), (5, 5, 9)), {"max_queue": 1, "wait_sum_s": 0}),
        ("a busy agent beyond the level finishes the call", a_day((0, 9, 9), (1, 1, 20), staff=((0, 1), (2, 0), (15, 1))),
         {"answered": 2, "wait_sum_s": 14}),
        ("two agents, then one: the next waits for both", a_day((0, 9, 9), (0, 4, 9), (1, 1, 20), staff=((0, 2), (2, 1))),
         {"answered": 3, "wait_sum_s": 8}),
        ("nobody is there before the first level", a_day((0, 5, 3), staff=((10, 9),)), {"abandoned": 1, "answered": 0}),
        ("the last level stays", a_day((500, 5, 3), staff=((10, 1),)), {"answered": 1}),
        ("a full queue blocks", a_day((0, 9, 9), (1, 9, 9), (2, 9, 9), cap=1), {"blocked": 1, "answered": 2}),
        ("who hangs up leaves room", a_day((0, 9, 9), (1, 9, 1), (3, 9, 9), cap=1), {"blocked": 0, "abandoned": 1}),
        ("no patience and an agent free", a_day((0, 5, 0)), {"answered": 1}),
        ("a call without length", a_day((0, 0, 0), (0, 0, 0)), {"answered": 2, "abandoned": 0}),
        ("the file's order within a moment", a_day((3, 5, 0), (3, 1, 9)), {"answered": 2, "wait_sum_s": 5}),
    ],
)  # fmt: skip
def test_a_moment_is_taken_in_order(why: str, day: Day, expected: dict[str, int]) -> None:
    found = figures(simulate(day))
    assert {name: found[name] for name in expected} == expected, why


def test_hours_are_those_of_arrival_and_nobody_has_no_average() -> None:
    found = played((3599, 10, 99), (3599, 10, 99), (7200, 10, 0), staff=((0, 1), (7100, 0)))
    assert found["per_hour"] == [
        {"hour": 0, "offered": 2, "answered": 2, "abandoned": 0, "blocked": 0, "asa_s": 5.0},
        {"hour": 2, "offered": 1, "answered": 0, "abandoned": 1, "blocked": 0, "asa_s": None},
    ]
    nobody = played()
    assert nobody["offered"] == 0 and nobody["asa_s"] is None and nobody["sl20_offered"] is None


class Slow:
    """The rules once more, slow and plain: each second, each kind of thing in its order."""

    def __init__(self, day: Day) -> None:
        self.day, self.line, self.ends = day, list[int](), list[int]()
        self.level = self.busy = self.answered = self.gone = self.blocked = self.waited = self.most = 0
        for now in range(200):
            for _, self.level in [step for step in day.staff if step[0] == now]:
                self.serve(now)
            for call in [call for call, at in enumerate(day.arrival) if at == now]:
                self.come(call, now)
            while now in self.ends:
                self.ends.remove(now)
                self.busy -= 1
                self.serve(now)
            for call in [call for call in self.line if day.arrival[call] + day.patience[call] == now]:
                self.line.remove(call)
                self.gone += 1

    def come(self, call: int, now: int) -> None:
        if self.busy >= self.level and self.day.cap is not None and len(self.line) >= self.day.cap:
            self.blocked += 1
        else:
            self.line.append(call)
            self.serve(now)

    def serve(self, now: int) -> None:
        while self.line and self.busy < self.level:
            call = self.line.pop(0)
            self.busy += 1
            self.answered += 1
            self.waited += now - self.day.arrival[call]
            self.ends.append(now + self.day.service[call])
        self.most = max(self.most, len(self.line))


@given(
    st.lists(st.tuples(TIMES, TIMES, TIMES), max_size=12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=4, unique_by=lambda step: step[0]),
    st.none() | st.integers(0, 3),
)
@settings(max_examples=400, deadline=None)
def test_it_agrees_with_one_that_steps_through_every_second(
    calls: list[tuple[int, int, int]], staff: list[tuple[int, int]], cap: int | None
) -> None:
    day = a_day(*calls, staff=tuple(sorted(staff)), cap=cap)
    whole, slow = (found := simulate(day)).whole, Slow(day)
    assert (whole.answered, whole.abandoned, whole.blocked) == (slow.answered, slow.gone, slow.blocked)
    assert (whole.wait, found.max_queue) == (slow.waited, slow.most)
    assert whole.offered == len(calls) == whole.answered + whole.abandoned + whole.blocked


def test_many_days_of_dice_come_out_as_the_chain_says() -> None:
    """Two independent pieces of code, one that plays each call and one that knows only chances."""
    dice, habits = random.Random(311), Habits(handling_s=200.0, patience_s=300.0, most_waiting=400)
    slices = [Slice(seconds=600.0, calls_per_s=rate, agents=8) for rate in (0.02, 0.1, 0.1, 0.05, 0.02)]
    expected, days, gone = solve(slices, habits), 150, []
    for _ in range(days):
        calls, start = [], 0.0
        for one in slices:
            at = start + dice.expovariate(one.calls_per_s)
            while at < start + one.seconds:
                calls.append(
                    (round(at * 1000), round(dice.expovariate(1 / 200) * 1000), round(dice.expovariate(1 / 300) * 1000))
                )
                at += dice.expovariate(one.calls_per_s)
            start += one.seconds
        arrival, service, patience = ([round(one * 1000) for one in column] for column in zip(*calls, strict=True))
        day = Day(arrival=arrival, service=service, patience=patience, staff=((0, 8),), ticks_per_s=1000)
        gone.append(simulate(day).whole.abandoned)
    mean = sum(gone) / days
    error = (sum((one - mean) ** 2 for one in gone) / days) ** 0.5 / days**0.5
    left = expected[-1].waiting * 0.5  # some of those who still wait at the end of the chain's time hang up after it
    assert sum(one.abandoned for one in expected) - 4 * error < mean < sum(one.abandoned for one in expected) + left + 4 * error
