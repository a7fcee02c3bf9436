"""Finds addresses, corners and neighbourhoods in what somebody texted, best first, and never closer than the block."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final

from sqlalchemy import Connection, bindparam, case, func, select

from subscribers.dialog.hearing import fold
from subscribers.dialog.turn import Sight
from subscribers.gazetteer import address, blocks, merits, streetmap
from subscribers.gazetteer.blocks import Numbered, Spotted, block_of, block_words, metres
from subscribers.gazetteer.crossings import HOUSE, corner, lines
from subscribers.gazetteer.streetmap import Read, StreetMap
from subscribers.place import NamedPlace, Point, Spot

logger = logging.getLogger(__name__)

MOST: Final = 5
APART: Final = 0.1  # finds as near as this to the best one are a choice, and then the nearest to saved places comes first
LEAST: Final = 0.6  # what contradicts two parts of an address is not what was meant
CORNERS: Final = 12  # pairs of streets that are looked at for one corner
LONGEST_NAME: Final = 4  # words of an area's name; of more it is a sentence
ALIKE_NAME: Final = 0.72  # of an area: ordinary words ("rents", "fully", "lots") stay below for any name of five letters
BEGINS: Final = 5  # letters that may stand for a longer name,
BEGINS_SHARE: Final = 2 / 3  # and how much of it they are: "over" is not Overlook, "rich" not Richmond
BEGINS_SCORE: Final = 0.85
SEVERAL_SCORE: Final = 0.85  # of each area that one name may mean: near enough to one another to be asked about
AREA_WORDS: Final = frozenset("the area neighborhood neighbourhood district".split())

# Built once: building a statement takes longer than running it.
_BLOCK, _STREETS = HOUSE.c.block, HOUSE.c.street_id.in_(bindparam("streets", expanding=True))
NUMBERED: Final = (
    select(HOUSE.c.street_id, HOUSE.c.number, _BLOCK, HOUSE.c.zip, HOUSE.c.lat, HOUSE.c.lon)
    .where(_STREETS, _BLOCK.in_(bindparam("blocks", expanding=True)))
    .order_by(HOUSE.c.house_id)
)
ENDS: Final = (  # the nearest known blocks below and above one, of each street
    select(
        HOUSE.c.street_id,
        func.max(case((_BLOCK < bindparam("block"), _BLOCK))),
        func.min(case((_BLOCK > bindparam("block"), _BLOCK))),
    )
    .where(_STREETS, _BLOCK.between(bindparam("low"), bindparam("high")))
    .group_by(HOUSE.c.street_id)
)
HIGHEST: Final = 9_999  # block, of a number of six digits
LOWEST: Final = -1 - HIGHEST


class Gazetteer:
    """aliases: other names of areas -> their names, or none for a word that is no place however alike it looks; names of no
    known area are passed over. Safe to use from several threads; reads anew when streets or areas have changed."""

    def __init__(self, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self._aliases = {fold(alias): tuple(names) for alias, names in (aliases or {}).items()}
        self._lock = Lock()
        self._map: StreetMap | None = None

    def addresses(self, conn: Connection, text: str, near: Sequence[Spot]) -> list[Sight]:
        """What an address or a corner may mean, best first, at most five; among equals the nearest to `near`. A stretch of a
        long street known by an alias ("82nd") comes as its neighbourhoods. Nothing for a text that holds none."""
        city = self._current(conn)
        house = address.house(text)
        found = _houses(conn, city, house) if house else []
        if not found and (crossing := address.crossing(text)):
            found = _corners(conn, city, crossing)
        if not found:
            return self._by_alias(city, fold(text))
        return _ordered(found, [spot for spot in near if isinstance(spot, Point)])[:MOST]

    def named(self, conn: Connection, text: str) -> list[Sight]:
        """Neighbourhoods and districts by name in any language, alias, beginning of the name, or likeness; best first."""
        city = self._current(conn)
        flat = fold(text)
        found = self._by_name(city, flat)
        if not found and (bare := _bare_name(flat, city)) != flat:
            found = self._by_name(city, bare)
        return found[:MOST]

    def _by_name(self, city: StreetMap, flat: str) -> list[Sight]:
        found = _areas(city.called.get(flat, ())) or self._by_alias(city, flat)
        if found or flat in self._aliases:
            return found
        if not flat or len(flat.split()) > LONGEST_NAME or any(letter.isdigit() for letter in flat):
            return []
        scores: dict[str, float] = {}
        for name, areas in city.called.items():
            if len(flat) >= BEGINS and name.startswith(flat) and len(flat) >= BEGINS_SHARE * len(name):
                scores |= dict.fromkeys(areas, BEGINS_SCORE)
        for likeness, name in city.area_names.alike(flat, ALIKE_NAME):
            for area in city.called[name]:
                scores[area] = max(scores.get(area, 0.0), round(likeness, 3))
        return [_area(name, score) for name, score in sorted(scores.items(), key=lambda one: (-one[1], one[0]))]

    def _by_alias(self, city: StreetMap, flat: str) -> list[Sight]:
        known = {area for areas in city.called.values() for area in areas}
        return _areas([name for name in self._aliases.get(flat, ()) if name in known])

    def _current(self, conn: Connection) -> StreetMap:
        """The map as of this transaction."""
        as_of = streetmap.version(conn)
        with self._lock:
            if self._map is None or self._map.as_of != as_of:
                self._map = streetmap.read(conn)
                logger.info("gazetteer read: %s street names, %s areas", len(self._map.roads), len(self._map.called))
            return self._map


def _houses(conn: Connection, city: StreetMap, house: address.House) -> list[Sight]:
    for reads in city.readings(house.ways):
        spotted = _spotted(conn, [read.road.street_id for read in reads], house.number)
        found = [_house(city, house, read, one) for read in reads for one in spotted.get(read.road.street_id, ())]
        if found:
            return found
    return []


def _house(city: StreetMap, house: address.House, read: Read, spotted: Spotted) -> Sight:
    road, number = read.road, house.number
    cost = _off_street(read) + merits.FITS[spotted.fit]
    if house.zip and house.zip not in spotted.zips:
        cost += merits.ZIP_WRONG
    if any(word not in city.tails for word in read.way.rest):
        cost += merits.LEFT_OVER
    most = merits.BARE if merits.is_bare(read.way) and not house.zip and len(number) < 3 else 1.0
    words = block_words(number, road.shown)
    return _sight(city, spotted.lat, spotted.lon, spotted.zip, words, f"{number} {road.shown}", min(most, 1 - cost))


def _spotted(conn: Connection, street_ids: Sequence[int], number: str) -> dict[int, list[Spotted]]:
    """Where a number is on each of these streets: on a known block, else between the nearest known ones."""
    block = block_of(number)
    found = {
        street_id: blocks.on_block(houses, number)
        for street_id, houses in _numbered(conn, [(street_id, block) for street_id in street_ids]).items()
    }
    missing = [street_id for street_id in street_ids if street_id not in found]
    if missing:
        low, high = (LOWEST, -1) if block < 0 else (0, HIGHEST)  # numbers with a leading zero are among themselves
        ends = conn.execute(ENDS, {"streets": missing, "low": low, "block": block, "high": high}).all()
        around = _numbered(conn, [(street_id, end) for street_id, *both in ends for end in both if end is not None])
        for street_id, houses in around.items():
            below, above = ([one for one in houses if (one.block < block) is lower] for lower in (True, False))
            found[street_id] = blocks.between(below, above, number)
    return found


def _numbered(conn: Connection, wanted: Sequence[tuple[int, int]]) -> dict[int, list[Numbered]]:
    """The houses of these blocks, (street_id, block), by street."""
    found: dict[int, list[Numbered]] = {}
    if wanted:
        sought = set(wanted)
        sides = {"streets": [street_id for street_id, _ in sought], "blocks": [block for _, block in sought]}
        for street_id, *rest in conn.execute(NUMBERED, sides):
            one = Numbered(*rest)
            if (street_id, one.block) in sought:
                found.setdefault(street_id, []).append(one)
    return found


def _corners(conn: Connection, city: StreetMap, crossing: address.Crossing) -> list[Sight]:
    """The corners of two streets. Alike names count only where a direction or a kind shows that streets are meant."""
    told = not all(merits.is_bare(way) for way in (*crossing.one, *crossing.other))
    for one in city.readings(crossing.one):
        for other in city.readings(crossing.other):
            pairs = [(a, b) for a in one for b in other if a.road.name != b.road.name]
            likely = sorted((pair for pair in pairs if told or min(read.likeness for read in pair) == 1), key=_off)[:CORNERS]
            known = lines(conn, {read.road.street_id for pair in likely for read in pair})
            found = []
            for a, b in likely:
                mine, theirs = known.get(a.road.street_id), known.get(b.road.street_id)
                if mine and theirs and (meet := corner(mine, theirs)):
                    words = f"{a.road.shown} & {b.road.shown}"
                    found.append(_sight(city, *meet, words, words, 1 - _off((a, b))))
            if found:
                return found
    return []


def _off(pair: tuple[Read, Read]) -> float:
    """What reading two streets so costs: a direction said of one is taken for the other too."""
    said = pair[0].way.direction or pair[1].way.direction
    return sum(_off_street(replace(read, way=replace(read.way, direction=read.way.direction or said))) for read in pair)


def _off_street(read: Read) -> float:
    return merits.off_way(read.way, read.road.direction, read.road.kind, read.likeness)


def _sight(city: StreetMap, lat: float, lon: float, code: str, words: str, exact: str, score: float) -> Sight:
    hood = city.hood(lat, lon)
    where = f"{hood}, {code}" if hood else code
    return Sight(
        spot=Point(lat, lon, words), words=words, exact=f"{exact} ({where})", score=round(max(score, 0.0), 3), zip=code
    )


def _ordered(found: Sequence[Sight], near: Sequence[Point]) -> list[Sight]:
    """Best first; those within APART of the best by their distance to the nearest saved point; none below LEAST."""
    found = [sight for sight in found if sight.score >= LEAST]
    best = max((sight.score for sight in found), default=0.0)

    def rank(sight: Sight) -> tuple[bool, float, float]:
        close = best - sight.score < APART
        return not close, _away(sight.spot, near) if close else 0.0, -sight.score

    return sorted(found, key=rank)


def _away(spot: Spot, near: Sequence[Point]) -> float:
    if not isinstance(spot, Point):
        return 0.0
    return min((metres((spot.lat, spot.lon), (one.lat, one.lon)) for one in near), default=0.0)


def _bare_name(flat: str, city: StreetMap) -> str:
    """A name without "the", "area" and the city behind it: "lents neighborhood", "downtown portland or"."""
    words = flat.split()
    while len(words) > 1 and words[0] in AREA_WORDS:
        words = words[1:]
    while len(words) > 1 and (words[-1] in AREA_WORDS or words[-1] in city.place_words):
        words = words[:-1]
    return " ".join(words)


def _areas(names: Iterable[str]) -> list[Sight]:
    listed = list(dict.fromkeys(names))
    return [_area(name, 1.0 if len(listed) == 1 else SEVERAL_SCORE) for name in listed]


def _area(name: str, score: float) -> Sight:
    return Sight(spot=NamedPlace(name), words=name, exact=name, score=score)
