"""Addresses and corners as people text them, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.gazetteer.address import DIRECTIONS, KINDS, crossing, house, street


def taken_apart(text: str) -> tuple[str, str, str, str, str] | None:
    """Number, direction, name, kind and ZIP of the reading with the shortest name."""
    found = house(text)
    if found is None:
        return None
    way = found.ways[-1]
    return found.number, way.direction, way.name, way.kind, found.zip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1120 SW 5th Ave", ("1120", "SW", "5", "Ave", "")),
        ("1120 sw fifth avenue", ("1120", "SW", "5", "Ave", "")),
        ("1120 southwest 5 ave.", ("1120", "SW", "5", "Ave", "")),
        ("1120 S.W. 5th", ("1120", "SW", "5", "", "")),
        ("1120 south west 5th st", ("1120", "SW", "5", "St", "")),
        ("1120 5th Ave SW", ("1120", "SW", "5", "Ave", "")),
        ("1120 SW 5TH AVE PORTLAND OR 97204", ("1120", "SW", "5", "Ave", "97204")),
        ("1120 SW 5th Ave, Portland, OR 97204-1234", ("1120", "SW", "5", "Ave", "97204")),
        ("1120 SW 5th 97204 portland", ("1120", "SW", "5", "", "97204")),
        ("97206 1120 se 82", ("1120", "SE", "82", "", "97206")),
        ("97206 1120 82nd ave", ("1120", "", "82", "Ave", "97206")),
        ("1120 5th", ("1120", "", "5", "", "")),
        ("1120 eighty second ave", ("1120", "", "eighty", "", "")),
        ("12205 SE Foster Rd", ("12205", "SE", "foster", "Rd", "")),
        ("12205 SE Foster Road 97236", ("12205", "SE", "foster", "Rd", "97236")),
        ("12205 82 ave", ("12205", "", "82", "Ave", "")),
        ("0123 S Curry St", ("0123", "S", "curry", "St", "")),
        ("123 S Curry St", ("123", "S", "curry", "St", "")),
        ("1120 5th apt 3", ("1120", "", "5", "", "")),
        ("1120 SW 5th Ave #4, 97204", ("1120", "SW", "5", "Ave", "97204")),
        ("apt 3 1120 sw 5th", ("1120", "SW", "5", "", "")),
        ("1120 sw 5th ste b", ("1120", "SW", "5", "", "")),
        ("1120 sw 5th 2nd floor", ("1120", "SW", "5", "", "")),
        ("#3 SW Main St", ("3", "SW", "main", "St", "")),
        ("4000 north lombard street #12", ("4000", "N", "lombard", "St", "")),
        ("I live at 100 southeast Hawthorne blvd.", ("100", "SE", "hawthorne", "Blvd", "")),
        ("my 2 kids at 1120 sw 5th", ("1120", "SW", "5", "", "")),
        ("1120-1124 SW 5th", ("1120", "SW", "5", "", "")),
        ("123 1/2 SE Stark", ("123", "SE", "stark", "", "")),
        ("1120a SW 5th", ("1120", "SW", "5", "", "")),
        ("1120 North St", ("1120", "", "north", "St", "")),
        ("1120 SW North St", ("1120", "SW", "north", "St", "")),
        ("1120 N East Ave", ("1120", "N", "east", "Ave", "")),
        ("1120 NE Martin Luther King Jr Blvd", ("1120", "NE", "martin", "", "")),
        ("Lents", None),
        ("97214", None),
        ("42", None),
        ("42 street", None),
        ("SE 82nd", None),
        ("", None),
    ],
)
def test_an_address_is_taken_apart(text: str, parts: tuple[str, ...] | None) -> None:
    assert taken_apart(text) == parts


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("6500 NW St Helens Rd", "st helens", "Rd"),
        ("6500 nw saint helens road", "st helens", "Rd"),
        ("1500 NE MLK", "dr martin luther king jr", ""),
        ("1500 ne martin luther king blvd", "dr martin luther king jr", "Blvd"),
        ("1500 ne dr. martin luther king jr blvd", "dr martin luther king jr", "Blvd"),
        ("4100 Highway 26", "hwy 26", ""),
        ("900 mount tabor dr", "mt tabor", "Dr"),
        ("1120 eighty second ave", "82", "Ave"),
        ("1200 SW Park Pl", "park", "Pl"),
    ],
)
def test_a_name_of_several_words_is_among_the_readings(text: str, name: str, kind: str) -> None:
    found = house(text)
    assert found is not None and (name, kind) in [(way.name, way.kind) for way in found.ways]


@pytest.mark.parametrize(
    "name",
    ["SW 5th Ave", "NW St Helens Rd", "NE Martin Luther King Jr Blvd", "SW Broadway", "S Curry St", "SE 82nd Pl", "Highway 26"],
)
def test_a_street_is_called_the_same_by_the_city_and_by_a_resident(name: str) -> None:
    way = street(name)
    found = house(f"1120 {name.lower()} portland")
    assert found is not None
    assert (way.direction, way.name, way.kind) in [(one.direction, one.name, one.kind) for one in found.ways]


def test_what_stands_behind_a_street_is_left_over() -> None:
    found = house("1120 sw 5th ave by the river")
    assert found is not None and found.ways[-1].rest == ("by", "the", "river")


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("SE 82nd and Foster", "82", "foster"),
        ("82nd & Foster Rd", "82", "foster"),
        ("82nd/foster", "82", "foster"),
        ("corner of 82nd and Foster", "82", "foster"),
        ("i am at 82nd and foster", "82", "foster"),
        ("near eighty second at foster", "eighty", "foster"),
        ("82 y Foster", "82", "foster"),
    ],
)
def test_a_corner_is_taken_apart(text: str, one: str, other: str) -> None:
    found = crossing(text)
    assert found is not None and (found.one[-1].name, found.other[-1].name) == (one, other)


@pytest.mark.parametrize("text", ["Foster", "and", "and Foster", "82nd and", "", "corner of", "&&&"])
def test_a_single_street_is_no_corner(text: str) -> None:
    assert crossing(text) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    house(text)
    crossing(text)
    street(text)


@given(
    number=st.from_regex(r"0?[1-9][0-9]{0,4}", fullmatch=True),
    direction=st.sampled_from(sorted(DIRECTIONS)),
    name=st.sampled_from(["hawthorne", "5th", "foster", "fremont"]),
    kind=st.sampled_from(sorted(KINDS)),
    case=st.sampled_from([str.upper, str.lower, str.title]),
    tail=st.sampled_from(["", " apt 12", " #4", ", Portland OR", " 97204", " unit b 97204"]),
)
def test_every_spelling_of_the_parts_is_understood(number, direction, name, kind, case, tail) -> None:  # type: ignore[no-untyped-def]
    found = house(case(f"{number} {direction} {name} {kind}") + tail)
    assert found is not None and found.number == number
    way = found.ways[-1]
    assert (way.direction, way.kind) == (DIRECTIONS[direction], KINDS[kind])
    assert way.name == name.removesuffix("th")
    assert found.zip == ("97204" if "97204" in tail else "")
