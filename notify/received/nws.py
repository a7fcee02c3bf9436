"""The National Weather Service's own JSON (api.weather.gov/alerts/active, GeoJSON): alerts in CAP's terms. Pure.

As documented there: a feature's properties are CAP's elements under their names in camel case; `references` name earlier
messages; `geometry` is null where an alert is for whole zones, which only `areaDesc` and `geocode` then name.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shapely.errors import ShapelyError
from shapely.geometry import shape

from notify.alerts.alert import Reference
from notify.publishing.cap_document import Unreadable
from notify.publishing.cap_terms import ALLOWED
from notify.received.message import Message, Words, clean, moment, require

MOST_BYTES: Final = 2_000_000
MOST_ALERTS: Final = 500


def features(data: bytes) -> list[Mapping[str, Any]]:
    """Each alert of a collection. Raises Unreadable."""
    if len(data) > MOST_BYTES:
        raise Unreadable("TOO_LARGE", f"The answer has more than {MOST_BYTES:,} bytes, and is not read.")
    try:
        given = json.loads(data)
        found = given["features"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise Unreadable("NOT_JSON", "The answer is no GeoJSON collection of alerts.") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found) or len(found) > MOST_ALERTS:
        raise Unreadable("NOT_JSON", f"The answer is no GeoJSON collection of at most {MOST_ALERTS} alerts.")
    return found


def of_feature(feature: Mapping[str, Any]) -> Message:
    """Raises Unreadable for what says not clearly which alert it is."""
    given = feature.get("properties")
    if not isinstance(given, Mapping):
        raise Unreadable("NO_IDENTITY", "It has no properties.")
    sent = require(_text(given, "id"), _text(given, "sender"), _text(given, "sent"))
    for name, ours in (("status", "status"), ("messageType", "msgType")):
        if given.get(name) not in ALLOWED[ours]:
            raise Unreadable("NO_IDENTITY", f"Its {name} is none of {', '.join(ALLOWED[ours])}.")
    drawn, problems = _drawn(feature.get("geometry"))
    return Message(
        identifier=_text(given, "id"),
        sender=_text(given, "sender"),
        sent=sent,
        status=_text(given, "status"),
        msg_type=_text(given, "messageType"),
        references=tuple(_references(given.get("references"))),
        words=(_words(given),),
        categories=tuple(filter(None, [_text(given, "category")])),
        event_codes=tuple(_codes(given.get("eventCode"))),
        responses=tuple(filter(None, [_text(given, "response")])),
        urgency=_text(given, "urgency"),
        severity=_text(given, "severity"),
        certainty=_text(given, "certainty"),
        onset=moment(_text(given, "onset") or _text(given, "effective")),
        expires=moment(_text(given, "expires")),
        geometry=drawn,
        problems=tuple(problems),
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return value.strip() if isinstance(value, str) else ""


def _words(given: Mapping[str, Any]) -> Words:
    names = {"event": "event", "headline": "headline", "description": "description", "instruction": "instruction"}
    names |= {"sender_name": "senderName", "area_desc": "areaDesc", "web": "web"}
    return Words(language="en-US", **{ours: _text(given, theirs) for ours, theirs in names.items()})


def _references(given: Any) -> Iterator[Reference]:
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and (sent := moment(_text(one, "sent"))) is not None:
            yield Reference(sender=_text(one, "sender"), identifier=_text(one, "identifier"), sent=sent)


def _codes(given: Any) -> Iterator[tuple[str, str]]:
    for name, values in given.items() if isinstance(given, dict) else ():
        yield from ((str(name), str(value)) for value in (values if isinstance(values, list) else [values]))


def _drawn(geometry: Any) -> tuple[Mapping[str, Any] | None, Sequence[str]]:
    if geometry is None:
        return None, []
    try:
        found = clean(shape(geometry))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        found = None
    return found, [] if found is not None else ["Its geometry cannot be used, and is left out."]
