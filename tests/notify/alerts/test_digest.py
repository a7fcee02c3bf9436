"""An approval is bound to everything an event says, where, in which mode and over which channels."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Content
from notify.alerts.alert import Certainty, Event, Mode, Severity, Stage, Urgency, from_json, to_json
from notify.alerts.digest import digest, short
from tests.notify.factories import SENT, a_reference, a_square, an_event, an_info

IDENTITY = {"identifier", "sent", "references", "digest"}
OTHERS: dict[str, Any] = {
    "mode": Mode.TRAINING,
    "stage": Stage.UPDATE,
    "urgency": Urgency.PAST,
    "severity": Severity.MINOR,
    "certainty": Certainty.UNLIKELY,
    "areas": (a_square("Hazelwood"),),
    "infos": (an_info(headline="Something else."),),
    "pages": None,
    "contents": {"sms/first/en": Content(key="sms/first/en", language="en", body="Other words.")},
    "languages_used": {"en": "en"},
    "effective": SENT + timedelta(hours=1),
    "expires": SENT + timedelta(hours=2),
    "next_update_by": SENT + timedelta(hours=3),
    "references": (a_reference(),),
    "sent": SENT + timedelta(hours=1),
    "until_cleared": False,
    "short": True,
    "slows": True,
    "categories": ("Fire",),
    "event_codes": (("SAME", "EVI"),),
    "channels": ("sms",),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Event) if field.name != "pages"])
def test_whatever_is_changed_changes_the_digest_but_the_identity(name: str) -> None:
    event = an_event()
    changed = replace(event, **{name: OTHERS.get(name, "something else")})
    assert (digest(changed) == digest(event)) is (name in IDENTITY)


def test_it_is_the_same_wherever_the_event_has_been() -> None:
    event = an_event()
    assert digest(from_json(to_json(event))) == digest(event)
    assert digest(replace(event, contents=dict(reversed(event.contents.items())))) == digest(event)


def test_what_was_approved_before_alerts_could_be_slowed_or_signed_still_is_what_was_approved() -> None:
    event = an_event()
    before = json.loads(to_json(event))
    for later in ("slows", "asl_video"):
        del before[later]
    assert from_json(json.dumps(before)) == event
    approved = {name: value for name, value in before.items() if name not in IDENTITY}
    canonical = json.dumps(approved, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert digest(event) == hashlib.sha256(canonical.encode()).hexdigest()


def test_it_can_be_read_aloud() -> None:
    assert short("0123456789abcdef") == "012-345-678-9ab"
