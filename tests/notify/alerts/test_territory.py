"""Where an alert is: half of the city is all of it, and what a polygon cannot leave out is left out in words."""

import json
from typing import Any

from shapely import to_geojson
from shapely.geometry import Polygon, box

from notify.alerts import territory
from notify.alerts.alert import Area
from notify.db import Database
from tests.notify.factories import an_info
from tests.notify.newsroom_factory import a_draft, keep_areas, portland, portland_areas

OUTER, INNER = box(-122.7, 45.4, -122.5, 45.6), box(-122.62, 45.48, -122.58, 45.52)
LENTS = Area(name="Lents", shape=INNER, names={"es": "El Lents"})
RING = Area(name="Portland", shape=OUTER.difference(INNER))


def descriptions(areas: tuple[Area, ...], known: tuple[Area, ...] = (LENTS,)) -> list[str]:
    infos = [an_info("en-US", area_desc="Portland"), an_info("es-US", area_desc="Portland")]
    return [info.area_desc for info in territory.excepting(areas, infos, known, {"en-US": "en", "es-US": "es"})]


def test_what_lies_in_a_hole_is_excepted_by_its_name_in_each_language() -> None:
    assert descriptions((RING,)) == ["Portland (≠ Lents)", "Portland (≠ El Lents)"]


def test_a_hole_without_a_name_is_told_by_its_middle() -> None:
    assert descriptions((RING,), ()) == ["Portland (≠ 45.5000,-122.6000)"] * 2


def test_a_hole_that_another_area_of_the_alert_fills_is_no_exception() -> None:
    assert descriptions((RING, LENTS)) == ["Portland"] * 2


def test_an_area_without_holes_is_told_as_it_is() -> None:
    assert descriptions((Area(name="Portland", shape=OUTER),)) == ["Portland"] * 2


def as_geojson(shape: Polygon) -> dict[str, Any]:
    return dict(json.loads(to_geojson(shape)))


def test_half_of_the_city_is_the_whole_city(db: Database) -> None:
    db.write_now(keep_areas)
    city = next(area for area in portland_areas() if area.name == "Portland")
    west, south, east, north = city.shape.bounds
    most = {"geojson": as_geojson(box(west, south, east, north)), "words": "everybody"}
    for choice, whole in ((most, True), ({"geojson": as_geojson(INNER), "words": "few"}, False)):
        draft = a_draft(area=choice, expected_people=1_000)
        (area,) = db.read_now(
            lambda conn, draft=draft: territory.chosen(conn, portland(), draft.area)  # type: ignore[misc]
        )
        assert area.citywide is whole
