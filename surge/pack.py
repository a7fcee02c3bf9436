"""surge.toml of a city pack: the telephone numbers of 311, its hours, its partners, its limits and its voices.

Emergency calls go to a ten-digit line of the emergency centre. The digits 911 are never a dial target: a provider routes them
by the address it has for the number, or to a national centre, not by where the caller is.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, TypeAdapter, ValidationError

from notify import city
from notify.alerts.alert import Mode
from notify.alerts.draft import problems_of
from notify.city import BadPack
from surge.dialing import EXCHANGE_555, dial_problem
from surge.hours import Hours, Written, opening
from surge.voice import voices
from surge.voice.voices import Voice

__all__ = ["Breaker", "Hours", "Pack", "Partner", "Shape", "dial_problem", "load", "problems", "targets"]

FILE: Final = "surge.toml"
ANY_OTHER: Final = "und"  # the digit for a language that has none: an interpreter is called up
LANGUAGE_DIGITS: Final = "2345678"  # 1 is the guide, 9 the emergency centre, 0 a person


class Shape(StrEnum):
    """How much of 311's telephone runs here."""

    DESK = "desk"  # calls stay in the city's call centre; scripts, tally and wallboard are here
    FRONT_DOOR = "front door"  # greeted, informed and deflected here, then handed to the city's call centre
    FULL_QUEUE = "full queue"  # callers wait and are answered here


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A partner that does not answer is left alone: `failures` of its last `window` calls failed, and it rests for `rest_s`."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    failures: int = 3
    window: int = 5
    rest_s: float = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Somebody who answers for us. quota: calls of one activation that the agreement covers; languages: spoken there."""

    name: str
    number: str  # ten digits with +1, or a SIP address
    languages: frozenset[str]
    hours: Hours
    quota: int
    per_minute: int
    at_once: int
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """number: what residents call, as the provider has it. from_911: the number, told to nobody else, that the emergency centre
    hands callers to; "" for none. forward: the city's own call centre, number or SIP address; second: after it, when that does
    not answer. most_waiting: who comes later is offered something else; longest_wait: then so is everybody.
    recordings: language -> name of a phrase -> where its recording is. satisfaction: whether callers are asked by text, once,
    if their call has helped."""

    shape: Shape
    name: str  # as it is spoken: "City of Portland"
    number: str
    emergency_line: str
    forward: str
    hours: Hours
    partners: tuple[Partner, ...]
    most_waiting: int
    longest_wait: timedelta
    dials_per_s: float
    digits: Mapping[str, str]
    second: str = ""
    from_911: str = ""
    satisfaction: bool = False
    voices: Mapping[str, Voice] = field(default_factory=dict)
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return self.hours.zone

    def partner(self, name: str) -> Partner | None:
        return next((one for one in self.partners if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Partner:
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    number: str
    languages: tuple[str, ...]
    hours: Written
    quota: int
    per_minute: int
    at_once: int
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """surge.toml as it is written."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    shape: Shape
    name: str
    number: str
    emergency_line: str
    hours: Written
    digits: Mapping[str, str]
    most_waiting: int
    longest_wait_min: float
    dials_per_s: float = 1.0
    forward: str = ""
    second: str = ""
    from_911: str = ""
    satisfaction: bool = False
    partners: tuple[_Partner, ...] = ()
    voices: Mapping[str, Voice] = field(default_factory=dict)
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_READ: Final = TypeAdapter(_File)


def load(folder: Path) -> Pack:
    """The surge.toml of a city pack. Raises BadPack with everything that is wrong in any mode, in it and beside it."""
    base = city.load(folder).pack
    try:
        read = _READ.validate_python(tomllib.loads((folder / FILE).read_text("utf-8")))
    except FileNotFoundError as error:
        raise BadPack([f"{folder / FILE} is missing."]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPack([f"{folder / FILE} cannot be read: {error}."]) from error
    except ValidationError as error:
        raise BadPack([f"{FILE}: {sentence}" for sentence in problems_of(error)]) from error
    found: list[str] = []
    pack = _pack(read, base.zone, found)
    found += _wrong(pack, frozenset(base.tags))
    if found:
        raise BadPack([f"{FILE}: {sentence}" for sentence in found])
    return pack


def _pack(read: _File, zone: ZoneInfo, found: list[str]) -> Pack:
    partners = tuple(
        Partner(
            name=one.name,
            number=one.number,
            languages=frozenset(one.languages),
            hours=opening(one.hours, zone, f"hours of {one.name}", found),
            quota=one.quota,
            per_minute=one.per_minute,
            at_once=one.at_once,
            breaker=one.breaker,
        )
        for one in read.partners
    )
    return Pack(
        shape=read.shape,
        name=read.name,
        number=read.number,
        emergency_line=read.emergency_line,
        forward=read.forward,
        second=read.second,
        from_911=read.from_911,
        hours=opening(read.hours, zone, "hours", found),
        partners=partners,
        most_waiting=read.most_waiting,
        longest_wait=timedelta(minutes=read.longest_wait_min),
        dials_per_s=read.dials_per_s,
        digits=read.digits,
        satisfaction=read.satisfaction,
        voices=read.voices,
        recordings=read.recordings,
    )


def targets(pack: Pack) -> Iterator[tuple[str, str]]:
    """Everything this pack may make a telephone dial, with the name it has in the file; callers and agents are apart."""
    named = (("emergency_line", pack.emergency_line), ("forward", pack.forward), ("second", pack.second))
    yield from ((what, number) for what, number in named if number or what == "emergency_line")
    yield from ((f"number of {one.name}", one.number) for one in pack.partners)


def problems(pack: Pack, mode: Mode) -> list[str]:
    """Why the service may not start with this pack in this mode, as sentences."""
    found = list(_wrong(pack))
    numbers = [*targets(pack), ("number", pack.number), *([("from_911", pack.from_911)] if pack.from_911 else [])]
    for what, number in numbers:
        invented = EXCHANGE_555.fullmatch(number) is not None
        if mode is Mode.LIVE and invented:
            found.append(f"{what} {number} lies in exchange 555, which mode live refuses.")
        if mode is Mode.DEMO and not invented:
            found.append(f"{what} {number} lies outside exchange 555: mode demo calls nobody.")
    return found


def unheard(pack: Pack, mode: Mode) -> list[str]:
    """Why callers may hear nothing of this pack in this mode, though it can be used: voices that nobody has listened to."""
    if mode is not Mode.LIVE:
        return []
    return [
        f"the voice for {language} is used and nobody has reviewed it (reviewed = a date, by = a role)."
        for language, voice in pack.voices.items()
        if voice.reviewed is None or not voice.by
    ]


def _wrong(pack: Pack, languages: frozenset[str] | None = None) -> Iterator[str]:
    yield from _numbers(pack)
    yield from _limits(pack)
    for digit, language in pack.digits.items():
        if digit not in LANGUAGE_DIGITS or len(digit) != 1:
            yield f"digits: {digit!r} is taken or no digit; languages have {', '.join(LANGUAGE_DIGITS)}."
        if language == "en" or (languages is not None and language not in languages | {ANY_OTHER}):
            yield f"digits: {language} is no other language of the city ({ANY_OTHER} is for all that have no digit)."
    if len(set(pack.digits.values())) < len(pack.digits):
        yield "digits: a language stands twice."
    for language, voice in pack.voices.items():
        if problem := voices.problem(language, voice):
            yield problem
    if "en" not in pack.voices:
        yield "voices: there must be one for English (en), the language that everything falls back to."
    for language, recorded in pack.recordings.items():
        yield from (
            f"recordings of {language}: {url!r} is no https address." for url in recorded.values() if not voices.is_url(url)
        )


def _numbers(pack: Pack) -> Iterator[str]:
    for what, number in targets(pack):
        if problem := dial_problem(number, sip=what != "emergency_line"):
            yield f"{what} {number!r} {problem}."
        if number in (pack.number, pack.from_911):
            yield f"{what} {number} is our own number: calls would go in circles."
        if what != "emergency_line" and number == pack.emergency_line:
            yield f"{what} {number} is the emergency line: 311 would hand its callers to 911."
    for what, number in (("number", pack.number), ("from_911", pack.from_911)):
        if (number or what == "number") and (problem := dial_problem(number, sip=False)):
            yield f"{what} {number!r} {problem}."
    if pack.from_911 and pack.from_911 == pack.number:
        yield "from_911 must be a number of its own, told to nobody but the emergency centre."
    if pack.shape is not Shape.FULL_QUEUE and not pack.forward:
        yield f"the shape {pack.shape} hands calls on and needs forward, the number of the city's call centre."


def _limits(pack: Pack) -> Iterator[str]:
    if not pack.name.strip():
        yield "name is empty: callers are told who speaks."
    if not any(pack.hours.week):
        yield "hours: no day is open."
    if not 1 <= pack.most_waiting <= voices.MOST_IN_QUEUE:
        yield f"most_waiting must be from 1 to {voices.MOST_IN_QUEUE:,}, the provider's own limit."
    if not timedelta(minutes=1) <= pack.longest_wait <= timedelta(hours=4):
        yield "longest_wait_min must be from 1 to 240: a call of four hours is ended by the provider."
    if not 0 < pack.dials_per_s <= voices.MOST_DIALS_PER_S:
        yield f"dials_per_s must be above 0 and at most {voices.MOST_DIALS_PER_S}."
    if len({one.name for one in pack.partners}) < len(pack.partners):
        yield "partners: a name stands twice."
    for one in pack.partners:
        if min(one.quota, one.per_minute, one.at_once) < 1 or not one.name.strip():
            yield f"partner {one.name!r}: it needs a name, and quota, per_minute and at_once of at least 1."
        if not 1 <= one.breaker.failures <= one.breaker.window or one.breaker.rest_s <= 0:
            yield f"partner {one.name!r}: the breaker needs 1 <= failures <= window and a rest above 0 s."
