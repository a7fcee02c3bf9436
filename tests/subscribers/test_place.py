"""Places: labels, ZIPs and points, with the mistakes people make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.place import BadPlace, Envelope, NamedPlace, Point, ZipArea, normal_label, point, zip_code
from subscribers.tables import PlaceKind
from tests.subscribers.factories import ENVELOPE


@pytest.mark.parametrize(
    ("written", "label"), [("home", "HOME"), (" mom's  house", "MOM'S HOUSE"), ("casa niña", "CASA NIÑA"), ("家", "家")]
)
def test_a_label_is_upper_case_and_single_spaced(written: str, label: str) -> None:
    assert normal_label(written) == label


@pytest.mark.parametrize(
    ("written", "reason"),
    [(" ", "needs a label"), ("GRANDPARENTS' HOUSE", "19 letters"), ("HOME\x00", "only letters"), ("=1+1", "only letters")],
)
def test_a_label_that_would_not_fit_a_text_is_refused(written: str, reason: str) -> None:
    with pytest.raises(BadPlace, match=reason):
        normal_label(written)


def test_a_zip_may_carry_its_four_extra_digits() -> None:
    assert zip_code(" 97214-1234 ") == "97214"
    for written in ("9721", "972144", "97214-12", "٩٧٢١٤", "ZIP 97214"):
        with pytest.raises(BadPlace, match="five-digit"):
            zip_code(written)


def test_a_point_inside_the_envelope_is_taken() -> None:
    assert point("45.5152", " -122.6784", ENVELOPE) == Point(45.5152, -122.6784)


@pytest.mark.parametrize(
    ("lat", "lon", "reason"),
    [
        ("-122.6784", "45.5152", "look swapped"),
        ("45.5152", "122.6784", "minus sign"),
        ("44.0", "-123.1", "outside the city's envelope"),
        ("nan", "-122.6784", "must be numbers"),
        ("inf", "-122.6784", "must be numbers"),
        ("45,5152", "-122,6784", "decimal degrees"),
        ("", "-122.6784", "decimal degrees"),
    ],
)
def test_a_point_in_the_wrong_place_says_what_is_wrong(lat: str, lon: str, reason: str) -> None:
    with pytest.raises(BadPlace, match=reason):
        point(lat, lon, ENVELOPE)


@given(lat=st.floats(), lon=st.floats())
def test_every_point_is_either_inside_or_explained(lat: float, lon: float) -> None:
    inside = 45.40 <= lat <= 45.70 and -122.90 <= lon <= -122.40
    assert (ENVELOPE.problem(lat, lon) == "") is inside
    assert ENVELOPE.holds(lat, lon) is inside


@pytest.mark.parametrize(
    "sides", [(1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 91, 1), (0, 0, 1, 181), (float("nan"), 0, 1, 1), (0, 170, 1, -170)]
)
def test_an_envelope_that_is_no_box_is_refused(sides: tuple[float, float, float, float]) -> None:
    south, west, north, east = sides
    with pytest.raises(ValueError, match="not a box"):
        Envelope(south=south, west=west, north=north, east=east)


def test_every_spot_knows_how_it_will_be_matched() -> None:
    assert [spot.kind for spot in (Point(45.5, -122.6), ZipArea("97214"), NamedPlace("Lents"))] == list(PlaceKind)
