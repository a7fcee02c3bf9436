"""The city's named areas in the database: kept, replaced by name, read back as shapes."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import Connection, delete, func, insert, select

from subscribers.areas import NamedShape, to_geojson
from subscribers.store import AREA, PLACE, note_change
from subscribers.tables import PlaceKind


def keep(conn: Connection, areas: Sequence[NamedShape], source: str, at: datetime) -> None:
    """Adds these areas, replacing those of the same name; others stay. The audience index reads everything anew."""
    if not areas:
        return
    conn.execute(delete(AREA).where(AREA.c.name.in_([area.name for area in areas])))
    conn.execute(insert(AREA), [_row(area, source, at) for area in areas])
    note_change(conn, None)


def remove(conn: Connection, name: str) -> bool:
    """Forgets an area. False when there is none; raises ValueError while somebody's place is known only by it."""
    used = conn.execute(select(func.count()).where(PLACE.c.kind != PlaceKind.POINT, PLACE.c.area == name)).scalar_one()
    if used:
        raise ValueError(f"{used} places are known only as {name!r}; without it those people would no longer be found.")
    gone = conn.execute(delete(AREA).where(AREA.c.name == name)).rowcount
    if gone:
        note_change(conn, None)
    return gone > 0


def areas(conn: Connection) -> list[NamedShape]:
    """Every named area, by kind and name."""
    rows = conn.execute(select(AREA).order_by(AREA.c.kind, AREA.c.name))
    return [
        NamedShape(
            name=row.name,
            kind=row.kind,
            citywide=row.citywide,
            shape=shapely.from_geojson(row.geometry),
            names=json.loads(row.names),
        )
        for row in rows
    ]


def features(shapes: Sequence[NamedShape], *, simpler_deg: float = 0.0) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of areas. simpler_deg: corners nearer than this to a straight line are left out."""
    found = [
        {
            "type": "Feature",
            "properties": {"name": one.name, "kind": one.kind, "citywide": one.citywide},
            "geometry": json.loads(to_geojson(one.shape.simplify(simpler_deg) if simpler_deg else one.shape)),
        }
        for one in shapes
    ]
    return {"type": "FeatureCollection", "features": found}


def version(conn: Connection) -> tuple[Any, ...]:
    """Equal as long as the areas are the same: how many there are, and when the last one came."""
    return tuple(conn.execute(select(func.count(), func.max(AREA.c.imported_at))).one())


def _row(area: NamedShape, source: str, at: datetime) -> dict[str, Any]:
    return {
        "name": area.name,
        "kind": area.kind,
        "citywide": area.citywide,
        "geometry": to_geojson(area.shape),
        "names": json.dumps(dict(area.names), ensure_ascii=False),
        "source": source,
        "imported_at": at,
    }
