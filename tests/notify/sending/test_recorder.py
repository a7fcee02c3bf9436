"""What a sender was told is on disk before anything is forgotten, whatever the database does meanwhile."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, InternalError, OperationalError

from channels.base import Handed, Outcome, Refused, Unknown
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, recorder
from notify.sending.leases import Leased
from notify.sending.recorder import UNWRITABLE, Recorder
from tests.notify.books_factory import Books, Watched
from tests.notify.sending_factory import LEASE, PATIENCE_S

MOMENT = timedelta(seconds=0.03)  # a lease so short that it is renewed a hundred times a second
AWAY = OperationalError("COMMIT", {}, Exception("disk I/O error"))


@pytest.fixture
def watched(database_url: str) -> Iterator[Watched]:
    database = Watched(database_url)
    yield database
    database.close()


@pytest.fixture
def books(watched: Watched, clock: ManualClock) -> Books:
    return Books(watched, clock)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "AGAIN_S", 0.01)


async def test_outcomes_said_together_share_a_transaction(books: Books) -> None:
    rows = books.claimed(20)
    async with books.running():
        books.say(rows)
        await books.db.until("record", 1)
        assert books.bench.counts() == {"handed": 20}
    assert books.db.asked.count("record") == 1


async def test_a_row_makes_room_for_another_only_when_its_outcome_is_on_disk(books: Books) -> None:
    rows = books.claimed(4)
    books.db.fail("record", [AWAY] * 5)
    async with books.running():
        assert await books.recorder.room(5, at_least=1) == 1
        room = asyncio.create_task(books.recorder.room(4, at_least=3))
        books.say(rows[:3])
        await books.db.until("record", 5)
        assert not room.done() and books.left() == {row.delivery_id for row in rows}
        async with asyncio.timeout(PATIENCE_S):
            assert await room == 3
    assert books.bench.counts() == {"handed": 3, "claimed": 1}


CLOSED = InterfaceError("COMMIT", {}, Exception("connection already closed"))
ENDED = InternalError("COMMIT", {}, Exception("idle-in-transaction timeout"), connection_invalidated=True)


@pytest.mark.parametrize("error", [AWAY, CLOSED, ENDED])
async def test_outcomes_that_a_database_error_refused_are_kept_and_written_in_the_end(books: Books, error: Exception) -> None:
    rows = books.claimed(12)
    books.db.fail("record", [error] * 4)
    async with books.running():
        books.say(rows[:6])
        await books.db.until("record", 2)
        books.say(rows[6:])
    assert books.bench.counts() == {"handed": 12}
    assert {row.provider_id for row in books.bench.rows("provider_id")} == {f"SM{row.delivery_id}" for row in rows}
    assert books.left() == set()


@pytest.mark.parametrize(
    "outcome",
    [Handed("SM\ud800"), Refused("2\ud800"), Unknown("half a letter \ud800")],
    ids=lambda outcome: type(outcome).__name__,
)
async def test_one_outcome_that_no_database_takes_is_unknown_and_the_others_are_what_they_are(
    books: Books, outcome: Outcome
) -> None:
    rows = books.claimed(9)
    async with books.running():
        books.say(rows[:4])
        books.say(rows[4:5], outcome)
        books.say(rows[5:])
    assert books.bench.counts() == {"handed": 8, "unknown": 1}
    (odd,) = [row for row in books.bench.rows("delivery_id, state, code, ambiguous") if row.state == "unknown"]
    assert (odd.delivery_id, odd.code, bool(odd.ambiguous)) == (rows[4].delivery_id, UNWRITABLE.cause, True)
    assert books.left() == set()


async def test_a_database_that_goes_away_while_outcomes_are_written_one_by_one_gets_the_rest_later(books: Books) -> None:
    rows = books.claimed(5)
    refused = IntegrityError("UPDATE", {}, Exception("a row it does not take"))
    books.db.fail("record", [refused, None, AWAY, None, AWAY, None])
    async with books.running():
        books.say(rows)
        await books.db.until("record", 7)  # all together, each alone, and then the two that are left
        assert books.bench.counts() == {"handed": 5}
    assert books.left() == set()


async def test_an_outcome_that_cannot_even_be_written_as_unknown_is_kept_until_it_can(books: Books) -> None:
    rows = books.claimed(1)
    books.db.fail("record", [IntegrityError("UPDATE", {}, Exception("a row it does not take"))] * 4)
    async with books.running():
        books.say(rows)
        await books.db.until("record", 5)
        assert books.bench.counts() == {"unknown": 1}
    assert books.left() == set()


async def test_a_fault_of_any_other_kind_costs_no_outcome_and_does_not_end_the_books(books: Books) -> None:
    rows = books.claimed(6)
    books.db.fail("record", [RuntimeError("boom")])
    async with books.running():
        books.say(rows[:3])
        await books.db.until("record", 2)
        books.say(rows[3:])
    assert books.bench.counts() == {"handed": 6}


async def test_closing_waits_until_everything_said_is_on_disk(books: Books) -> None:
    rows = books.claimed(7)
    away = True
    books.db.fault = lambda name: AWAY if away and name == "record" else None
    async with books.running() as task:
        books.say(rows)
        books.recorder.close()
        await books.db.until("record", 5)
        assert not task.done()
        assert books.bench.counts() == {"claimed": 7}
        away = False
    assert books.bench.counts() == {"handed": 7}


async def test_closing_with_nothing_said_ends_at_once(books: Books) -> None:
    async with books.running():
        pass
    assert "record" not in books.db.asked


async def test_an_outcome_of_a_lease_that_somebody_else_has_ended_changes_nothing(books: Books, clock: ManualClock) -> None:
    rows = books.claimed(2)
    clock.forward(LEASE)
    books.db.write_now(partial(leases.release_expired, now=clock.now()))
    async with books.running():
        books.say(rows)
    assert books.bench.counts() == {"unknown": 2}
    assert {row.provider_id for row in books.bench.rows("provider_id")} == {None}
    assert books.left() == set()


async def test_a_renewal_shows_which_rows_are_lost_and_only_those(watched: Watched, clock: ManualClock) -> None:
    books = Books(watched, clock, MOMENT)
    mine, theirs = books.claimed(2)
    taken = f"UPDATE delivery SET lease_owner = 's2' WHERE delivery_id = {theirs.delivery_id}"
    books.db.write_now(lambda conn: conn.exec_driver_sql(taken))
    async with books.running():
        await books.db.until("renew", 2)
        assert books.recorder.lost(theirs)
        assert not books.recorder.lost(mine)
        books.say([theirs])
        assert await books.recorder.room(2, at_least=1) == 1
        assert not books.recorder.lost(theirs), "a later lease of the row is not lost"


async def test_what_is_held_and_what_is_open_is_renewed_as_long_as_the_process_lives(
    watched: Watched, clock: ManualClock
) -> None:
    books = Books(watched, clock, MOMENT)
    books.claimed(3)
    books.bench.event(2, event_id="M3T8-1", alert_id="M3T8-1", incident_id="M3T8", identifier="2")
    now = clock.now()
    lease = partial(leases.lease, owner="s1", channel="sms", limit=9, below=100, now=now, until=now + LEASE)
    books.held = [row.delivery_id for row in books.db.write_now(lease)]
    async with books.running():
        await books.db.until("renew", 1)
        clock.forward(LEASE * 3)
        await books.db.until("renew", 2)
        assert books.db.write_now(partial(leases.release_expired, now=clock.now())) == 0
    later = lease.keywords | {"now": clock.now(), "until": clock.now() + LEASE, "owner": "s2"}
    assert books.db.write_now(partial(leases.lease, **later)) == []


async def test_leases_that_cannot_be_renewed_are_lost_when_they_end_not_before(watched: Watched, clock: ManualClock) -> None:
    books = Books(watched, clock, MOMENT)
    (row,) = books.claimed(1)
    away = True
    books.db.fault = lambda name: AWAY if away and name == "renew" else None
    async with books.running():
        await books.db.until("renew", 3)
        clock.forward(MOMENT)
        assert not books.recorder.lost(row)
        clock.forward(MOMENT)
        assert books.recorder.lost(row)
        away = False
        await books.db.until("renew", 2)
        assert not books.recorder.lost(row), "the ledger says that it is still ours"


async def test_a_fault_in_a_renewal_does_not_end_renewing(watched: Watched, clock: ManualClock) -> None:
    books = Books(watched, clock, MOMENT)
    (row,) = books.claimed(1)
    books.db.fail("renew", [RuntimeError("boom")] * 2)
    async with books.running():
        await books.db.until("renew", 4)
        clock.forward(MOMENT)
        assert not books.recorder.lost(row)


def test_with_nothing_open_the_next_lease_is_all_there_is_to_be_sure_of(books: Books, clock: ManualClock) -> None:
    clock.forward(LEASE * 2)
    books.recorder.leasing()
    (row, *_) = books.claimed(2)
    assert not books.recorder.lost(row)
    clock.forward(LEASE * 2)
    books.recorder.leasing()  # rows are open: what they are sure of is what was renewed
    assert books.recorder.lost(row)


async def test_only_a_refusal_because_of_an_opt_out_is_an_opt_out(books: Books) -> None:
    first, second, third = books.claimed(3)
    async with books.running():
        books.say([first], Refused("21610", "The person has opted out.", opted_out=True))
        books.say([second], Refused("21211", "Not a number."))
        books.say([third])
    stopped = books.db.read_now(
        lambda conn: conn.exec_driver_sql("SELECT address_id FROM address WHERE stopped_at IS NOT NULL").scalars().all()
    )
    assert stopped == [first.address_id]


def test_a_lost_row_is_lost_only_as_long_as_its_lease(db: Database, clock: ManualClock) -> None:
    books = Recorder(db, clock, "s1", LEASE)
    old = Leased(1, 1, "K7Q2-1", "en", "first", 0, 1, b"", "k1")
    new = Leased(1, 3, "K7Q2-1", "en", "first", 1, 1, b"", "k1")
    books.open([old])
    books._lost.add(1)
    assert books.lost(old)
    books.forget([old])
    books.open([new])
    assert not books.lost(new)
    books.forget([old])  # a late word about the old lease
    assert books._open == {1: new}
