"""Polygons to try things on: with holes, in several parts, and with points placed on their corners and sides."""

from typing import Any

import numpy as np
import shapely
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

WEST, SOUTH, EAST, NORTH = -122.84, 45.43, -122.47, 45.66
TICKS = 64  # a lattice of this many steps a side: corners then often fall on points, sides and cell borders


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """A polygon around a centre, corners on a lattice: often thin, often touching, sometimes refused by the caller."""
    count = draw(st.integers(3, 9))
    corners = draw(st.lists(st.tuples(st.integers(0, TICKS), st.integers(0, TICKS)), min_size=count, max_size=count))
    centre = np.mean(corners, axis=0)
    angle = [np.arctan2(y - centre[1], x - centre[0]) for x, y in corners]
    return Polygon([on_lattice(*corners[i]) for i in np.argsort(angle)])


@st.composite
def shapes(draw: st.DrawFn) -> Any:
    """A valid, non-empty Polygon or MultiPolygon, with holes as often as not."""
    parts = draw(st.lists(stars().filter(lambda star: star.is_valid and star.area > 0), min_size=1, max_size=4))
    shape = shapely.union_all(parts[: (len(parts) + 1) // 2])
    for hole in parts[(len(parts) + 1) // 2 :]:
        shape = shape.difference(hole)
    polygons = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon) and part.area > 0]
    shape = MultiPolygon(polygons) if len(polygons) != 1 else polygons[0]
    return shape if polygons and shape.is_valid else box(*on_lattice(8, 8), *on_lattice(24, 40))


def on_lattice(x: float, y: float) -> tuple[float, float]:
    return WEST + (EAST - WEST) * x / TICKS, SOUTH + (NORTH - SOUTH) * y / TICKS


def points_near(shape: Any, seed: int, count: int) -> np.ndarray[Any, Any]:
    """Points (lon, lat) on the lattice, at random, far away, on the shape's corners and along its sides."""
    chance = np.random.default_rng(seed)
    lattice = np.array([on_lattice(*chance.integers(0, TICKS + 1, 2)) for _ in range(count)])
    anywhere = chance.uniform([WEST, SOUTH], [EAST, NORTH], (count, 2))
    corners = shapely.get_coordinates(shape)
    middles = (corners[:-1] + corners[1:]) / 2
    beyond = chance.uniform([-180, -90], [180, 90], (3, 2))
    points = np.concatenate([lattice, anywhere, corners, middles, beyond])
    return points[chance.permutation(len(points))]
