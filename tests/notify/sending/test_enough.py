"""However many alerts people approve, a phone gets no more of those that can wait than the city says. Others never wait."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from channels.base import Handed, Receipt
from notify.alerts import register
from notify.alerts.alert import Severity, Stage, Urgency
from notify.city import USUAL_LIMITS, Limit
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import enough, leases, ledger, night, planning
from notify.sending.deliveries import State
from notify.sending.enough import Enough
from notify.sending.night import Night
from notify.sending.planning import Planner
from tests.notify.incident_factory import Incident
from tests.notify.ledger_factory import add_people

ZONE: Final = ZoneInfo("America/Los_Angeles")
MINOR: Final = {"severity": Severity.MODERATE, "urgency": Urgency.EXPECTED}
MINUTE: Final = timedelta(minutes=1)
FEW: Final = (Limit(minutes=15, texts=2), Limit(minutes=60, texts=3))
ASLEEP: Final = partial(night.waits, zone=ZONE)


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    while clock.now().astimezone(ZONE).hour != 9:
        clock.forward(5 * MINUTE)
    return Incident(db, clock)


async def start(incident: Incident, event_id: str, limits: Sequence[Limit] = USUAL_LIMITS) -> None:
    planner = Planner(incident.db, incident.clock, incident.choosing, ASLEEP, enough.waiting_for_room(limits))
    await incident.conductor(planner=planner).start(event_id)


def look(incident: Incident, limits: Sequence[Limit] = USUAL_LIMITS) -> Enough:
    return Enough(incident.db, incident.clock, limits, frozen(incident), ASLEEP)


def frozen(incident: Incident) -> Any:
    read = partial(register.frozen)
    return lambda event_id: incident.db.read_now(partial(read, event_id=event_id))


def sent(incident: Incident) -> None:
    """What senders would do at once."""
    now = incident.clock.now()

    def work(conn: Connection) -> None:
        rows = leases.lease(conn, "s1", "sms", limit=1_000, below=100, now=now, until=now + MINUTE)
        leases.claim(conn, "s1", [row.delivery_id for row in rows], now=now)
        ledger.record(conn, [(row, Receipt(row.delivery_id, Handed(f"SM{row.delivery_id}"))) for row in rows], now=now)

    incident.db.write_now(work)


def left(incident: Incident, address_id: int) -> list[datetime]:
    query = text("SELECT claimed_at FROM delivery WHERE address_id = :id AND claimed_at IS NOT NULL ORDER BY claimed_at")
    times = incident.db.read_now(lambda conn: conn.scalars(query, {"id": address_id}).all())
    return [datetime.fromtimestamp(at / 1e6, UTC) for at in times]


def most_within(times: Sequence[datetime], minutes: int) -> int:
    return max(sum(begin <= at < begin + minutes * MINUTE for at in times) for begin in times)


async def alert(
    incident: Incident, numbers: "count[int]", people: Sequence[int], limits: Any = USUAL_LIMITS, **given: Any
) -> str:
    """Each about another incident, unless one is named."""
    number = next(numbers)
    fields: dict[str, Any] = MINOR | {"stage": Stage.FIRST, "incident_id": f"I{number}"} | given
    event_id = incident.countdown(number, fields.pop("stage"), people, **fields)
    await start(incident, event_id, limits)
    return event_id


async def test_forty_alerts_in_ten_minutes_leave_within_the_limits_and_none_is_lost(incident: Incident) -> None:
    person, other = incident.people(2)
    numbers = count(1)
    for _ in range(40):
        await alert(incident, numbers, [person])
        sent(incident)
        incident.clock.forward(timedelta(seconds=14))
    await alert(incident, numbers, [person, other])
    sent(incident)
    assert len(left(incident, other)) == 1, "somebody else's phone is not theirs"
    for _ in range(4 * 12):
        await look(incident).tick()
        sent(incident)
        incident.clock.forward(5 * MINUTE)
    times = left(incident, person)
    assert [most_within(times, limit.minutes) for limit in USUAL_LIMITS] == [5, 11, 21]
    assert times[4] - times[0] < 15 * MINUTE, "the first ones do not wait"
    query = text("SELECT COUNT(*) FROM delivery WHERE address_id = :id AND state IN ('planned', 'handed')")
    assert incident.db.read_now(lambda conn: conn.scalar(query, {"id": person})) == 41


async def test_of_one_incident_s_many_updates_whoever_had_enough_gets_the_newest(incident: Incident) -> None:
    (person,), numbers = incident.people(1), count(1)
    for number in range(8):
        stage = Stage.UPDATE if number else Stage.FIRST
        newest = await alert(incident, numbers, [person], FEW, stage=stage, incident_id="ONE")
        sent(incident)
    assert len(left(incident, person)) == 2
    incident.clock.forward(16 * MINUTE)
    assert await look(incident, FEW).tick() == 1
    sent(incident)
    assert len(left(incident, person)) == 3 and incident.rows(newest)[person][1] == "handed"


@pytest.mark.parametrize(
    "given",
    [
        {"severity": Severity.SEVERE},
        {"severity": Severity.EXTREME},
        {"urgency": Urgency.IMMEDIATE},
        {"stage": Stage.CORRECTION, "incident_id": "I1"},
        {"stage": Stage.FALSE_ALARM, "incident_id": "I1"},
    ],
)
async def test_what_cannot_wait_reaches_whoever_has_had_however_many(incident: Incident, given: Any) -> None:
    people, numbers = incident.people(2), count(1)
    for _ in range(4):
        await alert(incident, numbers, people, FEW)
        sent(incident)
    urgent = await alert(incident, numbers, people, FEW, **given)
    incident.hand_over(urgent)
    assert {state for _, state in incident.rows(urgent).values()} == {"handed"}


async def test_an_e_mail_waits_for_nothing(incident: Incident) -> None:
    (mailbox,) = incident.db.write_now(lambda conn: add_people(conn, 1, incident.clock.now(), channel="email"))
    numbers = count(1)
    for _ in range(5):
        await alert(incident, numbers, [mailbox], FEW)
    priorities = incident.db.read_now(lambda conn: conn.scalars(text("SELECT priority FROM delivery")).all())
    assert len(priorities) == 5 and max(priorities) < ledger.AT_NIGHT


async def test_what_waits_for_room_goes_with_its_alert_when_that_is_stopped(incident: Incident) -> None:
    people, numbers = incident.people(3), count(1)
    for _ in range(2):
        await alert(incident, numbers, people, FEW)
        sent(incident)
    late = await alert(incident, numbers, people, FEW)
    row = incident.row(late)
    assert incident.db.read_now(partial(ledger.waiting, event=row, left_to_staff="x")), "it is not over while somebody waits"
    stop = partial(ledger.end_waiting, event=row, into=State.WITHDRAWN, code="", limit=99, now=incident.clock.now())
    assert incident.db.write_now(stop) == 3
    incident.clock.forward(60 * MINUTE)
    assert await look(incident, FEW).tick() == 0


async def test_the_morning_does_not_bring_a_whole_night_at_once(incident: Incident) -> None:
    people, numbers = incident.people(2), count(1)
    incident.clock.forward(timedelta(hours=14))
    for _ in range(4):
        await alert(incident, numbers, people, FEW)
    sent(incident)
    assert not left(incident, people[0])
    door = Night(incident.db, incident.clock, ZONE, frozen(incident), door=True)
    assert await look(incident, FEW).tick() == 0, "it is still night"
    incident.clock.forward(timedelta(hours=8))
    assert await door.tick() == 8
    for room in (2, 3, 3):
        await look(incident, FEW).tick()
        sent(incident)
        assert [len(left(incident, one)) for one in people] == [room, room]
        incident.clock.forward(16 * MINUTE)
    incident.clock.forward(30 * MINUTE)
    await look(incident, FEW).tick()
    sent(incident)
    assert [len(left(incident, one)) for one in people] == [4, 4]


async def test_a_city_without_limits_holds_nothing(incident: Incident) -> None:
    people, numbers = incident.people(1), count(1)
    for _ in range(6):
        await alert(incident, numbers, people, ())
        sent(incident)
    assert len(left(incident, people[0])) == 6
