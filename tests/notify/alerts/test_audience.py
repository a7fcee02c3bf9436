import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Stage, Wording
from notify.alerts.audience import Concerned, Told, interleaved, wordings

PEOPLE = st.frozensets(st.integers(1, 40))


def ids(people: frozenset[int] | set[int]) -> np.ndarray:
    return np.array(sorted(people), np.int64)


def split(stage: Stage, matched: frozenset[int], told: Told, **given: bool) -> dict[Wording, set[int]]:
    return {wording: set(found.tolist()) for wording, found in wordings(stage, ids(matched), told, **given).items()}


@given(PEOPLE, PEOPLE, PEOPLE, PEOPLE)
def test_an_update_speaks_to_three_audiences_and_to_nobody_twice(
    matched: frozenset[int], inside: frozenset[int], outside: frozenset[int], waiting: frozenset[int]
) -> None:
    inside, outside = inside - waiting, outside - inside - waiting
    told = Told(inside=ids(inside), outside=ids(outside), open=ids(waiting))
    found = split(Stage.UPDATE, matched, told)
    settled = matched - waiting
    assert found[Wording.UPDATE] == settled & inside
    assert found[Wording.FIRST] == settled - inside
    assert found[Wording.OUTSIDE] == inside - matched
    assert sum(map(len, found.values())) == len(set().union(*found.values()))


@given(PEOPLE, PEOPLE, PEOPLE, PEOPLE)
def test_nobody_who_is_still_there_is_told_that_they_are_not(
    matched: frozenset[int], inside: frozenset[int], still: frozenset[int], within: frozenset[int]
) -> None:
    concerned = Concerned(still=ids(still), within=ids(within))
    found = wordings(Stage.UPDATE, ids(matched), Told(inside=ids(inside)), concerned)
    people = {wording: set(each.tolist()) for wording, each in found.items()}
    assert people[Wording.OUTSIDE] == inside - matched - still - within
    assert people[Wording.UPDATE] == inside & (matched | still)
    assert people[Wording.FIRST] == matched - inside, "nobody hears of it for the first time on a basis that does not allow it"


@pytest.mark.parametrize("stage", [Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM])
@given(PEOPLE, PEOPLE, PEOPLE)
def test_whoever_was_told_and_nobody_else_gets_the_correction_and_the_all_clear(
    stage: Stage, matched: frozenset[int], inside: frozenset[int], outside: frozenset[int]
) -> None:
    told = Told(inside=ids(inside), outside=ids(outside - inside))
    (people,) = split(stage, matched, told).values()
    assert people == inside | outside


@given(PEOPLE, PEOPLE)
def test_a_first_alert_is_not_repeated_to_anybody(matched: frozenset[int], inside: frozenset[int]) -> None:
    assert split(Stage.FIRST, matched, Told(inside=ids(inside)))[Wording.FIRST] == matched - inside


def test_the_short_form_takes_the_place_of_the_whole_alert_everywhere() -> None:
    assert split(Stage.FIRST, frozenset({1}), Told(), short=True) == {Wording.SHORT: {1}}
    assert split(Stage.UPDATE, frozenset({1}), Told(), short=True)[Wording.SHORT] == {1}


def test_a_test_goes_to_everybody_matched() -> None:
    assert split(Stage.TEST, frozenset({1, 2}), Told(inside=ids({1}))) == {Wording.TEST: {1, 2}}


@given(st.lists(st.integers(0, 11), max_size=300))
def test_every_language_is_half_done_when_all_are_half_done(groups: list[int]) -> None:
    codes = np.array(groups, np.int64)
    order = interleaved(codes)
    assert sorted(order.tolist()) == list(range(len(groups)))
    sent = codes[order]
    for share in (0.25, 0.5, 0.95):
        done = sent[: round(share * len(sent))]
        for group in set(groups):
            assert abs((done == group).sum() - share * groups.count(group)) <= len(set(groups)) / 2 + 1


@given(st.lists(st.integers(0, 3), max_size=100))
def test_people_of_one_language_keep_their_order(groups: list[int]) -> None:
    codes = np.array(groups, np.int64)
    order = interleaved(codes)
    for group in set(groups):
        mine = order[codes[order] == group]
        assert mine.tolist() == sorted(mine.tolist())
