"""Small values to test with: `an_event(stage=Stage.UPDATE, areas=(a_square("Lents"),))` and friends.

Every keyword is a field of the value and replaces a plausible default. Nothing here depends on the clock.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shapely.geometry import box

from channels.base import Content
from notify.alerts.alert import MSG_TYPE, Area, Event, Info, Mode, MsgType, Reference, Stage
from notify.alerts.hazards import Hazard, catalogue

PORTLAND = ZoneInfo("America/Los_Angeles")
SENT = datetime(2014, 5, 23, 15, 40, 12, tzinfo=UTC)  # 8:40 in Portland, in summer time
SENDER = {Mode.LIVE: "alerts@example.gov", Mode.TRAINING: "training@example.gov", Mode.DEMO: "demo@example.gov"}


def a_square(name: str = "Lents", *, west: float = -122.6, south: float = 45.46, side: float = 0.04, **fields: Any) -> Area:
    """A square area; `side` in degrees. Other keywords are fields of Area."""
    corners = (west, south, round(west + side, 5), round(south + side, 5))
    return Area(**{"name": name, "shape": box(*corners), **fields})


def an_info(language: str = "en-US", **fields: Any) -> Info:
    """One language's words. Each of them names the language, so that no two infos say the same."""
    words = {
        "event": f"Boil tap water [{language}]",
        "headline": f"Boil tap water in Lents until Saturday 8 AM [{language}]",
        "description": f"Tests found germs in the tap water. They can make you sick. [{language}]",
        "instruction": f"Boil water for one full minute before you drink it. [{language}]",
        "area_desc": f"Lents, from Powell to the county line [{language}]",
    }
    return Info(**{"language": language, **words, **fields})


def a_reference(**fields: Any) -> Reference:
    """The first alert of the incident, an hour before SENT."""
    first = {"sender": SENDER[Mode.LIVE], "identifier": str(UUID(int=1)), "sent": SENT - timedelta(hours=1)}
    return Reference(**{**first, **fields})


def an_event(**fields: Any) -> Event:
    """An approved Event about boiling water, first alert, live, in English and Spanish, for one square area.

    Keywords are fields of Event. What follows from them follows here too unless it is given: `hazard` (a key) sets
    categories, codes, response type, urgency, severity, certainty and expiry as in the catalogue and names the events;
    `mode` sets the sender; a stage that is a CAP Update or Cancel gets a reference, one that takes words back a note.
    """
    hazard = catalogue()[fields.get("hazard", "boil_water")]
    mode, stage = fields.get("mode", Mode.LIVE), fields.get("stage", Stage.FIRST)
    sender, effective = SENDER[mode], fields.get("effective", fields.get("sent", SENT))
    content = Content(key="sms/first/en-US", language="en-US", body="City: BOIL WATER in Lents until Sat 8 AM.")
    defaults = {
        **_from_catalogue(hazard),
        "event_id": "event-1",
        "alert_id": "alert-1",
        "incident_id": "K7Q2",
        "mode": mode,
        "stage": stage,
        "areas": (a_square(),),
        "infos": tuple(replace(an_info(language), event=f"{hazard.title} [{language}]") for language in ("en-US", "es-US")),
        "pages": (),
        "contents": {content.key: content},
        "languages_used": {"en-US": "en-US", "es-US": "es-US"},
        "channels": ("sms", "email", "feed"),
        "sender": sender,
        "sender_name": "City of Portland",
        "contact": "311 or 503-555-0100",
        "web": "https://alerts.example.gov/a/K7Q2",
        "identifier": str(UUID(int=2)),
        "sent": SENT,
        "effective": effective,
        "expires": effective + hazard.expires,
        "until_cleared": True,
        "references": () if MSG_TYPE[stage] is MsgType.ALERT else (a_reference(sender=sender),),
        "note": _note(mode, stage),
    }
    return Event(**{**defaults, **fields})


def _from_catalogue(hazard: Hazard) -> dict[str, Any]:
    names = ("categories", "event_codes", "response_type", "urgency", "severity", "certainty")
    return {"hazard": hazard.key, **{name: getattr(hazard, name) for name in names}}


def _note(mode: Mode, stage: Stage) -> str:
    if mode is Mode.TRAINING:
        return "Spring exercise"
    return "The first alert was wrong." if stage in (Stage.CORRECTION, Stage.FALSE_ALARM) else ""
