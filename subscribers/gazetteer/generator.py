"""A made-up gazetteer for the sample city: streets on a grid as Portland has them, with house numbers inside its ZIP areas.

Not real data: the streets are named as real ones and lie roughly where they do; houses, numbers and points are made up.
`python -m subscribers.gazetteer.generator city/portland` writes the pack's file anew.
"""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely

from subscribers.areas import read_areas
from subscribers.place import Envelope

BASE_LAT: Final = 45.5229  # Burnside Street: where numbering to the north and south begins
EAST_LON, WEST_LON = -122.6658, -122.6711  # avenue 0 on either side of the river
PER_BLOCK_LAT: Final = 0.00073  # degrees of one hundred house numbers
PER_BLOCK_EAST, PER_BLOCK_WEST = 0.001063, 0.00118
ASIDE: Final = 0.00012  # of a house from the middle of its street, about 10 m
BLOCKS: Final = 12  # of one street that have houses; between them the gazetteer measures out
EVERYWHERE: Final = Envelope(south=-90, west=-180, north=90, east=180)


@dataclass(frozen=True, slots=True)
class Line:
    """A street from one hundred to another, straight from one (lat, lon) to another. zero: numbers begin with a 0."""

    name: str
    first: int
    last: int
    start: tuple[float, float]
    end: tuple[float, float]
    zero: bool = False


def _ending(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _avenue(side: str, number: int, first: int, last: int) -> Line:
    """A numbered avenue running north or south from Burnside."""
    north = 1 if side.startswith("N") else -1
    lon = EAST_LON + number * PER_BLOCK_EAST if side.endswith("E") else WEST_LON - number * PER_BLOCK_WEST
    start, end = (BASE_LAT + north * block * PER_BLOCK_LAT for block in (first, last))
    return Line(f"{side} {number}{_ending(number)} Ave", first, last, (start, lon), (end, lon))


def _street(name: str, block: int, first: int, last: int) -> Line:
    """A named street running east or west, so many blocks north (south: negative) of Burnside."""
    lat = BASE_LAT + block * PER_BLOCK_LAT
    east = name.split()[0].endswith("E")
    lons = (EAST_LON + at * PER_BLOCK_EAST if east else WEST_LON - at * PER_BLOCK_WEST for at in (first, last))
    start, end = ((lat, lon) for lon in lons)
    return Line(name, first, last, start, end)


STREETS: Final[Sequence[Line]] = (
    *(_avenue("SE", number, 0, 60) for number in (5, 11, 21, 28, 39, 52, 60, 72)),
    *(_avenue("SE", number, 0, 84) for number in (82, 92, 102, 122, 136, 148, 162)),
    Line("SE 82nd Pl", 8, 40, (45.5171, -122.5776), (45.4937, -122.5776)),
    *(_avenue("NE", number, 2, 60) for number in (5, 11, 21, 28, 33, 42, 52, 60, 72, 82)),
    *(_avenue("NE", number, 2, 50) for number in (92, 102, 122, 148)),
    *(_avenue("SW", number, 0, 16) for number in (1, 3, 5, 11, 12)),
    *(_avenue("NW", number, 0, 9) for number in (3, 5, 9)),
    *(_avenue("NW", number, 0, 26) for number in (21, 23)),
    *(_street(name, -block, 0, 60) for name, block in (("SE Stark St", 4), ("SE Hawthorne Blvd", 15), ("SE Division St", 25))),
    *(_street(name, -block, 8, 160) for name, block in (("SE Powell Blvd", 35), ("SE Holgate Blvd", 45))),
    *(_street(name, -block, 28, 130) for name, block in (("SE Woodstock Blvd", 60), ("SE Flavel St", 73))),
    *(_street(name, block, 2, 120) for name, block in (("NE Glisan St", 6), ("NE Broadway", 17), ("NE Halsey St", 20))),
    *(
        _street(name, block, 2, 80)
        for name, block in (("NE Fremont St", 35), ("NE Alberta St", 49), ("NE Killingsworth St", 55))
    ),
    *(_street(name, block, 2, 90) for name, block in (("NE Oregon St", 8), ("NE Lombard St", 74))),
    *(_street(name, block, 3, 26) for name, block in (("NW Glisan St", 6), ("NW Lovejoy St", 11), ("NW Thurman St", 23))),
    *(_street(name, -block, 0, 18) for name, block in (("SW Alder St", 4), ("SW Morrison St", 6), ("SW Jefferson St", 13))),
    Line("SE Foster Rd", 50, 82, (45.4970, -122.6109), (45.4832, -122.5787)),
    Line("SE Foster Rd", 82, 122, (45.4832, -122.5787), (45.4764, -122.5361)),
    Line("SE Foster Rd", 122, 162, (45.4764, -122.5361), (45.4745, -122.4950)),
    Line("NE Sandy Blvd", 12, 122, (45.5245, -122.6530), (45.5560, -122.5390)),
    Line("SE Martin Luther King Jr Blvd", 0, 25, (45.5229, -122.6615), (45.5048, -122.6615)),
    Line("NE Martin Luther King Jr Blvd", 0, 75, (45.5229, -122.6610), (45.5780, -122.6612)),
    Line("N Lombard St", 2, 88, (45.5775, -122.6680), (45.5905, -122.7540)),
    Line("N Interstate Ave", 20, 80, (45.5375, -122.6790), (45.5800, -122.6860)),
    Line("N Mississippi Ave", 34, 50, (45.5475, -122.6757), (45.5600, -122.6757)),
    Line("N Alberta St", 0, 22, (45.5590, -122.6672), (45.5590, -122.6900)),
    Line("N Killingsworth St", 0, 26, (45.5628, -122.6672), (45.5628, -122.6940)),
    Line("N Portland Blvd", 0, 30, (45.5705, -122.6672), (45.5705, -122.6980)),
    Line("NW St Helens Rd", 50, 110, (45.5640, -122.7420), (45.6060, -122.7900)),
    Line("NW Skyline Blvd", 4, 60, (45.5270, -122.7290), (45.5690, -122.7800)),
    Line("SW Broadway", 3, 19, (45.5207, -122.6782), (45.5110, -122.6850)),
    Line("SW Barbur Blvd", 30, 98, (45.4970, -122.6790), (45.4560, -122.7200)),
    Line("SW Capitol Hwy", 30, 92, (45.4880, -122.6950), (45.4610, -122.7250)),
    Line("SW Multnomah Blvd", 20, 60, (45.4700, -122.6900), (45.4670, -122.7300)),
    Line("S Macadam Ave", 48, 76, (45.4870, -122.6745), (45.4690, -122.6715)),
    Line("S Curry St", 0, 4, (45.4975, -122.6735), (45.4975, -122.6702), zero=True),
    Line("S Gibbs St", 0, 5, (45.4965, -122.6745), (45.4965, -122.6702), zero=True),
    Line("S Bancroft St", 0, 5, (45.4935, -122.6745), (45.4935, -122.6702), zero=True),
    Line("SW Curry St", 0, 6, (45.4975, -122.6765), (45.4975, -122.6830)),
)


def write(path: Path, zips: Mapping[str, Any]) -> int:
    """Writes the file; returns how many houses. zips: code -> shape."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("number", "street", "zip", "lat", "lon", "note"))
        rows = [(*row, "generated sample") for line in STREETS for row in _houses(line, zips)]
        writer.writerows(rows)
    return len(rows)


def _houses(line: Line, zips: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Two houses on each of some blocks, on either side of the street, where it lies in a ZIP area."""
    count = min(BLOCKS, line.last - line.first)
    for step in range(count):
        block = line.first + step * (line.last - line.first) // count
        for house, side in ((20, 1), (61, -1)):
            share = (block + house / 100 - line.first) / (line.last - line.first)
            lat, lon = (start + share * (end - start) for start, end in zip(line.start, line.end, strict=True))
            lat, lon = lat + side * ASIDE / 2, lon + side * ASIDE
            code = next((code for code, shape in zips.items() if shapely.intersects_xy(shape, lon, lat)), "")
            if code:
                yield f"{0 if line.zero else ''}{block * 100 + house}", line.name, code, f"{lat:.5f}", f"{lon:.5f}"


if __name__ == "__main__":
    pack = Path(sys.argv[1])
    made = read_areas((pack / "areas" / "zips.geojson").read_bytes(), EVERYWHERE).areas
    write(pack / "gazetteer.csv", {area.name: area.shape for area in made})
