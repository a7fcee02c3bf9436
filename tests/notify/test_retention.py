"""What is old goes by itself, a little at a time; proof stays, and nobody who said no is ever brought back by a list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from channels.base import Handed, Receipt
from notify import audit, retention
from notify.alerts.alert import Stage
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.retention import Keeping, Retention
from notify.sending import ledger
from notify.settings import Settings
from notify.tables import IdempotencyKey
from subscribers import contacts, store
from subscribers.contacts import Line
from subscribers.dialog.turn import Asked, Memory, Option, Question
from subscribers.pending import Held, Safe
from subscribers.signup import Kind
from subscribers.store import Said
from tests.notify.incident_factory import Incident
from tests.subscribers.factories import LENTS, a_keyring, a_person

DAY = timedelta(days=1)
KEEPING = Keeping(texts=365 * DAY, stopped=30 * DAY)
FOR_EVER = Keeping(texts=None, stopped=None)
RING = a_keyring()
NUMBER, OTHER, MAIL = "+15035550101", "+15035550102", "resident1@example.gov"


def gone(db: Database, now: datetime, keeping: Keeping = KEEPING) -> dict[str, int]:
    """What a look says and erasing then does: the same."""
    seen = db.read_now(lambda conn: retention.look(conn, keeping, now))
    done = db.write_now(lambda conn: retention.erase(conn, keeping, now))
    assert seen == done
    return {name: count for name, count in done.items() if count}


def known(db: Database, *addresses: str) -> list[bool]:
    def look(conn: Connection) -> list[bool]:
        pairs = [("email" if "@" in one else "sms", one) for one in addresses]
        return [store.find_address(conn, channel, RING.blind(channel, one)) is not None for channel, one in pairs]

    return db.read_now(look)


def stopped(db: Database, at: datetime, *reached_at: str, which: int = 1) -> Sequence[int]:
    """A person; the address in place `which` has opted out."""

    def work(conn: Connection) -> Sequence[int]:
        ids = a_person(conn, *reached_at, HOME=LENTS)
        store.stop(conn, ids[which], Said(at=at, source="text"))
        return ids

    return db.write_now(work)


def test_whoever_opted_out_is_erased_after_the_days_and_never_before(db: Database, clock: ManualClock) -> None:
    stopped(db, clock.now(), NUMBER)
    db.write_now(lambda conn: a_person(conn, OTHER, HOME=LENTS))
    assert gone(db, clock.now() + 30 * DAY - timedelta(seconds=1)) == {}
    assert gone(db, clock.now() + 30 * DAY) == {"addresses": 1}
    assert known(db, NUMBER, OTHER) == [False, True]
    counts = [f"SELECT COUNT(*) FROM {name}" for name in ("subscriber", "place", "consent")]
    assert [db.read_now(lambda conn, one=one: conn.execute(text(one)).scalar_one()) for one in counts] == [1, 1, 3]  # type: ignore[misc]


def test_no_list_brings_an_erased_number_back(db: Database, clock: ManualClock) -> None:
    stopped(db, clock.now(), NUMBER)
    gone(db, clock.now() + 31 * DAY)
    contact = db.read_now(lambda conn: contacts.find(conn, "sms", RING.blind("sms", NUMBER)))
    assert contact is not None and contact.erased_at is not None, "the keyed hash says: do not text"


def test_a_persons_other_address_and_their_places_stay(db: Database, clock: ManualClock) -> None:
    person, *_ = stopped(db, clock.now(), NUMBER, MAIL)
    assert gone(db, clock.now() + 31 * DAY) == {"addresses": 1}
    assert known(db, NUMBER, MAIL) == [False, True]
    assert [place.label for place in db.read_now(lambda conn: store.places_of(conn, person))] == ["HOME"]


def test_somebody_whose_every_address_opted_out_goes_whole(db: Database, clock: ManualClock) -> None:
    _, _, mail = stopped(db, clock.now(), NUMBER, MAIL)
    db.write_now(lambda conn: store.stop(conn, mail, Said(at=clock.now(), source="mail")))
    assert gone(db, clock.now() + 31 * DAY) == {"addresses": 2}
    assert db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM subscriber")).scalar_one()) == 0


def wrote(conn: Connection, number: str, at: datetime, provider_id: str, body: str) -> None:
    contact = contacts.meet(conn, "sms", RING.blind("sms", number), at)
    inbound = Line(inbound=True, at=at, ours="+15035550100", body=body, provider_id=provider_id)
    contacts.write_down(
        conn, contact, [inbound, Line(inbound=False, at=at, ours="+15035550100", body="Thanks.", key="M02.en")], RING
    )


def test_texts_go_but_that_they_were_and_the_one_that_proves_a_yes_stays(db: Database, clock: ManualClock) -> None:
    now = clock.now()

    def work(conn: Connection) -> None:
        _, address_id = a_person(conn, NUMBER)
        wrote(conn, NUMBER, now, "SM1", "START")
        wrote(conn, NUMBER, now, "SM2", "what is going on")
        wrote(conn, OTHER, now, "SM3", "hello")
        store.start(conn, address_id, "opt-in", Said(at=now, source="text", evidence="text SM1"))

    db.write_now(work)
    assert gone(db, now + 364 * DAY) == {}
    assert gone(db, now + 365 * DAY) == {"texts": 5}
    query = text("SELECT provider_id FROM words WHERE sealed IS NOT NULL")
    assert db.read_now(lambda conn: conn.execute(query).scalars().all()) == ["SM1"]
    assert db.read_now(lambda conn: contacts.taken(conn, ["SM1", "SM2", "SM3"])) == {"SM1", "SM2", "SM3"}


def test_an_open_question_is_forgotten_and_what_a_phone_asked_for_is_not(db: Database, clock: ManualClock) -> None:
    asked = Question(asked=Asked.CONFIRM, at=clock.now(), options=(Option(words="1100 block SW 5th Ave"),))

    def work(conn: Connection) -> None:
        contact = contacts.meet(conn, "sms", RING.blind("sms", NUMBER), clock.now())
        contacts.remember(conn, contact.contact_id, Memory(question=asked, night=False), clock.now())

    db.write_now(work)
    assert gone(db, clock.now() + 365 * DAY) == {"questions": 1}
    contact = db.read_now(lambda conn: contacts.find(conn, "sms", RING.blind("sms", NUMBER)))
    assert contact is not None and contact.memory == Memory(night=False)


def test_what_nobody_confirmed_and_old_replies_go_whatever_the_settings_say(db: Database, clock: ManualClock) -> None:
    reply = IdempotencyKey(person_id="author", key="k", request_hash="h", status=200, body="{}", at=clock.now())

    def work(conn: Connection) -> None:
        Safe(conn, RING, clock.now()).put(Kind.CONFIRM, "email", RING.blind("email", MAIL), Held())
        conn.execute(insert(IdempotencyKey).values(**reply.model_dump()))

    db.write_now(work)
    assert gone(db, clock.now(), FOR_EVER) == {}
    assert gone(db, clock.now() + 2 * DAY, FOR_EVER) == {"sign_ups": 1}
    assert gone(db, clock.now() + 30 * DAY, FOR_EVER) == {"replies": 1}


def test_kept_for_ever_is_for_ever(db: Database, clock: ManualClock) -> None:
    stopped(db, clock.now(), NUMBER)
    db.write_now(lambda conn: wrote(conn, NUMBER, clock.now(), "SM1", "hello"))
    assert gone(db, clock.now() + 36500 * DAY, FOR_EVER) == {}
    settings = Settings(keep_texts_days=0, keep_stopped_days=0)
    assert Keeping.of(settings) == FOR_EVER


async def test_every_proof_that_a_message_was_sent_outlives_its_person(db: Database, clock: ManualClock) -> None:
    incident = Incident(db, clock)
    _, address_id = stopped(db, clock.now(), NUMBER)
    db.write_now(lambda conn: store.start(conn, address_id, "opt-in", Said(at=clock.now(), source="text")))
    event_id = incident.countdown(1, Stage.FIRST, [address_id])
    await incident.start(event_id)
    incident.hand_over(event_id)
    receipts = [Receipt(1, Handed("SM1"), "SM1")]
    db.write_now(lambda conn: ledger.apply_reports(conn, receipts, now=clock.now()))
    proof = text("SELECT * FROM delivery ORDER BY delivery_id")
    before = db.read_now(lambda conn: conn.execute(proof).all())
    assert len(before) == 1
    db.write_now(lambda conn: store.stop(conn, address_id, Said(at=clock.now(), source="text")))
    assert gone(db, clock.now() + 400 * DAY)["addresses"] == 1
    assert db.read_now(lambda conn: conn.execute(proof).all()) == before
    assert db.read_now(lambda conn: ledger.tally(conn, event_id))


def the_day(db: Database, clock: ManualClock) -> Retention:
    return Retention(db=db, clock=clock, keeping=KEEPING)


async def test_once_a_day_it_goes_by_itself_with_one_line_in_a_log_that_holds(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for number in range(5):
        stopped(db, clock.now(), f"+1503555{number:04}")
    clock.forward(31 * DAY)
    ours = the_day(db, clock)
    assert await ours.tick() == 5
    assert await ours.tick() == 0
    (line,) = db.read_now(audit.lines)
    assert line.action == "erased what was old" and '"addresses": 5' in line.detail and "555" not in line.detail
    assert audit.problems([line]) == []
    stopped(db, clock.now() - 31 * DAY, NUMBER)
    assert await ours.tick() == 0, "not again on this day"
    clock.forward(DAY)
    assert await ours.tick() == 1


async def test_nothing_is_erased_while_an_alert_is_leaving(db: Database, clock: ManualClock) -> None:
    incident, ours = Incident(db, clock), the_day(db, clock)
    stopped(db, clock.now() - 31 * DAY, NUMBER)
    incident.countdown(1, Stage.FIRST, [])
    assert await ours.tick() == 0
    ended: dict[str, Any] = {"status": Status.ENDED.value}
    db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = :status"), ended))
    assert await ours.tick() == 1
