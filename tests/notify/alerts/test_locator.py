"""Locator maps: the area where it is, at its size, whatever else is on the map."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from notify.alerts import locator
from notify.alerts.alert import Area
from notify.alerts.locator import FINE, LETTER, WIDTH
from subscribers.areas import NamedShape, circle

CITY = shapely.box(-122.8, 45.4, -122.4, 45.7)
SVG = "{http://www.w3.org/2000/svg}"
POINT = re.compile(r"(-?[\d.]+) (-?[\d.]+)")


GRID = [(-122.79 + column * 0.0065, 45.41 + row * 0.0055) for column in range(60) for row in range(50)]


def named(*districts: tuple[str, Any], kind: str = "district") -> list[NamedShape]:
    city = NamedShape(name="Portland", kind="city", shape=CITY, citywide=True)
    return [city, *(NamedShape(name=name, kind=kind, shape=shape) for name, shape in districts)]


HALVES = named(("West side", shapely.box(-122.8, 45.4, -122.6, 45.7)), ("East side", shapely.box(-122.6, 45.4, -122.4, 45.7)))


def drawn(*shapes: Any, among: Sequence[NamedShape] = HALVES) -> list[Any]:
    return [etree.fromstring(one.encode()) for one in locator.maps([Area(name="area", shape=one) for one in shapes], among)]


def of_alert(svg: Any) -> list[tuple[float, float]]:
    """Corners of the alert's own area: what is hatched."""
    (path,) = [one for one in svg.iter(f"{SVG}path") if (one.get("fill") or "").startswith("url(")]
    return [(float(x), float(y)) for x, y in POINT.findall(path.get("d"))]


def test_a_large_area_is_drawn_once_and_a_small_one_again_from_near_with_its_frame_on_the_first() -> None:
    assert len(drawn(CITY)) == 1
    far, near = drawn(circle(45.55, -122.5, 400))
    (inset,) = far.iter(f"{SVG}rect")
    corners = of_alert(far)
    left, top = float(inset.get("x")), float(inset.get("y"))
    assert all(left < x < left + float(inset.get("width")) and top < y < top + float(inset.get("height")) for x, y in corners)
    widths = [max(x for x, _ in of_alert(one)) - min(x for x, _ in of_alert(one)) for one in (far, near)]
    assert widths[1] > 5 * widths[0]


def test_north_is_up_and_east_is_right() -> None:
    (far,) = drawn(shapely.box(-122.6, 45.55, -122.4, 45.7), among=named())[:1]
    wide, high = map(float, far.get("viewBox").split()[2:])
    assert all(x > 0.45 * wide and y < 0.55 * high for x, y in of_alert(far))


def test_what_lies_far_outside_the_city_is_on_the_map_with_it() -> None:
    far = drawn(circle(45.5, -124.5, 3_000))[0]
    outline = next(one for one in far.iter(f"{SVG}path") if one.get("fill") == "#fff")
    city = [float(x) for x, _ in POINT.findall(outline.get("d"))]
    assert max(x for x, _ in of_alert(far)) < min(city)
    assert all(0 <= x <= WIDTH for x in city)


def test_a_circle_on_the_ground_is_round_on_the_map() -> None:
    near = drawn(circle(45.55, -122.5, 2_000))[-1]
    corners = of_alert(near)
    wide, high = (max(one) - min(one) for one in zip(*corners, strict=True))
    assert wide == pytest.approx(high, rel=0.02)


def test_the_scale_is_as_long_as_it_says() -> None:
    svg = drawn(circle(45.55, -122.5, 2_000))[-1]
    miles = float(next(one.text for one in svg.iter(f"{SVG}text") if one.text.endswith(" mi")).removesuffix(" mi"))
    bar = next(one.get("d") for one in svg.iter(f"{SVG}path") if "m0-4h" in one.get("d"))
    units = float(re.search(r"h([\d.]+)", bar)[1])  # type: ignore[index]
    corners = of_alert(svg)
    across = max(x for x, _ in corners) - min(x for x, _ in corners)
    assert units / across == pytest.approx(miles * 1_609.344 / 4_000, rel=0.02)


def test_the_scale_can_be_read_on_a_page_of_any_colour() -> None:
    svg = drawn(CITY)[0]
    wide, high = map(float, svg.get("viewBox").split()[2:])
    ground = next(one for one in svg.findall(f"{SVG}path") if one.get("fill") == "white")
    assert ground.get("d") == f"M0 0h{wide:.0f}v{high:.0f}h-{wide:.0f}z"
    assert list(svg).index(ground) < list(svg).index(svg.find(f"{SVG}text"))


def test_names_are_shown_as_they_are_written_and_never_on_one_another() -> None:
    strips = [
        (f"<b>District {number}</b>", shapely.box(-122.8, 45.4 + number / 100, -122.4, 45.41 + number / 100))
        for number in range(30)
    ]
    (svg,) = drawn(CITY, among=named(*strips))
    texts = [one for one in svg.iter(f"{SVG}text") if not one.text.endswith(" mi")]
    assert 3 < len(texts) <= locator.MOST_NAMES and all(one.text.startswith("<b>District ") for one in texts)
    heights = sorted(float(one.get("y")) for one in texts)
    assert all(later - earlier >= LETTER for earlier, later in pairwise(heights))


def test_a_district_too_small_for_its_name_bears_none() -> None:
    small = named(("A district with a long name", shapely.box(-122.61, 45.5, -122.6, 45.51)), ("East side", CITY))
    (svg,) = drawn(CITY, among=small)
    assert [one.text for one in svg.iter(f"{SVG}text") if not one.text.endswith(" mi")] == ["East side"]


def test_every_part_of_an_area_is_marked_however_small_it_is_beside_the_others() -> None:
    large, small = circle(45.55, -122.5, 9_000), circle(45.42, -122.78, 3)
    (svg,) = drawn(large, small)
    wide, high = map(float, svg.get("viewBox").split()[2:])
    (mark,) = [one for one in svg.iter(f"{SVG}path") if one.get("stroke-linecap") == "round"]
    ((x, y),) = [(float(x), float(y)) for x, y in POINT.findall(mark.get("d"))]
    assert x < 0.15 * wide and y > 0.75 * high and float(mark.get("stroke-width")) >= 4
    assert list(svg).index(mark) > max(list(svg).index(one) for one in svg.iter(f"{SVG}text")), "no name lies on it"
    assert all(not (corner[0] < 0.15 * wide and corner[1] > 0.75 * high) for corner in of_alert(svg))


def test_where_everything_is_small_each_part_is_marked() -> None:
    (svg,) = drawn(circle(45.41, -122.79, 3), circle(45.69, -122.41, 3))
    (mark,) = [one for one in svg.iter(f"{SVG}path") if one.get("stroke-linecap") == "round"]
    assert len(POINT.findall(mark.get("d"))) == 2


@pytest.mark.parametrize("radius_m", [3, 400])
def test_no_name_is_written_over_a_small_part_of_an_area(radius_m: float) -> None:
    (svg,) = drawn(circle(45.55, -122.5, radius_m), circle(45.55, -122.7, radius_m), circle(45.41, -122.79, 500))
    assert [one.text for one in svg.iter(f"{SVG}text") if not one.text.endswith(" mi")] == []


def test_thousands_of_small_parts_do_not_swell_the_map() -> None:
    spots = [shapely.box(lon, lat, lon + 1e-5, lat + 1e-5) for lon, lat in GRID]
    (svg,) = locator.maps([Area(name="area", shape=shapely.MultiPolygon(spots))], HALVES)
    assert len(svg.encode()) < 50_000


def test_a_city_none_of_whose_areas_is_citywide_is_still_around_the_alert() -> None:
    far = drawn(circle(45.55, -122.5, 400), among=[one for one in HALVES if not one.citywide])[0]
    wide = float(far.get("viewBox").split()[2])
    corners = of_alert(far)
    assert max(x for x, _ in corners) - min(x for x, _ in corners) < 0.1 * wide


def test_a_city_without_areas_still_shows_the_alert_and_the_scale() -> None:
    (svg,) = drawn(circle(45.55, -122.5, 400), among=[])
    assert of_alert(svg) and any(one.text.endswith(" mi") for one in svg.iter(f"{SVG}text"))


def test_both_maps_stand_on_one_sheet_below_one_another() -> None:
    both = locator.maps([Area(name="area", shape=circle(45.55, -122.5, 400))], HALVES)
    sheet = etree.fromstring(locator.sheet(both).encode())
    first, second = sheet.findall(f"{SVG}svg")
    assert float(first.get("y")) == 0 and float(second.get("y")) >= float(first.get("height"))
    assert float(sheet.get("viewBox").split()[3]) >= float(second.get("y")) + float(second.get("height"))


@pytest.mark.parametrize("among", [HALVES, []])
@pytest.mark.parametrize("shape", [CITY, circle(45.55, -122.5, 400), circle(45.5, -124.5, 3_000)])
def test_how_large_a_sheet_is_can_be_told_before_it_is_drawn(shape: Any, among: Sequence[NamedShape]) -> None:
    areas = [Area(name="area", shape=shape)]
    wide, high = locator.size(areas, among)
    sheet = etree.fromstring(locator.sheet(locator.maps(areas, among)).encode())
    assert sheet.get("viewBox") == f"0 0 {wide} {high}"


def test_what_was_not_drawn_is_an_empty_sheet() -> None:
    assert len(etree.fromstring(locator.sheet(()).encode())) == 0


def test_an_alert_whose_area_cannot_be_drawn_has_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise shapely.errors.GEOSException("a plain refusal")

    monkeypatch.setattr(shapely, "union_all", fails)
    assert locator.maps([Area(name="area", shape=CITY)], HALVES) == ()


@given(
    lat=st.floats(45.3, 45.8),
    lon=st.floats(-123.0, -122.2),
    radius_m=st.floats(20, 60_000),
    hole=st.booleans(),
)
@settings(max_examples=40)
def test_whatever_the_area_it_is_drawn_within_the_map_and_at_its_size(
    lat: float, lon: float, radius_m: float, hole: bool
) -> None:
    shape = circle(lat, lon, radius_m)
    if hole:
        shape = shape.difference(circle(lat, lon, radius_m / 2))
    for svg in drawn(shape):
        wide, high = map(float, svg.get("viewBox").split()[2:])
        corners = of_alert(svg)
        assert corners or radius_m < 2_000, "only what is smaller than a line's width may vanish from afar"
        assert all(-FINE <= x <= wide + FINE and -FINE <= y <= high + FINE for x, y in corners)
    assert of_alert(drawn(shape)[-1]), "and never from near"
