"""Once a year everybody is asked whether everything still holds; a number with a new owner hears no place, at last nothing."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update

from channels.base import Heard as Text
from notify.alerts.alert import Severity, Stage
from notify.clock import ManualClock
from notify.db import Database
from notify.residents import checks
from notify.residents.checks import Checks
from notify.residents.inbox import Inbox
from subscribers import contacts, reassigned, store
from subscribers.address import SMS
from subscribers.dialog.sample import SampleWorld
from subscribers.reassigned import Answer
from subscribers.sealing import Keyring
from tests.notify.incident_factory import Incident
from tests.notify.ledger_factory import add_event, an_event_row

PHONE, OTHER, OURS = "+15035550123", "+15035550124", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
ZONE = ZoneInfo("America/Los_Angeles")
DAY = timedelta(days=1)


@dataclass(slots=True)
class Desk:
    """A dialog, and a carrier that only remembers; `works` says whether texts leave."""

    db: Database
    clock: ManualClock
    inbox: Inbox
    sent: list[tuple[str, str]] = field(default_factory=list)
    works: bool = True
    heard: int = 0

    def checks(self) -> Checks:
        """A fresh one, as after a restart."""

        async def send(number: str, body: str, language: str) -> bool:
            self.sent.append((number, body))
            return self.works

        return Checks(inbox=self.inbox, send=send, ours=OURS, zone=ZONE)

    async def texted(self, *bodies: str, phone: str = PHONE) -> list[str]:
        answers: list[str] = []
        for body in bodies:
            self.heard += 1
            answers += await self.inbox.hear(Text(provider_id=f"SM{self.heard}", address=phone, ours=OURS, text=body))
        return answers

    def at(self, day: date, hour: int, minute: int = 0) -> None:
        wanted = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)
        self.clock.forward(wanted.astimezone(UTC) - self.clock.now())

    async def a_day(self, day: date) -> int:
        """Ticks through a day in the city, once an hour."""
        running = self.checks()
        asked = 0
        for hour in range(8, 20):
            self.at(day, hour)
            asked += await running.tick()
        return asked

    def gone(self, phone: str = PHONE, since: date | None = None) -> reassigned.Totals:
        answers = [Answer(number=phone, gone=True, since=since or self.clock.now().date())]
        return self.db.write_now(partial(reassigned.take, answers=answers, keyring=KEYS, now=self.clock.now()))

    def address(self, phone: str = PHONE) -> store.KnownAddress | None:
        return self.db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, phone)))

    def contact(self) -> contacts.KnownContact:
        found = self.db.read_now(lambda conn: contacts.find(conn, SMS, KEYS.blind(SMS, PHONE)))
        assert found is not None
        return found


@pytest.fixture
def desk(db: Database, clock: ManualClock, parts: dict[str, Any]) -> Desk:
    inbox = Inbox(db=db, clock=clock, keys=KEYS, world=lambda _conn: SampleWorld(), spend=lambda _number, _parts: None, **parts)
    return Desk(db, clock, inbox)


async def a_month(desk: Desk, year: int, month: int) -> int:
    first = date(year, month, 1)
    return sum([await desk.a_day(first + number * DAY) for number in range(28)])


async def test_everybody_is_asked_once_a_year_in_the_month_they_signed_up(desk: Desk) -> None:
    await desk.texted("97214")
    assert await desk.a_day(date(2014, 5, 30)) == 0, "who has just signed up is not asked"
    assert await desk.a_day(date(2015, 4, 30)) == 0
    assert await a_month(desk, 2015, 5) == 1
    assert await desk.a_day(date(2015, 6, 1)) == 0
    assert await a_month(desk, 2016, 5) == 1
    assert [number for number, _ in desk.sent] == [PHONE, PHONE]
    assert "97214" in desk.sent[0][1] and "yearly check" in desk.sent[0][1]
    await desk.texted("OK")
    assert desk.address() is not None


async def test_questions_go_out_by_day_only(desk: Desk) -> None:
    await desk.texted("97214")
    running = desk.checks()
    for hour, minute, expected in ((9, 59, 0), (10, 0, 1), (10, 1, 0), (18, 0, 0)):
        desk.at(date(2015, 5, 31), hour, minute)
        assert await running.tick() == expected


async def test_whatever_crashes_nobody_is_asked_twice(desk: Desk) -> None:
    await desk.texted("97214")
    desk.at(date(2015, 5, 31), 11)

    async def crash(number: str, body: str, language: str) -> bool:
        raise ConnectionError

    broken = desk.checks()
    broken.send = crash
    with pytest.raises(ConnectionError):
        await broken.tick()
    for _ in range(3):
        assert await desk.checks().tick() == 0
    assert desk.sent == []


async def test_two_processes_ask_everybody_once(desk: Desk) -> None:
    await desk.texted("97214")
    await desk.texted("97206", phone=OTHER)
    desk.at(date(2015, 5, 31), 17, 58)
    one, other = desk.checks(), desk.checks()
    await one._begin(desk.clock.now().astimezone(ZONE))
    assert await other.tick() == 2
    assert await one.tick() == 0
    assert len(desk.sent) == 2


async def test_nothing_is_asked_while_an_alert_leaves(desk: Desk) -> None:
    await desk.texted("97214")
    desk.at(date(2015, 5, 31), 11)
    now = desk.clock.now()
    desk.db.write_now(lambda conn: add_event(conn, an_event_row(now), now))
    assert await desk.checks().tick() == 0
    desk.db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = 'active'")))
    assert await desk.checks().tick() == 1


async def test_who_stopped_or_was_never_asked_is_not_asked(desk: Desk) -> None:
    await desk.texted("97214", "stop")
    await desk.texted("97206", phone=OTHER)
    known = desk.address(OTHER)
    assert known is not None
    listed = update(store.ADDRESS).where(store.ADDRESS.c.address_id == known.address_id).values(basis="utility-account")
    desk.db.write_now(lambda conn: conn.execute(listed))
    assert await a_month(desk, 2015, 5) == 0


async def test_a_number_with_a_new_owner_hears_no_place_and_is_removed_after_two_weeks_of_silence(desk: Desk) -> None:
    await desk.texted("97214")
    desk.clock.forward(timedelta(days=100))
    assert desk.gone() == reassigned.Totals(answers=1, suspect=1, newer=0, unknown=0)
    assert desk.gone().suspect == 0, "taking the same answers twice changes nothing"
    day = desk.clock.now().date() + DAY
    assert await desk.a_day(day) == 1
    assert "97214" not in desk.sent[0][1]
    assert "97214" not in " ".join(await desk.texted("WHERE"))
    for number in range(1, 14):
        assert await desk.a_day(day + number * DAY) == 0
    assert desk.address() is not None
    await desk.a_day(day + 14 * DAY)
    assert desk.address() is None
    assert desk.contact().erased_at is not None and desk.contact().suspect_at is None
    refused = "SELECT COUNT(*) FROM consent WHERE source = 'reassigned numbers' AND NOT granted"
    assert desk.db.read_now(lambda conn: conn.execute(text(refused)).scalar_one()) == 1


async def test_who_answers_stays_and_is_no_suspect_any_more(desk: Desk) -> None:
    await desk.texted("97214")
    desk.clock.forward(timedelta(days=100))
    desk.gone()
    day = desk.clock.now().date() + DAY
    await desk.a_day(day)
    await desk.texted("OK")
    for number in range(1, 20):
        await desk.a_day(day + number * DAY)
    assert desk.address() is not None and desk.contact().suspect_at is None and len(desk.sent) == 1


async def test_nobody_is_removed_for_a_question_that_never_left(desk: Desk) -> None:
    await desk.texted("97214")
    desk.clock.forward(timedelta(days=100))
    desk.gone()
    desk.works = False
    day = desk.clock.now().date() + DAY
    for number in range(30):
        await desk.a_day(day + number * DAY)
    assert desk.address() is not None and len(desk.sent) == reassigned.MOST_ASKED


async def test_an_answer_older_than_their_consent_says_nothing(desk: Desk) -> None:
    await desk.texted("97214")
    assert desk.gone(since=date(2014, 5, 1)) == reassigned.Totals(answers=1, suspect=0, newer=1, unknown=0)
    assert desk.gone(phone=OTHER).unknown == 1
    assert desk.contact().suspect_at is None


@pytest.mark.parametrize(("severity", "told"), [(Severity.EXTREME, True), (Severity.SEVERE, False)])
async def test_a_suspect_gets_extreme_alerts_only_and_hears_the_end_of_what_they_were_told(
    desk: Desk, severity: Severity, told: bool
) -> None:
    await desk.texted("97214")
    known = desk.address()
    assert known is not None
    desk.clock.forward(timedelta(days=100))
    desk.gone()
    incident = Incident(desk.db, desk.clock)
    first = incident.countdown(1, Stage.FIRST, [known.address_id], severity=severity)
    await incident.start(first)
    assert (known.address_id in incident.rows(first)) is told
    skipped = "SELECT people FROM skip WHERE reason = 'may have a new owner'"
    assert desk.db.read_now(lambda conn: conn.scalars(text(skipped)).all()) == ([] if told else [1])
    incident.hand_over(first)
    end = incident.countdown(2, Stage.ALL_CLEAR, [], severity=Severity.MINOR)
    await incident.start(end)
    assert (known.address_id in incident.rows(end)) is told


@given(st.integers(1, 50_000), st.integers(0, 479))
def test_the_last_is_asked_before_the_day_ends(waiting: int, minute: int) -> None:
    at = datetime(2015, 5, 31, 10, 0, tzinfo=ZONE) + timedelta(minutes=minute)
    most = checks.MOST_A_TICK * (480 - minute)
    left = waiting
    while at.hour < 18:
        left -= checks.share(left, at)
        at += timedelta(minutes=1)
    assert left == max(0, waiting - most)
