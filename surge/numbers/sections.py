"""A report as values that a page, a table and a program print alike. There is no percentage here: a share is its two counts and
the name of the whole, and whoever prints it divides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from surge.numbers.measures import Share

COLUMNS: Final = (
    "section",
    "name",
    "about",
    "count",
    "of",
    "of_what",
    "percent",
    "seconds",
    "low",
    "high",
    "unit",
    "ratio",
    "note",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """share.part of share.whole. whole: what these are ("queued")."""

    share: Share
    whole: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """after: None of nobody. people: of how many it is the mean or median."""

    after: timedelta | None
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A figure that is known only so well. best: the middle, where there is one. low <= high; below 0 where it says so."""

    low: float
    high: float
    unit: str
    best: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One group's figure over another's; 1 is alike. worst, best: which groups, with their counts."""

    value: float
    worst: str
    best: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence instead of a figure: "not measured" and why, or what was found out of order."""

    words: str


Value = Count | Part | Lasting | Between | Ratio | Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """name: a stable key of small letters and underscores. about: whose it is: a language, a way in, a code; "" of all.
    signed: it may be below 0, and is printed with + or -."""

    name: str
    value: Value
    about: str = ""
    note: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """name: a stable key, as a line's."""

    name: str
    lines: tuple[Line, ...]


def kind(value: Value) -> str:
    """ "count", "part", "lasting", "between", "ratio" or "said": for whoever prints them each its own way."""
    return type(value).__name__.lower()


def rows(sections: Sequence[Section]) -> Iterator[tuple[object, ...]]:
    """The report as a table, its first row the names of COLUMNS."""
    yield COLUMNS
    for section in sections:
        for line in section.lines:
            cells = {"section": section.name, **as_dict(line)}
            yield tuple("" if (cell := cells.get(name)) is None else cell for name in COLUMNS)


def as_json(sections: Sequence[Section]) -> list[dict[str, Any]]:
    return [{"section": section.name, "lines": [as_dict(line) for line in section.lines]} for section in sections]


def as_dict(line: Line) -> dict[str, Any]:
    found = {"name": line.name, "about": line.about, **_cells(line.value)}
    note = " ".join(one for one in (found.get("note", ""), line.note) if one)
    return {**found, "note": note} if note else found


def _cells(value: Value) -> dict[str, Any]:
    match value:
        case Count():
            return {"count": value.number}
        case Part():
            return {
                "count": value.share.part,
                "of": value.share.whole,
                "of_what": value.whole,
                "percent": None if value.share.value is None else round(100 * value.share.value, 1),
            }
        case Lasting():
            seconds = None if value.after is None else round(value.after.total_seconds(), 1)
            return {"seconds": seconds, "of": value.people}
        case Between():
            best = {} if value.best is None else {"count": round(value.best, 2)}
            return {**best, "low": round(value.low, 2), "high": round(value.high, 2), "unit": value.unit}
        case Ratio():
            return {"ratio": round(value.value, 3), "note": f"{value.worst}; {value.best}"}
        case Said():
            return {"note": value.words}


def sentence(line: Line) -> str:
    """A line for people at a terminal."""
    name = f"{line.name.replace('_', ' ')}{f' ({line.about})' if line.about else ''}"
    return f"{name}: {in_words(line.value, line.signed)}{f'. {line.note}' if line.note else ''}"


def in_words(value: Value, signed: bool = False) -> str:
    sign = "+" if signed else ""
    match value:
        case Count():
            return f"{value.number:{sign},}"
        case Part():
            percent = "nobody" if value.share.value is None else f"{value.share.value:.1%}"
            return f"{value.share.part:,} of {value.share.whole:,} {value.whole} ({percent})"
        case Lasting():
            return "nobody" if value.after is None else f"{value.after.total_seconds():,.0f} s, of {value.people:,}"
        case Between():
            best = "" if value.best is None else f"{value.best:{sign},.2f} "
            unit = f" {value.unit}" if value.unit else ""
            return f"{best}from {value.low:{sign},.2f} to {value.high:{sign},.2f}{unit}"
        case Ratio():
            return f"{value.value:.2f} ({value.worst}; {value.best})"
        case Said():
            return value.words
