"""Authors and approvers are told whom a text reaches later: at night, and where phones have had many."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

import pytest

from notify.alerts import hazards, later
from notify.alerts.alert import Severity, Stage
from notify.alerts.assembly import Prepared
from notify.alerts.draft import Draft
from notify.clock import ManualClock
from notify.db import Database
from tests.notify.incident_factory import Incident
from tests.notify.newsroom_factory import portland

ROOM: Final = (
    "Phones that have had 5 texts within 15 minutes get this one when there is room. Page, feeds and e-mail do not wait."
)
MORNING: Final = "It is night: texts wait until 07:00. Page, feeds and e-mail do not."


@pytest.fixture
def incident(db: Database, clock: ManualClock) -> Incident:
    hour_of(clock, 9)
    return Incident(db, clock)


def hour_of(clock: ManualClock, hour: int) -> None:
    while clock.now().astimezone(portland().pack.zone).hour != hour:
        clock.forward(timedelta(minutes=5))


async def alerts(incident: Incident, first: int, last: int) -> None:
    for one in range(first, last + 1):
        await incident.start(incident.countdown(one, Stage.FIRST, incident.people(1), incident_id=f"I{one}"))


def said(incident: Incident, severity: Severity, **given: Any) -> list[str]:
    now: datetime = incident.clock.now()
    draft = Draft.model_validate({"hazard": "winter_storm", "stage": "first", "area": {"names": ["Portland"]}} | given)
    prepared = Prepared(
        draft=draft,
        hazard=hazards.catalogue()["winter_storm"],
        source=cast(Any, None),
        areas=(),
        subject=cast(Any, None),
        earlier=(),
        bases=frozenset(),
        severity=severity,
    )
    return incident.db.read_now(lambda conn: later.warnings(conn, prepared, portland(), now))


async def test_the_fifth_alert_within_minutes_makes_some_wait_and_its_author_is_told(incident: Incident) -> None:
    await alerts(incident, 1, 4)
    assert said(incident, Severity.MODERATE) == []
    await alerts(incident, 5, 5)
    assert said(incident, Severity.MODERATE) == [ROOM]
    assert said(incident, Severity.MODERATE, channels=["email", "feed"]) == []
    assert said(incident, Severity.SEVERE) == [], "it waits for nothing"


async def test_at_night_both_are_said(incident: Incident) -> None:
    hour_of(incident.clock, 23)
    await alerts(incident, 1, 5)
    assert said(incident, Severity.MODERATE) == [MORNING, ROOM]
