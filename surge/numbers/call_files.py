"""The two tables that a day is played from: calls, and how many agents there are from when on."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from surge.numbers.simulation import Day

CALL: Final = ("call_id", "arrival_s", "service_s", "patience_s")
STEP: Final = ("from_s", "agents")
MOST_DECIMALS: Final = 40
MOST_NAMED: Final = 100  # problems of a file
MOST_S: Final = 10**10  # three centuries

_PLAIN: Final = re.compile(rf"\d{{1,10}}(\.\d{{0,{MOST_DECIMALS}}})?", re.ASCII)


class BadCallFile(ValueError):
    """problems: one sentence for each, with file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


def read(calls: Path, staff: Path, cap: int | None = None) -> Day:
    """Raises BadCallFile with everything that is wrong in both, and OSError."""
    problems: list[str] = []
    times, steps = _calls(calls, problems), _steps(staff, problems)
    if problems:
        raise BadCallFile(_shortened(problems))
    starts = [start for start, _ in steps]
    decimals = max((len(one.partition(".")[2]) for column in (*times, starts) for one in column), default=0)
    arrival, service, patience = ([_ticks(one, decimals) for one in column] for column in times)
    levels = sorted((_ticks(start, decimals), agents) for start, agents in steps)
    return Day(arrival=arrival, service=service, patience=patience, staff=levels, cap=cap, ticks_per_s=10**decimals)


def _ticks(seconds: str, decimals: int) -> int:
    """Exact: no binary fraction comes near."""
    whole, _, part = seconds.partition(".")
    return int(whole + part.ljust(decimals, "0"))


def _calls(path: Path, problems: list[str]) -> tuple[list[str], list[str], list[str]]:
    columns: tuple[list[str], list[str], list[str]] = ([], [], [])
    for line, (_, *cells) in _rows(path, CALL, problems):
        for name, cell, column in zip(CALL[1:], cells, columns, strict=True):
            column.append(cell if _PLAIN.fullmatch(cell) else _time(cell, f"{path.name}, line {line}: {name}", problems))
    return columns


def _steps(path: Path, problems: list[str]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    lines: dict[Decimal, int] = {}
    for line, (cell, agents) in _rows(path, STEP, problems):
        before = len(problems)
        start = _time(cell, f"{path.name}, line {line}: from_s", problems)
        if len(problems) == before and (other := lines.setdefault(Decimal(start), line)) != line:
            problems.append(f"{path.name}, line {line}: line {other} has a level from second {start} already.")
        if not (agents.isascii() and agents.isdigit() and len(agents) < 7):
            problems.append(f"{path.name}, line {line}: agents is a whole number from 0 to 999999, not '{agents}'.")
        else:
            found.append((start, int(agents)))
    return found


def _time(cell: str, where: str, problems: list[str]) -> str:
    """The digits of a number written in any way that programs write them, 1.5e-05 among them; "0" beside a problem."""
    with suppress(InvalidOperation):
        value = Decimal(cell)
        if value.is_finite() and 0 <= value < MOST_S and _PLAIN.fullmatch(digits := f"{value:f}"):
            return digits
    problems.append(f"{where} is seconds from 0 up, as in 12 or 12.5, not '{cell}'.")
    return "0"


def _rows(path: Path, wanted: Sequence[str], problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The wanted cells of each row, trimmed, with the number of its line; a row of another width is a problem."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _table(file, path.name, wanted, problems)
    except UnicodeDecodeError:
        problems.append(f"{path.name}: this is not UTF-8.")
    except csv.Error as error:
        problems.append(f"{path.name}: this is no CSV: {error}.")


def _table(file: Iterable[str], name: str, wanted: Sequence[str], problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(file, strict=True)
    header = [cell.strip() for cell in next(reader, [])]
    if missing := [column for column in wanted if column not in header]:
        problems.append(f"{name}, line 1: the header lacks {', '.join(missing)}.")
        return
    places = [header.index(column) for column in wanted]
    for cells in reader:
        if len(cells) == len(header):
            yield reader.line_num, [cells[place].strip() for place in places]
        elif any(cell.strip() for cell in cells):
            problems.append(f"{name}, line {reader.line_num}: {len(cells)} cells under {len(header)} names.")


def _shortened(problems: list[str]) -> list[str]:
    if len(problems) <= MOST_NAMED:
        return problems
    return [*problems[:MOST_NAMED], f"... and {len(problems) - MOST_NAMED} more."]
