"""How alike names are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.gazetteer.likeness import apart, likeness, name_index

NAMES = ("foster", "hawthorne", "lombard", "hill", "mill", "main", "5", "82")


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("fostr", "foster", 1), ("lombrad", "lombard", 1), ("hill", "mill", 1), ("", "abc", 3), ("ca", "abc", 3)],
)
def test_letters_apart_are_counted(one: str, other: str, steps: int) -> None:
    assert apart(one, other) == apart(other, one) == steps


def test_a_slip_inside_a_name_is_nearer_than_another_beginning() -> None:
    assert likeness("lombrad", "lombard") > likeness("hill", "mill")


@pytest.mark.parametrize("wrong", ["fostr", "hawthorn", "lombrad", "hawthrone", "fosterr"])
def test_a_misspelt_name_is_found(wrong: str) -> None:
    (score, name), *_ = name_index(NAMES).alike(wrong, 0.6)
    assert name[:3] == wrong[:3] and 0.6 <= score < 1


@pytest.mark.parametrize("word", ["", "zzz", "stop", "water", "52", "a" * 5_000, "foster" * 400])
def test_a_strange_word_is_like_nothing(word: str) -> None:
    assert name_index(NAMES).alike(word, 0.6) == []


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_likeness_is_mutual_and_whole_only_for_equals(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert (likeness(one, other) == 1) == (one == other)


@given(st.lists(st.text(alphabet="abcde ", min_size=1, max_size=8), min_size=1, max_size=30), st.data())
def test_the_index_finds_every_name_by_itself(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert name_index(names).alike(name, 0.99)[0] == (1.0, name)
