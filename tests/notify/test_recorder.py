"""A sender's books: what was said is on disk before it is forgotten, whatever the database does meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from channels.base import Handed, Outcome, Receipt
from notify import leases, ledger, recorder
from notify.clock import ManualClock
from notify.db import Database
from notify.leases import Leased
from notify.recorder import Recorder
from tests.notify.ledger_factory import add_event, add_people, an_event_row

LEASE = timedelta(seconds=8)


@pytest.fixture
def claimed(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> list[Leased]:
    """Three rows, claimed by sender s1."""
    monkeypatch.setattr(recorder, "AGAIN_S", 0.01)
    row = an_event_row(clock.now())

    def work(conn: Any) -> list[Leased]:
        add_event(conn, row, clock.now())
        people = add_people(conn, 3, clock.now())
        ledger.plan(conn, row, [ledger.pack(one, ledger.WORDINGS[0]) for one in people], clock.now())
        until = clock.now() + LEASE
        held = leases.lease(conn, "s1", "sms", limit=10, below=100, now=clock.now(), until=until)
        leases.claim(conn, "s1", [one.delivery_id for one in held], now=clock.now())
        return held

    return db.write_now(work)


def states(db: Database) -> dict[int, str]:
    query = text("SELECT delivery_id, state FROM delivery")
    return {row.delivery_id: row.state for row in db.read_now(lambda conn: conn.execute(query).all())}


async def kept(books: Recorder, said: list[tuple[Leased, Outcome]]) -> None:
    """Says these outcomes, then closes: `run` must end only when all of them are on disk."""
    running = asyncio.create_task(books.run(lambda: []))
    books.open([leased for leased, _ in said])
    for leased, outcome in said:
        books.say(leased, Receipt(leased.delivery_id, outcome))
    books.close()
    async with asyncio.timeout(30):
        await running


def failing(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Any], Exception | None]) -> None:
    """The ledger's own record, but for what `fault` says of the results it is given."""
    real = recorder.record

    def record(conn: Any, results: Any, now: Any) -> None:
        error = fault(results)
        if error is not None:
            raise error
        real(conn, results, now)

    monkeypatch.setattr(recorder, "record", record)


async def test_closing_waits_until_everything_said_is_on_disk(db: Database, clock: ManualClock, claimed: list[Leased]) -> None:
    books = Recorder(db, clock, "s1", LEASE)
    await kept(books, [(one, Handed(f"SM{one.delivery_id}")) for one in claimed])
    assert set(states(db).values()) == {"handed"}


async def test_outcomes_that_cannot_be_written_now_are_kept_and_tried_again(
    db: Database, clock: ManualClock, claimed: list[Leased], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([OperationalError("", {}, Exception("gone"))] * 3)
    failing(monkeypatch, lambda _: next(away, None))
    await kept(Recorder(db, clock, "s1", LEASE), [(one, Handed("SM1")) for one in claimed])
    assert set(states(db).values()) == {"handed"}


async def test_one_outcome_no_database_takes_is_unknown_and_costs_its_neighbours_nothing(
    db: Database, clock: ManualClock, claimed: list[Leased], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = claimed[1]

    def fault(results: Any) -> Exception | None:
        unwritable = any(receipt.outcome == Handed("\ud800") for _, receipt in results)
        return DataError("", {}, Exception("half a character")) if unwritable else None

    failing(monkeypatch, fault)
    said: list[tuple[Leased, Outcome]] = [(one, Handed("\ud800" if one is bad else "SM1")) for one in claimed]
    await kept(Recorder(db, clock, "s1", LEASE), said)
    found = states(db)
    assert found.pop(bad.delivery_id) == "unknown"
    assert set(found.values()) == {"handed"}


async def test_room_is_what_is_neither_open_nor_recorded(db: Database, clock: ManualClock, claimed: list[Leased]) -> None:
    books = Recorder(db, clock, "s1", LEASE)
    books.open(claimed)
    waiting = asyncio.create_task(books.room(3, at_least=1))
    await asyncio.sleep(0)
    assert not waiting.done()
    books.forget(claimed[:2])
    assert await waiting == 2


async def test_a_lease_that_time_has_ended_is_lost(db: Database, clock: ManualClock, claimed: list[Leased]) -> None:
    books = Recorder(db, clock, "s1", LEASE)
    books.leasing()
    books.open(claimed)
    assert not books.lost(claimed[0])
    clock.forward(LEASE + timedelta(seconds=1))
    assert books.lost(claimed[0])


async def test_an_outcome_under_an_old_fence_changes_nothing(db: Database, clock: ManualClock, claimed: list[Leased]) -> None:
    clock.forward(LEASE + timedelta(seconds=1))
    db.write_now(lambda conn: leases.release_expired(conn, now=clock.now()))
    await kept(Recorder(db, clock, "s1", LEASE), [(one, Handed("SM1")) for one in claimed])
    assert set(states(db).values()) == {"unknown"}
