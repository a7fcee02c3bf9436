"""A made-up gazetteer for the sample city: streets on a grid as Portland has them, with house numbers inside its ZIP areas.

Not real data: the streets are named as real ones and lie roughly where they do; houses, numbers and points are made up.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import shapely

LAT0, LON0 = 45.5230, -122.6710  # Burnside Street at the river: where numbering begins
BLOCK_LAT, BLOCK_LON = 0.00072, 0.00104  # degrees of one hundred of house numbers, about 80 m
STEP: Final = 20  # between one house number and the next
AVENUES: Final = (1, 5, 11, 21, 28, 39, 52, 60, 72, 82, 92, 102, 122, 136, 148, 162)
NAMED: Final = {  # streets that run east and west: name -> blocks north (south: negative) of the baseline
    "Lombard St": 60, "Killingsworth St": 52, "Alberta St": 47, "Fremont St": 36, "Broadway": 18, "Glisan St": 6,
    "Stark St": -4, "Hawthorne Blvd": -15, "Division St": -24, "Powell Blvd": -34, "Holgate Blvd": -44, "Foster Rd": -52,
    "Woodstock Blvd": -60, "Flavel St": -72,
}  # fmt: skip
RIVERSIDE: Final = {"Curry St": -29, "Gibbs St": -31, "Bancroft St": -38}  # South sextant: numbers with a leading zero
BLOCKS_PER_STREET: Final = 24  # at most; between them the gazetteer takes the nearest


def write(path: Path, zips: Mapping[str, Any]) -> int:
    """Writes the file; returns how many houses. zips: code -> shape."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("number", "street", "zip", "lat", "lon"))
        rows = sorted(set(_houses(zips)), key=lambda row: (row[1], int(row[0]), row[0]))
        writer.writerows(rows)
    return len(rows)


def _houses(zips: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for number in AVENUES:
        for side, way_east, north in (("SE", 1, -1), ("NE", 1, 1), ("SW", -1, -1), ("NW", -1, 1)):
            lon = LON0 + way_east * (number * BLOCK_LON + 0.004)
            yield from _along(
                f"{side} {number}{_ending(number)} Ave",
                zips,
                ((LAT0 + north * (block + 0.5) * BLOCK_LAT, lon) for block in range(90)),
            )
    lon = LON0 + 83 * BLOCK_LON + 0.004  # a street that only its kind tells from the avenue beside it
    yield from _along("SE 82nd Pl", zips, ((LAT0 - (block + 0.5) * BLOCK_LAT, lon) for block in range(40)))
    for name, blocks in NAMED.items():
        lat = LAT0 + blocks * BLOCK_LAT
        east, west = ("NE", "N" if blocks > 20 else "NW") if blocks > 0 else ("SE", "SW")
        for half, way in ((east, 1), (west, -1)):
            yield from _along(
                f"{half} {name}", zips, ((lat, LON0 + way * ((block + 0.5) * BLOCK_LON + 0.004)) for block in range(165))
            )
    for name, blocks in RIVERSIDE.items():
        lat = LAT0 + blocks * BLOCK_LAT
        spots = ((lat, LON0 - 0.004 + (block + 0.5) * BLOCK_LON) for block in range(4))
        yield from _along(f"S {name}", zips, spots, zero=True)


def _along(street: str, zips: Mapping[str, Any], spots: Iterator[tuple[float, float]], *, zero: bool = False) -> Iterator[Any]:
    """Two houses a block, as long as the street lies in some ZIP; long streets have every few blocks only."""
    inside = []
    for block, (lat, lon) in enumerate(spots):
        code = next((name for name, shape in zips.items() if shapely.intersects_xy(shape, lon, lat)), "")
        if code:
            inside.append((block, code, lat, lon))
    every = max(1, len(inside) // BLOCKS_PER_STREET)
    for block, code, lat, lon in inside[::every]:
        for house in (block * 100 + STEP, block * 100 + 3 * STEP):
            written = f"0{house}" if zero else str(house)
            yield written, street, code, f"{lat:.5f}", f"{lon + house % 100 / 100 * BLOCK_LON / 3:.5f}"


def _ending(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
