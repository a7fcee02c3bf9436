"""Where a number lies along a street: the middle of its block, measured out between known ones, never the house."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.gazetteer.blocks import BRIDGED_M, Fit, Numbered, between, block_of, block_words, metres, on_block

BLOCK = 0.0008  # degrees of latitude, about 90 m


def a_house(number: object, lat: float | None = None, lon: float = -122.6, code: str = "97206") -> Numbered:
    """On a street running north from latitude 45, a hundred numbers to a BLOCK."""
    digits = str(number)
    return Numbered(digits, block_of(digits), code, 45 + int(digits) / 100 * BLOCK if lat is None else lat, lon)


def test_a_number_of_the_file_is_listed_and_its_neighbours_are_on_its_block() -> None:
    houses = [a_house(1105), a_house(1120), a_house(1190)]
    assert [one.fit for one in on_block(houses, "1120")] == [Fit.LISTED]
    assert [one.fit for one in on_block(houses, "1150")] == [Fit.BLOCK]
    assert on_block(houses, "1120")[0].lat == on_block(houses, "1150")[0].lat, "everybody of a block is at one point"


def test_the_only_house_of_a_block_is_not_told() -> None:
    alone = Numbered("1120", 11, "97204", 45.515437, -122.677251)
    (spot,) = on_block([alone], "1120")
    assert (spot.lat, spot.lon) == (45.515, -122.677)


def test_one_house_put_wrongly_does_not_move_its_block() -> None:
    houses = [a_house(1110), a_house(1120), a_house(1130), a_house(1140), a_house(1150, lat=45.7)]
    (spot,) = on_block(houses, "1120")
    assert metres((spot.lat, spot.lon), (houses[2].lat, houses[2].lon)) < 20


def test_two_streets_of_one_name_are_two_places_and_a_border_is_none() -> None:
    here, there = a_house(100, code="97206"), a_house(102, lat=45.3, code="97203")
    assert sorted(one.zip for one in on_block([here, there], "100")) == ["97203", "97206"]
    across = [a_house(100, code="97206"), a_house(120, code="97206"), a_house(140, code="97266")]
    assert [one.zip for one in on_block(across, "100")] == ["97206"]


@given(st.integers(11, 19))
def test_a_block_between_known_ones_is_measured_out(block: int) -> None:
    (spot,) = between([a_house(1020), a_house(1080)], [a_house(2020), a_house(2080)], str(block * 100 + 50))
    assert spot.fit is Fit.BETWEEN
    assert spot.lat == pytest.approx(45 + (block + 0.5) * BLOCK, abs=2e-4)


def test_leading_zeros_are_measured_out_among_themselves() -> None:
    south = [Numbered("0520", -6, "97239", 45.49, -122.670)], [Numbered("0120", -2, "97239", 45.49, -122.674)]
    (spot,) = between(*south, "0350")
    assert spot.fit is Fit.BETWEEN and spot.lon == pytest.approx(-122.672, abs=1e-3)


def test_a_gap_too_wide_is_not_bridged() -> None:
    low, high = [a_house(1020)], [a_house(1020 + int(BRIDGED_M))]
    assert metres((low[0].lat, low[0].lon), (high[0].lat, high[0].lon)) < BRIDGED_M
    assert between(low, high, "1500") != []
    far = [a_house(9000)]
    assert between(low, far, "5000") == []
    assert [one.fit for one in between(low, far, "1150")] == [Fit.BEYOND], "beside a known block it is still taken for real"


@pytest.mark.parametrize(("number", "known"), [("1150", True), ("1250", False), ("950", True), ("850", False)])
def test_one_block_past_the_last_one_is_believed_and_no_more(number: str, known: bool) -> None:
    houses = [a_house(1020), a_house(1080)]
    ends = (houses, []) if int(number) > 1099 else ([], houses)
    assert bool(between(*ends, number)) is known
    assert all(one.fit is Fit.BEYOND for one in between(*ends, number))


def test_a_street_without_houses_has_no_blocks() -> None:
    assert on_block([], "1") == between([], [], "1") == []


@given(st.integers(0, 999_999), st.booleans())
def test_leading_zeros_never_share_a_block_with_other_numbers(number: int, zero: bool) -> None:
    written = f"0{number}" if zero else str(number or 1)
    assert (block_of(written) < 0) is zero


@pytest.mark.parametrize(
    ("number", "words"), [("1120", "1100 block X"), ("7", "0 block X"), ("0123", "0100 block X"), ("020", "00 block X")]
)
def test_a_block_is_named_by_its_hundred(number: str, words: str) -> None:
    assert block_words(number, "X") == words


@given(
    st.lists(st.tuples(st.integers(1100, 1199), st.floats(45.4, 45.401), st.floats(-122.6, -122.599)), min_size=1, max_size=12)
)
def test_a_block_s_point_lies_among_its_houses(rows: list[tuple[int, float, float]]) -> None:
    houses = [a_house(number, lat, lon) for number, lat, lon in rows]
    (spot,) = on_block(houses, "1100")
    slack = 0.0006  # of rounding to 110 m
    assert min(one.lat for one in houses) - slack <= spot.lat <= max(one.lat for one in houses) + slack
    assert min(one.lon for one in houses) - slack <= spot.lon <= max(one.lon for one in houses) + slack
