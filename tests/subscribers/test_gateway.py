"""What the provider's gateway has done with a phone, on both engines: the newer word counts, and an erasure forgets none."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from subscribers import contacts, gateway, store
from subscribers.dialog.turn import Asked, Memory, Question
from subscribers.statements import CARRIER, GATEWAY
from subscribers.store import Said
from tests.subscribers.factories import NOON, a_keyring, a_person

PHONE = "+15035550123"
MINUTE = timedelta(minutes=1)
REFUSED = Said(at=NOON + 10 * MINUTE, source=f"{CARRIER}21610", evidence="delivery 7")


def opened(conn: Connection, address_id: int, at: datetime) -> None:
    gateway.note_open(conn, store.addresses(conn, [address_id])[address_id], Said(at=at, source=f"{GATEWAY}text to us"))


def is_stopped(conn: Connection, address_id: int) -> bool:
    return store.addresses(conn, [address_id])[address_id].stopped_at is not None


@pytest.mark.parametrize(
    ("left_at", "opened_at", "stops"),
    [
        (NOON + MINUTE, None, True),
        (NOON + MINUTE, NOON + 2 * MINUTE, False),  # what was refused then would arrive now
        (NOON + MINUTE, NOON + MINUTE, False),
        (NOON + 3 * MINUTE, NOON + 2 * MINUTE, True),  # closed again since, without our knowing
        (None, NOON + 9 * MINUTE, True),
    ],
)
def test_a_refusal_counts_unless_the_gateway_has_opened_since_the_text_left(
    conn: Connection, left_at: datetime | None, opened_at: datetime | None, stops: bool
) -> None:
    _, phone = a_person(conn, PHONE)
    if opened_at is not None:
        opened(conn, phone, opened_at)
    assert gateway.note_refusal(conn, phone, REFUSED, left_at) is stops
    assert is_stopped(conn, phone) is stops is store.is_blocked(conn, phone)


def test_a_yes_from_elsewhere_says_nothing_of_the_gateway(conn: Connection) -> None:
    _, phone = a_person(conn, PHONE)
    store.start(conn, phone, "opt-in", Said(at=NOON + 5 * MINUTE, source="web sign-up"))
    assert gateway.note_refusal(conn, phone, REFUSED, NOON + MINUTE)
    assert is_stopped(conn, phone)


def test_a_refusal_is_one_wish_however_often_it_comes(conn: Connection) -> None:
    _, phone = a_person(conn, PHONE)
    assert [gateway.note_refusal(conn, phone, REFUSED, NOON) for _ in range(3)] == [True, False, False]
    assert len(conn.execute(select(store.CONSENT).where(~store.CONSENT.c.granted)).all()) == 1
    assert not gateway.note_refusal(conn, 10**9, REFUSED, NOON), "nobody has this address any more"


def test_who_stopped_in_other_words_is_known_as_closed_once_the_gateway_says_so(conn: Connection) -> None:
    _, phone = a_person(conn, PHONE)
    store.stop(conn, phone, Said(at=NOON, source="text to us"))
    assert not store.is_blocked(conn, phone)
    assert gateway.note_refusal(conn, phone, REFUSED, NOON)
    assert store.is_blocked(conn, phone)
    assert not store.start(conn, phone, "opt-in", Said(at=NOON + 20 * MINUTE, source="text to us"))


@pytest.mark.parametrize("closed", [True, False])
def test_what_is_left_of_a_number_says_whether_it_is_closed_and_nothing_else(conn: Connection, closed: bool) -> None:
    ring = a_keyring()
    person, phone = a_person(conn, PHONE)
    if closed:
        gateway.note_refusal(conn, phone, REFUSED, NOON)
    contact = contacts.meet(conn, "sms", ring.blind("sms", PHONE), NOON)
    question = Question(asked=Asked.DELETE, at=NOON, label="HOME")
    contacts.remember(conn, contact.contact_id, Memory(question=question, puzzled_at=NOON), NOON, language="es")
    for _ in range(2):  # also when it is erased again later
        known = store.find_address(conn, "sms", ring.blind("sms", PHONE))
        gateway.blank(conn, contacts.meet(conn, "sms", ring.blind("sms", PHONE), NOON), known, NOON)
        store.erase(conn, person)
        (row,) = conn.execute(select(contacts.CONTACT)).mappings()
        assert (row["language"], row["suspect_at"]) == ("", None) and row["erased_at"] is not None
        assert row["memory"] == ('{"closed":true}' if closed else "{}")
