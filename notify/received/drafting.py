"""From another agency's alert to the beginning of a draft of ours: hazard, area, times, and whose alert it was. Pure.

Nothing of their wording goes into our texts: our words are our own, reviewed and in every language. A test stays a test.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import shapely
from shapely.geometry import box, shape

from notify.alerts.alert import Certainty, Severity, Stage, Urgency
from notify.alerts.draft import AreaChoice, Draft
from notify.received.message import Message, clean
from notify.received.standing import Standing
from subscribers.place import Envelope

LONGEST_WORDS: Final = 200
OTHER: Final = "other"
# EAS and National Weather Service event codes (47 CFR 11.31; NWS Instruction 10-1703), and what of ours comes nearest. What
# could be two of ours, as an evacuation could, is not guessed at.
BY_CODE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("FFW", "FFA", "FLW", "FLA", "FFS", "FLS", "CFW", "CFA"), "flood"),
    **dict.fromkeys(("BZW", "WSW", "WSA", "ISW", "WWY", "SQW"), "winter_storm"),
    **dict.fromkeys(("HTW", "EHW", "EHA", "XHW", "HTY"), "extreme_heat"),
    "FRW": "wildfire_get_ready",
    "ASY": "smoke",
    "AQA": "smoke",
    "DBF": "landslide",
    "AVW": "landslide",
    "EQW": "earthquake",
    "VOW": "ashfall",
    "TOE": "outage_911",
    "HMW": "toxic_release",
    "SPW": "toxic_release",
    "MEP": "missing_person",
    "LEW": "dangerous_person",
}
BY_WORD: Final[Mapping[str, str]] = {
    "flood": "flood",
    "winter storm": "winter_storm",
    "ice storm": "winter_storm",
    "blizzard": "winter_storm",
    "heat": "extreme_heat",
    "air quality": "smoke",
    "smoke": "smoke",
    "ashfall": "ashfall",
    "fire w": "wildfire_get_ready",  # warning, watch, weather
    "debris flow": "landslide",
    "landslide": "landslide",
    "boil water": "boil_water",
    "hazardous materials": "toxic_release",
    "911": "outage_911",
}
Value = TypeVar("Value", bound=StrEnum)


def hindrances(message: Message, standing: Standing) -> list[str]:
    """Why no draft can begin with it, as sentences; empty when one can."""
    problems = []
    if standing is not Standing.IN_FORCE:
        problems.append(f"This alert is not in force any more: {standing}. Look at what came after it.")
    if message.scope != "Public":
        problems.append(f"Its scope is {message.scope}: it is not for the public, so no draft for the public begins with it.")
    return problems


def hazard(message: Message, known: Mapping[str, Any]) -> str:
    """The hazard of ours that it comes nearest to; "other" when nobody can tell. A suggestion: the author chooses."""
    for name, code in message.event_codes:
        if name in ("SAME", "NationalWeatherService") and BY_CODE.get(code) in known:
            return BY_CODE[code]
    event = message.english.event.casefold()
    found = next((key for word, key in BY_WORD.items() if word in event), OTHER)
    return found if found in known else OTHER


def draft(message: Message, key: str, title: str, envelope: Envelope, now: datetime) -> Draft:
    """The beginning of a draft. title: of its source. Its area is what of theirs lies in the city's envelope; where there is
    nothing, or they draw nothing, the author has to choose."""
    area = inside(message, envelope)
    said = message.english
    words = " ".join(said.area_desc.split())[:LONGEST_WORDS] or said.event
    return Draft(
        hazard=key,
        stage=Stage.FIRST if message.actual else Stage.TEST,
        area=AreaChoice(geojson=dict(area), words=words) if area is not None else AreaChoice(),
        expires=message.ends_at if message.ends_at > now else None,
        urgency=_one(Urgency, message.urgency),
        severity=_one(Severity, message.severity),
        certainty=_one(Certainty, message.certainty),
        note=source_words(message, title)[:500],
    )


def source_words(message: Message, title: str) -> str:
    """Whose alert a draft of ours began with, for the note of its CAP document."""
    name = message.english.sender_name or title
    return f"Follows an alert of {name}: {message.sender},{message.identifier},{message.sent.isoformat()}."


def inside(message: Message, envelope: Envelope) -> Mapping[str, Any] | None:
    """What of its area lies in the city's envelope, as GeoJSON."""
    if message.geometry is None:
        return None
    frame = box(envelope.west, envelope.south, envelope.east, envelope.north)
    cut = shape(message.geometry).intersection(frame)
    if cut.geom_type == "GeometryCollection":  # where it only touches the frame
        parts = [part for part in shapely.get_parts(cut) if part.geom_type in ("Polygon", "MultiPolygon")]
        cut = shapely.union_all(parts)
    return clean(cut)


def _one(kind: type[Value], value: str) -> Value | None:
    """A value of one of CAP's lists; None for Unknown, where ours is better than none."""
    return kind(value) if value in list(kind) else None
