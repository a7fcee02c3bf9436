"""Locator maps: an alert's area within its city, and again from near, as SVG that needs no script, tiles or network.

Whoever approves sees at one look that an area is the wrong one, or the whole county. North is up; a degree of longitude is
drawn shorter by the cosine of the latitude (equirectangular), which within a city is right to less than a line's width.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from math import cos, radians
from typing import Any, Final, Self

import numpy as np
import shapely

from notify.alerts.alert import Area
from subscribers.areas import NamedShape

logger = logging.getLogger(__name__)

WIDTH: Final = 320.0  # units of the drawing
TALLEST: Final = 320.0
MARGIN: Final = 0.04  # of a frame's larger side, around what it shows
FAR: Final = ("district", "neighborhood", "zip")  # kinds of areas whose names say where one is, the first there is
NEAR: Final = ("neighborhood", "zip", "district")
NEAR_SHARE: Final = 0.6  # of the city: an area that spans more is seen well enough from afar
AROUND: Final = 0.75  # of the area's larger side is shown around it from near
LEAST_DEGREES: Final = 0.01  # about 1.1 km: what a frame shows at least
FINE: Final = 0.6  # units that a line may be off
SPECK: Final = 4.0  # units: a part that is smaller is marked by a dot, on top of everything, or nobody would see it
DOT: Final = 5.0  # units across
HIDDEN: Final = 22.0  # units: a smaller part would be hidden by a name on it
LETTER: Final = 11.0  # units of a name's height,
LETTER_WIDTH: Final = 0.56  # and of a letter's width, of that
MOST_NAMES: Final = 14
METRES: Final = 111_320.0  # of a degree of latitude
MILE_M: Final = 1_609.344
MILES: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)
BAR: Final = 0.35  # of the width, that the scale takes at most
FOOT: Final = 18.0  # units below the map, for the scale
_SIZE: Final = re.compile(r'viewBox="0 0 (\d+) (\d+)"')


@dataclass(frozen=True, slots=True)
class Frame:
    """What is seen, in degrees of latitude east and south (a longitude is multiplied by `narrow`). scale: units a degree."""

    west: float
    north: float
    east: float
    south: float
    narrow: float
    scale: float

    @classmethod
    def around(cls, bounds: Sequence[float], more: float = 0.0) -> Self:
        """bounds: west, south, east, north in degrees. more: of the larger side, shown on each side of it."""
        west, south, east, north = bounds
        narrow = cos(radians((south + north) / 2))
        west, east, north, south = west * narrow, east * narrow, -north, -south
        side = max(east - west, south - north, LEAST_DEGREES)
        wide, high = (max(size, LEAST_DEGREES) / 2 + side * (more + MARGIN) for size in (east - west, south - north))
        across, down = (west + east) / 2, (north + south) / 2
        scale = min(WIDTH / (2 * wide), TALLEST / (2 * high))
        return cls(across - wide, down - high, across + wide, down + high, narrow, scale)

    @property
    def size(self) -> tuple[float, float]:
        return (self.east - self.west) * self.scale, (self.south - self.north) * self.scale

    def placed(self, shape: Any) -> Any:
        """A shape in units, cut at the frame."""

        def moved(at: Any) -> Any:
            return (at * (self.narrow, -1) - (self.west, self.north)) * self.scale

        return shapely.clip_by_rect(shapely.transform(shape, moved), 0, 0, *self.size)

    def box_of(self, other: Self) -> tuple[float, float, float, float]:
        """Where another frame lies in this one: x, y, width, height."""
        left = (other.west / other.narrow * self.narrow - self.west) * self.scale
        right = (other.east / other.narrow * self.narrow - self.west) * self.scale
        top, bottom = ((edge - self.north) * self.scale for edge in (other.north, other.south))
        return left, top, right - left, bottom - top


def maps(areas: Sequence[Area], named: Sequence[NamedShape]) -> tuple[str, ...]:
    """The area within the city, and from near where it is a small part of it: SVG documents to stand within HTML. named: the
    city's areas. Nothing where the shapes cannot be drawn: an alert without its map is better than none."""
    try:
        return _maps([area.shape for area in areas], named)
    except shapely.errors.GEOSException:
        logger.exception("an alert's area cannot be drawn")
        return ()


def sheet(drawn: Sequence[str]) -> str:
    """Maps below one another, as one picture that stands by itself."""
    sizes = [(float(wide), float(high)) for wide, high in (found.groups() for found in map(_SIZE.search, drawn) if found)]
    below = list(accumulate((high + FOOT for _, high in sizes), initial=0.0))
    parts = [
        one.replace("<svg ", f'<svg y="{top:.0f}" width="{wide:.0f}" height="{high:.0f}" ', 1)
        for one, (wide, high), top in zip(drawn, sizes, below, strict=False)
    ]
    box = f"0 0 {max((wide for wide, _ in sizes), default=1):.0f} {max(below[-1], 1):.0f}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif">{"".join(parts)}</svg>'


def size(areas: Sequence[Area], named: Sequence[NamedShape]) -> tuple[int, int]:
    """Width and height of the sheet of these maps, so that a page can keep its room before anything is drawn."""
    sizes = [frame.size for frame in _frames([area.shape for area in areas], _around(named))]
    high = sum(round(high + FOOT) + FOOT for _, high in sizes)
    return max((round(wide) for wide, _ in sizes), default=1), max(round(high), 1)


def _around(named: Sequence[NamedShape]) -> list[Any]:
    """The whole city; where none of its areas is that, all of them."""
    return [one.shape for one in named if one.citywide] or [one.shape for one in named]


def _frames(shapes: Sequence[Any], around: Sequence[Any]) -> tuple[Frame, ...]:
    """What there is to be seen: all of it, and the shapes from near where they are a small part of it."""
    if all(shape.is_empty for shape in shapes):
        return ()
    whole = Frame.around(shapely.total_bounds([*around, *shapes]))
    near = Frame.around(shapely.total_bounds(shapes), AROUND)
    return (whole,) if (near.east - near.west) > NEAR_SHARE * (whole.east - whole.west) else (whole, near)


def _maps(shapes: Sequence[Any], named: Sequence[NamedShape]) -> tuple[str, ...]:
    around = _around(named)
    frames, shape, city = _frames(shapes, around), shapely.union_all(shapes), shapely.union_all(around)
    inset = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="none" stroke="#1b1b1b" stroke-width="2"/>'
    over = [inset.format(*frames[0].box_of(near)) for near in frames[1:]]
    far = [_drawn(whole, shape, city, _of_kind(named, FAR), "far", "".join(over)) for whole in frames[:1]]
    return (*far, *(_drawn(near, shape, city, _of_kind(named, NEAR), "near") for near in frames[1:]))


def _of_kind(named: Sequence[NamedShape], kinds: Sequence[str]) -> list[NamedShape]:
    """Those of the first kind that there are several of."""
    found = ([one for one in named if one.kind == kind and not one.citywide] for kind in kinds)
    return next((some for some in found if len(some) > 1), [])


def _drawn(frame: Frame, shape: Any, city: Any, named: Sequence[NamedShape], key: str, over: str = "") -> str:
    wide, high = frame.size
    placed = [(one.name, frame.placed(one.shape)) for one in named]
    hatched = frame.placed(shape)
    large, specks = _by_size(hatched, SPECK)
    box = f"0 0 {wide:.0f} {high + FOOT:.0f}"
    mine = f'fill="url(#hatch-{key})" stroke="#9c1006" stroke-width="2.5"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" aria-hidden="true" direction="ltr">',
        f'<pattern id="hatch-{key}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0h6v6h-6z" fill="#f6c9c4"/><path d="M0 0v6" stroke="#9c1006" stroke-width="1.5"/></pattern>',
        f'<path d="M0 0h{wide:.0f}v{high + FOOT:.0f}h-{wide:.0f}z" fill="white"/>',
        f'<path d="M0 0h{wide:.1f}v{high:.1f}h-{wide:.1f}z" fill="#dfe5ea"/>',
        f'<path d="{path(frame.placed(city))}" fill="#fff" stroke="#767676" stroke-width="1.5" fill-rule="evenodd"/>',
        f'<path d="{path(large)}" {mine} fill-rule="evenodd"/>',
        f'<path d="{"".join(path(one) for _, one in placed)}" fill="none" stroke="#767676" stroke-width=".75"/>',
        over,
        *_names(placed, wide, high, _by_size(hatched, HIDDEN)[1]),
        _bar(frame),
        *_dots(specks),
        "</svg>",
    ]
    return "".join(parts)


def _by_size(shape: Any, least: float) -> tuple[Any, Any]:
    """Its parts that are as large as that, across or down, and its smaller ones."""
    parts = shapely.get_parts(shape)
    west, south, east, north = shapely.bounds(parts).T
    small = np.maximum(east - west, north - south) < least
    return shapely.geometrycollections(parts[~small]), parts[small]


def _dots(parts: Any) -> Iterator[str]:
    """One where each of these parts is; one for several at the same spot."""
    spots = sorted({(round(x), round(y)) for x, y in shapely.get_coordinates(shapely.centroid(parts)).tolist()})
    if spots:
        marks = "".join(f"M{x} {y}h0" for x, y in spots)
        yield f'<path d="{marks}" stroke="#9c1006" stroke-width="{DOT:g}" stroke-linecap="round"/>'


def path(shape: Any) -> str:
    """Polygons as SVG path data; what is no polygon is left out."""
    return "".join(_ring(ring) for ring in _rings(shapely.simplify(shape, FINE)))


def _rings(shape: Any) -> Iterator[Any]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part.exterior
            yield from part.interiors


def _ring(ring: Any) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "Z"


def _names(placed: Sequence[tuple[str, Any]], wide: float, high: float, clear: Any) -> Iterator[str]:
    """Names in the middle of their areas, the largest first; left out where it would cover another, or a shape to keep clear,
    leave the map, or be twice as wide as its area."""
    taken: list[Any] = []
    for name, shape in sorted(placed, key=lambda one: (-one[1].area, one[0])):
        if shape.is_empty or len(taken) == MOST_NAMES:
            continue
        at, half = shape.representative_point(), len(name) * LETTER * LETTER_WIDTH / 2
        x = min(max(at.x, half), wide - half)
        box = shapely.box(x - half, at.y - LETTER, x + half, at.y + LETTER / 2)
        if (
            x < half
            or shape.bounds[2] - shape.bounds[0] < half
            or box.bounds[1] < 0
            or box.bounds[3] > high
            or any(box.intersects(other) for other in taken)
            or shapely.intersects(box, clear).any()
        ):
            continue
        taken.append(box)
        yield (
            f'<text x="{x:.1f}" y="{at.y:.1f}" font-size="{LETTER:g}" text-anchor="middle" fill="#1b1b1b" stroke="#fff"'
            f' stroke-width="3" stroke-linejoin="round" paint-order="stroke">{escape(name)}</text>'
        )


def _bar(frame: Frame) -> str:
    """The scale, in miles, below the map."""
    wide, high = frame.size
    units = MILE_M / METRES * frame.scale
    miles = max((one for one in MILES if one * units <= BAR * wide), default=MILES[0])
    y = high + FOOT / 2
    return (
        f'<path d="M1 {y - 4:.1f}v8m0-4h{miles * units:.1f}m0-4v8" fill="none" stroke="#1b1b1b" stroke-width="1.5"/>'
        f'<text x="{miles * units + 6:.1f}" y="{y + 4:.1f}" font-size="{LETTER:g}" fill="#1b1b1b">{miles:g} mi</text>'
    )
