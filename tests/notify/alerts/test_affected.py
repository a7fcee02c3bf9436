"""Whether a place is in an alert's area: the same answer as the audience's rule, and never a false no."""

from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point as Spike
from shapely.geometry import box

from notify.alerts.affected import Map, Touched, Verdict, document, of_area, of_block, touched
from notify.alerts.alert import Area
from subscribers.areas import NamedShape
from subscribers.dialog.turn import Sight
from subscribers.nearness import Nearness
from subscribers.place import NamedPlace, Point, ZipArea

AREA = box(-122.70, 45.50, -122.60, 45.60)
ZIPS = {
    "97201": box(-122.68, 45.52, -122.66, 45.54),  # within
    "97202": box(-122.65, 45.55, -122.55, 45.58),  # over the eastern side
    "97203": box(-122.60, 45.50, -122.50, 45.60),  # shares a side and nothing more
    "97204": box(-122.40, 45.50, -122.30, 45.60),
}
NAMED = [NamedShape(name=code, kind="zip", shape=shape) for code, shape in ZIPS.items()]
LENTS = NamedShape(name="Lents", kind="neighborhood", shape=ZIPS["97201"])
DEGREES = st.floats(-0.3, 0.3)


def a_map(shape: Any = AREA) -> Map:
    areas = [Area(name="Drawn", shape=shape)]
    return Map.read(document(areas, touched(areas, [*NAMED, LENTS]), "311"))


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("97201", Verdict.INSIDE),
        ("97202", Verdict.PART),
        ("97203", Verdict.OUTSIDE),
        ("97204", Verdict.OUTSIDE),
        ("99999", Verdict.UNKNOWN),
    ],
)
def test_a_zip_that_only_overlaps_is_partly_inside_and_one_nobody_knows_is_unknown(code: str, verdict: Verdict) -> None:
    assert a_map().of(ZipArea(code)) is verdict


@pytest.mark.parametrize(
    ("lat", "lon", "verdict"),
    [
        (45.55, -122.65, Verdict.INSIDE),
        (45.50, -122.65, Verdict.INSIDE),  # on the boundary
        (45.60, -122.60, Verdict.INSIDE),  # on a corner
        (45.4995, -122.65, Verdict.EDGE),  # 56 m south
        (45.55, -122.5990, Verdict.EDGE),  # 78 m east
        (45.498, -122.65, Verdict.OUTSIDE),  # 222 m south
        (45.55, -122.30, Verdict.OUTSIDE),
    ],
)
def test_a_point_is_inside_up_to_the_line_and_doubtful_just_behind_it(lat: float, lon: float, verdict: Verdict) -> None:
    assert a_map().of(Point(lat, lon)) is verdict


def test_a_hole_is_outside() -> None:
    holed = AREA.difference(ZIPS["97201"])
    assert a_map(holed).of(Point(45.53, -122.67)) is Verdict.OUTSIDE
    assert a_map(holed).of(ZipArea("97201")) is Verdict.OUTSIDE


def test_several_places_that_agree_have_one_answer_and_others_none() -> None:
    here, there = Point(45.55, -122.65), Point(45.55, -122.30)
    assert a_map().of_sights(sights(0.7, here, ZipArea("97201"), NamedPlace("Lents"))) is Verdict.INSIDE
    assert a_map().of_sights(sights(1.0, here, there)) is Verdict.WHICH
    assert a_map().of_sights([]) is Verdict.UNKNOWN


def test_a_find_that_is_all_that_was_typed_is_taken_before_its_namesakes() -> None:
    here, there = Point(45.55, -122.65), Point(45.55, -122.30)
    assert a_map().of_sights([*sights(1.0, there), *sights(0.74, here)]) is Verdict.OUTSIDE
    assert a_map().of_sights([*sights(1.0, here), *sights(0.74, there)]) is Verdict.INSIDE
    assert a_map().of_sights([*sights(0.95, there), *sights(0.9, here)]) is Verdict.WHICH, "too near to choose"


@given(st.lists(st.floats(0.6, 1.0), min_size=1, max_size=5))
def test_nothing_is_outside_by_a_doubtful_find_or_a_list_that_may_be_cut_off(scores: list[float]) -> None:
    """Whatever the scores: OUTSIDE needs a first find that nothing typed contradicts; and a full list needs it far ahead."""
    scores = sorted(scores, reverse=True)
    there = [*(one for score in scores for one in sights(score, Point(45.55, -122.30)))]
    verdict = a_map().of_sights(there)
    ahead = len(scores) == 1 or scores[0] - scores[1] >= 0.1
    assert (verdict is Verdict.OUTSIDE) == (scores[0] > 0.9 and (ahead or len(scores) < 5))
    assert verdict in (Verdict.OUTSIDE, Verdict.WHICH)


def sights(score: float, *spots: Point | ZipArea | NamedPlace) -> list[Sight]:
    return [Sight(spot=spot, words="x", exact="x", score=score) for spot in spots]


def test_zips_are_listed_apart_from_other_areas() -> None:
    found = touched([Area(name="Drawn", shape=AREA)], [*NAMED, LENTS])
    assert found.codes(Verdict.INSIDE) == ("97201",)
    assert found.codes(Verdict.PART) == ("97202",)
    assert found.others == (("Lents", Verdict.INSIDE),)
    assert Touched().codes(Verdict.PART) == ()


@given(DEGREES, DEGREES)
def test_a_no_is_never_said_to_a_point_that_is_sent_the_alert(north: float, east: float) -> None:
    lat, lon = 45.55 + north, -122.65 + east
    verdict, sent = a_map().of(Point(lat, lon)), bool(shapely.intersects_xy(AREA, lon, lat))
    assert (verdict is Verdict.INSIDE) is sent
    assert verdict in (Verdict.INSIDE, Verdict.EDGE, Verdict.OUTSIDE)


@given(DEGREES, DEGREES, st.floats(0.001, 0.4))
def test_an_area_is_outside_only_if_nothing_of_it_is_sent_the_alert(north: float, east: float, side: float) -> None:
    place = box(-122.65 + east, 45.55 + north, -122.65 + east + side, 45.55 + north + side)
    shared = AREA.intersection(place).area / place.area
    match of_area(AREA, place):
        case Verdict.OUTSIDE:
            assert shared == 0
        case Verdict.INSIDE:
            assert shared == pytest.approx(1)
        case verdict:
            assert verdict is Verdict.PART
            assert shared < 1


@given(DEGREES, DEGREES)
def test_what_is_published_answers_as_the_area_itself(north: float, east: float) -> None:
    shape = Spike(-122.65 + east, 45.55 + north).buffer(0.05)
    lat, lon = 45.55, -122.65
    assert a_map(shape).of(Point(lat, lon)) is of_block(shape, Nearness.of(shape), lat, lon)
