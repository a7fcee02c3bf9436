"""At night only what cannot wait wakes people; what waits is never lost, never late for its alert, and still can be stopped."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Stage, Urgency
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, ledger, night, planning
from notify.sending.ledger import AT_NIGHT
from notify.sending.night import Night
from notify.sending.planning import Planner
from subscribers.tables import Contact
from tests.notify.factories import an_event
from tests.notify.incident_factory import Incident
from tests.notify.ledger_factory import add_people

ZONE = ZoneInfo("America/Los_Angeles")
MINOR = {"severity": Severity.MODERATE, "urgency": Urgency.EXPECTED}
HOUR = timedelta(hours=1)


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


def the_night(incident: Incident) -> Night:
    read = partial(register.frozen)
    return Night(incident.db, incident.clock, ZONE, lambda event_id: incident.db.read_now(partial(read, event_id=event_id)))


async def start(incident: Incident, event_id: str) -> None:
    planner = Planner(incident.db, incident.clock, incident.choosing, partial(night.waits, zone=ZONE))
    await incident.conductor(planner=planner).start(event_id)


def at(incident: Incident, hour: int) -> None:
    """Moves the clock on to this hour in the city."""
    while incident.clock.now().astimezone(ZONE).hour != hour:
        incident.clock.forward(timedelta(minutes=5))


def stays_up(incident: Incident, address_id: int) -> None:
    """What a NIGHT OFF leaves behind."""
    query = text("SELECT channel, blind FROM address WHERE address_id = :id")

    def work(conn: Any) -> None:
        channel, blind = conn.execute(query, {"id": address_id}).one()
        values = {"channel": channel, "blind": bytes(blind), "memory": '{"tongue":"chosen","night":false}'}
        conn.execute(insert(Contact).values(**values, changed_at=incident.clock.now()))

    incident.db.write_now(work)


def leased(incident: Incident) -> list[int]:
    now = incident.clock.now()
    rows = incident.db.write_now(
        lambda conn: leases.lease(conn, "s1", "sms", limit=99, below=100, now=now, until=now + timedelta(seconds=8))
    )
    incident.db.write_now(lambda conn: leases.give_back(conn, "s1", [row.delivery_id for row in rows]))
    return [row.address_id for row in rows]


async def test_what_can_wait_waits_until_seven_but_for_who_stays_up(incident: Incident) -> None:
    sleeper, owl = incident.people(2)
    (mailbox,) = incident.db.write_now(lambda conn: add_people(conn, 1, incident.clock.now(), channel="email"))
    stays_up(incident, owl)
    at(incident, 22)
    event = incident.countdown(1, Stage.FIRST, [sleeper, owl, mailbox], **MINOR)
    await start(incident, event)
    assert leased(incident) == [owl]
    mails = incident.db.read_now(lambda conn: conn.scalars(text("SELECT priority FROM delivery WHERE channel = 'email'")).all())
    assert max(mails) < AT_NIGHT, "a mail wakes nobody"
    incident.hand_over(event)
    await the_night(incident).tick()
    await incident.conductor().settle()
    assert incident.row(event).status == Status.SENDING, "somebody still waits"
    at(incident, 7)
    assert await the_night(incident).tick() == 1
    assert leased(incident) == [sleeper]
    assert await the_night(incident).tick() == 0


@pytest.mark.parametrize(
    "given",
    [
        {"severity": Severity.EXTREME, "urgency": Urgency.FUTURE},
        {"severity": Severity.SEVERE, "urgency": Urgency.IMMEDIATE},
        {"severity": Severity.SEVERE, "urgency": Urgency.EXPECTED},
        {"severity": Severity.MINOR, "urgency": Urgency.IMMEDIATE},
    ],
)
async def test_what_is_urgent_or_severe_never_waits(incident: Incident, given: Any) -> None:
    people = incident.people(2)
    at(incident, 3)
    await start(incident, incident.countdown(1, Stage.FIRST, people, **given))
    await the_night(incident).tick()
    assert sorted(leased(incident)) == people


@pytest.mark.parametrize("stage", [Stage.CORRECTION, Stage.FALSE_ALARM])
async def test_what_we_said_wrongly_is_put_right_at_night(incident: Incident, stage: Stage) -> None:
    people = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, people, **MINOR)
    await start(incident, first)
    incident.hand_over(first)
    at(incident, 23)
    await start(incident, incident.countdown(2, stage, people, **MINOR))
    await the_night(incident).tick()
    assert sorted(leased(incident)) == people


async def test_a_send_that_runs_into_the_night_is_held_until_morning(incident: Incident) -> None:
    sleeper, owl = incident.people(2)
    stays_up(incident, owl)
    at(incident, 20)
    event = incident.countdown(1, Stage.FIRST, [sleeper, owl], **MINOR)
    await start(incident, event)
    assert sorted(leased(incident)) == [sleeper, owl]
    at(incident, 21)
    assert await the_night(incident).tick() == 1
    assert leased(incident) == [owl]


async def test_night_off_lets_go_what_was_held(incident: Incident) -> None:
    one, other = incident.people(2)
    at(incident, 22)
    event = incident.countdown(1, Stage.FIRST, [one, other], **MINOR)
    await start(incident, event)
    assert leased(incident) == []
    assert incident.db.write_now(partial(night.let_go_to, address_id=one)) == 1
    assert leased(incident) == [one]
    stays_up(incident, one)
    await the_night(incident).tick()
    assert leased(incident) == [one]


async def test_what_waits_is_taken_back_by_a_stop_and_ends_with_its_alert(incident: Incident) -> None:
    people = incident.people(3)
    at(incident, 22)
    event = incident.countdown(1, Stage.FIRST, people, **MINOR)
    await start(incident, event)
    row = incident.row(event)
    assert incident.db.read_now(partial(ledger.waiting, event=row, left_to_staff="left"))
    assert await incident.conductor().withdraw(event) == 3
    assert {state for _, state in incident.rows(event).values()} == {"withdrawn"}
    assert await the_night(incident).tick() == 0


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.sampled_from(Severity))
def test_day_and_night_are_the_city_s(now: datetime, severity: Severity) -> None:
    event = an_event(severity=severity, urgency=Urgency.EXPECTED)
    local = now.astimezone(ZONE)
    is_minor = severity in (Severity.MODERATE, Severity.MINOR)
    assert night.waits(event, now, zone=ZONE) is (is_minor and (local.hour >= 21 or local.hour < 7))


def test_an_author_is_told_what_the_night_does_to_the_texts() -> None:
    night_at, day = datetime(2026, 5, 4, 22, tzinfo=ZONE), datetime(2026, 5, 4, 12, tzinfo=ZONE)

    def said(now: datetime, expires: datetime, **given: Any) -> str:
        kind = {"stage": Stage.FIRST} | MINOR | given
        return night.warning(kind["stage"], kind["urgency"], kind["severity"], expires=expires, now=now, zone=ZONE)

    assert said(night_at, night_at + 20 * HOUR) == "It is night: texts wait until 07:00. Page, feeds and e-mail do not."
    assert "nobody gets a text" in said(night_at, night_at + 9 * HOUR), "it ends at seven: not a minute is left"
    assert said(day, day + 20 * HOUR) == ""
    assert said(night_at, night_at + 20 * HOUR, urgency=Urgency.IMMEDIATE) == ""
    assert said(night_at, night_at + 20 * HOUR, severity=Severity.SEVERE) == ""
    assert said(night_at, night_at + 20 * HOUR, stage=Stage.CORRECTION) == ""


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))
def test_morning_is_the_next_one(local: datetime) -> None:
    now = local.replace(tzinfo=ZONE)
    found = night.morning(now, ZONE)
    assert now.astimezone(UTC) < found.astimezone(UTC) <= now.astimezone(UTC) + 26 * HOUR
    assert (found.hour, found.minute) == (7, 0)


@pytest.mark.parametrize("hour", [12, 23])
async def test_an_event_with_no_text_to_hold_or_let_go_is_not_even_read(incident: Incident, hour: int) -> None:
    at(incident, hour)
    for number in (1, 2):
        await start(incident, incident.countdown(number, Stage.FIRST, [], incident_id=f"I{number}", **MINOR))

    def never(event_id: str) -> Event:
        raise AssertionError(event_id)

    assert await Night(incident.db, incident.clock, ZONE, never).tick() == 0
