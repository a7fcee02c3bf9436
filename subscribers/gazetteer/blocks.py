"""Blocks: where a house number lies along its street, as the middle of its hundred and never as the house. Pure.

Whoever stores a place stores this point. It is rounded, so that it is no house of the file even where a block has only one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from math import cos, hypot, radians
from statistics import median
from typing import Final

METRES: Final = 111_320.0  # of one degree of latitude
SAME_PLACE_M: Final = 400.0  # houses of one hundred that lie farther apart are on two streets of the same name
BRIDGED_M: Final = (
    1_000.0  # gap between known blocks, about a dozen: a street that goes on straight is off by less than a block
)
BEYOND: Final = 1  # blocks past the last known one that may have been built since the file was made
DIGITS: Final = 4  # of a block's degrees: 11 m
ALONE_DIGITS: Final = 3  # of the only house of a block: 110 m


class Fit(IntEnum):
    """How well a number is known."""

    LISTED = 0  # in the file
    BLOCK = 1  # not itself, but others of its hundred
    BETWEEN = 2  # between two known blocks
    BEYOND = 3  # past the last one


@dataclass(frozen=True, slots=True)
class Numbered:
    """A house of the file."""

    number: str
    block: int
    zip: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Spotted:
    """The middle of a block. zip: the house's own if it is listed, else that of most; zips: all that the block reaches into."""

    lat: float
    lon: float
    zip: str
    zips: frozenset[str]
    fit: Fit


def block_of(number: str) -> int:
    """The hundred a house number lies in; numbers with a leading zero lie on blocks of their own, below zero."""
    hundred = int(number) // 100
    return -1 - hundred if number.startswith("0") else hundred


def block_words(number: str, shown: str) -> str:
    """ "1100 block SW 5th Ave"; "0100 block S Curry St"."""
    hundred = int(number) // 100 * 100
    return f"{0 if number.startswith('0') else ''}{hundred} block {shown}"


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance of two (lat, lon) within a city: the earth taken as flat there."""
    return METRES * hypot(one[0] - other[0], (one[1] - other[1]) * cos(radians(one[0])))


def on_block(houses: Sequence[Numbered], number: str) -> list[Spotted]:
    """The block that these houses are the known ones of: one place, or several where streets share name and numbers."""
    found = []
    for some in _places(houses):
        mine = next((house.zip for house in some if house.number == number), "")
        middle = _middle(some, Fit.LISTED if mine else Fit.BLOCK)
        found.append(replace(middle, zip=mine) if mine else middle)
    return found


def between(below: Sequence[Numbered], above: Sequence[Numbered], number: str) -> list[Spotted]:
    """A block without known houses, from those of the nearest known blocks on both sides; either may be empty."""
    block = block_of(number)
    sides = [[(_middle(some, Fit.BETWEEN), some[0].block) for some in _places(houses)] for houses in (below, above)]
    pairs = [(_gap(low, high), low, high, at, to) for low, at in sides[0] for high, to in sides[1]]
    found = []
    if pairs:
        gap, low, high, at, to = min(pairs, key=lambda pair: pair[0])
        if gap <= BRIDGED_M:
            share = (block - at) / (to - at)
            lat, lon = (start + share * (end - start) for start, end in ((low.lat, high.lat), (low.lon, high.lon)))
            code = (low if share < 0.5 else high).zip
            found.append(Spotted(round(lat, DIGITS), round(lon, DIGITS), code, low.zips | high.zips, Fit.BETWEEN))
    if not found:
        ends = [end for side in sides for end, at in side if abs(at - block) <= BEYOND]
        found = [replace(end, fit=Fit.BEYOND) for end in ends]
    return found


def _gap(one: Spotted, other: Spotted) -> float:
    return metres((one.lat, one.lon), (other.lat, other.lon))


def _places(houses: Iterable[Numbered]) -> list[list[Numbered]]:
    """Houses of one block by place: those near to one another together, wherever the border of a ZIP runs."""
    by_zip: dict[str, list[Numbered]] = {}
    for house in houses:
        by_zip.setdefault(house.zip, []).append(house)
    places: list[list[Numbered]] = []
    for some in sorted(by_zip.values(), key=len, reverse=True):
        near = next((place for place in places if metres(_median(place), _median(some)) <= SAME_PLACE_M), None)
        if near is None:
            places.append(some)
        else:
            near += some
    return places


def _median(houses: Sequence[Numbered]) -> tuple[float, float]:
    """Latitude and longitude apart, so that one house put wrongly by the file does not move its block."""
    return median(house.lat for house in houses), median(house.lon for house in houses)


def _middle(houses: Sequence[Numbered], fit: Fit) -> Spotted:
    digits = DIGITS if len({(house.lat, house.lon) for house in houses}) > 1 else ALONE_DIGITS
    lat, lon = _median(houses)
    zips = [house.zip for house in houses]
    most = max(zips, key=lambda code: (zips.count(code), code))
    return Spotted(round(lat, digits), round(lon, digits), most, frozenset(zips), fit)
