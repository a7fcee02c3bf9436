"""Circles: everything within the radius is covered, and hardly anything beyond."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from subscribers.areas import BadArea, circle
from subscribers.geodesy import travelled
from subscribers.place import Envelope
from tests.subscribers.factories import ENVELOPE

EARTH = Envelope(south=-80, west=-170, north=80, east=170)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Lambert's formula for long lines on WGS 84, good to 10 m in 1,000 km: another way round than the code under test."""
    a, f = 6_378_137.0, 1 / 298.257223563
    b1, b2 = (math.atan((1 - f) * math.tan(math.radians(point[1]))) for point in (one, other))
    east = math.radians(other[0] - one[0])
    half = math.sin((b2 - b1) / 2) ** 2 + math.cos(b1) * math.cos(b2) * math.sin(east / 2) ** 2
    sigma = 2 * math.asin(math.sqrt(half))
    p, q = (b1 + b2) / 2, (b2 - b1) / 2
    x = (sigma - math.sin(sigma)) * (math.sin(p) * math.cos(q) / math.cos(sigma / 2)) ** 2
    y = (sigma + math.sin(sigma)) * (math.cos(p) * math.sin(q) / math.sin(sigma / 2)) ** 2
    return a * (sigma - f / 2 * (x + y))


@settings(max_examples=200, deadline=None)
@given(
    lat=st.floats(-66, 66),
    lon=st.floats(-160, 160),
    bearing=st.floats(0, 360),
    share=st.floats(0.001, 1),
    radius_m=st.floats(20, 200_000),
)
def test_everything_within_the_radius_is_covered(lat: float, lon: float, bearing: float, share: float, radius_m: float) -> None:
    there = travelled(lat, lon, bearing, radius_m * share)
    assert circle(lat, lon, radius_m, EARTH).intersects(Point(there))


@settings(max_examples=200, deadline=None)
@given(lat=st.floats(-66, 66), lon=st.floats(-160, 160), bearing=st.floats(0, 360), radius_m=st.floats(20, 200_000))
def test_nothing_far_beyond_the_radius_is_covered(lat: float, lon: float, bearing: float, radius_m: float) -> None:
    there = travelled(lat, lon, bearing, radius_m * 1.001)
    assert not circle(lat, lon, radius_m, EARTH).intersects(Point(there))


@settings(max_examples=200, deadline=None)
@given(lat=st.floats(-66, 66), lon=st.floats(-160, 160), bearing=st.floats(0, 360), metres=st.floats(20, 200_000))
def test_travelling_goes_as_far_as_another_formula_says(lat: float, lon: float, bearing: float, metres: float) -> None:
    there = travelled(lat, lon, bearing, metres)
    assert distance_m((lon, lat), there) == pytest.approx(metres, rel=2e-5, abs=0.05)


def test_a_known_line_is_travelled() -> None:
    """Flinders Peak to Buninyong, the worked example of the Geocentric Datum of Australia manual (GRS 80 there)."""
    lon, lat = travelled(-37.95103341666667, 144.42486788888888, 306.86815833333333, 54_972.271)
    assert [lat, lon] == pytest.approx([-37.65282113888889, 143.92649552777777], abs=1e-6)


def test_a_circle_is_a_valid_polygon_of_many_sides() -> None:
    shape = circle(45.52, -122.67, 1500, ENVELOPE)
    assert shape.is_valid
    assert len(shape.exterior.coords) - 1 >= 64


@pytest.mark.parametrize(
    ("lat", "lon", "radius_m", "sentence"),
    [
        (-122.67, 45.52, 500, "look swapped"),
        (44.0, -123.0, 500, "outside the city"),
        (math.nan, -122.67, 500, "must be numbers"),
        (45.52, -122.67, 0, "more than 0"),
        (45.52, -122.67, -5, "more than 0"),
        (45.52, -122.67, math.nan, "more than 0"),
        (45.52, -122.67, 200_001, "at most 200 km"),
        (45.52, -122.67, math.inf, "at most 200 km"),
    ],
)
def test_a_circle_that_makes_no_sense_is_refused(lat: float, lon: float, radius_m: float, sentence: str) -> None:
    with pytest.raises(BadArea, match=sentence):
        circle(lat, lon, radius_m, ENVELOPE)


def test_without_an_envelope_the_earth_is_the_limit() -> None:
    assert circle(44.0, -123.0, 500).is_valid
    with pytest.raises(BadArea, match="not in degrees"):
        circle(-122.67, 45.52, 500)


def test_a_circle_over_the_antimeridian_or_a_pole_is_refused() -> None:
    world = Envelope(south=-90, west=-180, north=90, east=180)
    assert circle(0, 179.9, 5_000, world).bounds[2] > 179.9
    with pytest.raises(BadArea, match="antimeridian"):
        circle(0, 179.99, 50_000, world)
    with pytest.raises(BadArea, match="pole"):
        circle(89.99, 0, 50_000, world)
