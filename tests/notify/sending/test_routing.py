"""Which route may carry what: worse news never gives a route more, nothing flaps, a good one gains, a dead one is probed."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.sending import routing
from notify.sending.lateness import ENOUGH as ENOUGH_TEXTS
from notify.sending.routing import FLOOR, FULL, NOTHING, Seen, Standing, Why, judged, opened, shut

GOOD: Final = Seen(calls=100)
counts = st.integers(0, 200)


@st.composite
def sights(draw: st.DrawFn) -> Seen:
    calls = draw(counts)
    return Seen(
        calls=calls,
        failed=draw(st.integers(0, calls)),
        slow=draw(st.integers(0, calls)),
        in_a_row=draw(st.integers(0, 8)),
        silent_s=draw(st.floats(0, 15)),
        stopped=draw(st.booleans()),
        due=(due := draw(counts)),
        late=draw(st.integers(0, due)),
    )


standings = st.builds(
    Standing,
    share=st.sampled_from(range(FLOOR, FULL + 1, 2)),
    shut_at=st.none() | st.floats(0, 100),
    tries=st.integers(0, 9),
    moved_at=st.floats(0, 100),
)


def rank(one: Standing) -> int:
    return one.share if one.is_open else 0


@given(standings, standings, sights(), sights(), st.data())
def test_worse_news_never_gives_a_route_more(
    one: Standing, other: Standing, seen: Seen, others: Seen, data: st.DataObject
) -> None:
    worse = replace(
        seen,
        failed=data.draw(st.integers(seen.failed, seen.calls)),
        slow=data.draw(st.integers(seen.slow, seen.calls)),
        in_a_row=data.draw(st.integers(seen.in_a_row, 9)),
        silent_s=data.draw(st.floats(seen.silent_s, 20)),
        stopped=seen.stopped or data.draw(st.booleans()),
        late=data.draw(st.integers(seen.late, seen.due)),
    )
    # The other's own trouble stays less than ours in both looks, so that only our news differs.
    calm = {"b": replace(others, in_a_row=0, silent_s=0.0, stopped=False)}
    better_off = judged({"a": one, "b": other}, {"a": seen} | calm, 350.0)["a"]
    worse_off = judged({"a": one, "b": other}, {"a": worse} | calm, 350.0)["a"]
    assert rank(worse_off) <= rank(better_off)


@given(st.lists(st.tuples(sights(), sights()), max_size=120), st.floats(0.1, 30))
def test_a_share_moves_at_most_once_a_minute_and_stays_between_floor_and_full(
    looks: list[tuple[Seen, Seen]], step_s: float
) -> None:
    at, now = {"a": Standing(), "b": Standing()}, 0.0
    moved: dict[str, list[float]] = {"a": [], "b": []}
    for first, second in looks:
        now += step_s
        after = judged(at, {"a": first, "b": second}, now)
        for name in at:
            assert FLOOR <= after[name].share <= FULL
            if after[name].share != at[name].share:
                moved[name].append(now)
        at = after
    for times in moved.values():
        assert all(later - earlier >= routing.MOVES_S - 1e-6 for earlier, later in pairwise(times))


@given(standings.filter(lambda one: one.is_open), standings, sights(), st.floats(101, 400))
def test_a_route_about_which_nothing_bad_is_known_only_gains(one: Standing, other: Standing, its: Seen, now: float) -> None:
    for nothing_bad in (NOTHING, GOOD, Seen(calls=3)):
        after = judged({"a": one, "b": other}, {"a": nothing_bad, "b": its}, now)["a"]
        assert after.is_open and after.share >= one.share


@given(standings.filter(lambda one: one.is_open), sights().filter(lambda seen: seen.in_a_row < 5 and not seen.stopped))
def test_the_last_open_route_is_neither_slowed_nor_shut_for_silence(one: Standing, seen: Seen) -> None:
    for others in ({}, {"b": Standing(shut_at=1.0)}):
        after = judged({"a": one, **others}, {"a": seen}, 500.0)["a"]
        assert after.is_open and after.share >= one.share
    assert routing.share(one, alone=True) == 1.0


@given(sights(), sights())
def test_two_silent_routes_are_not_both_shut_for_silence(first: Seen, second: Seen) -> None:
    both = {"a": replace(first, in_a_row=0, stopped=False), "b": replace(second, in_a_row=0, stopped=False)}
    after = judged({"a": Standing(), "b": Standing()}, both, 10.0)
    assert any(one.is_open for one in after.values())


@pytest.mark.parametrize(
    "seen", [Seen(in_a_row=5), Seen(stopped=True), Seen(silent_s=3.0), Seen(calls=500, failed=5, in_a_row=5)]
)
def test_a_dead_route_is_shut_at_once(seen: Seen) -> None:
    after = judged({"a": Standing(), "b": Standing()}, {"a": seen, "b": GOOD}, 50.0)
    assert not after["a"].is_open and after["a"].probe_at == 50.0 + routing.PROBE_S
    assert after["b"] == Standing()


def test_where_both_are_slow_nothing_moves() -> None:
    slow = Seen(calls=100, slow=60)
    at = {"a": Standing(), "b": Standing()}
    assert judged(at, {"a": slow, "b": slow}, 500.0) == at
    assert judged(at, {"a": slow, "b": GOOD}, 500.0)["a"].share == FULL - routing.STEP


PUNCTUAL: Final = Seen(calls=100, due=100)
LATE: Final = Seen(calls=100, due=100, late=60)


def test_a_route_whose_reports_are_late_loses_a_step_in_five_minutes_down_to_its_floor_and_comes_back() -> None:
    at, now, moves = {"a": Standing(), "b": Standing()}, 1_000.0, []
    while now < 1_000 + 1_800:
        after = judged(at, {"a": LATE, "b": PUNCTUAL}, now)
        if after["a"].share != at["a"].share:
            moves.append((now - 1_000.0, after["a"].share, after["a"].why))
        at, now = after, now + 1.0
    assert moves == [(0, 8, Why.LATE), (300, 6, Why.LATE), (600, 4, Why.LATE), (900, FLOOR, Why.LATE)]
    assert at["b"] == Standing()
    for minute in range(4):
        at = judged(at, {"a": PUNCTUAL, "b": PUNCTUAL}, now + 60.0 * minute)
    assert (at["a"].share, at["a"].why) == (FULL, Why.NOTHING)


@pytest.mark.parametrize(
    "seen",
    [
        {"a": LATE, "b": LATE},  # all are slow
        {"a": LATE, "b": Seen(calls=100)},  # nobody knows of the other
        {"a": LATE, "b": Seen(calls=100, due=ENOUGH_TEXTS - 1)},
        {"a": LATE, "b": replace(PUNCTUAL, failed=50)},  # the other reports in time, and is worse
        {"a": Seen(calls=100, due=ENOUGH_TEXTS - 1, late=ENOUGH_TEXTS - 1), "b": PUNCTUAL},
        {"a": Seen(calls=100), "b": PUNCTUAL},
        {"a": replace(PUNCTUAL, late=15), "b": PUNCTUAL},
        {"a": NOTHING, "b": NOTHING},
    ],
)
def test_late_reports_move_nothing_where_all_are_late_or_too_little_is_known(seen: dict[str, Seen]) -> None:
    assert judged({"a": Standing(), "b": Standing()}, seen, 500.0)["a"] == Standing()


def test_late_reports_move_nothing_within_five_minutes_of_a_move_for_whatever_cause() -> None:
    at = {"a": Standing(), "b": Standing()}
    at = judged(at, {"a": replace(LATE, failed=50), "b": PUNCTUAL}, 500.0)
    assert at["a"].share == 8 and at["a"].why is Why.FAILED
    assert judged(at, {"a": LATE, "b": PUNCTUAL}, 799.0) == at
    assert judged(at, {"a": LATE, "b": PUNCTUAL}, 800.0)["a"].share == 6
    assert judged(at, {"a": replace(LATE, failed=50), "b": PUNCTUAL}, 560.0)["a"].share == 6


@given(standings, standings, sights(), sights(), st.floats(401, 900))
def test_silence_or_lateness_of_both_moves_nothing_down(
    one: Standing, other: Standing, first: Seen, second: Seen, now: float
) -> None:
    def as_late(seen: Seen, share: float) -> Seen:
        return replace(seen, failed=0, slow=0, in_a_row=0, silent_s=0.0, stopped=False, late=int(share * seen.due))

    for share in (1.0, 0.5):  # of none a report, of half of them
        both = {"a": as_late(replace(first, due=max(first.due, 8)), share), "b": as_late(replace(second, due=200), share)}
        before = {"a": one, "b": other}
        after = judged(before, both, now)
        assert all(after[name].share == before[name].share for name in before)


def test_a_route_that_was_shut_says_so_until_it_has_all_of_its_share() -> None:
    one = opened(shut(Standing(), 0.0, alone=False), 2.0)
    assert one.why is Why.SHUT
    assert opened(shut(Standing(share=4, why=Why.LATE), 0.0, alone=False), 2.0).why is Why.LATE


def test_between_the_two_bounds_a_share_stays_where_it_is() -> None:
    """What brought it down must have passed well before it goes up: no to and fro around one bound."""
    between = Seen(calls=100, failed=3, slow=10)
    low = Standing(share=6)
    assert judged({"a": low, "b": Standing()}, {"a": between, "b": GOOD}, 500.0)["a"] == low
    assert judged({"a": Standing(), "b": Standing()}, {"a": between, "b": GOOD}, 500.0)["a"].share == FULL


def test_probes_of_a_route_that_stays_dead_become_rare_and_rarer_where_another_carries() -> None:
    def waits(*, alone: bool) -> list[float]:
        one, now, found = Standing(), 0.0, []
        for _ in range(8):
            one = shut(one, now, alone=alone)
            found.append(one.probe_at - now)
            now = one.probe_at
        return found

    assert waits(alone=False) == [2, 4, 8, 16, 32, 60, 60, 60]
    assert waits(alone=True) == [2, 4, 8, 10, 10, 10, 10, 10]


def test_a_route_that_fails_again_as_soon_as_it_is_back_is_tried_ever_less() -> None:
    at, now, shuts = {"a": Standing(), "b": Standing()}, 0.0, []
    while now < 600:
        at = judged(at, {"a": Seen(in_a_row=5), "b": GOOD}, now)
        if not at["a"].is_open:
            shuts.append(now)
            now = at["a"].probe_at
            at["a"] = opened(at["a"], now)  # the probe arrives, and nothing after it
        now += 1.0
    assert len(shuts) < 16
    assert shuts[-1] - shuts[-2] > 60


def test_a_route_that_recovers_has_all_of_its_share_again_in_minutes_and_its_old_patience() -> None:
    one = opened(shut(Standing(), 0.0, alone=False), 2.0)
    assert one.is_open and one.share == routing.BACK and one.patience_s == 2 * routing.SILENT_S
    at, now = {"a": one, "b": Standing()}, 2.0
    while at["a"].share < FULL:
        now += 1.0
        at = judged(at, {"a": GOOD, "b": GOOD}, now)
    assert now <= 2.0 + 2 * routing.MOVES_S
    assert (at["a"].tries, at["a"].patience_s) == (0, routing.SILENT_S)


def test_a_route_that_is_slow_and_alive_is_not_shut_for_its_slowness_for_ever() -> None:
    """It is silent for nine seconds, again and again, and then answers."""
    at, now, shuts = {"a": Standing(), "b": Standing()}, 0.0, 0
    while now < 300:
        was = at["a"]
        at = judged(at, {"a": Seen(silent_s=9.0), "b": GOOD}, now)
        shuts += was.is_open and not at["a"].is_open
        now += 9.0
        at["a"] = opened(at["a"], now)
    assert shuts == 2
