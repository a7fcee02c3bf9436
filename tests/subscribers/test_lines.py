"""What carriers said of numbers: found again for 90 days, on both databases, under a hash that is nobody's address."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select
from sqlmodel import SQLModel

from subscribers import lines
from tests.subscribers.factories import NOON, a_keyring

NUMBER, OTHER = "+15035550123", "+15035550124"


@pytest.fixture
def said(conn: Connection) -> Connection:
    SQLModel.metadata.create_all(conn, tables=[lines.LINE])
    return conn


def test_what_was_said_is_known_for_ninety_days(said: Connection) -> None:
    lines.keep(said, a_keyring(), NUMBER, "landline", NOON)
    nearly = NOON + timedelta(days=90, seconds=-1)
    assert lines.find(said, a_keyring(), NUMBER, NOON) == lines.find(said, a_keyring(), NUMBER, nearly) == "landline"
    assert lines.find(said, a_keyring(), NUMBER, NOON + timedelta(days=90)) is None
    assert lines.find(said, a_keyring(), OTHER, NOON) is None


def test_a_later_word_stands_in_the_place_of_an_earlier_one(said: Connection) -> None:
    for days, kind in enumerate(["landline", "mobile"]):
        lines.keep(said, a_keyring(), NUMBER, kind, NOON + timedelta(days=days))
    assert lines.find(said, a_keyring(), NUMBER, NOON + timedelta(days=90)) == "mobile"


def test_what_is_too_old_is_forgotten(said: Connection) -> None:
    lines.keep(said, a_keyring(), NUMBER, "landline", NOON)
    lines.keep(said, a_keyring(), OTHER, "mobile", NOON + lines.KEPT)
    assert said.scalar(select(func.count()).select_from(lines.LINE)) == 1


def test_a_row_is_not_found_by_the_hash_of_an_address(said: Connection) -> None:
    lines.keep(said, a_keyring(), NUMBER, "mobile", NOON)
    assert said.scalars(select(lines.LINE.c.blind)).all() != [a_keyring().blind("sms", NUMBER)]
