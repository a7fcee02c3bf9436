"""What other telephone systems export, read with care: 911's minutes and the intervals of a city's own call centre. Every bad
row is named with its line and everything wrong with it; the good ones are taken."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from subscribers.formulas import restored

MOST_CALLS: Final = 100_000  # in one row; more is a total that went astray
MOST_S: Final = 4 * 3600.0
LENGTHS: Final = (5, 10, 15, 20, 30, 60)  # minutes of an interval
T = TypeVar("T")
Key = tuple[str, datetime]


class CentreLine(StrEnum):
    EMERGENCY = "emergency"  # 911 itself
    NON_EMERGENCY = "non-emergency"  # the ten-digit line


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreMinute:
    """None: the export does not say. within_15_s, within_20_s: answered within so long."""

    minute: datetime
    line: CentreLine
    offered: int
    answered: int | None = None
    within_15_s: int | None = None
    within_20_s: int | None = None
    mean_handling_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """within: answered within threshold_s. agents: signed in, on average, rounded."""

    begins_at: datetime
    minutes: int
    queue: str
    offered: int
    answered: int
    abandoned: int
    within: int | None = None
    threshold_s: int | None = None
    mean_wait_s: float | None = None
    longest_wait_s: float | None = None
    mean_handling_s: float | None = None
    agents: int | None = None


CENTRE_NEEDED: Final = ("minute", "line", "offered")
CENTRE_MORE: Final = ("answered", "within_15_s", "within_20_s", "mean_handling_s")
INTERVAL_NEEDED: Final = ("begins", "minutes", "queue", "offered", "answered", "abandoned")
INTERVAL_MORE: Final = ("within", "threshold_s", "mean_wait_s", "longest_wait_s", "mean_handling_s", "agents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Generic[T]):
    """rows: the good ones, each once. duplicates: rows that said the same again. problems: a sentence each, with the line."""

    rows: tuple[T, ...]
    duplicates: int
    problems: tuple[str, ...]


def centre_minutes(data: bytes, name: str, zone: ZoneInfo, now: datetime) -> Taken[CentreMinute]:
    """zone: of times without an offset. now: nothing lies after it."""
    read = lambda row: _centre_minute(row, zone, now)  # noqa: E731
    return _taken(data, name, (CENTRE_NEEDED, CENTRE_MORE), read, lambda one: (one.line, one.minute))


def intervals(data: bytes, name: str, zone: ZoneInfo, now: datetime) -> Taken[Interval]:
    """As `centre_minutes`. One queue has intervals of one length within a file: others would count a call twice."""
    read = lambda row: interval(row, zone, now)  # noqa: E731
    found = _taken(data, name, (INTERVAL_NEEDED, INTERVAL_MORE), read, lambda one: (one.queue, one.begins_at))
    lengths: dict[str, set[int]] = {}
    for one in found.rows:
        lengths.setdefault(one.queue, set()).add(one.minutes)
    mixed = sorted(queue for queue, minutes in lengths.items() if len(minutes) > 1)
    problems = [f"{name}: the queue {queue} has intervals of several lengths; none of them is taken." for queue in mixed]
    kept = tuple(one for one in found.rows if one.queue not in mixed)
    return Taken(rows=kept, duplicates=found.duplicates, problems=(*found.problems, *problems))


def _taken(
    data: bytes,
    name: str,
    columns: tuple[Sequence[str], Sequence[str]],
    read: Callable[["Row"], T | None],
    key: Callable[[T], Key],
) -> Taken[T]:
    problems: list[str] = []
    seen: dict[Key, tuple[int, T]] = {}
    duplicates = 0
    for line, cells in _rows(data, name, columns, problems):
        row = Row(cells=cells)
        found = read(row)
        if row.problems or found is None:
            problems += [f"{name}, line {line}: {problem}" for problem in row.problems]
            continue
        first, same = seen.setdefault(key(found), (line, found))
        if same == found:
            duplicates += first != line
        else:
            problems.append(f"{name}, line {line}: line {first} says something else of the same time; the first one is taken.")
    return Taken(rows=tuple(one for _, one in seen.values()), duplicates=duplicates, problems=tuple(problems))


def _rows(
    data: bytes, name: str, columns: tuple[Sequence[str], Sequence[str]], problems: list[str]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    needed, more = columns
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        problems.append(f"{name}: this is not UTF-8.")
        return
    header = [cell.strip().casefold() for cell in next(csv.reader(lines[:1]), [])]
    problems += [f"{name}, line 1: the header lacks {one}." for one in needed if one not in header]
    problems += [f"{name}, line 1: there is no column {one or '(empty)'}." for one in header if one not in (*needed, *more)]
    problems += [f"{name}, line 1: {one} is there twice." for one in sorted({one for one in header if header.count(one) > 1})]
    if problems:
        return
    for number, line in enumerate(lines[1:], 2):
        cells = _cells(line)
        if cells is None or (len(cells) != len(header) and any(cells)):
            problems.append(
                f"{name}, line {number}: {'no CSV' if cells is None else f'{len(cells)} cells'} for {len(header)} columns."
            )
        elif any(cells):
            yield number, dict(zip(header, cells, strict=True))


def _cells(line: str) -> list[str] | None:
    """A row is a line: a quotation mark left open spoils one row and swallows none."""
    try:
        return [restored(cell.strip()) for cell in next(csv.reader([line], strict=True), [])]
    except csv.Error:
        return None


class Row:
    """One row while it is read; whatever cannot be read becomes a problem and something harmless."""

    def __init__(self, *, cells: Mapping[str, str]) -> None:
        self.cells, self.problems = cells, list[str]()

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def number(self, name: str, most: int = MOST_CALLS) -> int:
        cell = self.text(name)
        if cell.isascii() and cell.isdigit() and len(cell) < 10 and int(cell) <= most:
            return int(cell)
        self.problems.append(f"{name} is a whole number from 0 to {most}, not '{cell[:20]}'.")
        return 0

    def maybe(self, name: str, most: int = MOST_CALLS) -> int | None:
        return self.number(name, most) if self.text(name) else None

    def seconds(self, name: str) -> float | None:
        cell = self.text(name)
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            value = -1.0
        if not 0 <= value <= MOST_S:
            self.problems.append(f"{name} is seconds from 0 to {MOST_S:.0f}, not '{cell[:20]}'.")
            return None
        return value

    def moment(self, name: str, zone: ZoneInfo, now: datetime) -> datetime:
        """In UTC. A time without an offset is the city's, unless the clocks had it twice or not at all."""
        cell = self.text(name)
        try:
            given = datetime.fromisoformat(cell)
        except ValueError:
            self.problems.append(f"{name} is a time as in 2026-05-23T11:16-07:00, not '{cell[:30]}'.")
            return now
        if given.tzinfo is None:
            given = self._local(name, given, zone)
        at = given.astimezone(UTC)
        if at > now:
            self.problems.append(f"{name} lies in the future: {cell}.")
        if at.second or at.microsecond:
            self.problems.append(f"{name} is the beginning of a minute, not {cell}.")
        return at

    def _local(self, name: str, given: datetime, zone: ZoneInfo) -> datetime:
        early, late = given.replace(tzinfo=zone, fold=0), given.replace(tzinfo=zone, fold=1)
        if early.utcoffset() != late.utcoffset():
            went = "does not exist" if early.astimezone(UTC) > late.astimezone(UTC) else "comes twice"
            self.problems.append(f"{name}: {given:%Y-%m-%d %H:%M} {went} in {zone.key}; give it with its offset, as in -07:00.")
        return early


def _centre_minute(row: Row, zone: ZoneInfo, now: datetime) -> CentreMinute | None:
    given = row.text("line").casefold()
    if given not in list(CentreLine):
        row.problems.append(f"line is {' or '.join(CentreLine)}, not '{row.text('line')[:20]}'.")
    minute, offered = row.moment("minute", zone, now), row.number("offered")
    answered, first, second = (row.maybe(name) for name in ("answered", "within_15_s", "within_20_s"))
    handling = row.seconds("mean_handling_s")
    _ascending(row, (("within_15_s", first), ("within_20_s", second), ("answered", answered), ("offered", offered)))
    if row.problems:
        return None
    return CentreMinute(
        minute=minute,
        line=CentreLine(given),
        offered=offered,
        answered=answered,
        within_15_s=first,
        within_20_s=second,
        mean_handling_s=handling,
    )


def interval(row: Row, zone: ZoneInfo, now: datetime) -> Interval | None:
    """One interval; None where the row has problems. Answered and abandoned may be more than offered: calls that waited when
    it began are in it."""
    queue, minutes = row.text("queue"), row.number("minutes", 60)
    if not queue or len(queue) > 60:
        row.problems.append("queue is the name of the queue, up to 60 letters.")
    begins_at = row.moment("begins", zone, now)
    if minutes not in LENGTHS:
        row.problems.append(f"minutes is {', '.join(map(str, LENGTHS))}, not {row.text('minutes')[:20]}.")
    elif begins_at.minute % minutes:
        row.problems.append(f"begins is a multiple of {minutes} minutes past the hour, not {row.text('begins')}.")
    offered, answered, abandoned = (row.number(name) for name in ("offered", "answered", "abandoned"))
    within, threshold = row.maybe("within"), row.maybe("threshold_s", int(MOST_S))
    if (within is None) != (threshold is None):
        row.problems.append("within and threshold_s belong together: so many were answered within so many seconds.")
    _ascending(row, (("within", within), ("answered", answered)))
    waits = [row.seconds(name) for name in ("mean_wait_s", "longest_wait_s", "mean_handling_s")]
    agents = row.maybe("agents")
    if row.problems:
        return None
    return Interval(
        begins_at=begins_at,
        minutes=minutes,
        queue=queue,
        offered=offered,
        answered=answered,
        abandoned=abandoned,
        within=within,
        threshold_s=threshold,
        mean_wait_s=waits[0],
        longest_wait_s=waits[1],
        mean_handling_s=waits[2],
        agents=agents,
    )


def _ascending(row: Row, figures: Iterable[tuple[str, int | None]]) -> None:
    """Each is part of the next one that is there."""
    known = [(name, number) for name, number in figures if number is not None]
    for (name, part), (of, whole) in pairwise(known):
        if part > whole:
            row.problems.append(f"{name} ({part}) is more than {of} ({whole}).")


def ends_at(one: Interval) -> datetime:
    return one.begins_at + timedelta(minutes=one.minutes)
