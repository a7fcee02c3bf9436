"""A frozen Event as one CAP 1.2 document: made once at approval, stored, and served unchanged for ever.

Pure and deterministic: the same event and time zone give the same bytes in any process.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import shapely
from lxml import etree

from notify.alerts import asl
from notify.alerts.alert import Area, Event, Info, Mode, Reference, Shape, Stage
from notify.publishing.cap_geometry import MOST_POINTS, MOST_POLYGONS, Unmappable, holes, polygons
from notify.publishing.cap_terms import IDENTITY, NAMESPACE

EXERCISE_NOTE = "Exercise. This is not a real emergency."  # CAP wants a note with status Exercise
IPAWS_CODE = "IPAWSv1.0"  # says: this document also follows the IPAWS profile, which needs one SAME event code
MOST_AREAS = 40  # more are said as one <area> of many polygons
MOST_POINTS_AN_INFO = 3_000  # about 60 KB a language; beyond it every polygon becomes coarser

# XML 1.0 cannot write these, not even escaped; the C1 controls it discourages.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One <area>. area None: it stands for the whole alert. `excepted`: a hole near it is covered by the polygons and
    named only in the words for the whole, so these stand beside its name."""

    area: Area | None
    excepted: bool
    polygons: tuple[str, ...]


def identity(unique: UUID, sender: str) -> tuple[str, str]:
    """CAP's (identifier, sender) of a new message. Raises ValueError for a sender that <references> could not quote."""
    return str(unique), _quotable("sender", sender)


def build(event: Event, time_zone: ZoneInfo) -> bytes:
    """The event as CAP 1.2 in UTF-8, one <info> per language, English first, times in the city's own offset.

    Raises ValueError for an identity that CAP cannot quote and for a time without zone; Unmappable (a ValueError) when
    there is no area, or one without an honest polygon.
    """
    alert = etree.Element("alert", nsmap={None: NAMESPACE})
    _add(alert, "identifier", _quotable("identifier", event.identifier))
    _add(alert, "sender", _quotable("sender", event.sender))
    _add(alert, "sent", local_time(event.sent, time_zone))
    _add(alert, "status", _status(event))
    _add(alert, "msgType", event.msg_type)
    _add(alert, "scope", "Public")
    if [name for name, _ in event.event_codes].count("SAME") == 1:
        _add(alert, "code", IPAWS_CODE)
    _add(alert, "note", event.note or (EXERCISE_NOTE if event.mode is Mode.TRAINING else ""))
    _add(alert, "references", " ".join(triple(reference, time_zone) for reference in event.references))
    places = _places(event.areas)
    for info in sorted(event.infos, key=lambda info: not is_english(info.language)):
        _add_info(alert, event, info, time_zone, places)
    return bytes(etree.tostring(alert, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def is_english(language: str) -> bool:
    return language.lower().split("-")[0] == "en"


def local_time(time: datetime, time_zone: ZoneInfo) -> str:
    """YYYY-MM-DDThh:mm:ss±hh:mm in the given zone, fractions cut off; CAP writes UTC as -00:00. Raises ValueError."""
    if time.utcoffset() is None:
        raise ValueError(f"{time.isoformat()} names no time zone.")
    local = time.astimezone(time_zone).replace(microsecond=0)
    return local.isoformat() if local.utcoffset() else local.replace(tzinfo=None).isoformat() + "-00:00"


def triple(reference: Reference, time_zone: ZoneInfo) -> str:
    """An earlier message as <references> names it: with the very words of its own identifier, sender and sent."""
    sender, identifier = _quotable("sender", reference.sender), _quotable("identifier", reference.identifier)
    return f"{sender},{identifier},{local_time(reference.sent, time_zone)}"


def _status(event: Event) -> str:
    if event.mode is Mode.TRAINING:
        return "Exercise"
    return "Test" if event.stage is Stage.TEST or event.hazard == "test" else "Actual"


def _add_info(alert: Any, event: Event, info: Info, time_zone: ZoneInfo, places: Sequence[Place]) -> None:
    block = etree.SubElement(alert, "info")
    _add(block, "language", info.language)
    for category in event.categories:
        _add(block, "category", category)
    _add(block, "event", info.event)
    _add(block, "responseType", _response_type(event))
    _add(block, "urgency", event.urgency)
    _add(block, "severity", event.severity)
    _add(block, "certainty", event.certainty)
    for name, value in event.event_codes:
        code = etree.SubElement(block, "eventCode")
        _add(code, "valueName", name)
        _add(code, "value", value)
    _add(block, "effective", local_time(event.effective, time_zone))
    _add(block, "expires", local_time(event.expires, time_zone))
    _add(block, "senderName", event.sender_name)
    _add(block, "headline", info.headline)
    _add(block, "description", info.description)
    _add(block, "instruction", info.instruction)
    _add(block, "web", event.web)
    _add(block, "contact", event.contact)
    if event.asl_video:
        _add_video(block, event.asl_video)
    for place in places:
        # No <geocode>: CAP adds it to the polygons, and a county's code would warn the whole county.
        area = etree.SubElement(block, "area")
        _add(area, "areaDesc", _description(place, event.areas, info))
        for polygon in place.polygons:
            _add(area, "polygon", polygon)


def _add_video(block: Any, url: str) -> None:
    """In every language: who signs reads any of them."""
    resource = etree.SubElement(block, "resource")
    _add(resource, "resourceDesc", "Video in American Sign Language (ASL)")
    _add(resource, "mimeType", asl.media_type(url))
    _add(resource, "uri", url)


def _response_type(event: Event) -> str:
    """Once it is over, or never was, no reader may still be told to leave."""
    return "AllClear" if event.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM) else event.response_type


def _places(areas: Sequence[Area]) -> list[Place]:
    """Each area with its polygons; one alone, or too many to list, stands for the whole."""
    if not areas:
        raise Unmappable("The event has no area.")
    if len(areas) == 1 or len(areas) > MOST_AREAS:
        whole = shapely.union_all([area.shape for area in areas]) if len(areas) > 1 else areas[0].shape
        return [Place(area=None, excepted=False, polygons=texts) for texts in _draw([whole])]
    gaps = holes(shapely.union_all([area.shape for area in areas]))
    drawn = zip(areas, _draw([area.shape for area in areas]), strict=True)
    return [Place(area=area, excepted=any(gap.intersects(area.shape) for gap in gaps), polygons=texts) for area, texts in drawn]


def _draw(shapes: Sequence[Shape]) -> list[tuple[str, ...]]:
    """The polygons of each shape, coarser where all of them together would be too long."""
    most_polygons = max(3, min(MOST_POLYGONS, 60 // len(shapes)))
    drawn = [polygons(shape, most_polygons=most_polygons) for shape in shapes]
    points = sum(text.count(",") for texts in drawn for text in texts)
    if points <= MOST_POINTS_AN_INFO:
        return drawn
    most_points = max(12, MOST_POINTS * MOST_POINTS_AN_INFO // points)
    return [polygons(shape, most_points=most_points, most_polygons=most_polygons) for shape in shapes]


def _description(place: Place, areas: Sequence[Area], info: Info) -> str:
    """The approved words for the whole, or the area's own name in the language of the info."""
    if place.area is None:
        return info.area_desc or ", ".join(area.name for area in areas)
    name = _name(place.area, info.language)
    return f"{name} ({info.area_desc})" if place.excepted and info.area_desc else name


def _name(area: Area, language: str) -> str:
    """The area's endonym for the language or the next wider one ("zh-Hant-TW", "zh-Hant", "zh"), else its name."""
    while language not in area.names and "-" in language:
        language = language.rpartition("-")[0]
    return area.names.get(language, area.name)


def _quotable(name: str, value: str) -> str:
    if not IDENTITY.fullmatch(value):
        raise ValueError(f"CAP's {name} must not be empty or contain spaces, commas, < or &: {value!r}.")
    return value


def _add(parent: Any, name: str, text: str) -> None:
    """Appends the element, unless there is nothing to say in it."""
    clean = UNWRITABLE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if clean:
        etree.SubElement(parent, name).text = clean
