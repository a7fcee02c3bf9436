"""What surge mode took off 911: four figures, one sign, and an interval that covers."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.contact import Standing, replayed
from surge.numbers.erlang import answered_within
from surge.numbers.forecast import FEWEST_WEEKS, MOST_WEEKS, Forecast, NotMeasured, Span, T, _then, forecast, weeks_before
from surge.numbers.measures import Share
from surge.numbers.relief import Handling, Load, Loads, answering, counterfactual, handling, load, loads, measured, moved
from tests.surge.calls import a_call, events

ZONE = ZoneInfo("America/Los_Angeles")
START = datetime(2014, 5, 23, 18, 16, tzinfo=UTC)  # 11:16 in Portland
TEN = Span(start=START, end=START + timedelta(minutes=10))
TWO = Span(start=START, end=START + timedelta(minutes=2))


def weeks_of(*totals: int, now: int = 30, span: Span = TEN) -> dict[datetime, int]:
    """Calls by minute: `now` in the span, and each total in the same minutes of the weeks before, the latest first. What does
    not divide falls into the first minute."""
    minutes = list(span.minutes())
    found: dict[datetime, int] = {}
    for back, total in enumerate([now, *totals]):
        share, rest = divmod(total, len(minutes))
        for at in minutes:
            earlier = weeks_before(at, back, ZONE)
            assert earlier is not None
            found[earlier] = share
        first = weeks_before(minutes[0], back, ZONE)
        assert first is not None
        found[first] += rest
    return found


def made(offered: dict[datetime, int], unclean: tuple[Span, ...] = (), span: Span = TEN) -> Forecast:
    found = forecast(offered, span, ZONE, unclean)
    assert isinstance(found, Forecast), found
    return found


def test_six_weeks_of_about_a_hundred_calls_foretell_a_hundred() -> None:
    found = made(weeks_of(100, 110, 90, 100, 105, 95, now=40))
    assert (found.expected, found.observed, found.weeks, found.minutes, found.asked) == (100.0, 40, 6, 10, 10)
    # Pearson's X2 is (100 + 100 + 25 + 25)/100 = 2.5, less than chance alone: the dispersion is 1, and
    # 2.571 x sqrt((100 + 0.5/6) x 7/6) = 27.8.
    assert (found.dispersion, found.low, found.high) == (1.0, 72, 128)
    less = counterfactual(found)
    assert not isinstance(less, NotMeasured)
    assert (less.calls, less.low, less.high, less.certain) == (60.0, 32, 88, True)


def test_relief_is_below_zero_when_911_got_more() -> None:
    less = counterfactual(made(weeks_of(100, 110, 90, 100, 105, 95, now=180)))
    assert not isinstance(less, NotMeasured)
    assert (less.calls, less.low, less.high, less.certain) == (-80.0, -108, -52, True)


def test_chance_alone_is_not_called_relief() -> None:
    less = counterfactual(made(weeks_of(100, 110, 90, 100, 105, 95, now=90)))
    assert not isinstance(less, NotMeasured)
    assert less.calls == 10.0 and less.low < 0 < less.high and not less.certain


def test_without_911_s_minutes_nothing_is_measured() -> None:
    found = counterfactual(forecast({}, TEN, ZONE))
    assert found == NotMeasured(why="911's minutes are there for 0 of the 10 minutes asked for.")


def test_fewer_than_six_clean_weeks_are_no_forecast() -> None:
    offered = weeks_of(*[100] * 6)
    assert isinstance(forecast(offered, TEN, ZONE), Forecast)
    storm = Span(start=START - timedelta(weeks=2), end=START - timedelta(weeks=2, minutes=-3))
    found = forecast(offered, TEN, ZONE, (storm,))
    assert found == NotMeasured(why="The forecast takes 6 clean weeks before; 5 of the last 52 are there.")
    assert made(weeks_of(*[100] * 20)).weeks == MOST_WEEKS


def test_a_week_with_a_gap_counts_where_it_has_nearly_all_minutes_and_the_gap_is_left_out_of_both_sides() -> None:
    offered = weeks_of(*[100] * 6, now=50)
    minutes = list(TEN.minutes())
    gap = weeks_before(minutes[3], 2, ZONE)
    assert gap is not None
    del offered[gap]
    found = made(offered)
    assert (found.minutes, found.observed, found.expected) == (9, 45, 90.0)
    for minute in minutes[4:6]:
        another = weeks_before(minute, 2, ZONE)
        assert another is not None
        del offered[another]
    assert isinstance(forecast(offered, TEN, ZONE), NotMeasured)  # five whole weeks are left


def test_eight_in_the_morning_is_compared_with_eight_in_the_morning_when_the_clocks_change() -> None:
    monday = datetime(2014, 3, 10, 15, 0, tzinfo=UTC)  # 08:00, the day after they went forward
    assert weeks_before(monday, 1, ZONE) == datetime(2014, 3, 3, 16, 0, tzinfo=UTC)
    gone = datetime(2014, 3, 16, 9, 30, tzinfo=UTC)  # 02:30 on a Sunday; a week before there was none
    assert weeks_before(gone, 1, ZONE) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60 * 24 * 366), st.integers(1, 3000), st.integers(1, 52))
def test_a_week_s_minutes_are_the_same_however_they_are_found(start: int, length: int, back: int) -> None:
    """The quick way for stretches without a change of the clocks, and each minute by itself."""
    begins = datetime(2014, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    minutes = list(Span(start=begins, end=begins + timedelta(minutes=length)).minutes())
    one_by_one = {at: earlier for at in minutes if (earlier := weeks_before(at, back, ZONE)) is not None}
    assert _then(minutes, back, ZONE) == one_by_one


def test_the_table_of_student_s_t_is_right() -> None:
    """By integrating the density: 95 % lies within."""
    for degrees, bound in T.items():
        x = np.linspace(0.0, bound, 20_001)
        density = (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
        far = np.linspace(0.0, 400.0, 2_000_001)
        whole = np.trapezoid((1 + far**2 / degrees) ** (-(degrees + 1) / 2), far)
        assert np.trapezoid(density, x) / whole == pytest.approx(0.95, abs=2e-4)


@pytest.mark.parametrize(("mean", "spread"), [(40.0, 0.0), (200.0, 0.08), (200.0, 0.25)], ids=["calm", "uneven", "wild"])
def test_the_interval_covers_a_clean_week_about_95_times_of_100(mean: float, spread: float) -> None:
    """Weeks whose level differs, and calls by chance within: the wild ones vary a dozen times more than chance."""
    dice, covered, tries = np.random.default_rng(5), 0, 250
    for _ in range(tries):
        level = dice.normal(1.0, spread, 8).clip(0.1)
        now, *before = (int(one) for one in dice.poisson(mean * level))
        found = made(weeks_of(*before, now=now, span=TWO), span=TWO)
        covered += found.low <= now <= found.high
    assert 0.90 <= covered / tries <= 1.0, covered


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=FEWEST_WEEKS, max_size=MOST_WEEKS), st.integers(0, 1000), st.integers(0, 1000))
def test_one_more_call_at_911_is_one_less_of_relief(before: list[int], now: int, more: int) -> None:
    less, other = (counterfactual(made(weeks_of(*before, now=one))) for one in (now, now + more))
    assert not isinstance(less, NotMeasured) and not isinstance(other, NotMeasured)
    assert other.calls == pytest.approx(less.calls - more) and (other.low, other.high) == (less.low - more, less.high - more)
    assert less.low <= less.calls <= less.high and less.low < less.high


def test_contacts_from_911_and_back_to_it_are_counted_apart_and_each_once() -> None:
    told = [replayed(a_call(contact_id=f"e{n}"), events((1, Standing.EMERGENCY_OUT))) for n in range(2)]
    answered = events((1, Standing.QUEUEING), (2, Standing.RESERVED), (3, Standing.TALKING), (9, Standing.DONE))
    done = [replayed(a_call(contact_id=f"d{n}"), answered) for n in range(5)]
    disposed = {"e0": "emergency", "d0": "emergency", "d1": "informed", "elsewhere": "emergency"}
    found = moved([*told, *done], {"d1", "d2", "elsewhere"}, disposed)
    assert (found.gross, found.returned, found.net) == (2, 3, -1)


def test_load_is_erlangs_and_call_takers_with_the_same_sign() -> None:
    hour = timedelta(hours=1)
    taken = load({"water": 40, "other": -4}, {"water": 120.0, "": 60.0}, hour, beside=3.0)
    assert not isinstance(taken, NotMeasured)
    assert taken.erlangs == pytest.approx((40 * 120 - 4 * 60) / 3600)
    given_back = load({"": -60}, {"": 120.0}, hour, beside=3.0)
    assert not isinstance(given_back, NotMeasured)
    assert given_back.erlangs == -2.0 and (given_back.call_takers or 0) < 0 < (taken.call_takers or 0)
    nothing = load({}, {}, hour, beside=3.0)
    assert not isinstance(nothing, NotMeasured) and (nothing.erlangs, nothing.call_takers) == (0.0, 0)


def test_call_takers_are_those_that_the_standard_takes() -> None:
    alone = load({"": 60}, {"": 120.0}, timedelta(hours=1))
    assert not isinstance(alone, NotMeasured)
    needed = alone.call_takers or 0
    enough, fewer = (answered_within(2.0, agents, 15, 120.0) for agents in (needed, needed - 1))
    assert isinstance(enough, float) and enough >= 0.9
    assert not isinstance(fewer, float) or fewer < 0.9


@given(st.integers(-500, 500), st.floats(1, 600), st.floats(1, 600), st.one_of(st.none(), st.floats(0, 20)))
def test_a_range_of_handling_times_gives_a_range_of_loads_of_one_sign(
    net: int, one_s: float, other_s: float, beside: float | None
) -> None:
    """Whatever the sign, the range goes up; and every handling time within it gives a load within it."""
    least_s, most_s = sorted((one_s, other_s))
    found = loads(net, (least_s, most_s), "the centre's own", timedelta(hours=1), beside)
    within = load({"": net}, {"": (least_s + most_s) / 2}, timedelta(hours=1), beside)
    assert isinstance(found, Loads) and isinstance(within, Load)
    assert found.low.erlangs <= within.erlangs + 1e-9 and within.erlangs <= found.high.erlangs + 1e-9
    assert found.low.erlangs * net >= 0 and found.high.erlangs * net >= 0
    assert (found.low.call_takers is None) == (beside is None) == (within.call_takers is None)


def test_the_interval_of_handling_times_covers_the_true_mean_about_95_times_of_100() -> None:
    dice, held = random.Random(1), 0
    for _ in range(400):
        minutes = [(calls, sum(dice.expovariate(1 / 95) for _ in range(calls)) / calls) for calls in (1, 2, 3) * 20]
        found = handling(minutes)
        assert found is not None and found.low_s < found.mean_s < found.high_s
        held += found.low_s <= 95 <= found.high_s
    assert 0.90 * 400 <= held <= 0.985 * 400


def test_few_minutes_give_a_mean_without_an_interval_and_none_give_nothing() -> None:
    found = handling([(1, 60.0), (3, 100.0)])
    assert found == Handling(mean_s=90.0, low_s=90.0, high_s=90.0, minutes=2) and handling([(0, 0.0)]) is None
    assert isinstance(measured(5, found, timedelta(hours=1), None), Load)


def test_a_load_without_handling_times_is_not_measured() -> None:
    found = load({"water": 3}, {}, timedelta(hours=1))
    assert found == NotMeasured(why="How long 911 needs for a call is not known: water.")


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(-200, 200)), st.floats(0, 20))
def test_taking_and_giving_back_the_same_are_each_other_s_opposite(net: dict[str, int], beside: float) -> None:
    taken = load(net, {"": 90.0}, timedelta(hours=1), beside)
    back = load({topic: -count for topic, count in net.items()}, {"": 90.0}, timedelta(hours=1), beside)
    assert not isinstance(taken, NotMeasured) and not isinstance(back, NotMeasured)
    assert taken.erlangs == pytest.approx(-back.erlangs)
    assert (taken.call_takers or 0) * taken.erlangs >= 0


def test_911_s_own_answers_are_judged_over_all_that_were_offered() -> None:
    found = answering(200, 181, 189)
    assert found.within == ((15, 0.90, Share(part=181, whole=200)), (20, 0.95, Share(part=189, whole=200)))
    assert found.met is False and answering(200, 181, 190).met is True and answering(0, 0, 0).met is None
