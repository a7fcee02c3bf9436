"""Reads a city's address file into the gazetteer: a CSV with the columns number, street, zip, lat, lon; others are passed over.

A bad row is named with its line and reason and left out; the same house twice is listed. A file replaces what was there before,
in one transaction: half a gazetteer would answer half the city that its streets do not exist.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert

from subscribers.gazetteer.address import street
from subscribers.gazetteer.search import HOUSE, STREET, block_of
from subscribers.place import BadPlace, Envelope, point, zip_code

COLUMNS: Final = ("number", "street", "zip", "lat", "lon")
BATCH: Final = 5_000
MOST_PROBLEMS: Final = 1_000  # named one by one; of a wholly wrong file the rest is counted


class BadGazetteer(ValueError):
    """The file cannot be read at all; the text is a sentence."""


@dataclass(slots=True)
class Imported:
    """What a file gave. problems: a sentence a bad or repeated row, with its line."""

    houses: int = 0
    streets: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        self.bad += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"Line {line}: {why}")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    number: str
    street: str
    zip: str
    lat: float
    lon: float


def keep(
    conn: Connection, path: Path, envelope: Envelope, progress: Callable[[int], None] | None = None, *, dry_run: bool = False
) -> Imported:
    """Replaces the gazetteer by a file; with dry_run only looks at it. Raises BadGazetteer, and then nothing is changed."""
    done = Imported()
    roads: dict[tuple[str, str, str], int] = {}
    seen: dict[tuple[int, str, str], int] = {}
    waiting: list[dict[str, Any]] = []
    if not dry_run:
        conn.execute(delete(HOUSE))
        conn.execute(delete(STREET))
    for row in _rows(path, envelope, done):
        parts = street(row.street)
        if not parts[1]:
            done.refuse(row.line, f"{row.street!r} is not the name of a street.")
            continue
        if parts not in roads:
            roads[parts] = _add_street(conn, parts, row.street) if not dry_run else len(roads) + 1
        first = seen.setdefault((roads[parts], row.number, row.zip), row.line)
        if first != row.line:
            done.refuse(row.line, f"{row.number} {row.street} is in line {first} already.")
            continue
        done.houses += 1
        where = {"number": row.number, "block": block_of(row.number), "zip": row.zip, "lat": row.lat, "lon": row.lon}
        waiting.append({"street_id": roads[parts]} | where)
        if len(waiting) == BATCH:
            _add_houses(conn, waiting, dry_run=dry_run)
            if progress:
                progress(done.houses)
    _add_houses(conn, waiting, dry_run=dry_run)
    done.streets = len(roads)
    return done


def _add_street(conn: Connection, parts: tuple[str, str, str], shown: str) -> int:
    values = {"direction": parts[0], "name": parts[1], "kind": parts[2], "shown": " ".join(shown.split())}
    return int(conn.execute(insert(STREET).values(**values).returning(STREET.c.street_id)).scalar_one())


def _add_houses(conn: Connection, waiting: list[dict[str, Any]], *, dry_run: bool) -> None:
    if waiting and not dry_run:
        conn.execute(insert(HOUSE), waiting)
    waiting.clear()


def _rows(path: Path, envelope: Envelope, done: Imported) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise BadGazetteer(f"{path.name} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}.")
            for cells in reader:
                row = _row(reader.line_num, cells, envelope, done)
                if row is not None:
                    yield row
    except UnicodeDecodeError as error:
        raise BadGazetteer(f"{path.name} is not UTF-8: byte {error.start}.") from error
    except csv.Error as error:
        raise BadGazetteer(f"{path.name} is not CSV: {error}.") from error


def _row(line: int, cells: dict[str, str | None], envelope: Envelope, done: Imported) -> _Row | None:
    number, name, code, lat, lon = ((cells[column] or "").strip() for column in COLUMNS)
    faults = []
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        faults.append(f"the number {number!r} is not one to six digits.")
    if not name:
        faults.append("the street is empty.")
    spot = None
    try:
        code = zip_code(code)
    except BadPlace as fault:
        faults.append(str(fault))
    try:
        spot = point(lat, lon, envelope)
    except BadPlace as fault:
        faults.append(str(fault))
    if faults or spot is None:
        done.refuse(line, " ".join(faults))
        return None
    return _Row(line, number, name, code, spot.lat, spot.lon)
