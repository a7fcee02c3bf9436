"""One message of a thread as an entry of a feed, in one language and at one level of detail."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import shapely
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from channels.feed import FeedEntry, FeedLink, Ring
from notify.alerts import asl
from notify.alerts.alert import Event, Info, Mode, Stage
from notify.publishing.bulletin import Message, Status, Thread, is_test
from notify.publishing.cap_geometry import MOST_POINTS, Unmappable
from notify.publishing.cap_geometry import polygons as cap_polygons
from notify.publishing.site import ENGLISH, Site
from notify.wording.labels import Labels, labels
from notify.wording.translations import info_for, speaks

logger = logging.getLogger(__name__)

STATUS_SCHEME = "urn:tocsin:status"  # of the <category> that says whether an entry is in force
ENDED = "ended"
CAP_TYPE = "application/cap+xml"
SIGNED = "ase"  # American Sign Language (BCP 47)

# A status as programs read it: three words are enough to draw the right thing; `endedWhy` has the rest.
STATUS_WORDS = {
    Status.ACTIVE: "active",
    Status.REPLACED: "replaced",
    Status.CLEARED: ENDED,
    Status.FALSE_ALARM: ENDED,
    Status.CANCELLED: ENDED,
    Status.EXPIRED: ENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much an entry says. Messages in force never give way to a feed's size limit; their length does."""

    replaced: bool = True  # whether replaced messages are listed
    description: bool = True
    instruction: bool = True
    most_points: int = MOST_POINTS  # of a polygon


def entry(thread: Thread, message: Message, language: str, site: Site, detail: Detail) -> FeedEntry:
    """A message that is not in force has no polygon: a client that draws whatever it is given draws no area that is over."""
    event = message.event
    info = info_for(event, language)
    active = message.status is Status.ACTIVE
    cap = FeedLink(href=site.url(site.cap(event.identifier)), type=CAP_TYPE)
    texts = ((info.description, detail.description), (info.instruction, detail.instruction))
    return FeedEntry(
        thread=site.tag(thread.incident_id),
        guid=event.identifier,
        title=_title(message, info, site),
        summary="\n\n".join(text for text, said in texts if said and text),
        language=info.language,
        published=site.local(thread.messages[-1].published_at),
        issued=site.local(message.published_at),
        updated=site.local(thread.updated_at),
        link=site.url(site.page(thread.incident_id, language)),
        links=(cap, *_videos(event, info, site)),
        categories=((STATUS_WORDS[message.status], STATUS_SCHEME), *((category, "") for category in event.categories)),
        polygons=_polygons(event, detail.most_points) if active else (),
        cap=_cap_summary(event, info, site),
        properties=_properties(thread, message, info, site, detail),
    )


def _videos(event: Event, info: Info, site: Site) -> tuple[FeedLink, ...]:
    """What signs the same; not another form of the entry, whose words stand on the page for whoever reads them."""
    if not event.asl_video:
        return ()
    title = _words(info, site).say("Video in American Sign Language (ASL)")
    video = FeedLink(href=event.asl_video, rel="related", type=asl.media_type(event.asl_video), language=SIGNED, title=title)
    return (video,)


def _words(info: Info, site: Site) -> Labels:
    return labels(next((language for language in site.languages if speaks(info.language, language)), ENGLISH))


def _title(message: Message, info: Info, site: Site) -> str:
    """The headline, with what must be known before it: that it is over, and that it is not real."""
    words = _words(info, site)
    title = info.headline or info.event or message.event.hazard
    if site.mode is Mode.DEMO:
        title = words.say("DEMO: {headline}", headline=title)
    if is_test(message.event):
        title = _once(words, "TEST ONLY: {headline}", title)
    if message.status is Status.EXPIRED:
        return words.say("ENDED: no all clear was given. {headline}", headline=title)
    if STATUS_WORDS[message.status] == ENDED:
        return words.say("ENDED: {headline}", headline=title)
    return title


def _once(words: Labels, label: str, title: str) -> str:
    """The title behind the label, unless its own words begin so already."""
    start = words.say(label, headline="").strip(" :：.")
    return title if title.casefold().startswith(start.casefold()) else words.say(label, headline=title)


def cap_status(event: Event) -> str:
    if event.mode is Mode.TRAINING:
        return "Exercise"
    return "Test" if is_test(event) else "Actual"


def response_type(event: Event) -> str:
    return "AllClear" if event.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM) else event.response_type


def _cap_summary(event: Event, info: Info, site: Site) -> tuple[tuple[str, str], ...]:
    """The elements that CAP indexes commonly repeat, in CAP's order."""
    return (
        ("identifier", event.identifier),
        ("sent", _second(event.sent, site)),
        ("status", cap_status(event)),
        ("msgType", event.msg_type),
        ("event", info.event),
        ("responseType", response_type(event)),
        ("urgency", event.urgency),
        ("severity", event.severity),
        ("certainty", event.certainty),
        ("effective", _second(event.effective, site)),
        ("expires", _second(event.expires, site)),
        ("areaDesc", info.area_desc),
    )


def _properties(thread: Thread, message: Message, info: Info, site: Site, detail: Detail) -> dict[str, Any]:
    """The names of the National Weather Service's alerts API, and what its clients were found to lack."""
    event = message.event
    return {
        "id": event.identifier,
        "thread": site.tag(thread.incident_id),
        "incident": event.incident_id,
        **_standing(message, site),
        "languages": [info.language for info in event.infos],
        "language": info.language,
        "headline": _title(message, info, site),
        "description": info.description if detail.description else None,
        "instruction": info.instruction if detail.instruction else None,
        "areaDesc": info.area_desc,
        "event": info.event,
        **_classed(event),
        "sender": event.sender,
        "senderName": event.sender_name,
        "web": event.web or site.url(site.page(thread.incident_id)),
        "cap": site.url(site.cap(event.identifier)),
        "references": [
            {"identifier": other.identifier, "sender": other.sender, "sent": _second(other.sent, site)}
            for other in event.references
        ],
    }


def _standing(message: Message, site: Site) -> dict[str, Any]:
    """How the message stands. Of our own meaning: `status` is active, replaced or ended (CAP's own is `capStatus`); `ends` is
    when it stopped or will stop being in force, null while nobody knows; `replaces` lists all that it makes obsolete."""
    event, over = message.event, message.ended_at
    status = STATUS_WORDS[message.status]
    ends = over or (None if event.until_cleared else event.expires)
    return {
        "status": status,
        "endedWhy": message.status.value if status == ENDED else None,
        "endedAt": _second(over, site) if over else None,
        "replaces": list(message.replaces),
        "replacedBy": message.replaced_by or None,
        "replacedAt": _second(over, site) if over and message.status is Status.REPLACED else None,
        "sent": _second(event.sent, site),
        "effective": _second(event.effective, site),
        "onset": _second(event.effective, site),
        "expires": _second(event.expires, site),
        "ends": _second(ends, site) if ends else None,
        "untilCleared": event.until_cleared,
    }


def _classed(event: Event) -> dict[str, Any]:
    """What kind of message about what kind of hazard, in CAP's words."""
    return {
        "capStatus": cap_status(event),
        "messageType": event.msg_type.value,
        "stage": event.stage.value,
        "category": event.categories[0] if event.categories else None,
        "categories": list(event.categories),
        "severity": event.severity.value,
        "certainty": event.certainty.value,
        "urgency": event.urgency.value,
        "response": response_type(event),
        "hazard": event.hazard,
        "eventCode": {name: [value for other, value in event.event_codes if other == name] for name, _ in event.event_codes},
    }


def _second(at: datetime, site: Site) -> str:
    return site.local(at).replace(microsecond=0).isoformat()


def _polygons(event: Event, most_points: int) -> tuple[tuple[Ring, ...], ...]:
    """What the CAP document says as polygons, overlaps joined. Without an honest one the entry has none, and is still there."""
    try:
        return _joined(tuple(shapely.to_wkb(area.shape) for area in event.areas), most_points)
    except Unmappable as reason:
        logger.error("The event %s has no polygon in the feeds: %s", event.event_id, reason)
        return ()


@lru_cache(maxsize=4096)
def _joined(shapes: tuple[bytes, ...], most_points: int) -> tuple[tuple[Ring, ...], ...]:
    """Surveyed outlines are simplified once; coarser ones are made of the result, and cover it."""
    drawn = [shapely.from_wkb(shape) for shape in shapes]
    if most_points < MOST_POINTS:
        drawn = [Polygon(outer) for outer, *_ in _joined(shapes, MOST_POINTS)]
    texts = [text for shape in drawn for text in cap_polygons(shape, most_points=most_points)]
    said = [Polygon([(float(lon), float(lat)) for lat, lon in _pairs(text)]) for text in texts]
    parts = shapely.get_parts(shapely.union_all(said))
    return tuple(
        tuple(_ring(ring) for ring in (part.exterior, *part.interiors))
        for part in (orient(part) for part in parts if isinstance(part, Polygon))
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(lat, lon) for lat, _, lon in (pair.partition(",") for pair in text.split())]


def _ring(ring: Any) -> Ring:
    return tuple((round(lon, 7) + 0.0, round(lat, 7) + 0.0) for lon, lat, *_ in ring.coords)
