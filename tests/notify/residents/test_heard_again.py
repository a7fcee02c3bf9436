"""Whoever is heard of again inside a live alert is looked at as a latecomer: an alert may have passed them over until then."""

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text, update

from channels.base import Heard as Text
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.inbox import Inbox
from subscribers import contacts, store
from subscribers.address import SMS
from subscribers.dialog.sample import SampleWorld
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress, NewAddress, Said

PHONE, OURS = "+15035550123", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)


@pytest.fixture
def inbox(db: Database, clock: ManualClock, parts: dict[str, Any]) -> Inbox:
    return Inbox(db=db, clock=clock, keys=KEYS, world=lambda _conn: SampleWorld(), spend=lambda _number, _parts: None, **parts)


def a_text(body: str, provider_id: str = "") -> Text:
    return Text(provider_id=provider_id or f"SM {body}", address=PHONE, ours=OURS, text=body)


def kept(db: Database) -> KnownAddress:
    found = db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, PHONE)))
    assert found is not None
    return found


def latecomers(db: Database) -> list[str]:
    """Who is to be looked at now. Emptied by it."""
    query = "DELETE FROM due WHERE kind = 'latecomer' RETURNING ref"
    return db.write_now(lambda conn: list(conn.scalars(text(query))))


async def test_a_text_is_answered_though_a_list_with_its_number_is_imported_at_that_moment(inbox: Inbox, db: Database) -> None:
    """On SQLite one of the two waits; on PostgreSQL the text finds the number taken that it found free."""
    list_is_in, sent = threading.Event(), threading.Event()

    def bring_in(conn: Connection) -> None:
        person = store.add_subscriber(conn, inbox.clock.now(), "import")
        new = NewAddress(channel=SMS, address=PHONE, language="es", basis="utility-account")
        store.add_address(conn, person, new, KEYS, Said(at=inbox.clock.now(), source="import"))
        list_is_in.set()
        sent.wait(60)
        if not db.sqlite:
            wait_until_somebody_waits(conn)

    importing = asyncio.create_task(db.write(bring_in))
    await asyncio.to_thread(list_is_in.wait, 60)
    answering = asyncio.create_task(inbox.hear(a_text("97214")))
    sent.set()
    assert await answering != []
    await importing
    known = kept(db)
    assert (known.basis, known.stopped_at) == ("opt-in", None)
    assert [one.label for one in db.read_now(lambda conn: store.places_of(conn, known.subscriber_id))] == ["HOME"]


def wait_until_somebody_waits(conn: Connection) -> None:
    """For our own transaction; fails where nobody does within a minute: then the two never met."""
    waits = text("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
    for _ in range(6_000):
        if conn.execute(waits).scalar_one():
            return
        time.sleep(0.01)  # PostgreSQL tells nobody that a transaction waits for another: it is looked up
    raise AssertionError("nobody has waited for the import")


async def test_a_number_in_doubt_that_says_it_is_theirs_is_told_what_they_were_not_told_meanwhile(
    inbox: Inbox, db: Database, clock: ManualClock
) -> None:
    await inbox.hear(a_text("97214"))
    suspect = update(contacts.CONTACT).values(suspect_at=clock.now())
    db.write_now(lambda conn: conn.execute(suspect))
    latecomers(db)
    await inbox.hear(a_text("where"))
    assert latecomers(db) == [], "nobody knows yet who that is"
    await inbox.hear(a_text("OK"))
    assert latecomers(db) == [str(kept(db).address_id)]


async def test_a_phone_that_was_given_up_and_writes_is_told_what_did_not_reach_it(
    inbox: Inbox, db: Database, clock: ManualClock
) -> None:
    await inbox.hear(a_text("97214"))
    address_id = kept(db).address_id
    db.write_now(lambda conn: store.mark_unreachable(conn, [address_id], clock.now()))
    latecomers(db)
    await inbox.hear(a_text("help"))
    assert kept(db).unreachable_at is None and latecomers(db) == [str(address_id)]
    await inbox.hear(a_text("where"))
    assert latecomers(db) == []


@pytest.mark.parametrize("bodies", [("delete", "DELETE"), ("WRONG",)])
async def test_a_last_text_that_is_delivered_twice_is_not_answered_with_an_empty_one(
    inbox: Inbox, db: Database, clock: ManualClock, bodies: tuple[str, ...]
) -> None:
    """Its words are erased with everything else; a provider takes an empty answer for a fault of ours."""
    await inbox.hear(a_text("97214"))
    for body in bodies:
        assert len(await inbox.hear(a_text(body))) == 1
    clock.forward(timedelta(seconds=20))
    assert await inbox.hear(a_text(bodies[-1])) == []


@pytest.mark.parametrize("memory", ['{"tongue":"of a newer version"}', '{"question":{"asked":"confirm"}}', "torn"])
async def test_a_memory_that_cannot_be_read_is_a_forgotten_one_and_locks_nobody_out(
    inbox: Inbox, db: Database, memory: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As after going back to an older program: a stop must be heard, and an address be found."""
    await inbox.hear(a_text("97214"))
    db.write_now(lambda conn: conn.execute(update(contacts.CONTACT).values(memory=memory)))
    assert len(await inbox.hear(a_text("where"))) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"] and memory not in caplog.text
    db.write_now(lambda conn: conn.execute(update(contacts.CONTACT).values(memory=memory)))
    await inbox.hear(a_text("no mas"))
    assert kept(db).stopped_at is not None
