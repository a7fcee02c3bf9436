"""The ledger under whatever may happen to it, in any order: a state machine beside a model that knows only the rules."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, text

from channels.base import Delivered, Handed, Outcome, Receipt, Refused, Retry, Undelivered, Unknown
from notify.alerts.alert import Wording
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, ledger
from notify.sending.deliveries import ALLOWED, State
from notify.sending.leases import Leased
from notify.sending.ledger import NOT_STARTED, Again
from tests.notify.ledger_factory import add_event, add_people, an_event_row

PEOPLE = 8
LEASE = timedelta(seconds=8)
OWNERS = ("s1", "s2", "s3")
START = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
AT_HAND_OVER: list[Outcome] = [
    Handed("SM1"), Refused("21211"), Unknown("time-out"), Retry(timedelta(seconds=5)), Retry(timedelta(0)), NOT_STARTED,
]  # fmt: skip
LATER: list[Outcome] = [Handed("SM2"), Delivered(), Undelivered("30003")]


class LedgerMachine(RuleBasedStateMachine):
    """Senders that lease, claim, call and record; carriers that report; people who stop, opt out and send again."""

    db: Database  # set by the test: one for all runs, emptied before each

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock(START)
        self.held: dict[str, list[Leased]] = {owner: [] for owner in OWNERS}
        self.calling: dict[str, list[Leased]] = {owner: [] for owner in OWNERS}
        self.seen: dict[int, tuple[State, bool, int]] = {}
        self.calls: dict[int, int] = {}
        self.sending = True
        self.event = an_event_row(START)

        def build(conn: Connection) -> list[int]:
            for table in ("report", "delivery", "address", "subscriber", "event", "alert", "incident"):
                conn.execute(text(f"DELETE FROM {table}"))
            add_event(conn, self.event, START)
            return add_people(conn, PEOPLE, START)

        self.people = self.db.write_now(build)

    def write(self, work: Any) -> Any:
        return self.db.write_now(work)

    @rule(count=st.integers(1, PEOPLE))
    def plan(self, count: int) -> None:
        if self.sending:
            packed = [ledger.pack(address_id, Wording.FIRST) for address_id in self.people[:count]]
            self.write(lambda conn: ledger.plan(conn, self.event, packed, self.clock.now()))

    @rule(owner=st.sampled_from(OWNERS), limit=st.integers(1, 5))
    def lease(self, owner: str, limit: int) -> None:
        now = self.clock.now()
        found = self.write(lambda c: leases.lease(c, owner, "sms", limit=limit, below=100, now=now, until=now + LEASE))
        assert len(found) <= limit
        assert self.sending or not found
        self.held[owner] += found

    @rule(owner=st.sampled_from(OWNERS))
    def claim(self, owner: str) -> None:
        rows, self.held[owner] = self.held[owner], []
        claimed = self.write(lambda c: leases.claim(c, owner, [row.delivery_id for row in rows], now=self.clock.now()))
        assert self.sending or not claimed
        latest = {row.delivery_id: row for row in rows}
        self.calling[owner] += [row for delivery_id, row in latest.items() if delivery_id in claimed]

    @rule(owner=st.sampled_from(OWNERS), outcome=st.sampled_from(AT_HAND_OVER))
    def record(self, owner: str, outcome: Outcome) -> None:
        if not self.calling[owner]:
            return
        row = self.calling[owner].pop(0)
        before = self.row(row.delivery_id)
        holds = before["state"] == "claimed" and before["fence"] == row.fence
        results = [(row, Receipt(row.delivery_id, outcome))]
        assert self.write(lambda conn: ledger.record(conn, results, now=self.clock.now())) == holds
        assert self.write(lambda conn: ledger.record(conn, results, now=self.clock.now())) == 0, "once is enough"
        if not holds:
            assert self.row(row.delivery_id) == before

    @rule(number=st.integers(0, PEOPLE), outcomes=st.lists(st.sampled_from(LATER), min_size=1, max_size=3))
    def report(self, number: int, outcomes: list[Outcome]) -> None:
        ids = sorted(self.seen) or [1]
        delivery_id = ids[number % len(ids)]
        receipts = [Receipt(delivery_id, outcome, "SM2") for outcome in outcomes]
        self.write(lambda conn: ledger.apply_reports(conn, receipts, now=self.clock.now()))
        assert self.write(lambda conn: ledger.apply_reports(conn, receipts, now=self.clock.now())) == 0 or len(outcomes) > 1

    @rule(by=st.sampled_from([1.0, 7.9, 8.0, 60.0, -3600.0]))
    def jump(self, by: float) -> None:
        """The clock goes on, or is set back."""
        self.clock.forward(timedelta(seconds=by))

    @rule()
    def release(self) -> None:
        self.write(lambda conn: leases.release_expired(conn, now=self.clock.now()))

    @rule(owner=st.sampled_from(OWNERS))
    def renew(self, owner: str) -> None:
        ids = [row.delivery_id for row in (*self.held[owner], *self.calling[owner])]
        kept = self.write(lambda c: leases.renew(c, owner, ids, until=self.clock.now() + LEASE))
        assert all(self.row(delivery_id)["lease_owner"] == owner for delivery_id in kept)

    @rule(owner=st.sampled_from(OWNERS))
    def give_back(self, owner: str) -> None:
        ids = [row.delivery_id for row in self.held[owner]]
        self.held[owner] = []
        self.write(lambda conn: leases.give_back(conn, owner, ids))

    @rule(number=st.integers(0, PEOPLE - 1))
    def opt_out(self, number: int) -> None:
        query = text("UPDATE address SET stopped_at = '2014-05-23 15:15:00' WHERE address_id = :id")
        self.write(lambda conn: conn.execute(query, {"id": self.people[number]}))

    @rule(number=st.integers(0, PEOPLE - 1))
    def come_back(self, number: int) -> None:
        """Somebody starts again: a row of theirs that never left is planned anew, no other."""
        address_id = self.people[number]
        self.write(
            lambda conn: conn.execute(text("UPDATE address SET stopped_at = NULL WHERE address_id = :id"), {"id": address_id})
        )
        found = [row for row in self.rows() if row["address_id"] == address_id]
        if self.sending and found:
            (before,) = found
            again = Again(delivery_id=before["delivery_id"], fence=before["fence"], wording=Wording.UPDATE)
            never_left = before["state"] == "planned" or (
                before["state"] in ("withdrawn", "refused") and not before["ambiguous"]
            )
            assert self.write(lambda conn: ledger.plan_again(conn, self.event, again, self.clock.now())) is never_left
            assert not self.write(lambda conn: ledger.plan_again(conn, self.event, again, self.clock.now())), "once is enough"

    def rows(self) -> list[dict[str, Any]]:
        return self.db.read_now(lambda conn: [dict(row) for row in conn.execute(text("SELECT * FROM delivery")).mappings()])

    @rule()
    def stop(self) -> None:
        self.sending = False
        self.write(lambda conn: conn.execute(text("UPDATE event SET status = 'stopped'")))

    @rule(limit=st.integers(1, 5), into=st.sampled_from([State.WITHDRAWN, State.EXPIRED]))
    def take_back(self, limit: int, into: State) -> None:
        if not self.sending:
            now = self.clock.now()
            taken = self.write(lambda c: ledger.end_waiting(c, self.event, into, code="stopped", limit=limit, now=now))
            assert taken <= limit

    def row(self, delivery_id: int) -> dict[str, Any]:
        query = text("SELECT * FROM delivery WHERE delivery_id = :id")
        return self.db.read_now(lambda conn: dict(conn.execute(query, {"id": delivery_id}).mappings().one()))

    @invariant()
    def every_row_only_moves_forward_and_none_is_lost(self) -> None:
        if not hasattr(self, "seen"):
            return
        query = text("SELECT delivery_id, address_id, state, ambiguous, fence, attempts, lease_owner FROM delivery")
        rows = self.db.read_now(lambda conn: conn.execute(query).all())
        assert len({row.address_id for row in rows}) == len(rows), "one row for each person"
        assert set(self.seen) <= {row.delivery_id for row in rows}, "a row is gone"
        tallies = self.db.read_now(lambda conn: ledger.tally(conn, self.event.event_id))
        assert sum(tally.total for tally in tallies.values()) == len(rows)
        for row in rows:
            state = State(row.state)
            if row.delivery_id in self.seen:
                before, ambiguous, fence = self.seen[row.delivery_id]
                again = before in (State.WITHDRAWN, State.REFUSED) and not ambiguous and row.fence > fence
                assert state is before or self.reachable(before, state) or (again and state is State.PLANNED), (before, state)
                assert row.fence >= fence
                assert row.ambiguous >= ambiguous, "what may have been accepted stays marked"
            assert state is not State.CLAIMED or row.lease_owner
            assert state is not State.UNKNOWN or row.ambiguous
            assert row.attempts >= 0
            self.seen[row.delivery_id] = (state, bool(row.ambiguous), row.fence)

    @staticmethod
    def reachable(before: State, after: State) -> bool:
        """One rule may take a row two steps: two reports in a batch."""
        return after in ALLOWED[before] or any(after in ALLOWED[between] for between in ALLOWED[before])

    @invariant()
    def no_two_owners_call_about_one_row(self) -> None:
        if not hasattr(self, "calling"):
            return
        now_calling = [(row.delivery_id, row.fence) for rows in self.calling.values() for row in rows]
        assert len(now_calling) == len(set(now_calling)), "two calls under one fence"
        current = [
            row.delivery_id
            for rows in self.calling.values()
            for row in rows
            if (found := self.row(row.delivery_id))["fence"] == row.fence and found["state"] == "claimed"
        ]
        assert len(current) == len(set(current))


@contextmanager
def at_work(url: str) -> Iterator[type[LedgerMachine]]:
    database = Database(url)
    try:
        yield type("Machine", (LedgerMachine,), {"db": database})
    finally:
        database.close()


HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def test_whatever_happens_on_sqlite_rows_only_move_forward(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    shutil.copy(migrated_sqlite, path)
    with at_work(f"sqlite:///{path}") as machine:
        small = settings(max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=HEALTH)
        run_state_machine_as_test(machine, settings=small)


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_whatever_happens_on_postgresql_rows_only_move_forward(database_url: str) -> None:
    with at_work(database_url) as machine:
        small = settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=HEALTH)
        run_state_machine_as_test(machine, settings=small)
