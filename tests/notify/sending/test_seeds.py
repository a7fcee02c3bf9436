"""When a seed is silent: its copy was due, has not arrived, and others of its alert do not still wait."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from notify.clock import ManualClock, micros
from notify.db import Database
from notify.sending import seeds
from notify.tables import Delivery
from subscribers.sealing import Keyring
from tests.notify.ledger_factory import add_event, an_event_row
from tests.subscribers.factories import a_keyring

WITHIN = timedelta(minutes=10)
RING: Keyring = a_keyring()


def enrolled(conn: Connection, clock: ManualClock, name: str = "desk", number: str = "+15035557001") -> int:
    return seeds.enroll(conn, name, ("sms", number, "en"), RING, clock.now())


def sent(conn: Connection, clock: ManualClock, address_id: int, **given: Any) -> None:
    """An event in force, and the copy of one address."""
    if conn.execute(text("SELECT 1 FROM event")).first() is None:
        now = clock.now()
        add_event(conn, an_event_row(now, status="active", started_at=now, planned_at=now), now)
    values: dict[str, Any] = {"event_id": "K7Q2-1", "address_id": address_id, "channel": "sms", "language": "en"}
    values |= {"wording": "first", "priority": 3, "state": "handed", "planned_at": micros(clock.now())}
    values |= {"handed_at": micros(clock.now())} if given.get("state", "handed") != "planned" else {}
    conn.execute(insert(Delivery).values(**(values | given), fence=0, attempts=0, ambiguous=False))


def silent(db: Database, clock: ManualClock) -> list[tuple[str, str]]:
    return [(one.name, one.state) for one in db.write_now(lambda conn: seeds.alarm(conn, WITHIN, clock.now()))]


def test_a_copy_handed_over_and_never_reported_is_an_alarm_once(db: Database, clock: ManualClock) -> None:
    seed = db.write_now(lambda conn: enrolled(conn, clock))
    db.write_now(lambda conn: sent(conn, clock, seed))
    clock.forward(WITHIN - timedelta(seconds=1))
    assert silent(db, clock) == []
    clock.forward(timedelta(seconds=1))
    assert silent(db, clock) == [("desk", "handed")]
    assert silent(db, clock) == []


@pytest.mark.parametrize("state", ["refused", "undelivered", "withdrawn", "unknown", "claimed"])
def test_whatever_is_not_delivered_is_silence(db: Database, clock: ManualClock, state: str) -> None:
    seed = db.write_now(lambda conn: enrolled(conn, clock))
    db.write_now(lambda conn: sent(conn, clock, seed, state=state))
    clock.forward(WITHIN)
    assert silent(db, clock) == [("desk", state)]


def test_what_has_arrived_is_none(db: Database, clock: ManualClock) -> None:
    one, two = (db.write_now(lambda conn, n=n: enrolled(conn, clock, n, f"+1503555700{n}")) for n in "12")  # type: ignore[misc]
    db.write_now(lambda conn: sent(conn, clock, one, state="delivered"))
    db.write_now(lambda conn: sent(conn, clock, two))
    mail = db.read_now(lambda conn: conn.scalars(text("SELECT max(delivery_id) FROM delivery")).one())
    assert db.write_now(lambda conn: seeds.arrived(conn, mail, clock.now()))
    assert not db.write_now(lambda conn: seeds.arrived(conn, mail + 1, clock.now()))
    clock.forward(WITHIN)
    assert silent(db, clock) == []


def test_a_seed_that_was_never_planned_is_an_alarm_and_one_whose_turn_has_not_come_is_none(
    db: Database, clock: ManualClock
) -> None:
    first = db.write_now(lambda conn: enrolled(conn, clock))
    waiting = db.write_now(lambda conn: enrolled(conn, clock, "waiting", "+15035557002"))
    db.write_now(lambda conn: sent(conn, clock, waiting, state="planned"))
    clock.forward(WITHIN)
    db.write_now(lambda conn: sent(conn, clock, 999, state="handed"))  # others leave
    clock.forward(timedelta(minutes=1))
    assert first and silent(db, clock) == [("desk", "")]
    clock.forward(WITHIN)  # and now they do not any more
    assert silent(db, clock) == [("waiting", "planned")]


def test_a_seed_is_an_address_of_its_own_and_goes_without_a_trace(db: Database, clock: ManualClock) -> None:
    db.write_now(lambda conn: enrolled(conn, clock))
    for name, number in (("desk", "+15035557009"), ("other", "+15035557001")):
        with pytest.raises(seeds.BadSeed):
            db.write_now(lambda conn, n=name, a=number: enrolled(conn, clock, n, a))  # type: ignore[misc]
    assert [one.name for one in db.read_now(seeds.planted)] == ["desk"]
    assert db.write_now(lambda conn: seeds.remove(conn, "desk", clock.now()))
    assert db.read_now(seeds.planted) == [] and not db.write_now(lambda conn: seeds.remove(conn, "desk", clock.now()))


def test_each_seed_is_shown_with_what_became_of_its_newest_copy(db: Database, clock: ManualClock) -> None:
    late, there, fresh = (db.write_now(lambda conn, n=n: enrolled(conn, clock, n, f"+1503555700{n}")) for n in "123")  # type: ignore[misc]
    assert fresh
    db.write_now(lambda conn: sent(conn, clock, late))
    db.write_now(lambda conn: sent(conn, clock, there, state="delivered"))
    clock.forward(WITHIN)
    assert silent(db, clock) == [("1", "handed"), ("3", "")]
    found = {one.seed.name: (one.event_id, one.state, one.silent) for one in db.read_now(seeds.fared)}
    assert found == {"1": ("K7Q2-1", "handed", True), "2": ("K7Q2-1", "delivered", False), "3": ("", "", False)}
    mail = db.read_now(lambda conn: conn.scalars(text("SELECT min(delivery_id) FROM delivery")).one())
    db.write_now(lambda conn: seeds.arrived(conn, mail, clock.now()))
    assert [one.silent for one in db.read_now(seeds.fared)] == [False, False, False]
