"""What people need and where: a need's life, and how needs may be shown without pointing at anybody's door.

A cell is a quadkey: the tiles of the Web Mercator map, one digit a level, so that a cell without its last digit is the coarser
one around it (https://learn.microsoft.com/bingmaps/articles/bing-maps-tile-system). What is published is a partition: no cell
lies in another one, none holds fewer than LEAST people, and figures go down to the next STEP, so that neither a difference of
two cells nor of two days is one household.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class NeedStatus(StrEnum):
    LOGGED = "logged"  # noted, nobody has it yet
    ROUTED = "routed"  # handed to whoever is to do it
    UNDER_WAY = "under way"  # they have said that they are doing it
    MET = "met"
    REFERRED = "referred"  # somebody else's business: the person was told whose
    CANNOT = "cannot be met"  # and the person was told so
    WITHDRAWN = "withdrawn"  # no longer wanted, or noted by mistake


_ENDS: Final = frozenset({NeedStatus.MET, NeedStatus.REFERRED, NeedStatus.CANNOT, NeedStatus.WITHDRAWN})
ALLOWED: Final[Mapping[NeedStatus, frozenset[NeedStatus]]] = {
    NeedStatus.LOGGED: frozenset({NeedStatus.ROUTED, NeedStatus.UNDER_WAY}) | _ENDS,
    NeedStatus.ROUTED: frozenset({NeedStatus.ROUTED, NeedStatus.UNDER_WAY}) | _ENDS,  # routed anew: the first was the wrong one
    NeedStatus.UNDER_WAY: frozenset({NeedStatus.ROUTED}) | _ENDS,
    **dict.fromkeys(_ENDS, frozenset()),
}
TERMINAL: Final = _ENDS
# Asked for because of a disability or a language (ADA, 28 CFR 35.160; Title VI): the report counts them apart.
ACCOMMODATIONS: Final = ("INTERPRETER", "ASL", "LARGE_PRINT", "WHEELCHAIR_TRANSPORT", "HOME_DELIVERY")
LEAST: Final = 5  # people: fewer are never shown together with a place
STEP: Final = 5  # published figures are whole multiples
FINEST: Final = 15  # digits: about 850 m at 45 degrees north; no finer place is kept in clear
COARSEST: Final = 11  # about 14 km; what is too few even there is withheld
EDGE_LAT: Final = 85.05112878  # where the map of the tiles ends


class NotThere(ValueError):
    """A need cannot become this from where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """cell: a quadkey of FINEST digits, "" where no point is known; area: a ZIP or an area's name then, "" for neither."""

    code: str
    people: int
    cell: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One line of what may be published: at least `people` people need this here. place: a quadkey, or an area's name."""

    code: str
    people: int
    place: str
    is_cell: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """withheld: somewhere there are more, too few to say where."""

    lines: tuple[Shown, ...]
    withheld: bool


def step(now: NeedStatus, to: NeedStatus) -> NeedStatus:
    """`to`, if a need that stands at `now` may become it. Raises NotThere."""
    if to not in ALLOWED[now]:
        raise NotThere(f"This need is {now}; it cannot become {to}.")
    return to


def cell(lat: float, lon: float, digits: int = FINEST) -> str:
    """The quadkey of the tile a point lies in."""
    size = 1 << digits
    sine = math.sin(math.radians(max(-EDGE_LAT, min(EDGE_LAT, lat))))
    x = int((lon + 180.0) / 360.0 * size) % size
    y = min(size - 1, max(0, int((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * size)))
    return "".join(str((x >> bit & 1) + 2 * (y >> bit & 1)) for bit in reversed(range(digits)))


def bounds(quadkey: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a cell in degrees."""
    x = y = 0
    for digit in quadkey:
        x, y = 2 * x + int(digit) % 2, 2 * y + int(digit) // 2
    size = 1 << len(quadkey)
    return x / size * 360 - 180, _lat(y + 1, size), (x + 1) / size * 360 - 180, _lat(y, size)


def _lat(y: int, size: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / size))))


def published(needs: Iterable[Need]) -> Published:
    """What of these may be shown to anybody, code by code: each in the finest cells that hold LEAST people everywhere they hold
    anybody."""
    cells: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    areas: dict[tuple[str, str], int] = defaultdict(int)
    nowhere = 0
    for need in needs:
        if need.cell:
            cells[need.code][need.cell] += need.people
        elif need.area:
            areas[need.code, need.area] += need.people
        else:
            nowhere += need.people
    lines = [
        Shown(code=code, people=_floor(people), place=area, is_cell=False)
        for (code, area), people in areas.items()
        if people >= LEAST
    ]
    withheld = bool(nowhere) or any(people < LEAST for people in areas.values())
    for code, found in cells.items():
        split, left = _partition(found)
        withheld = withheld or left
        lines += [Shown(code=code, people=_floor(people), place=key, is_cell=True) for key, people in split]
    return Published(lines=tuple(sorted(lines, key=lambda one: (one.code, not one.is_cell, one.place))), withheld=withheld)


def _partition(people: Mapping[str, int]) -> tuple[list[tuple[str, int]], bool]:
    """Cells with their people, and whether any were left out."""
    tops: dict[str, dict[str, int]] = defaultdict(dict)
    for key, count in people.items():
        tops[key[:COARSEST]][key] = count
    shown: list[tuple[str, int]] = []
    withheld = False
    for top, inside in tops.items():
        if sum(inside.values()) < LEAST:
            withheld = True
        else:
            shown += _split(top, inside)
    return shown, withheld


def _split(key: str, inside: Mapping[str, int]) -> list[tuple[str, int]]:
    """The cell itself, or its quarters where each of them that holds anybody holds LEAST."""
    total = sum(inside.values())
    quarters: dict[str, dict[str, int]] = defaultdict(dict)
    for finer, count in inside.items():
        quarters[finer[: len(key) + 1]][finer] = count
    if len(key) >= FINEST or any(0 < sum(one.values()) < LEAST for one in quarters.values()):
        return [(key, total)]
    return [each for quarter, finer in quarters.items() for each in _split(quarter, finer) if each[1]]


def _floor(people: int) -> int:
    return people // STEP * STEP


def geojson(shown: Published, note: str) -> dict[str, Any]:
    """RFC 7946. An area that is known by its name alone has no geometry. note: what the figures are and are not."""
    features = [
        {
            "type": "Feature",
            "geometry": _square(line.place) if line.is_cell else None,
            "properties": {"code": line.code, "people_at_least": line.people, "place": line.place},
        }
        for line in shown.lines
    ]
    return {"type": "FeatureCollection", "note": note, "withheld": shown.withheld, "features": features}


def _square(quadkey: str) -> dict[str, Any]:
    west, south, east, north = (round(degrees, 6) for degrees in bounds(quadkey))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def table(shown: Published) -> str:
    """CSV: code, people (at least), cell or area, and the cell's edges in degrees."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("code", "people_at_least", "cell", "area", "west", "south", "east", "north"))
    for line in shown.lines:
        edges: Sequence[str] = [f"{degrees:.6f}" for degrees in bounds(line.place)] if line.is_cell else [""] * 4
        rows.writerow((line.code, line.people, *((line.place, "") if line.is_cell else ("", line.place)), *edges))
    return written.getvalue()
