"""Limits of sign-up: how many, of what, until when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlmodel import SQLModel

from subscribers.quotas import DAY, HOUR, QUOTA, Meter, Rule, Spent, household, rules_for, window_start
from subscribers.signup import Reach
from tests.subscribers.conftest import sqlite_engine
from tests.subscribers.factories import NOON, a_keyring

PHONE = Reach(channel="sms", address="+15035550123")
MAILBOX = Reach(channel="email", address="resident@example.gov")
ONE = Rule(name="texts", by="number", most=2, window=HOUR)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    engine = sqlite_engine(tmp_path / "quotas.db")
    SQLModel.metadata.create_all(engine, tables=[QUOTA])
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def left(conn: Connection, rules: list[Rule], reach: Reach, now: datetime = NOON, client: str = "192.0.2.1") -> int:
    """How many more there are, spending them."""
    for count in range(100):
        try:
            Meter(conn, a_keyring(), now).check(rules, reach, client)
            Meter(conn, a_keyring(), now).spend(rules, reach, client)
        except Spent:
            return count
    raise AssertionError("There is no limit.")


def test_a_window_holds_as_many_as_it_may_and_the_next_one_as_many_again(conn: Connection) -> None:
    assert left(conn, [ONE], PHONE) == 2
    assert left(conn, [ONE], PHONE, NOON + timedelta(minutes=59)) == 0
    assert left(conn, [ONE], PHONE, NOON + timedelta(minutes=60)) == 2


def test_each_number_prefix_mailbox_and_household_is_counted_by_itself(conn: Connection) -> None:
    other = Reach(channel="sms", address="+15035550124")
    assert left(conn, [ONE], PHONE) == left(conn, [ONE], other) == 2
    prefix = [Rule(name="texts", by="prefix", most=3, window=HOUR)]
    assert (left(conn, prefix, PHONE), left(conn, prefix, other)) == (3, 0)
    assert left(conn, prefix, Reach(channel="sms", address="+15035560123")) == 3
    mailbox = [Rule(name="mails", by="mailbox", most=2, window=DAY)]
    assert left(conn, mailbox, MAILBOX) == 2
    assert left(conn, mailbox, Reach(channel="email", address="Resident+x@example.gov")) == 0
    ip = [Rule(name="texts", by="ip", most=4, window=HOUR)]
    assert left(conn, ip, PHONE) == 4 and left(conn, ip, other) == 0 and left(conn, ip, other, client="192.0.2.2") == 4


def test_a_limit_of_none_lets_nothing_through(conn: Connection) -> None:
    rule = Rule(name="texts", by="all", most=0, window=DAY)
    assert left(conn, [rule], PHONE) == 0
    with pytest.raises(Spent):
        Meter(conn, a_keyring(), NOON).spend([rule], PHONE, "")


def test_rows_name_nobody_and_nobody_can_be_followed_through_them(conn: Connection) -> None:
    rules = rules_for(PHONE, own_page=False, texts_a_day=10, mails_a_day=10)
    names: list[set[str]] = []
    for day in range(2):
        Meter(conn, a_keyring(), NOON + day * DAY).spend(rules, PHONE, "192.0.2.1")
        names.append(set(conn.execute(select(QUOTA.c.name)).scalars()) - {"texts/all/day"} - (names[0] if names else set()))
        Meter(conn, a_keyring(), NOON + day * DAY).forget()
    assert len(names[0]) == len(names[1]) == 4 and not names[0] & names[1]
    assert not any("503555" in name or "192.0.2.1" in name for name in names[0])


def test_what_is_over_is_forgotten(conn: Connection) -> None:
    Meter(conn, a_keyring(), NOON).spend([ONE], PHONE, "")
    assert Meter(conn, a_keyring(), NOON + HOUR).forget() == 0
    assert Meter(conn, a_keyring(), NOON + DAY).forget() == 1


def test_texts_and_mails_never_use_up_each_other() -> None:
    texts = rules_for(PHONE, own_page=False, texts_a_day=1, mails_a_day=1)
    mails = rules_for(MAILBOX, own_page=False, texts_a_day=1, mails_a_day=1)
    assert not {(rule.name, rule.by) for rule in texts} & {(rule.name, rule.by) for rule in mails}
    assert rules_for(PHONE, own_page=True, texts_a_day=1, mails_a_day=1) == texts, "a text is a text"


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_household_is_one_address_of_ipv4_or_one_network_of_ipv6(client: str, counted: str) -> None:
    assert household(client) == counted


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)), st.sampled_from([HOUR, DAY]))
def test_a_moment_lies_in_its_window(now: datetime, window: timedelta) -> None:
    start = window_start(now, window)
    assert start <= now < start + window and window_start(start, window) == start
