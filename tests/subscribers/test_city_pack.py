"""The sample city's areas: sound, named once, and roughly where Portland is."""

import tomllib
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
import shapely
from shapely.geometry import Point

from subscribers.areas import KINDS, NamedShape, read_areas
from subscribers.place import Envelope

PACK = Path(__file__).parents[2] / "city" / "portland"
FILES = sorted((PACK / "areas").glob("*.geojson"))
HAIR = 1e-7  # square degrees, about 1,000 square metres: what rounding to a metre leaves along a long border


@cache
def envelope() -> Envelope:
    west, south, east, north = tomllib.loads((PACK / "city.toml").read_text("utf-8"))["envelope"]
    return Envelope(south=south, west=west, north=north, east=east)


@cache
def areas() -> dict[str, NamedShape]:
    return {area.name: area for file in FILES for area in read_areas(file.read_bytes(), envelope()).areas}


def of_kind(kind: str) -> list[NamedShape]:
    return [area for area in areas().values() if area.kind == kind]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_area_is_valid_named_and_inside_the_envelope(file: Path) -> None:
    reading = read_areas(file.read_bytes(), envelope())
    assert reading.problems == ()
    assert reading.areas


def test_names_are_unique_over_all_files() -> None:
    names = [area.name.casefold() for file in FILES for area in read_areas(file.read_bytes(), envelope()).areas]
    assert sorted(set(names)) == sorted(names)


def test_there_is_something_of_every_kind() -> None:
    assert {kind: len(of_kind(kind)) for kind in KINDS} == {
        "city": 1,
        "service-area": 1,
        "district": 7,
        "neighborhood": 33,
        "water-zone": 8,
        "zip": 27,
    }
    assert {area.name for area in areas().values() if area.citywide} == {"Portland", "Water service area"}


def test_the_outline_is_detailed_and_has_a_hole_where_another_city_lies() -> None:
    city = areas()["Portland"].shape
    assert 60 <= len(city.exterior.coords) <= 120
    assert len(city.interiors) == 1
    assert not city.intersects(Point(-122.5600, 45.5530)), "Maywood Park is a city of its own"


def test_the_water_service_area_is_larger_than_the_city() -> None:
    city, water = areas()["Portland"].shape, areas()["Water service area"].shape
    assert city.difference(water).area < HAIR
    assert water.area > 1.1 * city.area


@pytest.mark.parametrize("kind", ["district", "neighborhood", "zip"])
def test_parts_of_the_city_lie_in_the_city(kind: str) -> None:
    for area in of_kind(kind):
        assert area.shape.difference(areas()["Portland"].shape).area < HAIR, area.name


@pytest.mark.parametrize(
    ("kind", "whole"), [("district", "Portland"), ("zip", "Portland"), ("water-zone", "Water service area")]
)
def test_districts_zips_and_zones_leave_nobody_out(kind: str, whole: str) -> None:
    parts = [area.shape for area in of_kind(kind)]
    assert areas()[whole].shape.difference(shapely.union_all(parts)).area < 0.001 * areas()[whole].shape.area


@pytest.mark.parametrize("kind", ["district", "zip", "water-zone"])
def test_districts_zips_and_zones_do_not_overlap(kind: str) -> None:
    for one, other in combinations(of_kind(kind), 2):
        assert one.shape.intersection(other.shape).area < HAIR, (one.name, other.name)


@pytest.mark.parametrize(
    ("lat", "lon", "names"),
    [
        (45.5150, -122.6795, {"Downtown", "97204", "Southwest Portland"}),
        (45.4797, -122.5670, {"Lents", "97266"}),
        (45.5905, -122.7555, {"St Johns", "97203", "North Portland"}),
        (45.5120, -122.6260, {"Sunnyside", "97214", "Southeast Portland"}),
        (45.5620, -122.6050, {"Cully", "97218", "Northeast Portland"}),
        (45.5290, -122.6810, {"Pearl", "97209", "Northwest Portland"}),
        (45.4700, -122.6500, {"Sellwood", "97202", "Southeast Portland"}),
        (45.5230, -122.5400, {"Hazelwood", "97220", "East Portland"}),
    ],
)
def test_well_known_places_are_where_they_belong(lat: float, lon: float, names: set[str]) -> None:
    here = {area.name for area in areas().values() if area.shape.intersects(Point(lon, lat))}
    assert names | {"Portland", "Water service area"} <= here
