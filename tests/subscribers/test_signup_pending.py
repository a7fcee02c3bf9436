"""Tokens and codes: found by the right one only, tried a few times, used once, forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import SQLModel

from subscribers.pending import LIVES, PENDING, TOKEN_LETTERS, Held, Safe, digits
from subscribers.place import Point
from subscribers.sealing import Unopenable
from subscribers.signup import Kind, Wish
from tests.subscribers.conftest import sqlite_engine
from tests.subscribers.factories import NOON, a_keyring

BLIND = b"b" * 16
WISH = Wish(
    channel="sms",
    address="+15035550123",
    language="es",
    spot=Point(45.5, -122.6, "1100 block"),
    words="x",
    agreed="y",
    terms="z",
)


@pytest.fixture
def safe(tmp_path: Path) -> Iterator[Safe]:
    engine = sqlite_engine(tmp_path / "pending.db")
    SQLModel.metadata.create_all(engine, tables=[PENDING])
    with engine.begin() as connection:
        yield Safe(connection, a_keyring(), NOON)
    engine.dispose()


def later(safe: Safe, by: timedelta) -> Safe:
    return Safe(safe.conn, safe.keyring, safe.now + by)


def test_a_token_finds_what_it_was_given_out_for(safe: Safe) -> None:
    token = safe.put(Kind.CONFIRM, "sms", BLIND, Held(wish=WISH))
    found = safe.find(Kind.CONFIRM, token)
    assert found is not None and found.held.wish == WISH and found.blind == BLIND
    assert isinstance(found.held.wish.spot, Point) and found.held.wish.spot.block == "1100 block"


def test_a_token_has_128_bits_and_is_kept_nowhere(safe: Safe) -> None:
    tokens = {safe.put(Kind.VISIT, "sms", BLIND, Held()) for _ in range(100)}
    assert len(tokens) == 100 and {len(token) for token in tokens} == {TOKEN_LETTERS}
    rows = repr(safe.conn.execute(PENDING.select()).all())
    assert not any(token in rows for token in tokens)


@pytest.mark.parametrize("kind", Kind)
def test_a_token_of_one_kind_is_none_of_another_and_none_once_its_time_is_over(safe: Safe, kind: Kind) -> None:
    token = safe.put(kind, "sms", BLIND, Held())
    assert [other for other in Kind if safe.find(other, token)] == [kind]
    assert later(safe, LIVES[kind] - timedelta(seconds=1)).find(kind, token)
    assert later(safe, LIVES[kind]).find(kind, token) is None


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "é" * 22, "A" * 23, "\0" * 22])
def test_no_other_text_finds_anything(safe: Safe, token: str) -> None:
    safe.put(Kind.VISIT, "sms", BLIND, Held())
    assert safe.find(Kind.VISIT, token) is None


def test_what_is_used_is_used_once(safe: Safe) -> None:
    token = safe.put(Kind.MANAGE, "email", BLIND, Held())
    found = safe.find(Kind.MANAGE, token)
    assert found is not None and found.is_open(NOON)
    assert [safe.use(found), safe.use(found)] == [True, False]
    again = safe.find(Kind.MANAGE, token)
    assert again is not None and not again.is_open(NOON)


def test_a_code_has_six_digits_and_five_tries(safe: Safe) -> None:
    held = Held.with_code(WISH)
    assert len(held.code) == 6 and held.code.isdigit() and held.code not in repr(held)
    token = safe.put(Kind.CODE, "sms", BLIND, held)
    found = safe.find(Kind.CODE, token)
    assert found is not None
    assert [safe.try_code(found, "no") for _ in range(7)] == [4, 3, 2, 1, 0, 0, 0]
    assert safe.try_code(found, held.code) == 0
    gone = safe.find(Kind.CODE, token)
    assert gone is not None and not gone.is_open(NOON)


def test_the_right_code_works_once(safe: Safe) -> None:
    held = Held.with_code(WISH)
    found = safe.find(Kind.CODE, safe.put(Kind.CODE, "sms", BLIND, held))
    assert found is not None
    assert safe.try_code(found, held.code) is None
    assert safe.try_code(found, held.code) == 0


def test_an_empty_code_is_never_right(safe: Safe) -> None:
    found = safe.find(Kind.CODE, safe.put(Kind.CODE, "sms", BLIND, Held.with_code()))
    assert found is not None and safe.try_code(found, "") == 4


def test_a_row_moved_to_another_kind_does_not_open(safe: Safe) -> None:
    safe.put(Kind.CONFIRM, "sms", BLIND, Held(wish=WISH))
    token = safe.put(Kind.VISIT, "sms", BLIND, Held())
    stolen = safe.conn.execute(PENDING.select().where(PENDING.c.kind == Kind.CONFIRM)).mappings().one()["sealed"]
    safe.conn.execute(update(PENDING).where(PENDING.c.kind == Kind.VISIT).values(sealed=stolen))
    with pytest.raises(Unopenable):
        safe.find(Kind.VISIT, token)


def test_what_waits_for_an_address_can_be_forgotten_and_what_is_too_old_is(safe: Safe) -> None:
    safe.put(Kind.CONFIRM, "email", BLIND, Held(wish=WISH))
    other = safe.put(Kind.CONFIRM, "email", b"o" * 16, Held(wish=WISH))
    safe.forget("email", BLIND)
    assert safe.find(Kind.CONFIRM, other) and later(safe, timedelta(hours=1)).clear() == 0
    assert later(safe, timedelta(hours=24)).clear() == 1


@pytest.mark.parametrize("typed", ["123456", " 123 456", "123-456", "１２３４５６", "١٢٣٤٥٦", "code: 123456."])
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert digits(typed) == "123456"


@given(st.text())
def test_whatever_is_typed_as_a_code_is_a_few_digits(typed: str) -> None:
    assert digits(typed) == "" or (digits(typed).isascii() and digits(typed).isdigit() and len(digits(typed)) <= 40)
