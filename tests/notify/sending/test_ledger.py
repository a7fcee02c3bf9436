from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from channels.base import Delivered, Handed, Outcome, Receipt, Refused, Retry, Undelivered, Unknown
from notify.alerts.alert import Wording
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, ledger
from notify.sending.deliveries import State
from notify.sending.leases import Leased
from tests.notify.ledger_factory import add_event, add_people, an_event_row

LEASE = timedelta(seconds=8)


class Desk:
    """One sender's view of a ledger with an event to ten people."""

    def __init__(self, db: Database, clock: ManualClock, people: int = 10) -> None:
        self.db, self.clock = db, clock
        self.event = an_event_row(clock.now())
        db.write_now(lambda conn: add_event(conn, self.event, clock.now()))
        self.addresses = db.write_now(lambda conn: add_people(conn, people, clock.now()))
        self.plan()

    def plan(self) -> int:
        packed = [ledger.pack(address_id, Wording.FIRST) for address_id in self.addresses]
        return self.db.write_now(lambda conn: ledger.plan(conn, self.event, packed, self.clock.now()))

    def lease(self, owner: str = "s1", limit: int = 100, below: int = 100) -> list[Leased]:
        now = self.clock.now()
        return self.db.write_now(
            lambda conn: leases.lease(conn, owner, "sms", limit=limit, below=below, now=now, until=now + LEASE)
        )

    def claim(self, rows: list[Leased], owner: str = "s1") -> set[int]:
        ids = [row.delivery_id for row in rows]
        return self.db.write_now(lambda conn: leases.claim(conn, owner, ids, now=self.clock.now()))

    def record(self, row: Leased, outcome: Outcome) -> int:
        results = [(row, Receipt(row.delivery_id, outcome))]
        return self.db.write_now(lambda conn: ledger.record(conn, results, now=self.clock.now()))

    def report(self, *receipts: Receipt) -> int:
        return self.db.write_now(lambda conn: ledger.apply_reports(conn, receipts, now=self.clock.now()))

    def release(self) -> int:
        return self.db.write_now(lambda conn: leases.release_expired(conn, now=self.clock.now()))

    def counts(self) -> Counter[str]:
        rows = self.db.read_now(lambda conn: conn.execute(text("SELECT state FROM delivery")).scalars().all())
        return Counter(rows)

    def row(self, delivery_id: int) -> dict[str, object]:
        def read(conn: Connection) -> dict[str, object]:
            found = conn.execute(text("SELECT * FROM delivery WHERE delivery_id = :id"), {"id": delivery_id})
            return dict(found.mappings().one())

        return self.db.read_now(read)


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


def test_planning_twice_is_planning_once(desk: Desk) -> None:
    assert desk.plan() == 0
    assert desk.counts() == {"planned": 10}


def test_rows_are_leased_in_the_order_they_were_planned(desk: Desk) -> None:
    assert [row.address_id for row in desk.lease(limit=4)] == desk.addresses[:4]


def test_two_senders_never_hold_the_same_row(desk: Desk) -> None:
    first, second = desk.lease("s1", 6), desk.lease("s2", 6)
    assert len(first) == 6
    assert len(second) == 4
    assert not {row.delivery_id for row in first} & {row.delivery_id for row in second}


def test_a_lease_that_ended_frees_planned_rows_and_the_old_holder_can_no_longer_claim(desk: Desk) -> None:
    old = desk.lease("s1")
    desk.clock.forward(LEASE)
    new = desk.lease("s2")
    assert len(new) == 10
    assert desk.claim(old, "s1") == set()
    assert len(desk.claim(new, "s2")) == 10


def test_a_claimed_row_whose_lease_ended_is_unknown_and_flagged_and_its_late_outcome_is_refused(desk: Desk) -> None:
    (row, *_) = rows = desk.lease(limit=1)
    desk.claim(rows)
    desk.clock.forward(LEASE)
    assert desk.release() == 1
    assert desk.record(row, Handed("SM1")) == 0
    assert desk.row(row.delivery_id)["state"] == "unknown"
    assert desk.row(row.delivery_id)["ambiguous"]


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_sender_that_froze_in_the_middle_of_a_transaction_holds_up_nobody(desk: Desk) -> None:
    rows = desk.lease()
    desk.claim(rows)
    desk.clock.forward(LEASE)
    with desk.db.writer.begin() as frozen:
        frozen.execute(text("SELECT 1 FROM delivery WHERE delivery_id = :id FOR UPDATE"), {"id": rows[0].delivery_id})
        assert desk.release() == 9
    assert desk.release() == 1


def test_nothing_of_a_stopped_event_can_be_claimed(desk: Desk) -> None:
    rows = desk.lease()
    desk.db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = 'stopped'")))
    assert desk.claim(rows) == set()
    assert desk.lease("s2") == []


def test_nothing_of_an_expired_event_can_be_claimed(desk: Desk) -> None:
    desk.clock.forward(timedelta(hours=24))
    assert desk.claim(desk.lease()) == set()


def test_whoever_opts_out_after_planning_is_not_texted(desk: Desk) -> None:
    rows = desk.lease()
    stopped = desk.addresses[3]
    desk.db.write_now(
        lambda conn: conn.execute(
            text("UPDATE address SET stopped_at = '2014-05-23 15:15:00' WHERE address_id = :id"), {"id": stopped}
        )
    )
    claimed = desk.claim(rows)
    assert len(claimed) == 9
    assert desk.counts() == {"claimed": 9, "withdrawn": 1}


@pytest.mark.parametrize(
    ("outcome", "state", "final"),
    [
        (Handed("SM1"), State.HANDED, False),
        (Refused("21211"), State.REFUSED, True),
        (Unknown("time-out"), State.UNKNOWN, False),
        (Retry(timedelta(seconds=5)), State.PLANNED, False),
    ],
)
def test_an_outcome_of_a_claimed_row_is_recorded(desk: Desk, outcome: Outcome, state: State, final: bool) -> None:
    (row,) = rows = desk.lease(limit=1)
    desk.claim(rows)
    assert desk.record(row, outcome) == 1
    after = desk.row(row.delivery_id)
    assert after["state"] == state
    assert (after["final_at"] is not None) is final
    assert after["lease_owner"] is None
    assert bool(after["ambiguous"]) is isinstance(outcome, Unknown)


def test_a_retry_waits_as_long_as_the_provider_asked(desk: Desk) -> None:
    (row,) = rows = desk.lease(limit=1)
    desk.claim(rows)
    desk.record(row, Retry(timedelta(seconds=30)))
    assert row.delivery_id not in {other.delivery_id for other in desk.lease()}
    desk.clock.forward(timedelta(seconds=30))
    assert row.delivery_id in {other.delivery_id for other in desk.lease()}


def test_a_report_that_overtakes_the_hand_over_is_not_undone_by_it(desk: Desk) -> None:
    (row,) = rows = desk.lease(limit=1)
    desk.claim(rows)
    assert desk.report(Receipt(row.delivery_id, Delivered(), "SM1")) == 1
    assert desk.record(row, Handed("SM1")) == 0
    assert desk.row(row.delivery_id)["state"] == "delivered"
    assert desk.row(row.delivery_id)["provider_id"] == "SM1"


def test_late_repeated_and_disordered_reports_change_nothing(desk: Desk) -> None:
    (row,) = rows = desk.lease(limit=1)
    desk.claim(rows)
    desk.record(row, Handed("SM1"))
    assert desk.report(Receipt(row.delivery_id, Delivered(), "SM1")) == 1
    late = Receipt(row.delivery_id, Handed("SM1"), "SM1")
    assert desk.report(late, late, Receipt(row.delivery_id, Undelivered("30003"), "SM1")) == 0
    assert desk.row(row.delivery_id)["state"] == "delivered"


def test_a_report_adopts_an_unknown_row_at_once(desk: Desk) -> None:
    (row,) = rows = desk.lease(limit=1)
    desk.claim(rows)
    desk.record(row, Unknown("time-out"))
    assert desk.report(Receipt(row.delivery_id, Handed("SM9"), "SM9")) == 1
    assert desk.row(row.delivery_id)["provider_id"] == "SM9"
    assert desk.row(row.delivery_id)["ambiguous"]


def test_a_report_for_a_row_nobody_ever_sent_is_kept_and_changes_nothing(desk: Desk) -> None:
    row = desk.lease(limit=1)[0]
    assert desk.report(Receipt(row.delivery_id, Delivered(), "SM1"), Receipt(10**9, Delivered(), "SM2")) == 0
    kept = desk.db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM report")).scalar_one())
    assert kept == 2


def test_a_stop_withdraws_leased_rows_too_and_the_sum_stays_whole(desk: Desk) -> None:
    rows = desk.lease(limit=6)
    desk.claim(rows[:2])

    def stop(conn: Connection) -> int:
        return ledger.end_waiting(conn, desk.event, State.WITHDRAWN, code="stopped", limit=100, now=desk.clock.now())

    assert desk.db.write_now(stop) == 8
    assert desk.counts() == {"claimed": 2, "withdrawn": 8}


def test_a_renewed_lease_holds_and_only_what_is_still_ours_is_renewed(desk: Desk) -> None:
    mine = desk.lease("s1", 4)
    desk.clock.forward(LEASE / 2)
    ids = [row.delivery_id for row in mine]
    until = desk.clock.now() + LEASE
    assert desk.db.write_now(lambda conn: leases.renew(conn, "s1", [*ids, 10**9], until=until)) == set(ids)
    desk.clock.forward(LEASE * 3 / 4)
    assert len(desk.lease("s2")) == 6


def test_an_urgent_sender_takes_only_urgent_rows_and_urgent_rows_go_first(desk: Desk) -> None:
    urgent = an_event_row(
        desk.clock.now(), event_id="M3T8-1", alert_id="M3T8-1", incident_id="M3T8", identifier="2", priority=1
    )
    desk.db.write_now(lambda conn: add_event(conn, urgent, desk.clock.now()))
    packed = [ledger.pack(address_id, Wording.FIRST) for address_id in desk.addresses[:3]]
    desk.db.write_now(lambda conn: ledger.plan(conn, urgent, packed, desk.clock.now()))
    assert {row.event_id for row in desk.lease("urgent", below=2)} == {"M3T8-1"}
    desk.clock.forward(LEASE)
    assert [row.event_id for row in desk.lease("any", limit=5)] == ["M3T8-1"] * 3 + ["K7Q2-1"] * 2


def test_an_erased_person_leaves_a_row_without_an_address(desk: Desk) -> None:
    desk.db.write_now(lambda conn: conn.execute(text("DELETE FROM address WHERE address_id = :id"), {"id": desk.addresses[0]}))
    assert desk.lease(limit=1)[0].sealed is None


def test_listed_people_are_told_why_in_their_first_text(db: Database, clock: ManualClock) -> None:
    desk = Desk(db, clock, people=1)
    listed = db.write_now(lambda conn: add_people(conn, 1, clock.now(), basis="utility-account"))
    packed = [ledger.pack(listed[0], Wording.FIRST)]
    db.write_now(lambda conn: ledger.plan(conn, desk.event, packed, clock.now()))
    assert [row.wording for row in desk.lease()] == ["first", "first/why"]
