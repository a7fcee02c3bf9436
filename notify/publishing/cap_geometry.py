"""An area as CAP can say it: few points, five decimals, no holes, and never less than the area itself.

A partner draws what these polygons say. A point of the area outside of them would be a person who is not warned, so every
polygon is checked to cover its area after it has been rounded, as the reader of the text will see it. What is covered too
much stays small (the tolerance grows only until 100 points are enough), and a hole that had to be filled is reported, so
that words can name what the polygon cannot leave out.
"""

from collections.abc import Iterable, Iterator, Sequence

import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from notify.alerts.alert import Area, Shape

MOST_POINTS = 100  # of one polygon, the closing point included
MOST_POLYGONS = 20  # of one area; more are joined with their neighbours
DECIMALS = 5  # of a degree: 1.1 m
ROUNDING = 10.0**-DECIMALS  # degrees; a rounded point moves by at most 0.71 of it
SLIVER = 1e-9  # square degrees, about 9 m2 at 45 degrees: a gap between two surveyed lines, not a place
SAME_PLACE = 0.9  # of the union, for a known area to give a hole its name
TOLERANCES = tuple(ROUNDING * 1.4**step for step in range(40))  # degrees: 1 m to 6 degrees

Pairs = tuple[tuple[float, float], ...]  # (longitude, latitude)


class Unmappable(ValueError):
    """The area has no honest CAP polygon; the message says why."""


def polygons(shape: Shape, *, most_points: int = MOST_POINTS, most_polygons: int = MOST_POLYGONS) -> tuple[str, ...]:
    """CAP <polygon> texts ("lat,lon lat,lon ...", closed) that together cover the shape.

    Raises Unmappable for an empty, invalid or self-crossing shape and for one that reaches the antimeridian or a pole.
    """
    _require_honest(shape)
    rings = (_cover(part, most_points) for part in _joined(shape, most_polygons))
    return tuple(" ".join(f"{lat:.{DECIMALS}f},{lon:.{DECIMALS}f}" for lon, lat in ring) for ring in rings)


def holes(shape: Shape) -> tuple[Polygon | MultiPolygon, ...]:
    """What lies inside the outlines of the shape and does not belong to it, largest first; slivers are left out."""
    union = shapely.union_all([shape])
    rings = (Polygon(ring) for part in _parts(union) for ring in part.interiors)
    gaps = (ring.difference(union) for ring in rings)
    return tuple(sorted((gap for gap in gaps if gap.area > SLIVER), key=lambda gap: -gap.area))


def exceptions(shape: Shape, known: Iterable[Area]) -> tuple[Area | None, ...]:
    """For each hole, largest first, the known area that fills it; None where nobody has named it."""
    candidates = list(known)
    return tuple(next((area for area in candidates if _same_place(area.shape, hole)), None) for hole in holes(shape))


def _same_place(one: Shape, other: Shape) -> bool:
    if not one.intersects(other):
        return False
    return bool(one.intersection(other).area >= SAME_PLACE * one.union(other).area)


def _require_honest(shape: Shape) -> None:
    if not isinstance(shape, Polygon | MultiPolygon) or shape.is_empty:
        raise Unmappable("The area is empty: it needs a polygon.")
    if not shape.is_valid:
        raise Unmappable(f"The area's outline is not valid: {shapely.is_valid_reason(shape)}.")
    west, south, east, north = shape.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise Unmappable("The area has coordinates outside longitude -180 to 180 and latitude -90 to 90.")
    if any(part.bounds[2] - part.bounds[0] > 180 for part in _parts(shape)):
        raise Unmappable("The area crosses the antimeridian (longitude 180); split it there.")


def _parts(shape: Shape) -> Sequence[Polygon]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]


def _filled(shape: Shape) -> list[Polygon]:
    """The outlines without their holes, each once: a part inside another's hole has vanished in it."""
    return list(_parts(shapely.union_all([Polygon(part.exterior) for part in _parts(shape)])))


def _joined(shape: Shape, most: int) -> list[Polygon]:
    """At most so many parts that cover the shape: neighbours flow together as all of them grow."""
    parts = _filled(shape)
    for distance in TOLERANCES:
        if len(parts) <= most:
            return parts
        parts = _filled(shape.buffer(distance, join_style="mitre"))
    return [box(*shape.bounds)]


def _cover(part: Polygon, most_points: int) -> Pairs:
    """The closed ring, rounded, of at most so many points that covers the part with the least tolerance found."""
    for ring in _candidates(part, most_points):
        if len(ring) <= most_points and _covers(ring, part):
            return ring
    raise Unmappable("The area reaches the antimeridian or a pole.")


def _candidates(part: Polygon, most_points: int) -> Iterator[Pairs]:
    """First the ring as it stands, then ever coarser ones, at last the box around it.

    A simplified outline cuts corners off; grown by the furthest cut (and by what rounding can take away) it encloses them.
    """
    yield _rounded(part)
    corners = shapely.points(shapely.get_coordinates(part.exterior))
    for tolerance in TOLERANCES:
        slim = part.simplify(tolerance)
        if len(slim.exterior.coords) <= most_points:
            furthest_cut = float(shapely.distance(slim, corners).max())
            yield _rounded(slim.buffer(furthest_cut + ROUNDING, join_style="mitre", mitre_limit=2.0))
    yield _rounded(part.envelope.buffer(ROUNDING, join_style="mitre"))


def _rounded(part: Polygon) -> Pairs:
    """The outer ring, counter-clockwise, with 5 decimals (0.0 and not -0.0) and no point twice in a row."""
    coordinates = shapely.geometry.polygon.orient(part).exterior.coords
    pairs = [(round(x, DECIMALS) + 0.0, round(y, DECIMALS) + 0.0) for x, y, *_ in coordinates]
    return tuple(pair for pair, before in zip(pairs, [None, *pairs], strict=False) if pair != before)


def _covers(ring: Pairs, part: Polygon) -> bool:
    if len(ring) < 4 or any(abs(lon) > 180 or abs(lat) > 90 for lon, lat in ring):
        return False
    outline = Polygon(ring)
    return bool(outline.is_valid and outline.covers(part))
