"""Facts of an incident: values that scripts leave open, each with who stands for it and how long it holds. Pure.

Nothing is overwritten. Of one name the newest value counts from its beginning on, and what was said in other languages before
it does not: a translation of yesterday's sentence is yesterday's sentence.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.units import format_unit

from channels.text import bidi_controls
from notify.wording.slots import ENGLISH, long_time
from surge.scripts.runbook import FactSlot, Runbook

SAME: Final = ""  # the language of a value that is the same in all: a number, a time, a name
LONGEST: Final = 400
LONGEST_ISSUER: Final = 120
# Units that CLDR can say in every language, by what a runbook calls them.
UNITS: Final = {
    "seconds": "duration-second",
    "minutes": "duration-minute",
    "hours": "duration-hour",
    "days": "duration-day",
    "miles": "length-mile",
    "feet": "length-foot",
    "degrees": "temperature-fahrenheit",
    "gallons": "volume-gallon",
}
LENGTHS: Final[tuple[Literal["long", "short"], ...]] = ("long", "short")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One row of surge.tables.FactRow."""

    fact_id: int
    name: str
    language: str
    rev: int
    value: str
    issued_by: str
    valid_from: datetime
    entered_by: str
    entered_at: datetime
    valid_to: datetime | None = None
    recalled_at: datetime | None = None
    recalled_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A value as somebody enters it. values: by language; English or SAME is always there."""

    name: str
    values: Mapping[str, str]
    issued_by: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A fact as it is read in one language."""

    fact_id: int
    value: str


Held = Mapping[str, Mapping[str, Fact]]  # name -> language -> the value that counts


def held(facts: Iterable[Fact], now: datetime) -> Held:
    """What counts now. A name whose newest value was recalled or has run out is not there: nobody goes back to an older one."""
    begun: dict[str, dict[str, Fact]] = {}
    for one in sorted(facts, key=lambda each: each.fact_id):
        if one.valid_from <= now:
            begun.setdefault(one.name, {})[one.language] = one
    return {name: counting for name, by_language in begun.items() if (counting := _counting(by_language, now))}


def _counting(by_language: Mapping[str, Fact], now: datetime) -> dict[str, Fact]:
    bases = [by_language[tag] for tag in (SAME, ENGLISH) if tag in by_language]
    if not bases:
        return {}
    base = max(bases, key=lambda one: one.fact_id)
    if not _counts(base, now):
        return {}
    later = {tag: one for tag, one in by_language.items() if one.fact_id > base.fact_id and _counts(one, now)}
    return {base.language: base, **later}


def _counts(one: Fact, now: datetime) -> bool:
    return one.recalled_at is None and (one.valid_to is None or now < one.valid_to)


def read(slot: FactSlot, values: Mapping[str, Fact], language: str, zone: ZoneInfo) -> Said | None:
    """The fact as it is read aloud in a language: "3 minutes", "Fri, May 23, 4:00 PM"; None where it cannot be said in it."""
    own = values.get(language)
    if own is None and SAME in values:
        own = values[SAME]
    if own is None:
        return None
    if own.language == language and language != ENGLISH:
        return Said(own.fact_id, own.value)
    text = _written(slot, own.value, language, zone)
    return Said(own.fact_id, text) if text is not None else None


def _written(slot: FactSlot, value: str, language: str, zone: ZoneInfo) -> str | None:
    if slot.unit is not None:
        return _amount(value, slot.unit, language)
    at = moment(value)
    return long_time(at, language, zone) if at is not None else value


def _amount(value: str, unit: str, language: str) -> str | None:
    """None for a unit that CLDR has no word for in this language. Where there is one form only, it is called the short one."""
    known = UNITS.get(unit)
    if known is None:
        return f"{value} {unit}" if language == ENGLISH else None
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    written = (str(format_unit(float(value), known, length, locale=locale)) for length in LENGTHS)
    # A form that Babel does not find it writes as the unit's own name: "3 duration-minute".
    return next((one.replace("\u00a0", " ") for one in written if known not in one), None)


def moment(value: str) -> datetime | None:
    """A value that is a time with its offset; None for everything else."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def wrong(slot: FactSlot, wanted: Wanted) -> list[str]:
    """Why a value cannot be entered, as sentences, all of them."""
    return list(_wrong(slot, wanted))


def _wrong(slot: FactSlot, wanted: Wanted) -> Iterator[str]:
    if not wanted.issued_by.strip():
        yield f"{slot.name}: say who issued it, the agency and the role."
    if len(wanted.issued_by) > LONGEST_ISSUER:
        yield f"{slot.name}: {LONGEST_ISSUER} characters fit for who issued it."
    if wanted.valid_to is not None and wanted.valid_to <= wanted.valid_from:
        yield f"{slot.name}: it would end before it begins."
    if not {SAME, ENGLISH} & set(wanted.values):
        yield f"{slot.name}: it needs its words in English (en), which every language falls back to."
    if {SAME, ENGLISH} <= set(wanted.values):
        yield f"{slot.name}: it is the same in all languages, or it is English; it cannot be both."
    for language, value in wanted.values.items():
        yield from (f"{slot.name}{f' in {language}' if language else ''}: {why}" for why in _value(slot, value, language))


def _value(slot: FactSlot, value: str, language: str) -> Iterator[str]:
    if not value.strip():
        yield "it is empty."
    if len(value) > LONGEST:
        yield f"it has {len(value)} characters, at most {LONGEST} fit."
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") for letter in value):
        yield "it must be one line."
    if set(value) & set("{}"):
        yield "it cannot hold braces."
    yield from bidi_controls(value)
    if slot.unit is not None and language in (SAME, ENGLISH) and value.strip() and not _is_number(value):
        yield f"it is a number of {slot.unit}, as in 3 or 2.5, not '{value}'."


def _is_number(value: str) -> bool:
    whole, point, part = value.partition(".")
    return whole.isascii() and whole.isdigit() and len(whole) < 7 and (not point or (part.isascii() and part.isdigit()))


def problems(book: Runbook, facts: Iterable[Fact], now: datetime) -> list[str]:
    """Every fact of a runbook that cannot be said now, as sentences: who is asked what."""
    listed = list(facts)
    there = held(listed, now)
    return [f"{slot.name}: {_missing(slot, listed, now)} {slot.asks}" for slot in book.facts.values() if slot.name not in there]


def _missing(slot: FactSlot, facts: list[Fact], now: datetime) -> str:
    newest = max((one for one in facts if one.name == slot.name), key=lambda one: one.fact_id, default=None)
    if newest is None:
        return "not set."
    if newest.recalled_at is not None:
        return "recalled, and nothing has taken its place."
    if newest.valid_from > now:
        return f"it holds from {newest.valid_from:%Y-%m-%d %H:%M} UTC on only."
    return "what was known has run out."
