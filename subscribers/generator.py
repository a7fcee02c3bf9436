"""Made-up people for demonstrations and measurements, written as the CSV that an import reads.

Nobody real is reached: every number lies in exchange 555, every mailbox at example.gov. The same seed, areas and version of
numpy give the same file, and person number n is the same however many others are asked for.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from subscribers.address import EMAIL, SAMPLE_EXCHANGE, SMS, BadAddress, Samples, normal_phone
from subscribers.areas import NamedShape
from subscribers.demography import BASES, HOUSEHOLDS, LANGUAGES, REACHED, SOURCES, Household, Spot
from subscribers.formulas import defused
from subscribers.lettering import DECIMALS, Letters, beside, cells, degrees, digits, letters, only, spread, table
from subscribers.rows import Floats
from subscribers.sheet import COLUMNS

BLOCK = 10_000  # people who share an area code: as many as exchange 555 has numbers in it
LOCAL_CODES = (503, 971)  # the sample city's own are given first
BEYOND = 0.05  # how far past the city's limits somebody may live, as a share of its width and height
ROUNDS_MAX = 20_000  # of trying spots in the box around a shape until one is inside

CONSENT_DAYS = np.arange("2009-01-01", "2014-03-01", dtype="datetime64[D]")

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was written. languages, kinds (a Spot's name or "several") and bases count people; channels count addresses, so
    that somebody with a phone and a mailbox is in both."""

    people: int
    rows: int
    languages: Mapping[str, int]
    channels: Mapping[str, int]
    kinds: Mapping[str, int]
    bases: Mapping[str, int]


def write(
    path: Path,
    people: int,
    areas: Sequence[NamedShape],
    seed: int = 2014,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Writes so many people, who live in the neighbourhoods among the areas, the more the larger one is.

    `progress` hears how many people are written so far. The file stands under its name only once it is whole. Raises
    ValueError when no area is a neighbourhood, or when exchange 555 has too few numbers.
    """
    codes = area_codes()
    if not 0 < people <= len(codes) * BLOCK:
        raise ValueError(f"From 1 to {len(codes) * BLOCK:,} people can be made up, not {people:,}.")
    town = _town(areas)
    tally = [np.zeros(len(shares), np.int64) for shares in (LANGUAGES, REACHED, BASES, town.households)]
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(",".join(COLUMNS).encode() + b"\n")
        for block, first in enumerate(range(0, people, BLOCK)):
            # Whole blocks are made even when fewer people are wanted, so that the first do not depend on how many there are.
            rng = np.random.default_rng([seed, block])
            some = _people(rng, town)
            places = _places(rng, town, some.household)
            numbers = range(first + 1, min(first + BLOCK, people) + 1)
            file.write(_written(some, places, codes[block], numbers))
            for counted, column in zip(tally, (some.language, some.reached, some.basis, some.household), strict=True):
                counted += np.bincount(column[: len(numbers)], minlength=len(counted))
            if progress:
                progress(numbers[-1])
    part.replace(path)
    return _summary(list(town.households), tally)


@lru_cache
def area_codes() -> tuple[int, ...]:
    """Every area code of the United States in which an import takes exchange 555, local ones first."""
    others = (code for code in range(200, 1_000) if code not in LOCAL_CODES)
    return tuple(code for code in (*LOCAL_CODES, *others) if _is_taken(code))


def _is_taken(code: int) -> bool:
    try:
        normal_phone(f"+1{code}{SAMPLE_EXCHANGE}0100", Samples.ONLY, frozenset({"US"}))
    except BadAddress:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Homes:
    """Shapes to choose from, the larger the likelier. `bounds` has a row west, south, east, north for each."""

    names: tuple[str, ...]
    cells: Letters
    shapes: NDArray[Any]
    bounds: Floats
    chances: Floats

    def some(self, rng: np.random.Generator, count: int) -> Positions:
        return rng.choice(len(self.names), size=count, p=self.chances) if count else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Town:
    neighborhoods: _Homes
    outskirts: _Homes
    zips: _Homes
    households: Mapping[Household, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """A row for each of 10,000: positions in the tables of shares, the line number of a phone, when they consented."""

    line: Positions
    language: Positions
    reached: Positions
    basis: Positions
    household: Positions
    consent_at: Letters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """A row for each place, in the order of people: whose it is, and cells of the file."""

    person: Positions
    label: Letters
    lat: Letters
    lon: Letters
    zip: Letters
    area: Letters


def _town(areas: Sequence[NamedShape]) -> _Town:
    neighborhoods = [area for area in areas if area.kind == "neighborhood"]
    zips = [area for area in areas if area.kind == "zip"]
    if not neighborhoods:
        raise ValueError("Made-up people need a neighborhood to live in, and none of the areas is one.")
    city = shapely.union_all([area.shape for area in areas if area.kind in ("city", "neighborhood")])
    west, south, east, north = city.bounds
    margin_x, margin_y = (east - west) * BEYOND, (north - south) * BEYOND
    around = shapely.box(west - margin_x, south - margin_y, east + margin_x, north + margin_y).difference(city)
    return _Town(
        neighborhoods=_homes(neighborhoods),
        outskirts=_homes([NamedShape(name="outskirts", kind="district", shape=around)]),
        zips=_homes(zips),
        households={way: share for way, share in HOUSEHOLDS.items() if zips or Spot.ZIP not in dict(way.places).values()},
    )


def _homes(areas: Sequence[NamedShape]) -> _Homes:
    names = tuple(area.name for area in areas)
    shapes = np.array([area.shape for area in areas], dtype=object)
    shapely.prepare(shapes)
    sizes = shapely.area(shapes)
    return _Homes(
        names=names,
        cells=cells([defused(name) for name in names]),
        shapes=shapes,
        bounds=shapely.bounds(shapes),
        chances=sizes / sizes.sum(),
    )


@lru_cache
def _calendar() -> tuple[Letters, Letters]:
    """Every day on which somebody may have consented, and every minute of a day."""
    minutes = [f"T{hour:02}:{minute:02}:00Z" for hour in range(24) for minute in range(60)]
    return letters([str(day) for day in CONSENT_DAYS]), letters(minutes)


def _people(rng: np.random.Generator, town: _Town) -> _People:
    days, minutes = _calendar()
    return _People(
        line=rng.permutation(BLOCK),
        language=_dealt(rng, LANGUAGES),
        reached=_dealt(rng, REACHED),
        basis=_dealt(rng, BASES),
        household=_dealt(rng, town.households),
        consent_at=beside(days[rng.integers(0, len(days), BLOCK)], minutes[rng.integers(0, len(minutes), BLOCK)]),
    )


def _dealt(rng: np.random.Generator, shares: Mapping[Any, float]) -> Positions:
    """Positions in the table, each as often as its share says, in random order."""
    sizes = list(shares.values())
    borders = np.round(np.cumsum([0, *sizes]) / sum(sizes) * BLOCK).astype(np.int64)
    return rng.permutation(np.repeat(np.arange(len(sizes)), np.diff(borders)))


def _places(rng: np.random.Generator, town: _Town, household: Positions) -> _Places:
    """The places of people with these ways to fill in the form."""
    ways = [way.places for way in town.households]
    size = np.array([len(places) for places in ways])
    person = np.repeat(np.arange(len(household)), size[household])
    nth = np.arange(len(person)) - np.repeat(np.cumsum(size[household]) - size[household], size[household])
    place = (np.cumsum(size) - size)[household[person]] + nth
    label, spot = (np.array(column) for column in zip(*(place for places in ways for place in places), strict=True))
    rows = {kind: np.flatnonzero(spot[place] == kind) for kind in Spot}

    inside = _points(rng, town.neighborhoods, len(rows[Spot.POINT]))
    outside = _points(rng, town.outskirts, len(rows[Spot.OUTSIDE]))
    at_a_point = np.concatenate([rows[Spot.POINT], rows[Spot.OUTSIDE]])
    lon, lat = np.concatenate([inside, outside]).T
    return _Places(
        person=person,
        label=letters(label.tolist())[place],
        lat=spread(degrees(lat), at_a_point, len(place)),
        lon=spread(degrees(lon), at_a_point, len(place)),
        zip=spread(town.zips.cells[town.zips.some(rng, len(rows[Spot.ZIP]))], rows[Spot.ZIP], len(place)),
        area=spread(town.neighborhoods.cells[town.neighborhoods.some(rng, len(rows[Spot.AREA]))], rows[Spot.AREA], len(place)),
    )


def _points(rng: np.random.Generator, homes: _Homes, count: int) -> Floats:
    """Spots (lon, lat) evenly spread inside the shapes, already rounded as they are written, so that none slips out."""
    home = homes.some(rng, count)
    spots = np.empty((count, 2))
    missing = np.arange(count)
    for _ in range(ROUNDS_MAX):
        if not len(missing):
            return spots
        shapes, bounds = homes.shapes[home[missing]], homes.bounds[home[missing]]
        tried = np.round(rng.uniform(bounds[:, :2], bounds[:, 2:]), DECIMALS)
        inside = shapely.contains_xy(shapes, tried[:, 0], tried[:, 1])
        spots[missing[inside]] = tried[inside]
        missing = missing[~inside]
    raise ValueError(f"{homes.names[home[missing[0]]]!r} is too narrow: no spot to live at was found in it.")


def _written(people: _People, places: _Places, code: int, numbers: range) -> bytes:
    """The rows of the first people of a block, as many as there are numbers."""
    phone = beside(np.tile(letters([f"+1{code}{SAMPLE_EXCHANGE}"]), (BLOCK, 1)), digits(people.line, 4, 4))
    number = np.arange(numbers.start, numbers.start + BLOCK)
    name, domain = (np.tile(letters([part]), (BLOCK, 1)) for part in ("resident", "@example.gov"))
    email = beside(name, digits(number, 7), domain)
    by_phone, by_email = (np.array([channel in channels for channels in REACHED]) for channel in (SMS, EMAIL))

    of_people = [
        only(phone, by_phone[people.reached]),
        only(email, by_email[people.reached]),
        letters(list(LANGUAGES))[people.language],
        letters(list(BASES))[people.basis],
        people.consent_at,
        cells([SOURCES[basis] for basis in BASES])[people.basis],
    ]
    wanted = np.searchsorted(places.person, len(numbers))  # places are in the order of people
    person = places.person[:wanted]
    phone, email, language, basis, consent_at, source = (column[person] for column in of_people)
    where = [column[:wanted] for column in (places.label, places.lat, places.lon, places.zip, places.area)]
    return table(phone, email, language, *where, basis, consent_at, source)


def _summary(households: Sequence[Household], tally: Sequence[Positions]) -> Summary:
    languages, reached, bases, filled_in = ([int(count) for count in counts] for counts in tally)
    channels: Counter[str] = Counter()
    for ways, count in zip(REACHED, reached, strict=True):
        channels.update(dict.fromkeys(ways, count))
    kinds: Counter[str] = Counter()
    for household, count in zip(households, filled_in, strict=True):
        kinds[household.kind] += count
    return Summary(
        people=sum(languages),
        rows=sum(count * len(household.places) for household, count in zip(households, filled_in, strict=True)),
        languages=dict(zip(LANGUAGES, languages, strict=True)),
        channels=dict(channels),
        kinds=dict(kinds),
        bases={basis.value: count for basis, count in zip(BASES, bases, strict=True)},
    )
