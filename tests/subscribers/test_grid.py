"""The grid answers exactly as asking shapely about every point does."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from subscribers import grid
from tests.subscribers.shapes import points_near, shapes


def inside(points: np.ndarray[Any, Any], shape: Any) -> list[int]:
    made, order = grid.build(points[:, 0].copy(), points[:, 1].copy())
    return sorted(int(position) for position in order[made.inside(shape)])


def one_by_one(points: np.ndarray[Any, Any], shape: Any) -> list[int]:
    return [number for number, (lon, lat) in enumerate(points) if shape.intersects(shapely.Point(lon, lat))]


@settings(max_examples=300, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1))
def test_the_grid_finds_exactly_the_points_inside_or_on_the_boundary(shape: Any, seed: int) -> None:
    points = points_near(shape, seed, 60)
    assert inside(points, shape) == one_by_one(points, shape)


@settings(max_examples=40, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1))
def test_a_fine_grid_finds_the_same(shape: Any, seed: int) -> None:
    points = points_near(shape, seed, 1500)
    assert inside(points, shape) == [int(at) for at in np.flatnonzero(shapely.intersects_xy(shape, points[:, 0], points[:, 1]))]


@settings(max_examples=100, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1), east=st.floats(-50, 50), north=st.floats(-40, 40))
def test_a_point_moved_with_its_polygon_stays_in(shape: Any, seed: int, east: float, north: float) -> None:
    def moved(coordinates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        there: np.ndarray[Any, Any] = coordinates + np.array([east, north])
        return there

    points = np.random.default_rng(seed).uniform(shape.bounds[:2], shape.bounds[2:], (200, 2))
    clear = points[shapely.distance(shapely.points(points), shapely.boundary(shape)) > 1e-9]  # rounding may cross a side
    there = shapely.transform(shape, moved)
    if there.is_valid:
        assert inside(moved(clear), there) == inside(clear, shape)


@settings(max_examples=100, deadline=None)
@given(
    corners=st.lists(st.tuples(st.integers(-4, 90), st.integers(-4, 90)), min_size=3, max_size=12),
    seed=st.integers(0, 2**32 - 1),
)
def test_corners_on_the_borders_and_the_middle_lines_of_cells_change_nothing(corners: list[tuple[int, int]], seed: int) -> None:
    points = np.random.default_rng(seed).uniform([-122.9, 45.4], [-122.4, 45.7], (2000, 2))
    made, order = grid.build(points[:, 0].copy(), points[:, 1].copy())
    spots = np.array(made.origin) + np.array(corners) / 2 / made.per_degree
    shape = shapely.buffer(Polygon(spots), 0)  # of an outline that crosses itself, the parts GEOS makes of it
    if isinstance(shape, Polygon | MultiPolygon) and shape.is_valid and shape.area > 0:
        expected = np.flatnonzero(shapely.intersects_xy(shape, points[:, 0], points[:, 1]))
        assert np.array_equal(np.sort(order[made.inside(shape)]), expected)


def test_corners_and_sides_count_as_inside_and_a_hole_does_not() -> None:
    shape = Polygon(box(0, 0, 4, 4).exterior.coords, [box(1, 1, 3, 3).exterior.coords])
    points = np.array([(0, 0), (2, 0), (4, 4), (1, 1), (2, 1), (2, 2), (1.001, 1.001), (0.5, 0.5), (4.001, 2)], float)
    assert inside(points, shape) == [0, 1, 2, 3, 4, 7]


def test_parts_that_lie_far_apart_are_all_searched() -> None:
    points = np.random.default_rng(1).uniform([-123, 45], [-122, 46], (5000, 2))
    shape = MultiPolygon([box(-122.99, 45.01, -122.9, 45.1), box(-122.1, 45.9, -122.01, 45.99)])
    found = inside(points, shape)
    assert found == one_by_one(points, shape)
    assert len(found) > 20


def test_points_far_outside_the_city_are_found_too() -> None:
    crowd = np.random.default_rng(1).uniform([-122.7, 45.5], [-122.6, 45.6], (3000, 2))
    points = np.concatenate([crowd, [(-121.0, 44.0), (10.0, 50.0), (-122.65, 80.0)]])
    assert inside(points, box(-121.5, 43.5, -120.5, 44.5)) == [3000]
    assert inside(points, box(9, 49, 11, 51)) == [3001]
    assert inside(points, box(-123, 45, -122, 81)) == [*range(3000), 3002]
    assert inside(points, box(-180, -90, 180, 90)) == list(range(3003))


def test_long_thin_and_level_sides_are_followed() -> None:
    points = np.random.default_rng(2).uniform([0, 0], [1, 1], (4000, 2))
    for shape in (
        Polygon([(0.01, 0.5), (0.99, 0.5 + 1e-9), (0.99, 0.51)]),
        Polygon([(0.5, 0.01), (0.5 + 1e-9, 0.99), (0.52, 0.99)]),
        Polygon([(-1000, 0.4), (1000, 0.6), (1000, 0.61)]),
        box(0.25, 0.25, 0.75, 0.75),
    ):
        assert inside(points, shape) == one_by_one(points, shape)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_nearly_empty_city_works(count: int) -> None:
    points = np.full((count, 2), 0.5)
    assert inside(points, box(0, 0, 1, 1)) == list(range(count))
    assert inside(points, box(2, 2, 3, 3)) == []


def test_everybody_at_one_address_is_found() -> None:
    points = np.full((500, 2), 0.5)
    assert len(inside(points, box(0.4, 0.4, 0.5, 0.5))) == 500
    assert inside(points, box(0.4, 0.4, 0.49, 0.49)) == []
