"""Whoever a text does not reach gets the e-mail, once, if they may: not for tests, not after a STOP, not when it is over."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from channels.base import Delivered, Handed, Receipt, Refused, Undelivered
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import instead, recorder, reports
from notify.sending.leases import claim, lease
from notify.sending.reports import Intake
from subscribers.tables import Address
from tests.notify.ledger_factory import add_event, add_people, an_event_row

ADDRESS = Address.__table__  # type: ignore[attr-defined]
LANDLINE = Undelivered("30006", "The number is a landline.")


class Flat:
    """One event by text, and people with a phone, or a phone and a mailbox."""

    def __init__(self, db: Database, clock: ManualClock, **event: Any) -> None:
        self.db, self.clock = db, clock
        self.row = an_event_row(clock.now(), **event)
        db.write_now(lambda conn: add_event(conn, self.row, clock.now()))

    def person(self, *, mailbox: dict[str, Any] | None = None, phone: dict[str, Any] | None = None, **row: Any) -> int:
        """Adds somebody whose text has been handed over; returns its delivery."""
        (phone_id,) = self.db.write_now(lambda conn: add_people(conn, 1, self.clock.now(), **(phone or {})))
        if mailbox is not None:
            self.mailbox(phone_id, **mailbox)
        return self.delivery(phone_id, **row)

    def delivery(self, address_id: int, **row: Any) -> int:
        values = {"event_id": "K7Q2-1", "channel": "sms", "wording": "first", "state": "handed", "ambiguous": False} | row
        return self.write(
            """
            INSERT INTO delivery (event_id, address_id, channel, language, wording, priority, state, fence, attempts,
                                  ambiguous, planned_at)
            VALUES (:event_id, :address_id, :channel, 'en', :wording, 3, :state, 1, 1, :ambiguous, 0) RETURNING delivery_id""",
            address_id=address_id,
            **values,
        )

    def follows(self, wording: str, *, phone: str, mailbox: str = "", ambiguous: bool = False) -> int:
        """Adds somebody of whom an earlier event of the incident has rows in these states, and whose text of this wording has
        been handed over; returns that text's delivery. mailbox "": it was sent nothing."""
        before = an_event_row(self.clock.now(), event_id="K7Q2-0", alert_id="K7Q2-0", identifier="id-0", status="ended")
        self.db.write_now(lambda conn: add_event(conn, before, self.clock.now()))
        text_id = self.person(mailbox={}, wording=wording)
        phone_id = self.write("SELECT address_id FROM delivery WHERE delivery_id = :id", id=text_id)
        self.delivery(phone_id, event_id="K7Q2-0", state=phone, ambiguous=ambiguous)
        if mailbox:
            mailbox_id = self.write("SELECT address_id FROM address WHERE channel = 'email'")
            self.delivery(mailbox_id, event_id="K7Q2-0", channel="email", state=mailbox)
        return text_id

    def mailbox(self, phone_id: int, **given: Any) -> None:
        subscriber = self.write("SELECT subscriber_id FROM address WHERE address_id = :id", id=phone_id)
        values = {"sealed": b"m", "key_id": "k1", "blind": f"m{phone_id}".encode(), "language": "es", "basis": "opt-in"}
        row = {"subscriber_id": subscriber, "channel": "email"} | values | given
        self.db.write_now(lambda conn: conn.execute(insert(ADDRESS).values(**row)))

    def write(self, statement: str, **bound: Any) -> int:
        return int(self.db.write_now(lambda conn: conn.execute(text(statement), bound).scalar_one()))

    def mails(self) -> list[tuple[str, str, str]]:
        query = text(
            "SELECT state, language, wording FROM delivery WHERE channel = 'email' AND event_id = 'K7Q2-1' ORDER BY delivery_id"
        )
        return self.db.read_now(lambda conn: [tuple(row) for row in conn.execute(query)])

    async def report(self, delivery_id: int, outcome: Any = LANDLINE) -> None:
        await Intake(self.db, self.clock, mails_instead=True).take([Receipt(delivery_id, outcome, f"SM{delivery_id}")])


async def test_whoever_has_a_mailbox_too_gets_the_mail_in_its_own_language(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    lost, alone = flat.person(mailbox={}), flat.person()
    await flat.report(lost)
    await flat.report(alone)
    assert flat.mails() == [("planned", "es", "first")]
    with_lane = db.read_now(lambda conn: conn.execute(text("SELECT priority FROM delivery WHERE channel = 'email'")).scalar())
    assert with_lane == 3


async def test_it_is_planned_once_however_often_the_failure_is_told(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    lost = flat.person(mailbox={})
    for _ in range(3):
        await flat.report(lost)
    assert len(flat.mails()) == 1


async def test_a_mail_that_was_planned_anyway_stays_as_it_is(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    lost = flat.person(mailbox={})
    mailbox = flat.write("SELECT address_id FROM address WHERE channel = 'email'")
    flat.write(
        """INSERT INTO delivery (event_id, address_id, channel, language, wording, priority, state, fence, attempts, ambiguous,
           planned_at) VALUES ('K7Q2-1', :id, 'email', 'es', 'first', 3, 'handed', 1, 1, :no, 0) RETURNING 1""",
        id=mailbox,
        no=False,
    )
    await flat.report(lost)
    assert flat.mails() == [("handed", "es", "first")]


@pytest.mark.parametrize(
    "outcome",
    [Delivered(), Handed("SM1"), Undelivered("21610", opted_out=True), Undelivered("erased")],
    ids=["delivered", "on its way", "stopped", "may not leave"],
)
async def test_what_is_no_failure_for_good_or_was_a_stop_brings_no_mail(db: Database, clock: ManualClock, outcome: Any) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.person(mailbox={}), outcome)
    assert flat.mails() == []


async def test_a_report_that_comes_too_late_to_count_brings_no_mail(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.person(mailbox={}, state="delivered"))
    assert flat.mails() == []


@pytest.mark.parametrize(
    "event",
    [{"stage": "test"}, {"status": "stopped"}, {"status": "ended"}, {"status": "countdown"}],
    ids=lambda event: next(iter(event.values())),
)
async def test_tests_and_alerts_not_in_force_bring_no_mail(db: Database, clock: ManualClock, event: dict[str, Any]) -> None:
    flat = Flat(db, clock, **event)
    await flat.report(flat.person(mailbox={}))
    assert flat.mails() == []


async def test_an_alert_that_has_expired_brings_no_mail(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock, expires_at=clock.now())
    await flat.report(flat.person(mailbox={}))
    assert flat.mails() == []


async def test_only_a_mailbox_that_may_be_written_to_about_this_is(db: Database, clock: ManualClock) -> None:
    flat, now = Flat(db, clock), clock.now()
    listed = {"basis": "utility-account"}
    for mailbox, phone in [
        ({"stopped_at": now}, {}),
        ({"unreachable_at": now}, {}),
        (listed, {}),  # it was given for something else than the phone
        ({}, {"stopped_at": now}),
    ]:
        await flat.report(flat.person(mailbox=mailbox, phone=phone))
    assert flat.mails() == []
    await flat.report(flat.person(mailbox=listed, phone=listed))
    assert flat.mails() == [("planned", "es", "first/why")], "and is told why, as it was never written to"


async def test_a_refusal_at_the_hand_over_brings_the_mail_and_the_send_is_not_over(db: Database, clock: ManualClock) -> None:
    flat, now = Flat(db, clock, status="active", done_at=clock.now()), clock.now()
    flat.person(mailbox={}, state="planned")
    (leased,) = db.write_now(
        lambda conn: lease(conn, "s", "sms", limit=1, below=100, now=now, until=now + timedelta(seconds=9))
    )
    db.write_now(lambda conn: claim(conn, "s", [leased.delivery_id], now=now, route="twilio"))
    results = [(leased, Receipt(leased.delivery_id, Refused("21635", "The number is a landline.")))]
    db.write_now(lambda conn: recorder.record(conn, results, now, recorder.Aside(mails_instead=True)))
    assert flat.mails() == [("planned", "es", "first")]
    assert db.read_now(lambda conn: conn.execute(text("SELECT done_at FROM event")).scalar()) is None


@pytest.mark.parametrize(("phone", "mailbox"), [("undelivered", ""), ("refused", "refused"), ("withdrawn", "planned")])
async def test_of_an_end_nobody_is_mailed_whom_no_earlier_message_reached(
    db: Database, clock: ManualClock, phone: str, mailbox: str
) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.follows("all_clear", phone=phone, mailbox=mailbox))
    assert flat.mails() == []


@pytest.mark.parametrize(
    ("wording", "mails"),
    [("false_alarm", []), ("outside", []), ("update", ["first"]), ("correction", ["correction"]), ("first", ["first"])],
)
async def test_whom_no_earlier_message_reached_is_mailed_what_holds_in_words_that_need_none(
    db: Database, clock: ManualClock, wording: str, mails: list[str]
) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.follows(wording, phone="undelivered"))
    assert flat.mails() == [("planned", "es", one) for one in mails]


@pytest.mark.parametrize("wording", ["all_clear", "false_alarm", "outside", "update", "correction", "first"])
async def test_whoever_had_the_alert_is_mailed_what_their_text_said(db: Database, clock: ManualClock, wording: str) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.follows(wording, phone="delivered"))
    assert flat.mails() == [("planned", "es", wording)]


@pytest.mark.parametrize(
    ("phone", "mailbox"),
    [("handed", ""), ("unknown", ""), ("claimed", ""), ("undelivered", "handed"), ("undelivered", "claimed")],
)
async def test_of_an_end_everybody_is_mailed_who_may_have_an_earlier_message(
    db: Database, clock: ManualClock, phone: str, mailbox: str
) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.follows("all_clear", phone=phone, mailbox=mailbox))
    assert flat.mails() == [("planned", "es", "all_clear")]


async def test_an_attempt_in_doubt_before_the_one_that_failed_may_have_arrived(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    await flat.report(flat.follows("all_clear", phone="undelivered", ambiguous=True))
    assert flat.mails() == [("planned", "es", "all_clear")]


async def test_an_alert_and_its_end_that_both_fail_together_bring_no_mail_of_the_end(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    end = flat.follows("all_clear", phone="handed")
    first = flat.write("SELECT delivery_id FROM delivery WHERE event_id = 'K7Q2-0'")
    receipts = [Receipt(one, LANDLINE, f"SM{one}") for one in (end, first)]
    await Intake(db, clock, mails_instead=True).take(receipts)
    assert flat.mails() == []


def test_without_a_mail_lane_nothing_is_planned_that_could_not_leave(db: Database, clock: ManualClock) -> None:
    flat = Flat(db, clock)
    lost = flat.person(mailbox={})
    db.write_now(lambda conn: reports.apply(conn, [Receipt(lost, LANDLINE)], clock.now()))
    assert flat.mails() == []
    assert db.write_now(lambda conn: instead.plan(conn, [], clock.now())) == 0
