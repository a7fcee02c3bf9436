"""A CSV file opened with care: what is wrong with the file as a whole is said before its first row is used.

Every line is one row; no cell of ours needs a line break, so a quote left open spoils one row and never swallows the next ones.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from subscribers.formulas import restored

COLUMNS = ("phone", "email", "language", "label", "lat", "lon", "zip", "area", "basis", "consent_at", "consent_source")
NEEDED = ("language", "basis", "consent_at", "consent_source")  # and phone or email
PROOF = ("consent_words", "consent_terms")  # what they agreed to, where the other system has kept it
ALL = COLUMNS + PROOF

LINE_MAX = 10_000  # bytes
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class BadFile(ValueError):
    """The file cannot be used at all; `problems` holds one sentence for each thing wrong. Nothing was taken from it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that was read through once. `columns` are in the file's order; `lines` counts all lines, header and blanks too."""

    path: Path
    columns: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its number, and either a cell for each of ALL (empty where the file has none) or what is wrong with it.
    An apostrophe that keeps a spreadsheet from running a cell is no part of it."""

    line: int
    cells: tuple[str, ...] = ()
    problem: str = ""


def inspect(path: Path) -> Sheet:
    """Reads the whole file for encoding and header. Raises BadFile; OSError when it cannot be read."""
    header, count, spoiled, first_problem = b"", 0, 0, ""
    with path.open("rb") as file:
        beginning = file.read(1_000)
        if beginning.startswith(_UTF16) or b"\0" in beginning:
            raise BadFile(["The file is UTF-16, from line 1 on; save it as UTF-8."])
        file.seek(0)
        for count, line in enumerate(_lines(file), 1):
            header = line if count == 1 else header
            problem = _problem_of_line(line, count)
            spoiled += problem != ""
            first_problem = first_problem or problem
    if first_problem:
        raise BadFile([first_problem + (f" {spoiled - 1} more lines are no better." if spoiled > 1 else "")])
    if not count:
        raise BadFile(["The file is empty; its first line must name the columns."])
    columns = tuple(name.strip().casefold() for name in next(csv.reader([_text(header)])))
    problems = _problems_of_header(columns)
    if problems:
        raise BadFile(problems)
    return Sheet(path=path, columns=columns, lines=count)


def rows(sheet: Sheet) -> Iterator[Row]:
    """Every row but the header and blank lines. Raises BadFile when the file has changed its encoding since `inspect`."""
    places = [sheet.columns.index(name) if name in sheet.columns else len(sheet.columns) for name in ALL]
    with sheet.path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if number > 1 and line.strip(b" \t\r\n,"):
                yield _row(number, line, len(sheet.columns), places)


def _row(number: int, line: bytes, width: int, places: Sequence[int]) -> Row:
    try:
        text = _text(line)
        plain = '"' not in text and "\r" not in text  # then splitting is the same, and much faster
        cells = text.split(",") if plain else next(csv.reader((text,), strict=True))
    except csv.Error:
        return Row(number, problem="A quotation mark is opened and not closed, or stands where none may.")
    except UnicodeDecodeError as error:
        raise BadFile([f"The file changed while it was read: line {number} is no longer UTF-8."]) from error
    if len(cells) != width:
        return Row(number, problem=f"The row has {len(cells)} cells; the header names {width}.")
    if "'" in text:
        cells = [restored(cell) for cell in cells]
    cells.append("")  # what a column the file does not have holds
    return Row(number, tuple([cells[place].strip() for place in places]))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The file's lines, none longer than LINE_MAX in memory."""
    first = True
    while line := file.readline(LINE_MAX + 1):
        if len(line) > LINE_MAX:
            hint = " Its lines seem to end in carriage returns only." if b"\r" in line else ""
            raise BadFile([f"A line is longer than {LINE_MAX} bytes: this is not such a list.{hint}"])
        yield line.removeprefix(_BOM) if first else line
        first = False


def _problem_of_line(line: bytes, number: int) -> str:
    if b"\0" in line:
        return f"Line {number} holds a NUL byte; save the file as UTF-8 text."
    try:
        line.decode()
    except UnicodeDecodeError as error:
        byte = line[error.start]
        guess = bytes([byte]).decode("cp1252", "replace")
        return (
            f"Line {number} is not UTF-8: its byte {error.start + 1} is 0x{byte:02X}. "
            f"The file looks like Latin-1 or Windows-1252, where that is {guess!r}; save it as UTF-8."
        )
    return ""


def _problems_of_header(columns: tuple[str, ...]) -> list[str]:
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        return ["The header is one long cell: the columns must be separated by commas."]
    problems = [f"The header names an unknown column: {name!r}." for name in dict.fromkeys(columns) if name not in ALL]
    problems += [f"The header names {name!r} twice." for name in ALL if columns.count(name) > 1]
    problems += [f"The header lacks the column {name!r}." for name in NEEDED if name not in columns]
    if "phone" not in columns and "email" not in columns:
        problems.append("The header lacks both 'phone' and 'email'.")
    if ("lat" in columns) != ("lon" in columns):
        problems.append("The header names one of 'lat' and 'lon' without the other.")
    return problems + ([f"The columns are: {','.join(COLUMNS)}; and may be: {','.join(PROOF)}."] if problems else [])


def _text(line: bytes) -> str:
    return line.decode().rstrip("\r\n")
