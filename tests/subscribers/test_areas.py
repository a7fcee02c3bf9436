"""Areas read from GeoJSON: the good ones given, each bad one named with everything wrong about it."""

import json
import re
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from subscribers.areas import BadArea, read_areas, read_geometry, to_geojson
from tests.subscribers.factories import ENVELOPE
from tests.subscribers.shapes import shapes

SQUARE = [[-122.7, 45.5], [-122.6, 45.5], [-122.6, 45.6], [-122.7, 45.6], [-122.7, 45.5]]
HOLE = [[-122.68, 45.52], [-122.68, 45.58], [-122.62, 45.58], [-122.62, 45.52], [-122.68, 45.52]]
BOW = [[-122.7, 45.5], [-122.6, 45.6], [-122.6, 45.5], [-122.7, 45.6], [-122.7, 45.5]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(name: Any = "Lents", geometry: Any = None, **properties: Any) -> dict[str, Any]:
    properties = {"name": name, "kind": "neighborhood", **properties}
    return {"type": "Feature", "properties": properties, "geometry": geometry or polygon(SQUARE)}


def collection(*features: Any, **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members})


def problems_of(*features: Any) -> tuple[str, ...]:
    return read_areas(collection(*features), ENVELOPE).problems


def test_a_good_file_gives_its_areas() -> None:
    two = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [[[x - 0.12, y] for x, y in SQUARE]]]}
    reading = read_areas(
        collection(feature(names={"es": "Lents"}), feature(" Pearl ", two, kind="district", citywide=True)), ENVELOPE
    )
    assert reading.problems == ()
    lents, pearl = reading.areas
    assert (lents.name, lents.kind, lents.citywide, lents.names) == ("Lents", "neighborhood", False, {"es": "Lents"})
    assert (pearl.name, pearl.kind, pearl.citywide) == ("Pearl", "district", True)
    assert lents.shape == Polygon(SQUARE)
    assert isinstance(pearl.shape, MultiPolygon)
    assert len(pearl.shape.geoms[0].interiors) == 1


def test_heights_are_dropped_and_a_byte_order_mark_is_tolerated() -> None:
    high = [[x, y, 12.5] for x, y in SQUARE]
    data = collection(feature(geometry=polygon(high))).encode("utf-8-sig")
    assert read_areas(data, ENVELOPE).areas[0].shape == Polygon(SQUARE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "not JSON"),
        ("phone,email\n", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not GeoJSON"),
        (json.dumps(feature()), "come as a FeatureCollection; this is Feature"),
        ('{"type": "FeatureCollection"}', "no list of features"),
        (collection(), "holds no features"),
        (
            collection(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2913"}}),
            "another reference system.*2913",
        ),
    ],
)
def test_a_file_that_is_no_collection_of_areas_is_refused_whole(data: str | bytes, sentence: str) -> None:
    reading = read_areas(data, ENVELOPE)
    assert reading.areas == ()
    assert len(reading.problems) == 1
    assert re.search(sentence, reading.problems[0])


def test_the_reference_system_of_degrees_may_be_written_out() -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert len(read_areas(collection(feature(), crs=crs), ENVELOPE).areas) == 1


@pytest.mark.parametrize(
    ("geometry", "sentence"),
    [
        (polygon(SQUARE[:-1]), "the outer ring is not closed: it begins at longitude -122.700000, latitude 45.500000 and ends"),
        (polygon(BOW), "its boundary crosses itself at longitude -122.650000, latitude 45.550000"),
        (polygon([[y, x] for x, y in SQUARE]), "latitude and longitude swapped"),
        (polygon([[x + 1, y] for x, y in SQUARE]), "outside the city's envelope .* 5 of 5 positions"),
        (polygon([[-122.95, 45.5], *SQUARE[1:-1], [-122.95, 45.5]]), "longitude -122.950000, latitude 45.500000, 2 of 5"),
        (
            polygon([[-x, y] if x == -122.6 else [x, y] for x, y in SQUARE]),
            "antimeridian, or has a longitude without its minus",
        ),
        (polygon([[7_650_000.0 + x, 680_000.0 + y] for x, y in SQUARE]), "not in degrees"),
        (polygon(SQUARE, [[x + 0.15, y] for x, y in HOLE]), "a hole lies outside of it"),
        (polygon(SQUARE, HOLE, [[(x - 122.65) / 2, (y + 45.55) / 2] for x, y in HOLE]), "a hole lies inside another hole"),
        (polygon(SQUARE[:3]), "has 3 positions; a ring needs 4"),
        (polygon([[-122.7, 45.5], [-122.6, 45.5], [-122.65, 45.5], [-122.7, 45.5]]), "not a valid|crosses itself|no area"),
        (polygon([[-122.7, "45.5"], *SQUARE[1:]]), "not a position of two numbers"),
        (polygon([[-122.7], *SQUARE[1:]]), "not a position of two numbers"),
        (polygon([[None, None]] * 4), "not a position of two numbers"),
        (polygon(7), "not a position of two numbers"),
        (polygon(), "is empty"),
        ({"type": "Polygon"}, "not lists of rings"),
        ({"type": "MultiPolygon", "coordinates": [7]}, "not lists of rings"),
        ({"type": "MultiPolygon", "coordinates": []}, "is empty"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}, "one part lies inside another"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [BOW]]}, "crosses itself|not a valid"),
        ({"type": "Point", "coordinates": [-122.6, 45.5]}, "no polygon; its geometry is Point"),
        ({"type": "GeometryCollection", "geometries": []}, "no polygon; its geometry is GeometryCollection"),
        ("Lents", "no polygon; its geometry is missing"),
    ],
)
def test_a_shape_that_cannot_be_trusted_is_refused_with_its_number_and_name(geometry: Any, sentence: str) -> None:
    reading = read_areas(collection(feature("Pearl"), feature("Lents", geometry)), ENVELOPE)
    assert [area.name for area in reading.areas] == ["Pearl"], "the valid one is still given"
    assert len(reading.problems) == 1
    assert reading.problems[0].startswith('Feature 2 ("Lents"): ')
    with pytest.raises(BadArea, match=sentence):
        read_geometry({"type": "Feature", "geometry": geometry}, ENVELOPE)


def test_a_missing_geometry_is_named() -> None:
    without = {"type": "Feature", "properties": {"name": "Lents", "kind": "neighborhood"}, "geometry": None}
    assert problems_of(without) == ('Feature 1 ("Lents"): it has no polygon; its geometry is missing.',)


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"name": None}, "Feature 1: it has no name."),
        ({"name": "  "}, "Feature 1: it has no name."),
        ({"name": 97214}, "Feature 1: it has no name."),
        ({"name": "Le\nnts"}, "control character"),
        ({"kind": "hood"}, "the kind is 'hood'; it must be one of city, service-area"),
        ({"kind": None}, "the kind is None"),
        ({"name": "9721", "kind": "zip"}, "not a five-digit ZIP"),
        ({"citywide": "yes"}, "citywide must be true or false"),
        ({"names": {"es": 1}}, "names must be an object"),
    ],
)
def test_a_feature_that_is_not_properly_named_is_refused(properties: dict[str, Any], sentence: str) -> None:
    reading = read_areas(collection(feature(**properties)), ENVELOPE)
    assert reading.areas == ()
    assert sentence in reading.problems[0]


def test_what_is_no_feature_or_has_no_properties_is_refused() -> None:
    assert problems_of(7, {"type": "Feature", "geometry": polygon(SQUARE)}) == (
        "Feature 1: this is not a Feature.",
        "Feature 1: it has no polygon; its geometry is missing.",
        "Feature 2: it has no properties; name and kind are needed.",
    )


def test_two_features_of_one_name_are_named_and_the_first_is_kept() -> None:
    reading = read_areas(collection(feature("Lents"), feature("Pearl"), feature("LENTS ")), ENVELOPE)
    assert [area.name for area in reading.areas] == ["Lents", "Pearl"]
    assert reading.problems == ('Feature 3 ("LENTS "): feature 1 has the same name.',)


def test_every_problem_is_given_at_once() -> None:
    crooked = {"type": "MultiPolygon", "coordinates": [[SQUARE[:-1]], [SQUARE, [[y, x] for x, y in HOLE][:-1]]]}
    problems = problems_of(feature("", crooked, kind="hood"), feature("Pearl", polygon(BOW)))
    assert [problem.split(" at ")[0] for problem in problems] == [
        "Feature 1: it has no name.",
        f"Feature 1: the kind is 'hood'; it must be one of {'city, service-area, district, neighborhood, water-zone, zip'}.",
        "Feature 1: part 1, the outer ring is not closed: it begins",
        "Feature 1: part 2, hole 1 has latitude and longitude swapped: GeoJSON wants longitude first.",
        "Feature 1: part 2, hole 1 is not closed: it begins",
        'Feature 2 ("Pearl"): its boundary crosses itself',
    ]


def test_an_alerts_own_area_may_come_in_any_wrapping() -> None:
    for wrapped in (polygon(SQUARE), feature(), {"type": "FeatureCollection", "features": [feature()]}):
        assert read_geometry(wrapped, ENVELOPE).equals(Polygon(SQUARE))
        assert read_geometry(json.dumps(wrapped), ENVELOPE).equals(Polygon(SQUARE))


def test_several_features_become_one_area() -> None:
    left, right = box(-122.7, 45.5, -122.64, 45.6), box(-122.66, 45.5, -122.6, 45.6)
    both = collection(*(feature(geometry=json.loads(to_geojson(part))) for part in (left, right)))
    assert read_geometry(both, ENVELOPE).equals(box(-122.7, 45.5, -122.6, 45.6))


def test_an_alerts_area_is_refused_when_any_part_of_it_is_bad() -> None:
    both = collection(feature(), feature("Pearl", polygon(BOW)), feature("Cully", polygon(SQUARE[:-1])))
    with pytest.raises(BadArea) as raised:
        read_geometry(both, ENVELOPE)
    assert [problem.split(":")[0] for problem in raised.value.problems] == ['Feature 2 ("Pearl")', 'Feature 3 ("Cully")']
    with pytest.raises(BadArea, match="no features"):
        read_geometry(collection(), ENVELOPE)
    with pytest.raises(BadArea, match="not JSON"):
        read_geometry("POLYGON ((", ENVELOPE)


@settings(max_examples=100, deadline=None)
@given(shape=shapes())
def test_a_shape_written_and_read_again_is_the_same_shape(shape: Any) -> None:
    assert read_geometry(to_geojson(shape), ENVELOPE) == shape


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.sampled_from(["Polygon", "Feature", "FeatureCollection", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "features", "geometry", "coordinates", "properties", "name", "crs"]), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(value=json_values)
def test_no_json_whatever_breaks_the_reader(value: Any) -> None:
    data = json.dumps(value)
    reading = read_areas(data, ENVELOPE)
    assert reading.areas == ()
    assert reading.problems
    with pytest.raises(BadArea):
        read_geometry(data, ENVELOPE)


def test_areas_given_are_always_valid() -> None:
    reading = read_areas(collection(feature(), feature("Pearl", polygon(SQUARE, HOLE))), ENVELOPE)
    assert all(shapely.is_valid(area.shape) for area in reading.areas)
