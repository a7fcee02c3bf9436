"""Bulletins and a site for the tests of feeds and pages: one boil-water incident, every field by keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shapely.geometry import box

from notify.alerts.alert import Area, Certainty, Event, Info, Mode, Page, Reference, Severity, Stage, Urgency
from notify.publishing import cap
from notify.publishing.bulletin import Bulletin
from notify.publishing.site import Site

NOON = datetime(2014, 5, 23, 19, 0, tzinfo=UTC)  # 12:00 in Portland
PACIFIC = ZoneInfo("America/Los_Angeles")
LANGUAGES = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
EAST = Area(name="East", shape=box(-122.60, 45.45, -122.50, 45.60), names={"es": "Este"})
WEST = Area(name="West", shape=box(-122.80, 45.45, -122.70, 45.60))


def a_site(**changes: Any) -> Site:
    given: dict[str, Any] = {
        "base": "https://alerts.example.gov",
        "city": "Portland",
        "publisher": "City of Portland",
        "email": "alerts@example.gov",
        "time_zone": PACIFIC,
        "languages": LANGUAGES,
        "mode": Mode.LIVE,
        "phone": "311",
    }
    return Site(**(given | changes))


def an_info(language: str = "en-US", **changes: Any) -> Info:
    given = {
        "event": "Boil tap water",
        "headline": "Boil tap water in Portland",
        "description": "Tests found E. coli in the water.",
        "instruction": "Boil tap water for one full minute before you drink it.",
        "area_desc": "All of Portland",
    }
    return Info(language=language, **(given | changes))


def a_page(language: str = "en", **changes: Any) -> Page:
    given: dict[str, Any] = {
        "title": "Boil tap water",
        "lead": "Tests found E. coli in the water. It can make you sick.",
        "steps": ("Boil tap water for one full minute.", "Let it cool."),
        "facts": (("What happened?", "Three samples held E. coli."), ("Where is free water?", "At 3 sites.")),
    }
    return Page(language=language, **(given | changes))


def an_event(number: int = 1, **changes: Any) -> Event:
    """Message `number` of an incident: its identifier ends so, and it is sent that many minutes after noon."""
    sent = changes.get("sent", NOON + timedelta(minutes=number))
    given: dict[str, Any] = {
        "event_id": f"event-{number}",
        "alert_id": f"alert-{number}",
        "incident_id": "K7Q2",
        "mode": Mode.LIVE,
        "stage": Stage.FIRST,
        "hazard": "boil_water",
        "categories": ("Health", "Infra"),
        "event_codes": (("SAME", "LAE"), ("OET", "OET-144")),
        "response_type": "Execute",
        "urgency": Urgency.IMMEDIATE,
        "severity": Severity.SEVERE,
        "certainty": Certainty.OBSERVED,
        "areas": (EAST, WEST),
        "infos": (an_info(), an_info("es-US", headline="Hierva el agua", event="Hierva el agua")),
        "pages": (a_page(), a_page("es", title="Hierva el agua del grifo")),
        "contents": {},
        "languages_used": {"en": "en", "es": "es"},
        "channels": ("sms", "email"),
        "sender": "alerts@example.gov",
        "sender_name": "Portland Water Bureau",
        "contact": "311 or 503-555-0100",
        "web": "https://alerts.example.gov/a/K7Q2",
        "identifier": f"00000000-0000-4000-8000-{number:012d}",
        "sent": sent,
        "effective": sent,
        "expires": sent + timedelta(hours=24),
        "until_cleared": False,
    }
    return Event(**(given | changes))


def a_bulletin(number: int = 1, **changes: Any) -> Bulletin:
    """An event just published. Keywords of Bulletin are the bulletin's, all others the event's."""
    own: dict[str, Any] = {
        name: changes.pop(name)
        for name in ("published_at", "ended_at", "ended_why", "replaced_by", "cap", "touched", "done_at")
        if name in changes
    }
    event = an_event(number, **changes)
    if "cap" not in own:
        own["cap"] = cap.build(event, PACIFIC)
    return Bulletin(event=event, **({"published_at": event.sent} | own))


def after(bulletin: Bulletin, number: int, stage: Stage, **changes: Any) -> Bulletin:
    """The next message of a bulletin's incident, which refers to it."""
    before = bulletin.event
    reference = Reference(sender=before.sender, identifier=before.identifier, sent=before.sent)
    given = {"references": (*before.references, reference), "incident_id": before.incident_id, "mode": before.mode}
    return a_bulletin(number, stage=stage, **(given | changes))


def at(minutes: float) -> datetime:
    """Minutes after noon."""
    return NOON + timedelta(minutes=minutes)
