"""The words of an alert, as in CAP 1.2: what is said (Info), where (Area), the frozen instruction to say it (Event)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, PlainSerializer, TypeAdapter
from shapely.geometry import MultiPolygon, Polygon, mapping, shape

from channels.base import Content


class Mode(StrEnum):
    LIVE = "live"  # real gateways, real people
    TRAINING = "training"  # simulator only, TEST wording, CAP status Exercise
    DEMO = "demo"  # this machine only, exchange 555 only, DEMO banner


class Stage(StrEnum):
    FIRST = "first"  # opens an incident
    UPDATE = "update"  # new facts or a new area; three audiences
    CORRECTION = "correction"  # something we said was wrong; goes to exactly those we told
    ALL_CLEAR = "all_clear"  # it is over; goes to everybody we told in the incident
    FALSE_ALARM = "false_alarm"  # it never was; goes to everybody we told in the incident
    TEST = "test"  # no emergency
    RENEWAL = "renewal"  # still in force past its expiry: the same words again, to whoever was not told yet


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


MSG_TYPE = {
    Stage.FIRST: MsgType.ALERT,
    Stage.TEST: MsgType.ALERT,
    Stage.UPDATE: MsgType.UPDATE,
    Stage.RENEWAL: MsgType.UPDATE,
    Stage.CORRECTION: MsgType.UPDATE,
    Stage.ALL_CLEAR: MsgType.UPDATE,  # with responseType AllClear, so that pollers see it
    Stage.FALSE_ALARM: MsgType.CANCEL,
}


class Wording(StrEnum):
    """Which text of an Event an address gets. One Event has several: an update speaks to three audiences."""

    FIRST = "first"  # newly told: the whole alert
    SHORT = "short"  # the whole alert in its one-part form
    UPDATE = "update"  # told before and still inside
    OUTSIDE = "outside"  # told before and no longer inside
    CORRECTION = "correction"
    ALL_CLEAR = "all_clear"
    FALSE_ALARM = "false_alarm"
    TEST = "test"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"


class Severity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"


def _shape(value: Any) -> Polygon | MultiPolygon:
    return shape(value) if isinstance(value, Mapping) else value


Shape = Annotated[
    Any,  # Polygon | MultiPolygon; shapely publishes no types
    BeforeValidator(_shape),
    PlainSerializer(mapping),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A named piece of the earth. `shape` is a shapely Polygon or MultiPolygon in longitude, latitude (WGS 84);
    its boundary counts as inside. `citywide` areas also reach people who gave no place."""

    __pydantic_config__ = ConfigDict(arbitrary_types_allowed=True)

    name: str
    shape: Shape
    kind: str = "custom"
    citywide: bool = False
    names: Mapping[str, str] = field(default_factory=dict)  # endonyms by language, where the city has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """CAP's <info> in one language. headline < 140 characters; headline, description and instruction differ."""

    language: str  # BCP 47, as CAP wants it: "en-US"
    event: str
    headline: str
    description: str
    instruction: str
    area_desc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An earlier CAP message: the triple CAP's <references> is made of."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The public page's words in one language, ready to lay out. Paragraphs and steps are plain text.

    facts are (question, answer) pairs: the ten Tier-1 elements of a water notice and the like.
    """

    language: str
    title: str
    lead: str
    paragraphs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A frozen instruction: this content, to these areas, as Alert, Update or Cancel.

    Complete without a join and never edited: everything a sender, a feed or a court needs is inside. All times are aware
    UTC. `contents` holds every text of every language under its Content.key ("sms/first/es"); `languages_used` says, for
    each language people asked for, which language each will be written in (fallbacks made visible).
    """

    event_id: str
    alert_id: str
    incident_id: str  # the public id in links: /a/{incident_id}
    mode: Mode
    stage: Stage
    hazard: str  # key of the catalogue: "boil_water"
    categories: tuple[str, ...]  # CAP: Health, Infra, ...
    event_codes: tuple[tuple[str, str], ...]  # (valueName, value): ("SAME", "LAE"), ("OET", "OET-144")
    response_type: str  # CAP: Execute, Avoid, ..., AllClear
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    areas: tuple[Area, ...]
    infos: tuple[Info, ...]
    pages: tuple[Page, ...]
    contents: Mapping[str, Content]
    languages_used: Mapping[str, str]
    channels: tuple[str, ...]
    sender: str  # CAP sender: alerts@example.gov
    sender_name: str
    contact: str
    web: str  # the alert page
    identifier: str
    sent: datetime
    effective: datetime
    expires: datetime
    until_cleared: bool
    next_update_by: datetime | None = None
    short: bool = False  # people newly told get the one-part form
    references: tuple[Reference, ...] = ()
    slows: bool = False  # texts leave more slowly while 311's callers wait; see coupling.py
    asl_video: str = ""  # of a video in American Sign Language that says the same; "" where there is none
    note: str = ""  # CAP note: why, for corrections, cancels and exercises
    digest: str = ""  # of the approved content; see notify.alerts.digest

    @property
    def msg_type(self) -> MsgType:
        return MSG_TYPE[self.stage]

    @property
    def priority(self) -> int:
        """0 is sent first. Corrections and false alarms go before anything of their own severity."""
        rank = {Severity.EXTREME: 0, Severity.SEVERE: 2, Severity.MODERATE: 4, Severity.MINOR: 6}[self.severity]
        return rank if self.stage in (Stage.CORRECTION, Stage.FALSE_ALARM) else rank + 1

    @property
    def duplicate_beats_a_miss(self) -> bool:
        """Whether a text whose outcome stays unknown is sent again (Extreme, or Severe with Immediate urgency)."""
        return self.severity is Severity.EXTREME or (self.severity is Severity.SEVERE and self.urgency is Urgency.IMMEDIATE)


EVENT = TypeAdapter(Event)


def to_json(event: Event) -> str:
    """The event as one line of JSON; `from_json` gives an equal event back."""
    return EVENT.dump_json(event).decode()


def from_json(text: str) -> Event:
    return EVENT.validate_json(text)
