"""Polygons of every size and kind, and places among them, some exactly on a boundary: what audience questions are about."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

SOUTH_WEST, NORTH_EAST = (-122.84, 45.43), (-122.47, 45.66)  # the city, in degrees
SETTLEMENTS, SETTLED_WITHIN = 60, 0.01  # half of all places crowd around so many centres, with this standard deviation
SIZES = {  # degrees from the centre to the side, five shapes of each: blocks of 100 to 400 m, neighborhoods of 1.5 to 4 km
    "block": np.geomspace(0.0005, 0.002, 8),
    "neighborhood": np.geomspace(0.008, 0.02, 18),
    "district": np.geomspace(0.025, 0.06, 12),
    "city": np.geomspace(0.12, 0.2, 2),
}
KINDS = 5
ON_CORNERS, ON_SIDES = 10, 10  # places exactly on the boundary: of each shape, and on the sides of each rectangle

Floats = NDArray[np.float64]


def shapes_of(rng: np.random.Generator) -> tuple[list[Any], list[str]]:
    """Two hundred valid polygons, a rectangle along the axes first of every five, and the size of each as a word."""
    shapes: list[Any] = []
    for size in np.concatenate(list(SIZES.values())):
        middles = rng.uniform(SOUTH_WEST, NORTH_EAST, (KINDS, 2))
        scattered = middles[4] + rng.normal(0, size, (6, 2))
        shapes += [
            shapely.box(*(middles[0] - size), *(middles[0] + size)),
            shapely.Point(middles[1]).buffer(size, quad_segs=32),
            shapely.Polygon(ragged(rng, middles[2], size)),
            ring_with_island(rng, middles[3], size),
            shapely.union_all([shapely.Polygon(ragged(rng, middle, size / 2)) for middle in scattered]),
        ]
    return shapes, [word for word, sizes in SIZES.items() for _ in range(KINDS * len(sizes))]


def ragged(rng: np.random.Generator, middle: Floats, size: float) -> Floats:
    """The corners of an uneven outline that every spot of is seen from its middle, so that it cannot cross itself."""
    count = rng.integers(6, 400)
    angle = np.sort(np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 2, count) / count)
    reach = size * rng.uniform(0.6, 1, count)
    return middle + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])


def ring_with_island(rng: np.random.Generator, middle: Floats, size: float) -> Any:
    """A polygon with a hole, and another polygon in the hole."""
    outline = ragged(rng, middle, size)
    hole, island = (middle + (outline - middle) * share for share in (0.6, 0.3))
    return shapely.MultiPolygon([shapely.Polygon(outline, [hole]), shapely.Polygon(island)])


def points_of(rng: np.random.Generator, shapes: Sequence[Any], count: int) -> Floats:
    """So many places (lon, lat), in random order: crowded, scattered, and some exactly on the boundaries of these shapes:
    on corners of all, and on sides of rectangles, the only ones a place can be put on without rounding."""
    corners = [rng.choice(shapely.get_coordinates(shape), ON_CORNERS) for shape in shapes]
    sides = []
    for shape in shapes[::KINDS]:
        west, south, east, north = shape.bounds
        x, y = rng.uniform(west, east, ON_SIDES), rng.uniform(south, north, ON_SIDES)
        sides += [
            np.column_stack([x, rng.choice([south, north], ON_SIDES)]),
            np.column_stack([rng.choice([west, east], ON_SIDES), y]),
        ]
    centres = rng.uniform(SOUTH_WEST, NORTH_EAST, (SETTLEMENTS, 2))
    crowded = rng.choice(centres, count // 2) + rng.normal(0, SETTLED_WITHIN, (count // 2, 2))
    chosen = np.concatenate([*corners, *sides, crowded])
    points = np.concatenate([chosen, rng.uniform(SOUTH_WEST, NORTH_EAST, (count - len(chosen), 2))])
    return rng.permutation(points)
