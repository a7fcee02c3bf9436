"""Where two streets meet, from the known blocks of both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians
from typing import Any, Final

import shapely
from shapely.ops import nearest_points
from sqlalchemy import Connection, func, select

from subscribers.gazetteer.blocks import BRIDGED_M, METRES, metres
from subscribers.gazetteer.tables import House
from subscribers.store import table_of

HOUSE = table_of(House)
MEETS_M: Final = 150.0  # the last known houses of two streets from their corner: at most a long block each way
DIGITS: Final = 4  # of a corner's degrees: 11 m


@dataclass(frozen=True, slots=True)
class Line:
    """A street through the middles of its known blocks, in order, broken where blocks are missing. Its unit both ways is a
    degree of latitude; `shrunk` of them are a degree of longitude."""

    shape: Any
    shrunk: float
    zips: Sequence[tuple[float, float, str]]  # lat, lon, ZIP of each block


def lines(conn: Connection, street_ids: Collection[int]) -> dict[int, Line]:
    """The lines of these streets; those without houses are missing."""
    means = (func.avg(HOUSE.c.lat), func.avg(HOUSE.c.lon), func.min(HOUSE.c.zip))
    query = select(HOUSE.c.street_id, *means).where(HOUSE.c.street_id.in_(street_ids))
    grouped = query.group_by(HOUSE.c.street_id, HOUSE.c.block).order_by(HOUSE.c.street_id, HOUSE.c.block)
    found: dict[int, list[tuple[float, float, str]]] = {}
    for street_id, lat, lon, code in conn.execute(grouped):
        found.setdefault(street_id, []).append((float(lat), float(lon), code))
    shrunk = cos(radians(next(iter(found.values()))[0][0])) if found else 1.0
    return {street_id: _line(some, shrunk) for street_id, some in found.items()}


def _line(some: Sequence[tuple[float, float, str]], shrunk: float) -> Line:
    pieces = [[some[0]]]
    for before, block in pairwise(some):
        if metres(before[:2], block[:2]) <= BRIDGED_M:
            pieces[-1].append(block)
        else:
            pieces.append([block])
    # A block alone is a line without length, which measures like a point.
    shapes = [[(lon * shrunk, lat) for lat, lon, _ in (piece if len(piece) > 1 else piece * 2)] for piece in pieces]
    return Line(shapely.MultiLineString(shapes), shrunk, some)


def corner(one: Line, other: Line) -> tuple[float, float, str] | None:
    """(lat, lon, ZIP) of the place where two streets meet; None when they keep apart. Both are of one call of `lines`."""
    if one.shape.distance(other.shape) * METRES > MEETS_M:
        return None
    ends = nearest_points(one.shape, other.shape)
    lat = round(sum(end.y for end in ends) / 2, DIGITS)
    lon = round(sum(end.x for end in ends) / 2 / one.shrunk, DIGITS)
    nearest = min((*one.zips, *other.zips), key=lambda block: metres((lat, lon), block[:2]))
    return lat, lon, nearest[2]
