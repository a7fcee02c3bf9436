"""Who may live inside a shape where only the block is known: everybody within reach, and nobody far off."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from subscribers.areas import circle
from subscribers.geodesy import travelled
from subscribers.grid import build
from subscribers.nearness import BLOCK_M, Nearness
from tests.subscribers.shapes import points_near, shapes


@settings(max_examples=200, deadline=None)
@given(shape=shapes(), along=st.floats(0, 1), bearing=st.floats(0, 360), share=st.floats(0, 0.9999))
def test_whoever_lives_on_the_line_is_within_reach_of_a_block_up_to_its_half_away(
    shape: Any, along: float, bearing: float, share: float
) -> None:
    home = shape.boundary.interpolate(along, normalized=True)
    lon, lat = travelled(home.y, home.x, bearing, BLOCK_M * share)
    assert Nearness.of(shape).of_block(lon, lat)


@settings(max_examples=200, deadline=None)
@given(shape=shapes(), along=st.floats(0, 1), bearing=st.floats(0, 360), share=st.floats(0, 3))
def test_a_block_is_near_when_a_circle_around_it_meets_the_shape(
    shape: Any, along: float, bearing: float, share: float
) -> None:
    """Asked the other way round: on the ellipsoid, around the block. In between 2 % are measured either way."""
    edge = shape.boundary.interpolate(along, normalized=True)
    lon, lat = travelled(edge.y, edge.x, bearing, BLOCK_M * share)
    near = Nearness.of(shape).of_block(lon, lat)
    if shape.intersects(Point(lon, lat)) or shape.intersects(circle(lat, lon, BLOCK_M * 0.999)):
        assert near
    if not shape.intersects(circle(lat, lon, BLOCK_M * 1.02)):
        assert not near


@settings(max_examples=150, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1), count=st.sampled_from([1, 7, 60, 3_000]))
def test_a_grid_finds_the_very_blocks_that_are_near_each_once(shape: Any, seed: int, count: int) -> None:
    spots = points_near(shape, seed, count)
    spots += np.random.default_rng(seed).normal(0, 0.002, spots.shape)
    lon, lat = spots.T.copy()
    grid, order = build(lon, lat)
    found = order[grid.near(shape)]
    assert len(np.unique(found)) == len(found)
    np.testing.assert_array_equal(np.sort(found), np.flatnonzero(Nearness.of(shape).of_blocks(lon, lat)))


def test_no_block_is_near_where_there_is_none() -> None:
    grid, _ = build(np.empty(0), np.empty(0))
    assert len(grid.near(Point(-122.6, 45.5).buffer(0.1))) == 0
