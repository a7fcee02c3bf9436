"""The city's streets and area names in memory, as of one edition of the gazetteer and one state of the areas.

A city has thousands of streets and hundreds of thousands of houses: names are searched here, the houses of one block are read
from the database. So both databases give the same answer, and neither needs an extension.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely
from shapely import STRtree
from sqlalchemy import Connection, func, select

from subscribers import atlas
from subscribers.areas import NamedShape
from subscribers.dialog.hearing import fold
from subscribers.gazetteer.address import KINDS, Way
from subscribers.gazetteer.likeness import NameIndex, name_index
from subscribers.gazetteer.merits import LEAST_BARE_NAME, LEAST_NAME, is_bare
from subscribers.gazetteer.tables import Edition, Street
from subscribers.store import table_of

EDITION, STREET = table_of(Edition), table_of(Street)
NEWEST: Final = select(func.max(EDITION.c.edition_id)).where(EDITION.c.complete)
NAMEABLE: Final = ("neighborhood", "district")
HOOD: Final = "neighborhood"
CITY: Final = "city"
ROADS: Final = 40  # that one name may stand for: more are never one city's
# Words people write behind a place that say nothing new; besides them the names of the city and of its areas.
STATES: Final = frozenset(
    "al ak az ar ca co ct de dc fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok "
    "or pa ri sc sd tn tx ut vt va wa wv wi wy alabama alaska arizona arkansas california colorado connecticut "
    "delaware florida georgia hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland "
    "massachusetts michigan minnesota mississippi missouri montana nebraska nevada hampshire jersey mexico york "
    "carolina dakota ohio oklahoma oregon pennsylvania rhode island tennessee texas utah vermont virginia washington "
    "wisconsin wyoming new north south west us usa".split()
)


@dataclass(frozen=True, slots=True)
class Road:
    street_id: int
    direction: str
    name: str
    kind: str
    shown: str


@dataclass(frozen=True, slots=True)
class Read:
    """A street that words may mean. likeness: of the names."""

    way: Way
    road: Road
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetMap:
    """Never changed: whoever holds one sees streets and names that belong together."""

    as_of: tuple[Any, ...]
    roads: Mapping[str, tuple[Road, ...]]
    names: NameIndex
    tails: frozenset[str]  # words behind a street that say nothing new
    place_words: frozenset[str]  # of them, the city's name and the states'
    called: Mapping[str, tuple[str, ...]]  # folded name of an area, in any language -> areas of that name
    area_names: NameIndex
    hoods: tuple[str, ...]
    hood_tree: Any

    def readings(self, ways: Sequence[Way]) -> Iterator[list[Read]]:
        """The streets these words may mean, the likeliest reading first: streets named so, the longest name first; only where
        there is no such name, the alike ones."""
        ways = [way for way in ways if not is_bare(way) or all(word in self.tails for word in way.rest)]
        named = [way for way in ways if way.name in self.roads]
        for way in named:
            yield [Read(way, road, 1.0) for road in self.roads[way.name][:ROADS]]
        if not named:
            yield list(self._alike(ways).values())

    def _alike(self, ways: Sequence[Way]) -> dict[int, Read]:
        best: dict[int, Read] = {}
        for way in ways:
            if any(letter.isdigit() for letter in way.name):  # 52nd is not nearly 82nd
                continue
            if " " in way.name and way.name.rpartition(" ")[2] in KINDS:  # "fostr rd": the shorter reading has it as the kind
                continue
            for likeness, name in self.names.alike(way.name, LEAST_BARE_NAME if is_bare(way) else LEAST_NAME):
                for road in self.roads[name][:ROADS]:
                    if road.street_id not in best or best[road.street_id].likeness < likeness:
                        best[road.street_id] = Read(way, road, likeness)
        return best

    def hood(self, lat: float, lon: float) -> str:
        """The neighbourhood a point lies in, "" in none."""
        found = self.hood_tree.query(shapely.Point(lon, lat), predicate="intersects")
        return self.hoods[min(found)] if len(found) else ""


def version(conn: Connection) -> tuple[Any, ...]:
    """Equal as long as streets and areas are the same."""
    edition = conn.execute(NEWEST).scalar_one()
    return (edition, *atlas.version(conn))


def read(conn: Connection) -> StreetMap:
    """Everything, as it is in this transaction."""
    as_of = version(conn)
    roads: dict[str, list[Road]] = {}
    for row in conn.execute(select(STREET).where(STREET.c.edition_id == as_of[0]).order_by(STREET.c.street_id)):
        roads.setdefault(row.name, []).append(Road(row.street_id, row.direction, row.name, row.kind, row.shown))
    areas = atlas.areas(conn)
    cities = STATES | _words(area for area in areas if area.kind == CITY)
    called = _called([area for area in areas if area.kind in NAMEABLE])
    hoods = [area for area in areas if area.kind == HOOD]
    return StreetMap(
        as_of=as_of,
        roads={name: tuple(some) for name, some in roads.items()},
        names=name_index(roads),
        tails=cities | _words(area for area in areas if area.kind in NAMEABLE),
        place_words=cities,
        called=called,
        area_names=name_index(called),
        hoods=tuple(area.name for area in hoods),
        hood_tree=STRtree([area.shape for area in hoods]),
    )


def _words(areas: Iterable[NamedShape]) -> frozenset[str]:
    return frozenset(word for area in areas for word in fold(area.name).split())


def _called(areas: Sequence[NamedShape]) -> dict[str, tuple[str, ...]]:
    called: dict[str, tuple[str, ...]] = {}
    for area in areas:
        for name in dict.fromkeys(fold(name) for name in (area.name, *area.names.values())):
            if name:
                called[name] = (*called.get(name, ()), area.name)
    return called
