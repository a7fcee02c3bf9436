"""Passkeys of staff in the database: who may use which, once, for what, and what is logged."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from notify import audit
from notify.clock import ManualClock
from notify.db import Database
from notify.staff import accounts, passkeys, passwords, people
from notify.staff.ceremony import ASKED_FOR, Party
from notify.staff.passkeys import LONGEST_NAME, MOST, Passkeys, Purpose, Verdict, Why
from notify.staff.staff_tables import Challenge
from subscribers.sealing import Keyring
from tests.notify.authenticator import Authenticator, Place

PARTY = Party(rp_id="console.example.gov", origin="https://console.example.gov", name="Portland Tocsin")
HERE = Place(origin=PARTY.origin, rp_id=PARTY.rp_id)
KEYS = Passkeys(party=PARTY, key=b"b" * 32)
DESK, PHONE = "the cookie of a desk", "the cookie of a phone"


@pytest.fixture
def staffed(db: Database, clock: ManualClock) -> Database:
    for person in ("author", "approver", "admin"):
        db.write_now(lambda conn, who=person: people.add(conn, who, [who], {}, clock.now()))  # type: ignore[misc]
    return db


def add(db: Database, person: str, now: datetime, device: Authenticator | None = None, name: str = "key") -> Authenticator:
    device = device or Authenticator()
    asked = db.write_now(lambda conn: KEYS.ask_to_add(conn, DESK, person, now))
    answer = device.make(asked, HERE)
    assert db.write_now(lambda conn: KEYS.add(conn, DESK, (person, name), answer, now)) == Verdict(person_id=person)
    return device


def enter(db: Database, device: Authenticator, now: datetime, cookie: str = DESK) -> Verdict:
    asked = db.write_now(lambda conn: KEYS.ask_to_enter(conn, cookie, now))
    answer = device.sign(asked, HERE)
    return db.write_now(lambda conn: KEYS.enter(conn, cookie, answer, now))


def log(db: Database) -> list[tuple[str, str, str]]:
    return [(line.actor, line.action, line.subject) for line in db.read_now(audit.lines)]


def test_whoever_added_a_passkey_signs_in_with_it_and_proves_themselves(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    device = add(staffed, "approver", now, name="phone")
    assert enter(staffed, device, now) == Verdict(person_id="approver")
    asked = staffed.write_now(lambda conn: KEYS.ask_to_prove(conn, DESK, "approver", now))
    answer = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.prove(conn, DESK, "approver", answer, now)).person_id == "approver"
    (kept,) = staffed.read_now(lambda conn: passkeys.of(conn, "approver"))
    assert (kept.name, kept.count, kept.added_at, kept.used_at) == ("phone", 2, now, now)
    assert [action for _, action, _ in log(staffed)] == ["added a passkey", "used a passkey", "used a passkey"]


def test_a_challenge_is_answered_once(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now(), Authenticator(step=0))
    asked = staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    answer = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, answer, now)).person_id == "approver"
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, answer, now)) == Verdict(why=Why.UNASKED)


def test_a_wrong_answer_uses_the_challenge_up(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    asked = staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    right = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, "{}", now)) == Verdict(why=Why.UNPROVEN)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, right, now)) == Verdict(why=Why.UNASKED)


def test_a_challenge_is_its_browser_s_own_and_ends(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    asked = staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    answer = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, PHONE, answer, now)) == Verdict(why=Why.UNASKED)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, answer, now + ASKED_FOR)) == Verdict(why=Why.UNASKED)


def test_a_newer_challenge_voids_the_older_one(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    asked = staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    answer = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.enter(conn, DESK, answer, now)) == Verdict(why=Why.UNPROVEN)


def test_a_challenge_of_one_purpose_serves_no_other(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    asked = staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, now))
    answer = device.sign(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.prove(conn, DESK, "approver", answer, now)) == Verdict(why=Why.UNASKED)
    staffed.write_now(lambda conn: KEYS.ask_to_prove(conn, DESK, "approver", now))
    assert staffed.write_now(lambda conn: KEYS.prove(conn, DESK, "approver", answer, now)) == Verdict(why=Why.UNPROVEN)
    asked = staffed.write_now(lambda conn: KEYS.ask_to_prove(conn, DESK, "approver", now))
    answer = device.sign(asked, HERE)
    staffed.write_now(lambda conn: KEYS.ask_to_add(conn, DESK, "approver", now))
    verdict = staffed.write_now(lambda conn: KEYS.add(conn, DESK, ("approver", "x"), answer, now))
    assert verdict == Verdict(why=Why.UNPROVEN)


def test_somebody_else_s_passkey_proves_nothing_of_me(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    add(staffed, "approver", now)
    author_s = add(staffed, "author", now)
    asked = staffed.write_now(lambda conn: KEYS.ask_to_prove(conn, DESK, "approver", now))
    answer = author_s.sign_anyway(asked, HERE)
    assert staffed.write_now(lambda conn: KEYS.prove(conn, DESK, "approver", answer, now)) == Verdict(why=Why.FOREIGN)


def test_a_handle_that_is_missing_or_another_s_opens_nothing(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    device.user = b"u" * 32
    assert enter(staffed, device, now) == Verdict(why=Why.FOREIGN)
    device.user = b""
    assert enter(staffed, device, now).person_id is None


def test_a_count_that_goes_backwards_is_refused_and_logged(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    twin = device.copied()
    assert enter(staffed, device, now).person_id == "approver"
    assert enter(staffed, twin, now) == Verdict(why=Why.BACKWARDS)
    assert log(staffed)[-1] == ("approver", "used a passkey whose count went backwards", "approver")
    assert enter(staffed, device, now).person_id == "approver"


def test_a_passkey_kept_on_several_devices_does_not_count(staffed: Database, clock: ManualClock) -> None:
    device = add(staffed, "approver", clock.now(), Authenticator(step=0))
    twin = device.copied()
    assert all(enter(staffed, one, clock.now()).person_id == "approver" for one in (device, twin, device))


def test_a_removed_passkey_opens_nothing_and_signs_its_owner_out_elsewhere(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    here, there = (staffed.write_now(lambda conn: accounts.sign_in(conn, "approver", "test", now)) for _ in range(2))
    (kept,) = staffed.read_now(lambda conn: passkeys.of(conn, "approver"))
    passkey_id = kept.passkey_id or 0
    assert not staffed.write_now(lambda conn: passkeys.remove(conn, "author", passkey_id, ("author", None), now))
    assert staffed.write_now(lambda conn: passkeys.remove(conn, "approver", passkey_id, ("approver", here), now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, here, now)) is not None
    assert staffed.read_now(lambda conn: accounts.visit(conn, there, now)) is None
    assert enter(staffed, device, now) == Verdict(why=Why.UNKNOWN)
    assert log(staffed)[-1] == ("approver", "removed a passkey", "approver")


def test_an_administrator_removes_a_lost_passkey_and_ends_every_session(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    session = staffed.write_now(lambda conn: accounts.sign_in(conn, "approver", "test", now))
    passkey_id = staffed.read_now(lambda conn: passkeys.of(conn, "approver"))[0].passkey_id or 0
    assert staffed.write_now(lambda conn: passkeys.remove(conn, "approver", passkey_id, ("admin", None), now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, session, now)) is None
    assert enter(staffed, device, now).person_id is None
    assert log(staffed)[-1] == ("admin", "removed a passkey", "approver")


def test_whoever_is_disabled_has_no_passkey(staffed: Database, clock: ManualClock) -> None:
    device = add(staffed, "approver", clock.now())
    staffed.write_now(lambda conn: accounts.disable(conn, "approver", "admin", clock.now()))
    assert enter(staffed, device, clock.now()) == Verdict(why=Why.UNKNOWN)


def test_a_new_start_by_invitation_voids_every_passkey(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now())
    ring = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)

    def start_anew(conn: Connection) -> None:
        token = accounts.invite(conn, "approver", "admin", now)
        assert accounts.enrol(conn, token, "a hash", passwords.new_seed(), ring, 0, now) == "approver"

    staffed.write_now(start_anew)
    assert enter(staffed, device, now) == Verdict(why=Why.UNKNOWN)


def test_nobody_has_one_passkey_twice_or_more_than_ten(staffed: Database, clock: ManualClock) -> None:
    now, device = clock.now(), add(staffed, "approver", clock.now(), name="n" * 200)

    def again(one: Authenticator, person: str) -> Verdict:
        asked = staffed.write_now(lambda conn: KEYS.ask_to_add(conn, DESK, person, now))
        return staffed.write_now(lambda conn: KEYS.add(conn, DESK, (person, "x"), one.make(asked, HERE), now))

    assert again(device, "approver") == again(device, "author") == Verdict(why=Why.KNOWN)
    for _ in range(MOST - 1):
        add(staffed, "approver", now)
    assert again(Authenticator(), "approver") == Verdict(why=Why.MANY)
    kept = staffed.read_now(passkeys.everybodys)
    assert list(kept) == ["approver"] and len(kept["approver"]) == MOST
    assert len(kept["approver"][0].name) == LONGEST_NAME


def test_a_flood_of_challenges_is_bounded_and_leaves_those_signed_in_alone(
    staffed: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "MOST_AT_THE_DOOR", 20)
    staffed.write_now(lambda conn: KEYS.ask_to_prove(conn, DESK, "approver", clock.now()))
    for number in range(60):
        clock.forward(timedelta(milliseconds=1))
        staffed.write_now(lambda conn, n=number: KEYS.ask_to_enter(conn, f"cookie {n}", clock.now()))  # type: ignore[misc]

    def open_ones(conn: Connection) -> dict[Any, int]:
        query = select(Challenge.purpose, func.count()).group_by(Challenge.purpose)  # type: ignore[call-overload]
        return {row[0]: row[1] for row in conn.execute(query)}

    assert staffed.read_now(open_ones) == {Purpose.ENTER: 20, Purpose.PROVE: 1}
    clock.forward(ASKED_FOR)
    staffed.write_now(lambda conn: KEYS.ask_to_enter(conn, DESK, clock.now()))
    assert staffed.read_now(open_ones) == {Purpose.ENTER: 1}
