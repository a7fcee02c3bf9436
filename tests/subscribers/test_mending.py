"""Broken shapes mended on request: nobody who was meant is left out, and what cannot be known is refused."""

import json
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from subscribers.areas import BadArea, read_geometry
from subscribers.mending import Step, mended
from subscribers.place import Envelope

CITY = Envelope(west=-123.0, south=45.0, east=-122.0, north=46.0)
SQUARE = [[-122.6, 45.5], [-122.5, 45.5], [-122.5, 45.6], [-122.6, 45.6], [-122.6, 45.5]]
BOW_TIE = [[-122.6, 45.5], [-122.5, 45.6], [-122.5, 45.5], [-122.6, 45.6], [-122.6, 45.5]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def features(*geometries: Any) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": one} for one in geometries],
    }


@pytest.mark.parametrize(
    ("document", "steps", "share"),
    [
        (polygon(SQUARE), (), 1.0),
        (polygon(SQUARE[:-1]), (Step.CLOSED,), 1.0),
        (polygon(BOW_TIE), (Step.UNCROSSED,), 0.5),
        (polygon(SQUARE, SQUARE[:2]), (Step.SHORT,), 1.0),
        (features(polygon(SQUARE), {"type": "Point", "coordinates": [-122.5, 45.5]}), (Step.LEFT_OUT,), 1.0),
        (features(polygon(SQUARE), polygon(SQUARE)), (Step.JOINED,), 1.0),
        (features(polygon(SQUARE), polygon()), (Step.LEFT_OUT,), 1.0),
        (features(polygon(SQUARE[:-1]), polygon(BOW_TIE)), (Step.CLOSED, Step.UNCROSSED, Step.JOINED), 1.0),
    ],
)
def test_a_shape_is_mended_and_what_was_done_is_said(document: Any, steps: tuple[Step, ...], share: float) -> None:
    found = mended(json.dumps(document), CITY)
    assert found.steps == steps
    assert found.shape.area == pytest.approx(shapely.Polygon(SQUARE).area * share)
    assert read_geometry(found.geojson, CITY).equals(found.shape)  # what comes out is what goes in


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "The file is not JSON"),
        ("[]", "The file is not GeoJSON"),
        (json.dumps(polygon([[45.5, -122.6], [45.5, -122.5], [45.6, -122.5]])), "latitude and longitude swapped"),
        (json.dumps(polygon([[7.6, 645.5], [7.5, 645.5], [7.5, 645.6]])), "is not in degrees"),
        (json.dumps(polygon([["a", "b"], ["a", "b"]])), "not a position of two numbers"),
        (json.dumps(polygon(SQUARE) | {"crs": {"properties": {"name": "EPSG:2913"}}}), "another reference system"),
        (json.dumps({"type": "Point", "coordinates": [1, 2]}), "Nothing in it encloses an area"),
        (json.dumps(polygon(SQUARE[:2])), "Nothing in it encloses an area"),
    ],
)
def test_what_cannot_be_known_is_refused(document: str, said: str) -> None:
    with pytest.raises(BadArea, match=said):
        mended(document, CITY)


CORNERS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda at: [-122.9 + at[0] / 25, 45.1 + at[1] / 25])


@given(st.lists(st.lists(CORNERS, min_size=3, max_size=9), min_size=1, max_size=3))
def test_mending_loses_no_sound_part_and_always_gives_a_shape_that_can_be_used(rings: list[Any]) -> None:
    document = features(*(polygon(ring) for ring in rings))
    sound = [shape for ring in rings if (shape := shapely.Polygon(ring)).is_valid]
    try:
        found = mended(document, CITY)
    except BadArea as error:
        assert not any(shape.area > 1e-9 for shape in sound), error.problems
        return
    assert found.shape.is_valid
    for shape in sound:
        assert shape.difference(found.shape).area < 1e-12
