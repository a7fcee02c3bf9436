"""A million points on a grid, so that those inside a polygon are found by looking closely only along its boundary.

Points are sorted by cell, row by row. Cells the boundary may touch are marked generously; a run of cells between two marked
ones in a row is wholly inside or wholly outside, so one look at its first cell settles all its points. Points in marked cells
are put to shapely one by one. The boundary counts as inside; holes and multipolygons are exact.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from subscribers.nearness import Nearness
from subscribers.rows import Flags, Floats

Positions = NDArray[np.integer[Any]]

POINTS_PER_CELL = 1
SIDE_MIN, SIDE_MAX = 8, 1024
TAIL = 0.001  # share of points at each side that may lie outside the grid proper, so that one stray point does not stretch it
SLACK = 1e-6  # in cells: how near the boundary may pass before a cell is marked; rounding errors are a millionth of this
STEEPEST = 1e3  # cells along per cell up: beyond it a row's share of a segment is not computed, all of it is marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Points sorted by cell: cell c holds positions start[c] to start[c + 1]. The outermost also hold what lies beyond."""

    lon: Floats
    lat: Floats
    start: Positions
    side: int
    origin: tuple[float, float]
    per_degree: tuple[float, float]

    def inside(self, shape: Any) -> Positions:
        """Positions of the points inside a valid Polygon or MultiPolygon or on its boundary, each once, in no order."""
        if not len(self.lon):
            return np.empty(0, np.int64)
        return self._inside(shape, *self._marked(shape))

    def _inside(self, shape: Any, marked: Positions, within: Flags) -> Positions:
        shapely.prepare(shape)
        doubtful = spans(self.start[marked], self.start[marked + 1])
        found = doubtful[shapely.intersects_xy(shape, self.lon[doubtful], self.lat[doubtful])]
        run = np.flatnonzero(within)
        begin, end = self.start[marked[run] + 1], self.start[marked[run + 1]]
        return np.concatenate([found, spans(begin, end)])

    def near(self, shape: Any) -> Positions:
        """The same of blocks by their middles: those that may have a home inside or on the boundary."""
        if not len(self.lon):
            return np.empty(0, np.int64)
        marked, within = self._marked(shape)
        inside, nearness = self._inside(shape, marked, within), Nearness.of(shape)
        shapely.prepare(nearness.flat)
        outside = np.ones(len(self.lon), np.bool_)
        outside[inside] = False
        around = self._around(marked, nearness.degrees)
        around = around[outside[around]]
        return np.concatenate([inside, around[nearness.of_blocks(self.lon[around], self.lat[around])]])

    def _around(self, cells: Positions, degrees: tuple[float, float]) -> Positions:
        """Positions of the points in all cells that reach within so many degrees of one of these."""
        far = np.ceil(np.multiply(degrees, self.per_degree)).astype(np.int64)  # rounded up: wherever in a cell a point lies
        rows, columns = np.divmod(cells, self.side)
        top, west = max(0, int(rows.min() - far[1])), max(0, int(columns.min() - far[0]))
        bottom, east = (min(self.side - 1, int(most)) for most in (rows.max() + far[1], columns.max() + far[0]))
        window = np.zeros((bottom - top + 1, east - west + 1), np.bool_)
        window[rows - top, columns - west] = True
        row, column = np.nonzero(_spread(_spread(window, 0, int(far[1])), 1, int(far[0])))
        cell = (row + top) * self.side + column + west
        return spans(self.start[cell], self.start[cell + 1])

    def _marked(self, shape: Any) -> tuple[Positions, Flags]:
        """The cells the boundary may touch, ascending; and for each whether the cells from it to the next one lie inside.

        They do if the boundary crosses the middle line of their row an odd number of times to the left of them. Whether a
        segment crosses that line is read off its ends alone, the same number for both segments of a corner, so that no rounding
        makes the count of a ring odd; where it crosses does not matter, for all the segment's cells of the row are marked.
        What lies beyond the last marked cell of a row is outside.
        """
        row, left, right, crosses = self._passages(self._segments(shape))
        begin, width = row * self.side + left, right - left + 1
        noted = spans(begin, begin + width) * 2
        noted[np.cumsum(width) - width] += crosses
        outermost = self._outermost_cells(row, left, right)
        if len(outermost):
            noted = np.concatenate([noted, outermost * 2])
        noted.sort()
        cell = noted >> 1
        last = np.ones(len(cell), np.bool_)
        np.not_equal(cell[1:], cell[:-1], out=last[:-1])
        return cell[last], (np.cumsum(noted & 1)[last] & 1).astype(np.bool_)

    def _segments(self, shape: Any) -> Floats:
        """Every segment of every ring as a column of x1, y1, x2, y2 in cells, the lower end first."""
        rings = shapely.get_rings(shape if shape.geom_type == "Polygon" else shapely.get_parts(shape))
        points, ring = shapely.get_coordinates(rings, return_index=True)
        points -= self.origin
        points *= self.per_degree
        begin = np.flatnonzero(ring[:-1] == ring[1:])
        down = points[begin, 1] > points[begin + 1, 1]
        return np.concatenate([points[begin + down].T, points[begin + ~down].T])

    def _passages(self, segments: Floats) -> tuple[Positions, Positions, Positions, Flags]:
        """One entry for each segment and row it passes through or comes near: the row, the first and last of its cells that may
        be touched, and whether the middle line of the row is crossed."""
        low, high = self._cell(segments[1] - SLACK), self._cell(segments[3] + SLACK)
        row = spans(low, high + 1)
        x1, y1, x2, y2 = segments[:, np.repeat(np.arange(len(low)), high - low + 1)]
        wide, tall = x2 - x1, y2 - y1
        flat = np.abs(wide) >= STEEPEST * tall
        slope = wide / np.where(flat, np.inf, tall)
        enter = x1 + (np.minimum(np.maximum(row - SLACK, y1), y2) - y1) * slope
        leave = np.where(flat, x2, x1 + (np.minimum(np.maximum(row + (1 + SLACK), y1), y2) - y1) * slope)
        left = self._cell(np.minimum(enter, leave) - SLACK)
        right = self._cell(np.maximum(enter, leave) + SLACK)
        middle = row + 0.5
        return row, left, right, (y1 <= middle) & (middle < y2)

    def _outermost_cells(self, row: Positions, left: Positions, right: Positions) -> Positions:
        """The outermost cells in reach of what passes there: what lies beyond the grid is kept in them, wherever it is."""
        low, high, west, east = (int(edge) for edge in (row.min(), row.max(), left.min(), right.max()))
        last = self.side - 1
        if 0 < west and east < last and 0 < low and high < last:
            return np.empty(0, np.int64)
        columns, rows = np.arange(west, east + 1), np.arange(low, high + 1)
        parts = [columns + edge * self.side for edge in {0, last} & {low, high}]
        parts += [rows * self.side + edge for edge in {0, last} & {west, east}]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _cell(self, along: Floats) -> Positions:
        """Cells along one axis for coordinates in cells; what lies beyond belongs to the outermost."""
        return np.minimum(np.maximum(along, 0), self.side - 1).astype(
            np.int64
        )  # cut off, which is the floor of what is not negative


def build(lon: Floats, lat: Floats) -> tuple[Grid, Positions]:
    """A grid of these points, and the order they are kept in: the grid's point p is the given point order[p]."""
    side = int(np.clip((len(lon) / POINTS_PER_CELL) ** 0.5, SIDE_MIN, SIDE_MAX))
    x0, x_scale = _axis(lon, side)
    y0, y_scale = _axis(lat, side)
    empty = Grid(lon=lon, lat=lat, start=np.empty(0, np.int64), side=side, origin=(x0, y0), per_degree=(x_scale, y_scale))
    cell = empty._cell((lat - y0) * y_scale) * side + empty._cell((lon - x0) * x_scale)
    order = np.argsort(cell.astype(np.int32), kind="stable")
    start = np.zeros(side * side + 1, np.int32)
    np.cumsum(np.bincount(cell, minlength=side * side), out=start[1:])
    grid = Grid(lon=lon[order], lat=lat[order], start=start, side=side, origin=(x0, y0), per_degree=(x_scale, y_scale))
    return grid, order


def _axis(values: Floats, side: int) -> tuple[float, float]:
    """Where the grid begins along one axis, and its cells per degree; the outermost cells lie outside the bulk of points."""
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    scale = (side - 2) / max(float(high - low), 1e-6)
    return float(low) - 1 / scale, scale


def _spread(marks: Flags, axis: int, steps: int) -> Flags:
    """Marks, and up to so many cells before and behind each along an axis."""
    marks = np.moveaxis(marks, axis, 0)
    spread = marks.copy()
    for step in range(1, min(steps, len(marks) - 1) + 1):
        spread[step:] |= marks[:-step]
        spread[:-step] |= marks[step:]
    return np.moveaxis(spread, 0, axis)


def spans(begin: Positions, end: Positions) -> Positions:
    """All integers of the half-open ranges begin[i]..end[i], one range after the other."""
    length = end - begin
    total = int(length.sum())
    if total == 0:
        return np.empty(0, np.int64)
    steps = np.arange(total)
    steps += np.repeat(begin - (np.cumsum(length) - length), length)
    return steps
