"""Staff and tokens: one token is one person, seen once, dead when they are."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from notify.alerts.life import Role
from notify.db import Database
from notify.staff import people
from notify.staff.people import BadPerson

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)


def add(db: Database, name: str = "duty-officer", *roles: str, **scope: list[str]) -> str:
    return db.write_now(lambda conn: people.add(conn, name, roles or ("approver",), scope, NOW))


def who(db: Database, token: str) -> str | None:
    staff = db.read_now(lambda conn: people.by_token(conn, token))
    return staff.person_id if staff else None


def test_a_token_is_its_person_and_no_other(db: Database) -> None:
    one, other = add(db, "one"), add(db, "other")
    assert (who(db, one), who(db, other)) == ("one", "other")
    assert who(db, one[:-1]) is None and who(db, "") is None


def test_a_token_is_nowhere_in_the_database(db: Database) -> None:
    token = add(db)
    rows = db.read_now(lambda conn: conn.execute(text("SELECT * FROM person")).all())
    assert token not in repr(rows)


def test_a_new_token_voids_the_old_one(db: Database) -> None:
    old = add(db)
    new = db.write_now(lambda conn: people.new_token(conn, "duty-officer"))
    assert (who(db, old), who(db, new)) == (None, "duty-officer")


def test_a_disabled_person_does_nothing_any_more_even_with_a_new_token(db: Database) -> None:
    old = add(db)
    db.write_now(lambda conn: people.disable(conn, "duty-officer", NOW))
    assert who(db, old) is None
    assert who(db, db.write_now(lambda conn: people.new_token(conn, "duty-officer"))) is None
    assert [active for _, active in db.read_now(people.everybody)] == [False]


def test_roles_and_limits_come_back_as_given(db: Database) -> None:
    token = add(db, "narrow", "author", "viewer", hazards=["flood"], areas=["Lents"], channels=[])
    staff = db.read_now(lambda conn: people.by_token(conn, token))
    assert staff is not None
    assert staff.roles == {Role.AUTHOR, Role.VIEWER}
    assert (staff.hazards, staff.areas, staff.channels) == ({"flood"}, {"Lents"}, frozenset())


@pytest.mark.parametrize(
    ("name", "roles", "sentence"),
    [
        ("somebody", ["boss"], "boss is not a role"),
        ("some body", ["author"], "cannot be a name"),
        ("", ["author"], "cannot be a name"),
        ("José", ["author"], "cannot be a name"),
    ],
)
def test_who_cannot_be_added_is_told_why(db: Database, name: str, roles: list[str], sentence: str) -> None:
    with pytest.raises(BadPerson, match=sentence):
        add(db, name, *roles)


def test_every_reason_is_said_at_once(db: Database) -> None:
    with pytest.raises(BadPerson) as refused:
        add(db, "some body", "boss")
    assert [one.partition(" ")[0] for one in refused.value.problems] == ["boss", "'some"]


def test_no_role_is_no_person(db: Database) -> None:
    with pytest.raises(BadPerson, match="No role"):
        db.write_now(lambda conn: people.add(conn, "somebody", [], {}, NOW))


def test_a_name_is_given_once(db: Database) -> None:
    add(db)
    with pytest.raises(BadPerson, match="There is a duty-officer already"):
        add(db)
    for verb in (people.new_token, lambda conn, name: people.disable(conn, name, NOW)):
        with pytest.raises(BadPerson, match="There is no stranger"):
            db.write_now(lambda conn, verb=verb: verb(conn, "stranger"))
