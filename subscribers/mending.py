"""A broken shape mended, for somebody who asks for it and looks at what came of it. Mending takes in rather than leaves out:
to be warned for nothing costs less than not to be warned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import shapely

from subscribers.areas import BadArea, geometries, parsed, problems_of_crs, read_geometry, to_geojson
from subscribers.place import Envelope

LEAST = 3  # different corners of a ring


class Step(StrEnum):
    """What was done to a shape."""

    CLOSED = "closed"  # an open ring now ends where it begins
    SHORT = "short"  # rings of fewer than three corners are gone: they enclose nothing
    LEFT_OUT = "left out"  # lines, points and empty parts are gone
    UNCROSSED = "uncrossed"  # a boundary crossed or touched itself; all it goes around is inside now
    JOINED = "joined"  # parts that overlapped are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """steps: what was done, in the order of Step, each once; empty for a shape that had nothing wrong."""

    shape: Any
    steps: tuple[Step, ...]

    @property
    def geojson(self) -> str:
        return to_geojson(self.shape)


def mended(geojson: str | Mapping[str, Any], envelope: Envelope) -> Mended:
    """The shape that the document most likely means. Raises BadArea where that cannot be known: coordinates that are not
    numbers, swapped, in another reference system or outside the city, or nothing that encloses anything."""
    document = geojson if isinstance(geojson, Mapping) else parsed(geojson)
    if problems := problems_of_crs(document):
        raise BadArea(problems)
    done: set[Step] = set()
    polygons = [one for _, geometry in geometries(document) for one in _polygons(geometry, done)]
    if not polygons:
        raise BadArea(["Nothing in it encloses an area, so there is nothing to mend."])
    sound = [_sound(one, done) for one in polygons]
    whole = shapely.union_all(sound)
    if len(sound) > 1 and whole.area < sum(one.area for one in sound) * (1 - 1e-12):
        done.add(Step.JOINED)
    shape = read_geometry(to_geojson(shapely.MultiPolygon(list(_parts(whole)))), envelope)
    return Mended(shape=shape, steps=tuple(step for step in Step if step in done))


def _polygons(geometry: Any, done: set[Step]) -> Iterator[Any]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind not in ("Polygon", "MultiPolygon"):
        done.add(Step.LEFT_OUT)
        return
    parts = geometry.get("coordinates")
    for part in [parts] if kind == "Polygon" else parts if isinstance(parts, list) else []:
        rings = [_ring(ring, done) for ring in part] if isinstance(part, list) else []
        if rings and rings[0]:
            yield shapely.Polygon(rings[0], [ring for ring in rings[1:] if ring])
        else:
            done.add(Step.LEFT_OUT)


def _ring(ring: Any, done: set[Step]) -> list[tuple[float, float]]:
    """Closed; empty where it encloses nothing. Raises BadArea for what is no position."""
    try:
        corners = [(float(position[0]), float(position[1])) for position in ring]
    except (TypeError, ValueError, IndexError, KeyError):
        raise BadArea(["A ring holds something that is not a position of two numbers."]) from None
    if len(set(corners)) < LEAST:
        done.add(Step.SHORT)
        return []
    if corners[0] != corners[-1]:
        done.add(Step.CLOSED)
        corners.append(corners[0])
    return corners


def _sound(polygon: Any, done: set[Step]) -> Any:
    if shapely.is_valid(polygon):
        return polygon
    done.add(Step.UNCROSSED)
    # "structure" keeps everything that any loop of the boundary goes around; the older rule leaves out every second loop.
    return shapely.union_all(list(_parts(shapely.make_valid(polygon, method="structure"))))


def _parts(shape: Any) -> Iterator[Any]:
    """The polygons of a shape; lines and points that mending leaves over enclose nobody."""
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type == "MultiPolygon":
            yield from part.geoms
        elif part.geom_type == "Polygon" and not part.is_empty:
            yield part
