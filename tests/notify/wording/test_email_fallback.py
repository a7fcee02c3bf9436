"""Whoever gave us a mailbox gets the alert there, whatever has become of their phone; and no address twice."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from notify import city
from notify.alerts import hazards
from notify.alerts.alert import Event, Severity
from notify.alerts.crowd import Crowd
from notify.db import Database
from subscribers import reach, store
from subscribers.place import Point
from subscribers.reach import Failed
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from tests.notify.factories import an_event

KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
NOW = datetime(2026, 5, 23, tzinfo=UTC)
PACK = city.load(Path(__file__).parents[3] / "city" / "portland")


@pytest.fixture
def event() -> Event:
    return an_event(severity=Severity.SEVERE, channels=("sms", "email"))


def a_person(db: Database, event: Event) -> tuple[int, int]:
    """Somebody inside with a phone and a mailbox; their address ids."""
    inside = event.areas[0].shape.representative_point()

    def add(conn: Connection) -> tuple[int, int]:
        person = store.add_subscriber(conn, NOW, "test")
        store.add_place(conn, person, "HOME", Point(inside.y, inside.x, "a block"))
        phone, mailbox = (
            store.add_address(
                conn,
                person,
                NewAddress(channel=channel, address=address, language="en", basis="opt-in"),
                KEYS,
                Said(at=NOW, source="test"),
            )
            for channel, address in (("sms", "+15035550123"), ("email", "resident@example.gov"))
        )
        return phone, mailbox

    return db.write_now(add)


async def told(db: Database, event: Event) -> list[int]:
    crowd = Crowd(db, PACK.policy, hazards.catalogue())
    return sorted((await crowd.choose(event)).address_ids.tolist())


async def test_a_phone_given_up_does_not_keep_the_mail_from_its_owner(db: Database, event: Event) -> None:
    phone, mailbox = a_person(db, event)
    assert await told(db, event) == sorted([phone, mailbox]), "one copy for each address"
    failures = [Failed(number, phone, hard=True) for number in range(1, reach.PHONE_FAILURES + 1)]
    assert db.write_now(lambda conn: reach.note_failures(conn, failures, NOW)) == [phone]
    assert await told(db, event) == [mailbox]
    late = Crowd(db, PACK.policy, hazards.catalogue())
    assert await late.reached(event, [phone, mailbox]) == [mailbox]


async def test_a_phone_that_stopped_does_not_keep_the_mail_from_its_owner(db: Database, event: Event) -> None:
    phone, mailbox = a_person(db, event)
    db.write_now(lambda conn: store.stop(conn, phone, Said(at=NOW, source="text")))
    assert await told(db, event) == [mailbox]


async def test_a_mailbox_given_up_does_not_keep_the_text_from_its_owner(db: Database, event: Event) -> None:
    phone, mailbox = a_person(db, event)
    db.write_now(lambda conn: reach.note_failures(conn, [Failed(1, mailbox, hard=True)], NOW))
    assert await told(db, event) == [phone]
