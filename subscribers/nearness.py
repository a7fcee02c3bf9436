"""Homes of which only the block is known, and the shapes they may lie in. Pure.

An address is kept as the middle of its block: a home may lie inside a line while this middle lies outside of it. Who has such
a place is told about a shape when the middle lies inside or up to BLOCK_M from it.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from subscribers.geodesy import WGS84_A_M
from subscribers.rows import Flags, Floats

BLOCK_M: Final = 160.0  # a tenth of a mile: as far as a wireless emergency alert may overshoot its polygon (47 CFR 10.450)
DEGREE_OF_LATITUDE_M: Final = 110_574.0  # at the equator (WGS 84)


@dataclass(frozen=True, slots=True)
class Nearness:
    """A shape laid flat, in metres; `metres` are those of a degree of longitude and of latitude.

    Degrees are taken for as long as they are where they are shortest: of latitude at the equator, of longitude at that end of
    the shape which is nearest to a pole. So nothing near is missed, and up to 2 % more is taken for near in a city's area.
    """

    flat: Any
    metres: NDArray[np.float64]

    @classmethod
    def of(cls, shape: Any) -> Self:
        """shape: in degrees, longitude first, below 89 degrees north and south."""
        _, south, _, north = shape.bounds
        east_m = WGS84_A_M * math.radians(1) * math.cos(math.radians(max(abs(south), abs(north))))
        metres = np.array([east_m, DEGREE_OF_LATITUDE_M])
        return cls(shapely.transform(shape, lambda degrees: degrees * metres), metres)

    @property
    def degrees(self) -> tuple[float, float]:
        """BLOCK_M as degrees of longitude and of latitude."""
        east, north = (BLOCK_M / self.metres).tolist()
        return east, north

    def of_blocks(self, lon: Floats, lat: Floats) -> Flags:
        """Which of these blocks, by their middles, may have a home inside the shape or on its boundary."""
        middles = shapely.points(np.column_stack([lon, lat]) * self.metres)
        return np.asarray(shapely.dwithin(self.flat, middles, BLOCK_M), np.bool_)

    def of_block(self, lon: float, lat: float) -> bool:
        return bool(self.of_blocks(np.array([lon]), np.array([lat]))[0])
