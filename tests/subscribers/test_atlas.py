"""Named areas in the database."""

import pytest
from shapely.geometry import MultiPolygon, Polygon, box
from sqlalchemy import Connection

from subscribers import atlas, loading
from subscribers.areas import NamedShape
from subscribers.place import NamedPlace
from tests.subscribers.factories import NOON, a_person

RING = Polygon(box(0, 0, 4, 4).exterior.coords, [box(1, 1, 3, 3).exterior.coords])
ISLANDS = MultiPolygon([box(0, 0, 0.1, 0.1), box(1 / 3, 1 / 3, 2 / 3, 2 / 3)])


def test_areas_are_read_back_as_they_were(conn: Connection) -> None:
    kept = [
        NamedShape(name="Islands", kind="district", shape=ISLANDS),
        NamedShape(name="Ring", kind="city", shape=RING, citywide=True, names={"es": "Anillo", "ja": "環"}),
    ]
    atlas.keep(conn, kept, "pack", NOON)
    read = atlas.areas(conn)
    assert [(area.name, area.kind, area.citywide, area.names) for area in read] == [
        ("Ring", "city", True, {"es": "Anillo", "ja": "環"}),
        ("Islands", "district", False, {}),
    ]
    assert [area.shape for area in read] == [RING, ISLANDS], "to the last bit of every coordinate"


def test_an_area_is_replaced_by_name_and_the_others_stay(conn: Connection) -> None:
    atlas.keep(conn, [NamedShape(name=name, kind="zip", shape=RING) for name in ("97204", "97214")], "pack", NOON)
    atlas.keep(conn, [NamedShape(name="97214", kind="zip", shape=ISLANDS)], "file", NOON)
    assert {area.name: area.shape for area in atlas.areas(conn)} == {"97204": RING, "97214": ISLANDS}


def test_keeping_nothing_changes_nothing(conn: Connection) -> None:
    audience = loading.load(conn)
    atlas.keep(conn, [], "pack", NOON)
    assert loading.caught_up(conn, audience) is audience


def test_an_area_somebody_lives_in_cannot_be_forgotten(conn: Connection) -> None:
    atlas.keep(conn, [NamedShape(name="Lents", kind="neighborhood", shape=RING)], "pack", NOON)
    a_person(conn, "+15035550101", HOME=NamedPlace("Lents"))
    with pytest.raises(ValueError, match="1 places are known only as 'Lents'"):
        atlas.remove(conn, "Lents")
    assert not atlas.remove(conn, "Nowhere")


def test_an_unused_area_can_be_forgotten(conn: Connection) -> None:
    atlas.keep(conn, [NamedShape(name="Lents", kind="neighborhood", shape=RING)], "pack", NOON)
    assert atlas.remove(conn, "Lents")
    assert atlas.areas(conn) == []
