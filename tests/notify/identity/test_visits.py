"""Browsers on their way to the identity provider, and whose account there is whose here, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from notify import audit
from notify.clock import ManualClock
from notify.db import Database
from notify.identity import links, visits
from notify.identity.claims import Identity
from notify.identity.identity_tables import IdentitySession, IdentityVisit
from notify.identity.links import Account
from notify.identity.visits import ASKED_FOR, Purpose, Visit, Why
from notify.staff import accounts, passwords, people
from notify.staff.accounts import SIGNED_IN_FOR
from notify.staff.people import BadPerson
from subscribers.sealing import Keyring

ISSUER = "https://login.example.gov/city"
RING = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
DESK, PHONE = "the cookie of a desk", "the cookie of a phone"


def account(subject: str = "s-1") -> Account:
    return Account(issuer=ISSUER, subject=subject)


def who(shown_at: datetime | None = None, subject: str = "s-1") -> Identity:
    return Identity(issuer=ISSUER, subject=subject, shown_at=shown_at)


@pytest.fixture
def staffed(db: Database, clock: ManualClock) -> Database:
    for person in ("author", "approver", "admin"):
        db.write_now(lambda conn, name=person: people.add(conn, name, [name], {}, clock.now()))  # type: ignore[misc]
    return db


def visit(now: datetime, purpose: Purpose = Purpose.ENTER, subject: str = "") -> Visit:
    return Visit(purpose=purpose, way="/alerts", subject=subject, asked_at=now)


def log(db: Database) -> list[tuple[str, str, str]]:
    return [(line.actor, line.action, line.subject) for line in db.read_now(audit.lines)]


def test_a_visit_is_answered_once_by_its_own_browser_and_in_time(staffed: Database, clock: ManualClock) -> None:
    now, asked = clock.now(), visit(clock.now())
    staffed.write_now(lambda conn: visits.ask(conn, DESK, asked))
    assert staffed.write_now(lambda conn: visits.take(conn, PHONE, now)) is None
    assert staffed.write_now(lambda conn: visits.take(conn, DESK, now)) == asked
    assert staffed.write_now(lambda conn: visits.take(conn, DESK, now)) is None
    staffed.write_now(lambda conn: visits.ask(conn, DESK, asked))
    assert staffed.write_now(lambda conn: visits.take(conn, DESK, now + ASKED_FOR)) is None


def test_a_flood_of_visits_is_bounded(staffed: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST_UNDER_WAY", 5)
    for number in range(20):
        clock.forward(timedelta(milliseconds=1))
        staffed.write_now(lambda conn, n=number: visits.ask(conn, f"cookie {n}", visit(clock.now())))  # type: ignore[misc]

    def kept(conn: Connection) -> Any:
        return conn.execute(select(func.count()).select_from(IdentityVisit)).scalar_one()

    assert staffed.read_now(kept) == 5
    assert staffed.write_now(lambda conn: visits.take(conn, "cookie 19", clock.now())) is not None
    clock.forward(ASKED_FOR)
    staffed.write_now(lambda conn: visits.ask(conn, DESK, visit(clock.now())))
    assert staffed.read_now(kept) == 1


def test_whoever_is_linked_enters_and_nobody_else(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    assert staffed.write_now(lambda conn: visits.enter(conn, who(), "test", now, proves=True)).why is Why.NOBODY
    staffed.write_now(lambda conn: links.link(conn, "author", account(), "admin", now))
    came = staffed.write_now(lambda conn: visits.enter(conn, who(), "test", now, proves=True))
    found = staffed.read_now(lambda conn: accounts.visit(conn, came.token or "", now))
    assert came.person_id == "author" and found is not None and found.staff.person_id == "author"
    other = Identity(issuer="https://login.example.gov/other", subject="s-1", shown_at=None)
    assert staffed.write_now(lambda conn: visits.enter(conn, other, "test", now, proves=True)).why is Why.NOBODY
    assert ("admin", "linked an account of the identity provider", "author") in log(staffed)


@pytest.mark.parametrize(
    ("minutes", "proves", "proved"),
    [(0, True, True), (4, True, True), (6, True, False), (0, False, False), (None, True, False)],
)
def test_what_was_shown_there_counts_as_long_as_a_code(
    staffed: Database, clock: ManualClock, minutes: int | None, proves: bool, proved: bool
) -> None:
    """A session that the provider only remembered must not approve an alert."""
    now = clock.now()
    shown = None if minutes is None else now - timedelta(minutes=minutes)
    staffed.write_now(lambda conn: links.link(conn, "approver", account(), "admin", now))
    came = staffed.write_now(lambda conn: visits.enter(conn, who(shown), "test", now, proves=proves))
    found = staffed.read_now(lambda conn: accounts.visit(conn, came.token or "", now))
    assert found is not None and found.proved(now) is proved


def test_whoever_is_disabled_is_out_at_once_and_stays_out(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    staffed.write_now(lambda conn: links.link(conn, "author", account(), "admin", now))
    came = staffed.write_now(lambda conn: visits.enter(conn, who(), "test", now, proves=True))
    staffed.write_now(lambda conn: accounts.disable(conn, "author", "admin", now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, came.token or "", now)) is None
    assert staffed.write_now(lambda conn: visits.enter(conn, who(), "test", now, proves=True)).why is Why.DISABLED
    with pytest.raises(BadPerson, match="disabled"):
        staffed.write_now(lambda conn: links.link(conn, "author", account("s-2"), "admin", now))


def test_an_invitation_links_once_and_voids_what_was_before(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    first = staffed.write_now(lambda conn: accounts.invite(conn, "author", "admin", now))
    staffed.write_now(lambda conn: accounts.enrol(conn, first, "a hash", passwords.new_seed(), RING, 0, now))
    session = staffed.write_now(lambda conn: accounts.sign_in(conn, "author", "test", now))
    invitation = staffed.write_now(lambda conn: accounts.hashed(accounts.invite(conn, "author", "admin", now)))
    assert staffed.write_now(lambda conn: visits.join(conn, invitation, who(), now)).person_id == "author"
    assert staffed.read_now(lambda conn: accounts.login(conn, "author")) is None
    assert staffed.read_now(lambda conn: accounts.visit(conn, session, now)) is None
    assert staffed.write_now(lambda conn: visits.join(conn, invitation, who(), now)).why is Why.USED
    again = staffed.write_now(lambda conn: accounts.invite(conn, "author", "admin", now))
    staffed.write_now(lambda conn: accounts.enrol(conn, again, "a hash", passwords.new_seed(), RING, 0, now))
    assert staffed.read_now(lambda conn: links.of(conn, "author")) is None, "a new start voids the account there, too"


def test_an_account_is_one_person_s_and_an_invitation_is_not_wasted_on_another_s(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    staffed.write_now(lambda conn: links.link(conn, "author", account(), "admin", now))
    with pytest.raises(BadPerson, match="linked to author"):
        staffed.write_now(lambda conn: links.link(conn, "approver", account(), "admin", now))
    token = staffed.write_now(lambda conn: accounts.invite(conn, "approver", "admin", now))
    taken = staffed.write_now(lambda conn: visits.join(conn, accounts.hashed(token), who(), now))
    assert taken.why is Why.TAKEN
    assert staffed.read_now(lambda conn: accounts.invited(conn, token, now)) == "approver"


@pytest.mark.parametrize("subject", ["", "s" * 256, "s\n1", "\u202es"])
def test_a_subject_that_cannot_be_one_is_refused(staffed: Database, clock: ManualClock, subject: str) -> None:
    with pytest.raises(BadPerson, match="subject"):
        staffed.write_now(lambda conn: links.link(conn, "author", account(subject), "admin", clock.now()))


def test_linking_another_account_or_none_ends_what_the_first_one_opened(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()

    def entered(subject: str) -> str:
        came = staffed.write_now(lambda conn: visits.enter(conn, who(subject=subject), "test", now, proves=True))
        return came.token or ""

    staffed.write_now(lambda conn: links.link(conn, "author", account(), "admin", now))
    first = entered("s-1")
    staffed.write_now(lambda conn: links.link(conn, "author", account(), "admin", now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, first, now)) is not None, "the same account again changes nothing"
    staffed.write_now(lambda conn: links.link(conn, "author", account("s-2"), "admin", now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, first, now)) is None
    assert entered("s-1") == ""
    second = entered("s-2")
    assert staffed.write_now(lambda conn: links.unlink(conn, "author", "admin", now))
    assert staffed.read_now(lambda conn: accounts.visit(conn, second, now)) is None
    assert not staffed.write_now(lambda conn: links.unlink(conn, "author", "admin", now))
    assert log(staffed)[-1] == ("admin", "unlinked an account of the identity provider", "author")


def test_only_the_person_signed_in_shows_that_it_is_them(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    for person, subject in (("approver", "s-1"), ("author", "s-2")):
        staffed.write_now(lambda conn, p=person, s=subject: links.link(conn, p, account(s), "admin", now))  # type: ignore[misc]
    token = staffed.write_now(lambda conn: accounts.sign_in(conn, "approver", "test", now))
    later = now + timedelta(minutes=10)
    session_id = accounts.hashed(token)
    assert staffed.write_now(lambda conn: visits.prove(conn, session_id, who(subject="s-2"), later)).why is Why.OTHER
    found = staffed.read_now(lambda conn: accounts.visit(conn, token, later))
    assert found is not None and not found.proved(later)
    assert staffed.write_now(lambda conn: visits.prove(conn, session_id, who(), later)).person_id == "approver"
    found = staffed.read_now(lambda conn: accounts.visit(conn, token, later))
    assert found is not None and found.proved(later)
    staffed.write_now(lambda conn: accounts.sign_out(conn, token, later))
    assert staffed.write_now(lambda conn: visits.prove(conn, session_id, who(), later)).why is Why.GONE


def test_the_token_for_signing_out_is_sealed_taken_once_and_goes_with_age(staffed: Database, clock: ManualClock) -> None:
    now = clock.now()
    one, other = (accounts.hashed(staffed.write_now(lambda conn: accounts.sign_in(conn, "author", "t", now))) for _ in range(2))
    staffed.write_now(lambda conn: visits.keep_token(conn, RING, one, "a token", now))
    (row,) = staffed.read_now(lambda conn: conn.execute(select(IdentitySession.__table__)).all())  # type: ignore[attr-defined]
    assert b"a token" not in row.token
    assert staffed.write_now(lambda conn: visits.take_token(conn, RING, other)) is None
    assert staffed.write_now(lambda conn: visits.take_token(conn, RING, one)) == "a token"
    assert staffed.write_now(lambda conn: visits.take_token(conn, RING, one)) is None
    staffed.write_now(lambda conn: visits.keep_token(conn, RING, one, "a token", now))
    staffed.write_now(lambda conn: visits.keep_token(conn, RING, other, "another", now + SIGNED_IN_FOR))
    assert staffed.write_now(lambda conn: visits.take_token(conn, RING, one)) is None
