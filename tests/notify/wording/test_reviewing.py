"""Readers who answer about the same words at the same moment."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from notify import audit
from notify.db import Database
from notify.wiring import reviews as stored
from notify.wording import reviewing
from notify.wording.reviews import Reader, Review
from tests.notify.at_once import at_once

AT = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("database_url", ["postgres"], indirect=True)]


def a_yes(reviewer: str) -> Review:
    return Review(
        language="es", key="k", source_hash="a" * 64, target_hash="b" * 64, reviewer=reviewer, kind=Reader.NATIVE, at=AT
    )


def approving(reviewer: str) -> Callable[[Connection], None]:
    return lambda conn: reviewing.approve(conn, a_yes(reviewer), AT)


def doubting(conn: Connection) -> None:
    reviewing.ask_for_change(conn, a_yes("second"), "Nobody says it so.", AT)


def acts(db: Database) -> Sequence[tuple[str, str]]:
    return [(line.actor, line.action) for line in db.read_now(audit.lines)]


async def test_two_who_approve_at_once_are_both_kept_in_the_log_and_the_last_one_stands(db: Database) -> None:
    assert await at_once(db, lambda: db.write(approving("first")), lambda: db.write(approving("second"))) == [None, None]
    assert [one.reviewer for one in db.read_now(stored)] == ["second"]
    assert acts(db) == [("first", "reviewed words"), ("second", "reviewed words")]


async def test_whoever_asks_for_a_change_while_somebody_approves_takes_the_approval_back(db: Database) -> None:
    assert await at_once(db, lambda: db.write(approving("first")), lambda: db.write(doubting)) == [None, None]
    assert db.read_now(stored) == [] and acts(db) == [("first", "reviewed words"), ("second", reviewing.ASKED)]
