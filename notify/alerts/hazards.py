"""The hazard catalogue: each kind of emergency with its CAP words, how long an alert lasts and who approves it."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from notify.alerts.alert import Certainty, Severity, Stage, Urgency
from notify.publishing.cap_terms import Category, ResponseType

TEST_PHONES_FOR_ONE_PERSON = 1_000

# 47 CFR 11.31(e): event codes of the National Weather Service. A city relays them and never originates them.
WEATHER_SERVICE_CODES = frozenset(
    "BZW CFA CFW DSW EWW FFA FFS FFW FLA FLS FLW FSW FZW HLS HUA HUW HWA HWW SMW SPS SQW SSA SSW SVA SVR SVS "
    "TOA TOR TRA TRW TSA TSW WSA WSW".split()
)


def _hours(value: object) -> timedelta:
    if type(value) is not int or not 0 < value <= 24 * 7:
        raise ValueError("must be a whole number of hours from 1 to 168")
    return timedelta(hours=value)


Text = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
LowerCase = Annotated[str, Field(pattern=r"^[^A-Z\s]([^A-Z]*[^A-Z\s])?$")]
OetCode = Annotated[str, Field(pattern=r"^OET-\d{3}$")]
SameCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TopicWord = Annotated[str, Field(pattern=r"^[A-Z]{2,12}$")]
Hours = Annotated[timedelta, BeforeValidator(_hours), Field(validation_alias="expires_h")]


class BadCatalogue(ValueError):
    """The catalogue cannot be used; `problems` holds every reason, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """What an alert about this hazard starts from; the author may change urgency, severity, certainty and expiry.

    title          plain English: CAP's <event>
    synonyms       other words people look for, lower case
    oet, same      codes for partners (OASIS Event Terms 1.2, EAS); same is None where a city has no code to originate
    response_type  of the first alert
    expires        from effective on
    must_renew     an alert of any severity is renewed, not left to expire; see `renews`
    people         author and approvers together; see `people_needed`
    fast_path      the second person may approve on a phone
    may_slow       its author may let its texts leave more slowly while 311's callers wait; see coupling.py
    topics         words residents may text back
    test           no emergency: CAP status is never Actual
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]
    title: Text
    synonyms: tuple[LowerCase, ...]
    categories: tuple[Category, ...]
    oet: tuple[OetCode, ...]
    same: SameCode | None = None
    response_type: ResponseType
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    expires: Hours
    must_renew: bool = False
    people: Literal[1, 2]
    fast_path: bool = False
    may_slow: bool = False
    topics: tuple[TopicWord, ...] = ()
    note: str = ""
    test: bool = False

    @property
    def event_codes(self) -> tuple[tuple[str, str], ...]:
        """(valueName, value) pairs as CAP's <eventCode> wants them."""
        same = (("SAME", self.same),) if self.same else ()
        return (*same, *(("OET", code) for code in self.oet))


def people_needed(hazard: Hazard, stage: Stage, recipients: int) -> int:
    """How many people stand behind an event in all: 1 is the author alone, 2 the author and an approver.

    Corrections and false alarms never wait for a second person. A test of any hazard that reaches more than 1,000
    phones needs two, and a test of a two-person hazard always does.
    """
    if stage in (Stage.CORRECTION, Stage.FALSE_ALARM):
        return 1
    if (hazard.test or stage is Stage.TEST) and recipients > TEST_PHONES_FOR_ONE_PERSON:
        return 2
    return hazard.people


def renews(hazard: Hazard, severity: Severity) -> bool:
    """Whether an open alert is renewed at its expiry: Severe and Extreme alerts never end in silence."""
    return hazard.must_renew or severity in (Severity.SEVERE, Severity.EXTREME)


@cache
def catalogue() -> Mapping[str, Hazard]:
    """Every hazard by key, in the order of hazards.toml. Raises BadCatalogue."""
    return parse(Path(__file__).with_name("hazards.toml").read_text("utf-8"))


def parse(toml: str) -> Mapping[str, Hazard]:
    """One table a hazard, named by its key; `expires_h` in hours. Raises BadCatalogue with every problem at once."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise BadCatalogue([f"The catalogue is not valid TOML: {error}."]) from error
    hazards, problems = {}, []
    for key, table in tables.items():
        try:
            hazards[key] = _HAZARD.validate_python({"key": key, **table} if isinstance(table, dict) else table)
        except ValidationError as error:
            problems += [_sentence(key, detail) for detail in error.errors(include_url=False)]
    problems += _contradictions(hazards)
    problems += [f"{key}: this hazard is missing." for key in ("test", "other") if key not in tables]
    if problems:
        raise BadCatalogue(problems)
    return MappingProxyType(hazards)


_HAZARD = TypeAdapter(Hazard)


def _sentence(key: str, detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    return f"{key}: {field}: {detail['msg']}." if field else f"{key}: {detail['msg']}."


def _contradictions(hazards: Mapping[str, Hazard]) -> Iterator[str]:
    """Problems that no single field shows."""
    owners: dict[str, str] = {}
    for key, hazard in hazards.items():
        for words in (hazard.title.lower(), *hazard.synonyms):
            if (owner := owners.setdefault(words, key)) != key:
                yield f'{key}: "{words}" already stands for {owner}.'
        if not hazard.categories:
            yield f"{key}: categories needs at least one."
        if hazard.fast_path and hazard.people == 1:
            yield f"{key}: fast_path is for a second person, but people is 1."
        yield from _never_slowed(hazard)
        if hazard.same in WEATHER_SERVICE_CODES:
            yield f"{key}: same = {hazard.same} is reserved for the National Weather Service."
        if hazard.same is None and not hazard.note:
            yield f"{key}: without a SAME code a note must say why."
        if hazard.test != (key == "test"):
            yield f"{key}: test = true belongs to the hazard named test, and to no other."


def _never_slowed(hazard: Hazard) -> Iterator[str]:
    """Minutes count in these: nobody may choose to slow them."""
    if hazard.may_slow and hazard.fast_path:
        yield f"{hazard.key}: may_slow: an alert of the fast path is never slowed."
    if hazard.may_slow and hazard.severity is Severity.EXTREME:
        yield f"{hazard.key}: may_slow: an alert of Extreme severity is never slowed."
