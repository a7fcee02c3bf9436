"""When a route's delivery reports count as late: only of a route that has shown that it reports."""

import math
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.sending import lateness
from notify.sending.lateness import ENOUGH, HOLDS_S, LAPSES_S, NOTHING, UNKNOWN, Known, Lot, is_late, is_punctual, learnt

SILENT: Final = Lot(texts=100)
PUNCTUAL: Final = Lot(texts=100, reported=97, in_time=95)
LATE: Final = Lot(texts=100, reported=97, in_time=10)
FAILURES_ALONE: Final = Lot(texts=100, reported=6, in_time=6)
HALF_THE_NETWORKS: Final = Lot(texts=100, reported=50, in_time=50)


@st.composite
def lots(draw: st.DrawFn) -> Lot:
    texts = draw(st.integers(0, 500))
    reported = draw(st.integers(0, texts))
    return Lot(texts=texts, reported=reported, in_time=draw(st.integers(0, reported)))


@pytest.mark.parametrize("earlier", [NOTHING, SILENT, FAILURES_ALONE, HALF_THE_NETWORKS, Lot(texts=5, reported=5, in_time=5)])
@pytest.mark.parametrize("recent", [SILENT, FAILURES_ALONE, HALF_THE_NETWORKS])
def test_a_provider_that_sends_no_reports_or_only_some_is_never_late(recent: Lot, earlier: Lot) -> None:
    assert learnt(UNKNOWN, recent, earlier, 100.0).due(100.0) == (0, 0)


def test_a_route_that_reported_earlier_and_is_silent_now_is_late() -> None:
    for earlier in (PUNCTUAL, LATE):
        assert learnt(UNKNOWN, SILENT, earlier, 100.0).due(100.0) == (100, 100)
    assert learnt(UNKNOWN, LATE, NOTHING, 100.0).due(100.0) == (100, 90), "late reports are reports"


def test_what_a_route_has_shown_holds_for_an_hour_of_silence() -> None:
    known, now = learnt(UNKNOWN, PUNCTUAL, NOTHING, 100.0), 100.0
    while now < 100.0 + HOLDS_S:
        now += 60.0
        known = learnt(known, SILENT, NOTHING, now)
        assert known.due(now) == (100, 100)
    now += 60.0
    assert learnt(known, SILENT, NOTHING, now).due(now) == (0, 0)
    assert learnt(known, SILENT, LATE, now).due(now) == (100, 100), "texts of an hour ago have been reported since"


def test_an_old_look_says_nothing() -> None:
    known = learnt(UNKNOWN, LATE, PUNCTUAL, 100.0)
    assert known.due(100.0 + LAPSES_S) == (100, 90)
    assert known.due(100.1 + LAPSES_S) == (0, 0)
    assert UNKNOWN.due(0.0) == (0, 0) and Known().shown_at == -math.inf


@pytest.mark.parametrize(
    ("due", "late", "said"),
    [(100, 16, True), (100, 15, False), (ENOUGH, ENOUGH, True), (ENOUGH - 1, ENOUGH - 1, None), (0, 0, None)],
)
def test_more_than_fifteen_in_a_hundred_are_late_and_of_too_few_nobody_can_say(due: int, late: int, said: bool | None) -> None:
    assert (is_late(due, late), is_punctual(due, late)) == ((said, not said) if said is not None else (False, False))


@given(lots(), lots(), st.data())
def test_a_text_more_that_is_late_never_makes_a_route_punctual(recent: Lot, earlier: Lot, data: st.DataObject) -> None:
    """What is late may have been reported or not: of a route that has shown that it reports, that is the same."""
    worse = replace(recent, in_time=data.draw(st.integers(0, recent.in_time)))
    shown = Known(shown_at=0.0)
    before, after = (learnt(shown, one, earlier, 60.0).due(60.0) for one in (recent, worse))
    assert is_late(*after) or not is_late(*before)
    assert is_punctual(*before) or not is_punctual(*after)


def test_the_part_that_shows_reports_is_the_part_that_has_to_be_in_time() -> None:
    """Else a route that never reports on a fifth of its texts would be late for ever."""
    for silent in range(101):
        usual = Lot(texts=100, reported=100 - silent, in_time=100 - silent)
        assert not is_late(*learnt(UNKNOWN, usual, usual, 0.0).due(0.0))
    assert lateness.REPORTS == 1 - lateness.TOO_MANY_LATE
