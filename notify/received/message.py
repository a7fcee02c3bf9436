"""An alert of another agency as we understand it: made from a CAP 1.2 document or from the National Weather Service's JSON.

It is read generously and believed in nothing: what can be understood is shown, with what is wrong beside it; what has no clear
identity, time and kind is refused, since nobody could say what a later Cancel is about. Pure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import shapely
from pydantic import TypeAdapter
from shapely.geometry import Polygon

from notify.alerts.alert import Reference
from notify.publishing import cap_check
from notify.publishing.cap_document import Element, Unreadable, as_ring, as_time, children, content, named_values, read, text
from notify.publishing.cap_terms import ALLOWED, IDENTITY
from subscribers import areas

UNSAID: Final = timedelta(hours=24)  # how long an alert counts that does not say when it ends (CAP leaves it to the reader)
MOST_PROBLEMS: Final = 20
MOST_POINTS: Final = 20_000
ACTUAL: Final = "Actual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said in one language."""

    language: str = ""
    event: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    sender_name: str = ""
    area_desc: str = ""
    web: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """problems: what is wrong with it, though it can be understood. geometry: GeoJSON; None where it draws none."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str = "Public"
    references: tuple[Reference, ...] = ()
    words: tuple[Words, ...] = ()
    categories: tuple[str, ...] = ()
    event_codes: tuple[tuple[str, str], ...] = ()
    responses: tuple[str, ...] = ()
    urgency: str = ""
    severity: str = ""
    certainty: str = ""
    onset: datetime | None = None
    expires: datetime | None = None
    geometry: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = field(default=())

    @property
    def actual(self) -> bool:
        """False for tests, exercises, drafts and system messages: they are no emergency, whatever they say."""
        return self.status == ACTUAL

    @property
    def ends_at(self) -> datetime:
        return self.expires or self.sent + UNSAID

    @property
    def english(self) -> Words:
        """The words for our own staff: English where there are any, else the first."""
        found = [one for one in self.words if one.language.lower().startswith("en") or not one.language]
        return (found or [*self.words, Words()])[0]


MESSAGE: Final = TypeAdapter(Message)


def of_cap(xml: bytes) -> Message:
    """Raises Unreadable for what is no CAP 1.2 document or says not clearly which alert it is."""
    alert = read(xml)
    wrong = [one for one in cap_check.problems(xml, "cap") if not one.advice]
    for one in wrong:
        if one.rule == "DUPLICATE_ELEMENT":  # readers differ in which of two they take
            raise Unreadable(one.rule, one.sentence, one.line)
    sent = require(text(alert, "identifier"), text(alert, "sender"), text(alert, "sent"), alert.sourceline or 0)
    status, msg_type, scope = (_of_list(alert, name) for name in ("status", "msgType", "scope"))
    infos = children(alert, "info")
    model = next((info for info in infos if text(info, "language").lower().startswith("en")), infos[0] if infos else None)
    shape, crooked = _drawn(model) if model is not None else (None, [])
    ends = [moment(text(info, "expires")) for info in infos]
    return Message(
        identifier=text(alert, "identifier"),
        sender=text(alert, "sender"),
        sent=sent,
        status=status,
        msg_type=msg_type,
        scope=scope,
        references=tuple(_references(text(alert, "references"))),
        words=tuple(_words(info) for info in infos),
        expires=max((end for end in ends if end is not None), default=None),
        geometry=shape,
        problems=tuple([*(one.sentence for one in wrong), *crooked][:MOST_PROBLEMS]),
        **(_facts(model) if model is not None else {}),
    )


def require(identifier: str, sender: str, sent: str, line: int = 0) -> datetime:
    """The time at which an alert was sent, if it is clear which alert it is. Raises Unreadable."""
    for name, value in (("identifier", identifier), ("sender", sender)):
        if not IDENTITY.fullmatch(value) or len(value) > 400:
            raise Unreadable("NO_IDENTITY", f"It has no {name} that a reference could name.", line)
    found = moment(sent)
    if found is None:
        raise Unreadable("NO_IDENTITY", "It does not say when it was sent.", line)
    return found


def moment(words: str) -> datetime | None:
    """A time with its offset; also as CAP forbids it and some write it (Z, fractions). None for anything else."""
    if (exact := as_time(words)) is not None:
        return exact
    try:
        loose = datetime.fromisoformat(words)
    except ValueError:
        return None
    return loose if loose.tzinfo is not None else None


def clean(shape: Any) -> Mapping[str, Any] | None:
    """A shape as GeoJSON, if it is one that people can stand in."""
    if shape.is_empty or not shape.is_valid or shape.geom_type not in ("Polygon", "MultiPolygon"):
        return None
    found: Mapping[str, Any] = json.loads(shapely.to_geojson(shape))
    return found


def _of_list(alert: Element, name: str) -> str:
    value = text(alert, name)
    if value not in ALLOWED[name]:
        raise Unreadable("NO_IDENTITY", f"Its <{name}> is none of {', '.join(ALLOWED[name])}.", alert.sourceline or 0)
    return value


def _references(words: str) -> Iterator[Reference]:
    for triple in words.split():
        parts = triple.split(",")
        sent = moment(parts[-1])
        if len(parts) == 3 and sent is not None:
            yield Reference(sender=parts[0], identifier=parts[1], sent=sent)


def _words(info: Element) -> Words:
    names = {"event": "event", "headline": "headline", "description": "description", "instruction": "instruction"}
    names |= {"language": "language", "sender_name": "senderName", "web": "web", "contact": "contact"}
    places = "; ".join(text(area, "areaDesc") for area in children(info, "area"))
    return Words(area_desc=places, **{field_name: text(info, name) for field_name, name in names.items()})


def _facts(info: Element) -> dict[str, Any]:
    return {
        "categories": tuple(content(node).strip() for node in children(info, "category")),
        "event_codes": tuple(named_values(info, "eventCode")),
        "responses": tuple(content(node).strip() for node in children(info, "responseType")),
        "urgency": text(info, "urgency"),
        "severity": text(info, "severity"),
        "certainty": text(info, "certainty"),
        "onset": moment(text(info, "onset") or text(info, "effective")),
    }


def _drawn(info: Element) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Everything that polygons and circles cover together, and a sentence for each that cannot be used."""
    shapes, problems = [], []
    for area in children(info, "area"):
        for node in children(area, "polygon"):
            ring = as_ring(content(node)) if content(node).count(",") <= MOST_POINTS else None
            if ring is None or len(ring) < 4 or not (shape := Polygon(ring)).is_valid:
                problems.append(f"A polygon of {text(area, 'areaDesc')[:80]} cannot be used, and is left out.")
            else:
                shapes.append(shape)
        for node in children(area, "circle"):
            shapes += _circle(content(node), problems)
    return (clean(shapely.union_all(shapes)) if shapes else None), problems


def _circle(words: str, problems: list[str]) -> Sequence[Any]:
    try:
        point, radius_km = words.split()
        lat, lon = map(float, point.split(","))
        return [areas.circle(lat, lon, float(radius_km) * 1000)]
    except (ValueError, areas.BadArea):
        problems.append(f"The circle {words[:40]} cannot be used, and is left out.")
        return []
