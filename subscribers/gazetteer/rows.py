"""The rows of a city's address file, understood one by one: a house, or what is wrong with the line.

Every line is one row, so a quote left open spoils one row and never swallows the next ones. Memory does not grow with the file.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from subscribers.gazetteer.address import DIRECTIONS, street
from subscribers.place import BadPlace, Envelope, point, zip_code
from subscribers.sheet import LINE_MAX, BadFile

COLUMNS: Final = ("number", "street", "zip", "lat", "lon")
UNIT: Final = "unit"  # a column that may be there: homes of one house are no duplicates
STREET_MAX: Final = 40  # letters: the name has to fit a text message beside a block and a ZIP
STREETS_KEPT: Final = 4_096  # understood once and not for each of their houses
TOLD_EVERY: Final = 5_000  # lines
_NUMBER: Final = re.compile(r"(\d{1,6})(?:[ -]?[A-Za-z]|-\d{1,6}| \d/\d)?", re.ASCII)
_BOM: Final = b"\xef\xbb\xbf"

Tell = Callable[[int, int], None]  # bytes read, bytes in all


@dataclass(frozen=True, slots=True)
class Row:
    """A house as the file has it. way: direction, name and kind of its street, as searched; shown: as written."""

    line: int
    number: str
    way: tuple[str, str, str]
    shown: str
    zip: str
    lat: float
    lon: float
    unit: str


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    why: str


def rows(path: Path, envelope: Envelope, tell: Tell) -> Iterator[Row | Fault]:
    """Every row but the header and blank lines. Raises BadFile when the file as a whole is of no use; OSError."""
    total, done, number, width = path.stat().st_size, 0, 0, 0
    places: tuple[int, ...] = ()
    with path.open("rb") as file:
        while line := file.readline(LINE_MAX + 1):
            number, done = number + 1, done + len(line)
            text = _text(line, number)
            if number == 1:
                width, places = _header(text)
            elif text.strip(" \t,"):
                yield _row(number, text, width, places, envelope)
            if number % TOLD_EVERY == 0:
                tell(done, total)
    if not number:
        raise BadFile(["The file is empty; its first line must name the columns."])
    tell(total, total)


def _text(line: bytes, number: int) -> str:
    if len(line) > LINE_MAX:
        raise BadFile([f"Line {number} is longer than {LINE_MAX} bytes: this is not such a file."])
    if b"\0" in line:
        raise BadFile([f"Line {number} holds a NUL byte; save the file as UTF-8 text."])
    try:
        return line.removeprefix(_BOM if number == 1 else b"").decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadFile([f"Line {number} is not UTF-8: its byte {error.start + 1}. Save the file as UTF-8."]) from error


def _header(text: str) -> tuple[int, tuple[int, ...]]:
    """How many columns there are, and where ours stand; the unit's place is the width where there is no such column."""
    columns = [name.strip().casefold() for name in next(csv.reader([text]), [])]
    problems = [f"The header lacks the column {name!r}." for name in COLUMNS if name not in columns]
    problems += [f"The header names {name!r} twice." for name in (*COLUMNS, UNIT) if columns.count(name) > 1]
    if problems:
        raise BadFile(
            [*problems, f"The columns are: {','.join(COLUMNS)} and, if there is one, {UNIT}; others are passed over."]
        )
    width = len(columns)
    return width, tuple(columns.index(name) if name in columns else width for name in (*COLUMNS, UNIT))


def _row(line: int, text: str, width: int, places: Sequence[int], envelope: Envelope) -> Row | Fault:
    try:
        cells = text.split(",") if '"' not in text and "\r" not in text else next(csv.reader((text,), strict=True))
    except csv.Error:
        return Fault(line, "A quotation mark is opened and not closed, or stands where none may.")
    if len(cells) != width:
        return Fault(line, f"The row has {len(cells)} cells; the header names {width}.")
    cells.append("")
    number, name, code, lat, lon, unit = (cells[place].strip() for place in places)
    faults = []
    found = _NUMBER.fullmatch(number)
    if found is None or not int(found[1]):
        faults.append(f"{number!r} is not a house number.")
    name, way, fault_of_name = _street(name)
    faults += [fault_of_name] if fault_of_name else []
    try:
        code = zip_code(code)
    except BadPlace as fault:
        faults.append(str(fault))
    try:
        spot = point(lat, lon, envelope)
    except BadPlace as fault:
        faults.append(str(fault))
    if faults or found is None:
        return Fault(line, " ".join(faults))
    return Row(line, found[1], way, name, code, spot.lat, spot.lon, unit)


@lru_cache(maxsize=STREETS_KEPT)
def _street(name: str) -> tuple[str, tuple[str, str, str], str]:
    """A street as residents read it, as it is searched, and what is wrong with it, "" when nothing is."""
    name = shown(name)
    way = street(name)
    fault = ""
    if not way.name:
        fault = f"{name!r} is not the name of a street."
    elif len(name) > STREET_MAX or not name.isprintable():
        fault = f"The street {name[:STREET_MAX]!r} is longer than {STREET_MAX} letters or holds control characters."
    return name, (way.direction, way.name, way.kind), fault


def shown(name: str) -> str:
    """A street's name as residents read it: single spaces, and "SW 5TH AVE" as "SW 5th Ave"."""
    words = name.split()
    if name.isupper():
        words = [word if word.casefold() in DIRECTIONS and len(word) < 3 else word.capitalize() for word in words]
    return " ".join(words)
