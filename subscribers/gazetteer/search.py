"""Finds addresses and neighbourhoods: streets by the likeness of their names, then the block along the street.

A city has thousands of streets and hundreds of thousands of houses: the streets are kept in memory as an index of trigrams, the
houses of one block are read from the database, so that both databases give the same answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sqlalchemy import Connection, func, select

from subscribers.atlas import areas
from subscribers.atlas import version as areas_version
from subscribers.dialog.hearing import fold
from subscribers.dialog.turn import Sight
from subscribers.gazetteer.address import Parsed, parse
from subscribers.gazetteer.likeness import NameIndex, name_index
from subscribers.gazetteer.tables import House, Street
from subscribers.place import NamedPlace, Point, Spot
from subscribers.store import table_of

STREET, HOUSE = table_of(Street), table_of(House)
NAMEABLE: Final = ("neighborhood", "district")
MOST: Final = 5
NEIGHBOURS: Final = 3  # blocks without a known house that are still taken to exist between or beside known ones
ALIKE_NAME: Final = 0.62  # of a neighbourhood; ordinary words ("stop", "water") stay below with any name we know of
BEGINS: Final = 4  # letters that are enough for the beginning of a neighbourhood's name
BEGINS_SCORE: Final = 0.85
LONGEST_NAME: Final = 4  # words
# What each part of an address is worth; the name has the rest. A missing direction or kind costs little, a wrong one much.
DIRECTION, KIND, NUMBER, ZIP = 0.2, 0.08, 0.12, 0.1
UNSAID, WRONG = 0.75, 0.0


@dataclass(frozen=True, slots=True)
class Road:
    street_id: int
    direction: str
    name: str
    kind: str
    shown: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a street, as the middle of its known houses. known: the house number itself is in the file."""

    spot: Point
    zip: str
    known: bool


class Gazetteer:
    """aliases: folded other names of areas -> their names. Safe to use from several threads; reads anew what has changed."""

    def __init__(self, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self._aliases = {fold(alias): tuple(names) for alias, names in (aliases or {}).items()}
        self._lock = Lock()
        self._as_of: tuple[object, ...] = ()
        self._roads: tuple[Road, ...] = ()
        self._names: NameIndex = name_index(())
        self._areas: tuple[str, ...] = ()
        self._area_names: NameIndex = name_index(())

    def addresses(self, conn: Connection, text: str, near: Sequence[Spot]) -> list[Sight]:
        """What an address may mean, best first, then the nearest to `near`; nothing for a text that holds none."""
        parsed = parse(text)
        if parsed is None:
            return []
        self._refresh(conn)
        found: list[tuple[float, float, Sight]] = []
        for likeness, road in self._alike(parsed.name):
            block = _block(conn, road, parsed.number)
            if block is not None:
                sight = _sight(parsed, road, block, likeness)
                found.append((-sight.score, _distance(block.spot, near), sight))
        found.sort(key=lambda one: (round(one[0], 2), one[1]))
        return [sight for *_, sight in found[:MOST]]

    def named(self, conn: Connection, text: str) -> list[Sight]:
        """Neighbourhoods and districts by name, alias, beginning of the name, or likeness; best first."""
        self._refresh(conn)
        flat = fold(text)
        if not flat or len(flat.split()) > LONGEST_NAME or any(letter.isdigit() for letter in flat):
            return []
        if flat in self._aliases:
            return [_area(name, 1.0 if len(self._aliases[flat]) == 1 else BEGINS_SCORE) for name in self._aliases[flat]]
        scores = {position: score for score, position in self._area_names.alike(flat, ALIKE_NAME)}
        for position, name in enumerate(self._area_names.names):
            if len(flat) >= BEGINS and name.startswith(flat) and name != flat:
                scores[position] = max(scores.get(position, 0.0), BEGINS_SCORE)
        best = sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:MOST]
        return [_area(self._areas[position], score) for position, score in best]

    def _alike(self, name: str) -> list[tuple[float, Road]]:
        found = self._names.alike(name)
        exact = [(score, position) for score, position in found if score == 1.0]
        numbered = name.isdigit()  # 52nd is not nearly 82nd
        return [(score, self._roads[position]) for score, position in (exact or ([] if numbered else found[:40]))]

    def _refresh(self, conn: Connection) -> None:
        as_of = (*conn.execute(select(func.count(), func.max(STREET.c.street_id))).one(), *areas_version(conn))
        with self._lock:
            if as_of == self._as_of:
                return
            rows = conn.execute(select(STREET).order_by(STREET.c.street_id))
            self._roads = tuple(Road(row.street_id, row.direction, row.name, row.kind, row.shown) for row in rows)
            self._names = name_index(road.name for road in self._roads)
            self._areas = tuple(area.name for area in areas(conn) if area.kind in NAMEABLE)
            self._area_names = name_index(map(fold, self._areas))
            self._as_of = as_of


def block_of(number: str) -> int:
    """The hundred a house number lies in; numbers with a leading zero lie on blocks of their own, below zero."""
    hundred = int(number) // 100
    return -1 - hundred if number.startswith("0") else hundred


def _block(conn: Connection, road: Road, number: str) -> Block | None:
    """The block of a number on a street: the middle of its known houses, or of the nearest block within NEIGHBOURS."""
    block = block_of(number)
    query = select(HOUSE.c.number, HOUSE.c.block, HOUSE.c.zip, HOUSE.c.lat, HOUSE.c.lon).where(
        HOUSE.c.street_id == road.street_id, HOUSE.c.block.between(block - NEIGHBOURS, block + NEIGHBOURS)
    )
    rows = [row for row in conn.execute(query) if (row.block < 0) == (block < 0)]
    if not rows:
        return None
    nearest = min(abs(row.block - block) for row in rows)
    houses = [row for row in rows if abs(row.block - block) == nearest]
    code = Counter(row.zip for row in houses).most_common(1)[0][0]
    lat, lon = (
        round(sum(values) / len(houses), 5) for values in (tuple(row.lat for row in houses), tuple(row.lon for row in houses))
    )
    hundred = int(number) // 100 * 100
    shown = f"0{hundred}" if number.startswith("0") else str(hundred)
    words = f"{shown} block {road.shown}"
    return Block(Point(lat, lon, words), code, any(row.number == number for row in houses))


def _sight(parsed: Parsed, road: Road, block: Block, likeness: float) -> Sight:
    parts = (
        (DIRECTION, _agreement(parsed.direction, road.direction)),
        (KIND, _agreement(parsed.kind, road.kind)),
        (NUMBER, 1.0 if block.known else UNSAID),
        (ZIP, 1.0 if not parsed.zip or parsed.zip == block.zip else WRONG),
    )
    rest = 1.0 - sum(worth for worth, _ in parts)
    score = rest * likeness + sum(worth * agreed for worth, agreed in parts)
    exact = f"{parsed.number} {road.shown} ({block.zip})"
    return Sight(spot=block.spot, words=block.spot.block, exact=exact, score=round(score, 3), zip=block.zip)


def _agreement(said: str, is_so: str) -> float:
    if said == is_so:
        return 1.0
    return UNSAID if not said else WRONG


def _distance(spot: Point, near: Sequence[Spot]) -> float:
    """Squared degrees to the nearest saved point: only an order."""
    points = [one for one in near if isinstance(one, Point)]
    return min(((spot.lat - one.lat) ** 2 + (spot.lon - one.lon) ** 2 / 2 for one in points), default=0.0)


def _area(name: str, score: float) -> Sight:
    return Sight(spot=NamedPlace(name), words=name, exact=name, score=round(score, 3))
