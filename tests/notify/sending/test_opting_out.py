"""A stop in the middle of a send, to the instruction: whoever was answered before a claim gets nothing, on both databases."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest
from sqlalchemy import Connection, text

from notify.db import Database
from notify.sending import leases, opting_out
from subscribers import store
from subscribers.store import Said
from tests.notify.sending.test_ledger import Desk, desk

__all__ = ["desk"]

postgres = pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


def stopping(desk: Desk, address_id: int) -> Callable[[Connection], bool]:
    return lambda conn: opting_out.stop(conn, address_id, Said(at=desk.clock.now(), source="text"))


def claiming(desk: Desk) -> Callable[[Connection], set[int]]:
    ids = [row.delivery_id for row in desk.lease()]
    return lambda conn: leases.claim(conn, "s1", ids, now=desk.clock.now())


def until_held_up(db: Database, done: Future[object]) -> None:
    """Until a transaction waits for another one's lock."""
    waiting = text("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while not db.read_now(lambda conn: conn.execute(waiting).scalar_one()):
        assert not done.done(), "it waited for nobody"


def state_of(desk: Desk, address_id: int) -> tuple[str, str | None]:
    query = text("SELECT state, code FROM delivery WHERE address_id = :id")
    state, code = desk.db.read_now(lambda conn: conn.execute(query, {"id": address_id}).one())
    return state, code


def test_a_stop_takes_what_is_leased_and_nothing_of_anybody_else(desk: Desk) -> None:
    claim = claiming(desk)
    assert desk.db.write_now(stopping(desk, desk.addresses[3]))
    assert state_of(desk, desk.addresses[3]) == ("withdrawn", "opted-out")
    assert len(desk.db.write_now(claim)) == 9
    assert desk.counts() == {"claimed": 9, "withdrawn": 1}


def test_a_stop_leaves_what_is_leaving_already_to_be_recorded(desk: Desk) -> None:
    desk.db.write_now(claiming(desk))
    assert desk.db.write_now(stopping(desk, desk.addresses[3]))
    assert state_of(desk, desk.addresses[3]) == ("claimed", None)


def test_whoever_was_forgotten_after_a_lease_is_not_texted(desk: Desk) -> None:
    """The lease has read their address, sealed: only the claim can know that they are gone."""
    claim = claiming(desk)
    person = desk.db.read_now(lambda conn: store.addresses(conn, desk.addresses))[desk.addresses[3]].subscriber_id
    desk.db.write_now(lambda conn: store.erase(conn, person))
    assert len(desk.db.write_now(claim)) == 9
    assert state_of(desk, desk.addresses[3]) == ("withdrawn", "erased")


def test_whoever_is_forgotten_at_their_own_wish_has_nothing_waiting_from_then_on(desk: Desk) -> None:
    person = desk.db.read_now(lambda conn: store.addresses(conn, desk.addresses))[desk.addresses[3]].subscriber_id
    desk.db.write_now(lambda conn: opting_out.erase(conn, person, desk.clock.now()))
    assert state_of(desk, desk.addresses[3]) == ("withdrawn", "erased")
    desk.db.write_now(lambda conn: opting_out.remove(conn, desk.addresses[4], desk.clock.now()))
    assert state_of(desk, desk.addresses[4]) == ("withdrawn", "erased")


@postgres
def test_a_stop_is_answered_only_when_a_claim_under_way_has_ended(desk: Desk) -> None:
    claim = claiming(desk)
    with desk.db.writer.begin() as sender:
        claim(sender)
        stopped = desk.db.submit(stopping(desk, desk.addresses[3]))
        until_held_up(desk.db, stopped)
    assert stopped.result()
    assert state_of(desk, desk.addresses[3]) == ("claimed", None)


@postgres
def test_a_claim_beside_a_stop_waits_for_it_and_leaves_the_row_out(desk: Desk) -> None:
    claim = claiming(desk)
    with desk.db.writer.begin() as person:
        stopping(desk, desk.addresses[3])(person)
        claimed = desk.db.submit(claim)
        until_held_up(desk.db, claimed)
    assert len(claimed.result()) == 9
    assert state_of(desk, desk.addresses[3]) == ("withdrawn", "opted-out")
