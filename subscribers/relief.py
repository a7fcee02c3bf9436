"""Places where residents find help: shelters, water, cool rooms. Staff keep them as one small CSV file, a row for each place
that says whether it is open."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from subscribers.formulas import defused, restored
from subscribers.gazetteer.blocks import metres
from subscribers.place import BadPlace, Envelope, point
from subscribers.sheet import BadFile

COLUMNS: Final = ("name", "topic", "address", "lat", "lon", "open", "hours", "pets", "wheelchair")
SHOWN: Final = 2  # of one answer: more would not fit two parts of a text
NAME_MAX: Final = 30  # letters, of a name and of an address
SITES_MAX: Final = 1_000
_HOURS: Final = re.compile(r"24/7|([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-4]):[0-5]\d", re.ASCII)
_SAID: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliefSite:
    """topic: the English word that asks for it, "SHELTER". hours: "24/7" or "8:00-20:00", the same in every language. pets and
    wheelchair: whether they surely can come in."""

    name: str
    topic: str
    address: str
    lat: float
    lon: float
    is_open: bool
    hours: str
    pets: bool
    wheelchair: bool


def read(text: str, topics: Collection[str], envelope: Envelope) -> tuple[ReliefSite, ...]:
    """The sites of a file. topics: the words that some alert answers. Raises BadFile with everything wrong, by line: a list
    that is half taken would hide an open shelter."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = [cell.strip().casefold() for cell in next(lines, [])]
    if sorted(header) != sorted(COLUMNS):
        raise BadFile([f"The first line must name the columns {','.join(COLUMNS)}."])
    sites: list[ReliefSite] = []
    problems: list[str] = []
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                site = _site(cells, header, topics, envelope)
                if isinstance(site, ReliefSite):
                    sites.append(site)
                else:
                    problems += [f"Line {lines.line_num}: {one}" for one in site]
    except csv.Error as error:
        problems.append(f"Line {lines.line_num}: {error}.")
    names = [site.name.casefold() for site in sites]
    problems += [f"{name!r} stands in the file twice." for name in sorted(set(names)) if names.count(name) > 1]
    if len(sites) > SITES_MAX:
        problems.append(f"There are {len(sites):,} sites; the most is {SITES_MAX:,}.")
    if problems:
        raise BadFile(problems)
    return tuple(sites)


def _site(cells: Sequence[str], header: Sequence[str], topics: Collection[str], envelope: Envelope) -> ReliefSite | list[str]:
    """The site of a row, or everything wrong with it."""
    if len(cells) != len(header):
        return [f"the row has {len(cells)} cells; the header names {len(header)}."]
    row = {name: " ".join(restored(cell).split()) for name, cell in zip(header, cells, strict=True)}
    problems = _problems(row, topics)
    try:
        where = point(row["lat"], row["lon"], envelope)
    except BadPlace as error:
        return [*problems, str(error)]
    return problems or ReliefSite(
        name=row["name"],
        topic=row["topic"].upper(),
        address=row["address"],
        lat=where.lat,
        lon=where.lon,
        is_open=_SAID[row["open"].casefold()],
        hours=row["hours"],
        pets=_SAID[row["pets"].casefold()],
        wheelchair=_SAID[row["wheelchair"].casefold()],
    )


def _problems(row: dict[str, str], topics: Collection[str]) -> list[str]:
    problems = []
    for column in ("name", "address"):
        if not row[column] or len(row[column]) > NAME_MAX or not row[column].isprintable():
            problems.append(f"{column} must be 1 to {NAME_MAX} plain letters: two sites have to fit one text message.")
    if row["topic"].upper() not in topics:
        problems.append(f"topic {row['topic']!r} must be one of {', '.join(sorted(topics))}.")
    if not _HOURS.fullmatch(row["hours"]):
        problems.append(f"hours {row['hours']!r} must be 24/7 or like 8:00-20:00.")
    for column in ("open", "pets", "wheelchair"):
        if row[column].casefold() not in _SAID:
            problems.append(f"{column} {row[column]!r} must be yes or no.")
    return problems


def written(sites: Iterable[ReliefSite]) -> str:
    """The file that `read` makes the same sites of."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for site in sites:
        said = ["yes" if one else "no" for one in (site.is_open, site.pets, site.wheelchair)]
        cells = [site.name, site.topic, site.address, f"{site.lat:.6f}", f"{site.lon:.6f}", said[0], site.hours, *said[1:]]
        writer.writerow([defused(cell) for cell in cells])
    return text.getvalue()


def turned(sites: Sequence[ReliefSite], names: Collection[str], *, is_open: bool) -> tuple[ReliefSite, ...]:
    """The sites with those of these names, however capitalised, opened or closed. Raises LookupError naming the unknown."""
    wanted = {" ".join(name.split()).casefold(): name for name in names}
    if missing := [wanted[name] for name in sorted(wanted.keys() - {site.name.casefold() for site in sites})]:
        raise LookupError(f"There is no site called {', '.join(map(repr, missing))}.")
    return tuple(replace(site, is_open=is_open) if site.name.casefold() in wanted else site for site in sites)


def nearest(sites: Iterable[ReliefSite], lat: float, lon: float) -> list[ReliefSite]:
    """Those nearest to a point, at most SHOWN."""
    return sorted(sites, key=lambda site: (metres((lat, lon), (site.lat, site.lon)), site.name))[:SHOWN]
