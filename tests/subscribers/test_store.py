"""People in the database, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from subscribers import store
from subscribers.place import PLACES_MAX, BadPlace, NamedPlace, Point, ZipArea
from subscribers.store import NewAddress
from tests.subscribers.factories import DOWNTOWN, LENTS, NOON, a_keyring, a_person, said

PHONE = "+15035550123"
MAIL = "resident1@example.gov"


def changed(conn: Connection) -> list[int | None]:
    return list(conn.execute(select(store.CHANGE.c.subscriber_id).order_by(store.CHANGE.c.change_id)).scalars())


def consents(conn: Connection, address_id: int) -> list[tuple[bool, str, str]]:
    query = select(store.CONSENT).where(store.CONSENT.c.address_id == address_id).order_by(store.CONSENT.c.consent_id)
    return [(row.granted, row.basis, row.evidence) for row in conn.execute(query)]


def test_an_address_is_found_by_its_blind_index_and_opens(conn: Connection) -> None:
    person, phone, mail = a_person(conn, PHONE, MAIL, language="es")
    found = store.find_address(conn, "sms", a_keyring().blind("sms", PHONE))
    assert found is not None
    assert (found.address_id, found.subscriber_id, found.language, found.basis) == (phone, person, "es", "opt-in")
    assert found.opened(a_keyring()) == PHONE
    assert store.find_address(conn, "email", a_keyring().blind("sms", PHONE)) is None
    assert [known.address_id for known in store.addresses_of(conn, person)] == [phone, mail]


def test_no_address_is_stored_in_clear(conn: Connection) -> None:
    a_person(conn, PHONE, MAIL)
    for table in (store.SUBSCRIBER, store.ADDRESS, store.PLACE, store.CONSENT, store.CHANGE):
        for row in conn.execute(select(table)):
            assert PHONE.encode() not in repr(row).encode()
            assert MAIL.encode() not in repr(row).encode()


def test_one_address_belongs_to_one_person(conn: Connection) -> None:
    a_person(conn, PHONE)
    with pytest.raises(IntegrityError), conn.begin_nested():
        a_person(conn, PHONE)


def test_a_batch_of_addresses_is_read_at_once_and_erased_ones_are_missing(conn: Connection) -> None:
    _, first = a_person(conn, PHONE)
    gone, second = a_person(conn, MAIL)
    assert store.erase(conn, gone)
    assert set(store.addresses(conn, [first, second, 999])) == {first}


def test_a_stop_is_dated_kept_with_its_words_and_counts_once(conn: Connection) -> None:
    person, phone = a_person(conn, PHONE, HOME=DOWNTOWN)
    before = len(changed(conn))
    assert store.stop(conn, phone, said("text", "STOP please", NOON))
    assert not store.stop(conn, phone, said("text", "STOP!", NOON + timedelta(days=1)))
    assert store.addresses(conn, [phone])[phone].stopped_at == NOON
    assert consents(conn, phone) == [(True, "opt-in", ""), (False, "opt-in", "STOP please"), (False, "opt-in", "STOP!")]
    assert changed(conn)[before:] == [person]
    assert [place.label for place in store.places_of(conn, person)] == ["HOME"], "places are kept"


def test_a_start_lifts_the_stop_and_makes_it_their_own_wish(conn: Connection) -> None:
    _, phone = a_person(conn, PHONE, basis="utility-account")
    store.stop(conn, phone, said())
    store.mark_unreachable(conn, [phone], NOON)
    assert store.start(conn, phone, "opt-in", said("text", "START"))
    known = store.addresses(conn, [phone])[phone]
    assert (known.stopped_at, known.unreachable_at, known.basis) == (None, None, "opt-in")
    assert not store.start(conn, phone, "opt-in", said("text", "START"))


def test_an_unknown_address_cannot_be_stopped_silently(conn: Connection) -> None:
    for act in (store.stop, lambda c, a, s: store.start(c, a, "opt-in", s), lambda c, a, _: store.set_language(c, a, "es")):
        with pytest.raises(LookupError, match="no address 7"):
            act(conn, 7, said())


def test_a_report_marks_addresses_unreachable_and_back(conn: Connection) -> None:
    person, phone, mail = a_person(conn, PHONE, MAIL)
    before = len(changed(conn))
    store.mark_unreachable(conn, [phone, 999], NOON)
    known = store.addresses(conn, [phone, mail])
    assert (known[phone].unreachable_at, known[mail].unreachable_at) == (NOON, None)
    store.mark_unreachable(conn, [phone], None)
    assert store.addresses(conn, [phone])[phone].unreachable_at is None
    assert changed(conn)[before:] == [person, person]


def test_the_first_introduction_counts(conn: Connection) -> None:
    _, phone, mail = a_person(conn, PHONE, MAIL)
    store.mark_introduced(conn, [phone], NOON)
    store.mark_introduced(conn, [phone, mail], NOON + timedelta(hours=1))
    known = store.addresses(conn, [phone, mail])
    assert (known[phone].introduced_at, known[mail].introduced_at) == (NOON, NOON + timedelta(hours=1))


def test_a_language_changes_for_one_address(conn: Connection) -> None:
    _, phone, mail = a_person(conn, PHONE, MAIL)
    store.set_language(conn, phone, "vi")
    assert {known.language for known in store.addresses(conn, [phone, mail]).values()} == {"vi", "en"}


def test_places_are_kept_in_order_with_their_kind(conn: Connection) -> None:
    person, *_ = a_person(conn, PHONE, HOME=DOWNTOWN, WORK=ZipArea("97204"), MOM=NamedPlace("Lents"))
    saved = store.places_of(conn, person)
    assert [(place.label, place.spot) for place in saved] == [
        ("HOME", DOWNTOWN),
        ("WORK", ZipArea("97204")),
        ("MOM", NamedPlace("Lents")),
    ]


def test_a_person_moves_and_leaves(conn: Connection) -> None:
    person, *_ = a_person(conn, PHONE, HOME=DOWNTOWN)
    before = len(changed(conn))
    assert store.move_place(conn, person, "HOME", LENTS)
    assert store.places_of(conn, person)[0].spot == LENTS
    assert store.remove_place(conn, person, "HOME")
    assert store.places_of(conn, person) == []
    assert not store.move_place(conn, person, "HOME", LENTS)
    assert not store.remove_place(conn, person, "HOME")
    assert changed(conn)[before:] == [person, person]


def test_a_label_names_one_place_and_there_are_five_at_most(conn: Connection) -> None:
    person, *_ = a_person(conn, PHONE, HOME=DOWNTOWN)
    with pytest.raises(BadPlace, match="already a place called HOME"):
        store.add_place(conn, person, "HOME", LENTS)
    for number in range(2, PLACES_MAX + 1):
        store.add_place(conn, person, f"PLACE{number}", Point(45.5, -122.6))
    with pytest.raises(BadPlace, match="5 places"):
        store.add_place(conn, person, "PLACE6", LENTS)


def test_an_erased_person_leaves_nothing_but_proof_and_their_number_is_never_reused(conn: Connection) -> None:
    person, phone = a_person(conn, PHONE, HOME=DOWNTOWN)
    assert store.erase(conn, person)
    assert not store.erase(conn, person)
    for table in (store.SUBSCRIBER, store.ADDRESS, store.PLACE):
        assert conn.execute(select(table)).all() == []
    assert consents(conn, phone) == [(True, "opt-in", "")]
    again, new_phone = a_person(conn, PHONE)
    assert again > person
    assert new_phone > phone


def test_only_addresses_that_can_be_sent_to_are_counted(conn: Connection) -> None:
    a_person(conn, PHONE, MAIL)
    _, stopped = a_person(conn, "+15035550124")
    _, dead = a_person(conn, "+15035550125")
    a_person(conn, "+15035550126", language="es", basis="emergency")
    store.stop(conn, stopped, said())
    store.mark_unreachable(conn, [dead], NOON)
    assert store.count_addresses(conn) == {
        ("sms", "en", "opt-in"): 1,
        ("email", "en", "opt-in"): 1,
        ("sms", "es", "emergency"): 1,
    }


def test_keys_are_rotated_in_steps_until_none_is_left(conn: Connection) -> None:
    ids = [a_person(conn, f"+1503555{number:04}")[1] for number in range(5)]
    both = a_keyring("2015", **{"2014": b"k" * 32, "2015": b"n" * 32})
    assert [store.reseal(conn, both, 2) for _ in range(4)] == [2, 2, 1, 0]
    only_new = a_keyring("2015", **{"2015": b"n" * 32})
    opened = {known.opened(only_new) for known in store.addresses(conn, ids).values()}
    assert opened == {f"+1503555{number:04}" for number in range(5)}


def test_what_is_rolled_back_was_never_there(conn: Connection) -> None:
    nested = conn.begin_nested()
    store.add_address(
        conn,
        store.add_subscriber(conn, NOON, "form"),
        NewAddress(channel="sms", address=PHONE, language="en", basis="opt-in"),
        a_keyring(),
        said(),
    )
    nested.rollback()
    assert store.find_address(conn, "sms", a_keyring().blind("sms", PHONE)) is None
    assert changed(conn) == []
