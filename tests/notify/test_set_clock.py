"""The machine's clock is set, forward or back: nothing is sent twice, nothing is lost, and no promise disappears."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from channels.base import Handed, Outbound, Outcome, Receipt, Retry
from channels.base import Unknown as InDoubt
from notify import audit, duties
from notify.alerts import promises, register
from notify.alerts.alert import Severity, Stage, Urgency
from notify.alerts.life import Status
from notify.alerts.promises import still_open
from notify.clock import LEAST_STEP, ManualClock, Steps
from notify.db import Database
from notify.processes.posts import Alone
from notify.sending import dispatch, late, leases, ledger, recorder
from tests.notify.duties_factory import Watch, watching
from tests.notify.ledger_factory import add_people
from tests.notify.newsroom_factory import Room, a_draft
from tests.notify.sending.test_reconcile import Case
from tests.notify.sending_factory import LEASE, Bench, FakeChannel, Running

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WAYS = [-HOUR, HOUR, -timedelta(days=366), -10 * MINUTE]


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock, countdown_s=20)


class Day:
    """A service whose clock is set, and the ticks that look after it."""

    def __init__(self, room: Room, clock: ManualClock, watch: Watch) -> None:
        self.room, self.clock, self.watch = room, clock, watch
        self.steps = Steps(clock)

    async def set(self, by: timedelta) -> None:
        self.clock.set(by)
        await duties.mind_the_clock(self.watch.built, self.steps)

    async def later(self, by: timedelta) -> None:
        self.clock.forward(by)
        await duties.mind_the_clock(self.watch.built, self.steps)
        await self.watch.turn()


@pytest.fixture
async def day(room: Room, clock: ManualClock) -> AsyncIterator[Day]:
    room.db.write_now(lambda conn: add_people(conn, 3, clock.now()))
    async with watching(room.db, clock, room.newsroom.assembler) as watch:
        yield Day(room, clock, watch)


def planned(room: Room, event_id: str) -> int:
    query = text("SELECT COUNT(*) FROM delivery WHERE event_id = :id")
    return int(room.db.read_now(lambda conn: conn.execute(query, {"id": event_id}).scalar_one()))


def test_a_clock_that_just_goes_on_was_not_set(clock: ManualClock) -> None:
    steps = Steps(clock)
    for _ in range(100):
        clock.forward(HOUR)
        clock.set(LEAST_STEP / 2)
        assert not steps.look()
    clock.set(-HOUR)
    assert steps.look() == -HOUR
    assert not steps.look()
    steps.put_back(-HOUR)
    assert steps.look() == -HOUR


@pytest.mark.parametrize("by", WAYS)
async def test_a_countdown_ends_after_its_seconds_whatever_the_clock_says(day: Day, by: timedelta) -> None:
    alert_id = day.room.pressed()
    await day.later(timedelta(seconds=10))
    assert day.room.event(alert_id).started_at is None
    await day.set(by)
    await day.watch.turn()
    if by < timedelta(0):
        assert day.room.event(alert_id).started_at is None, "it can still be stopped for ten seconds"
    await day.later(timedelta(seconds=10))
    row = day.room.event(alert_id)
    if row.expires_at > day.clock.now():
        assert row.started_at is not None
        assert planned(day.room, alert_id) == 3
    await day.set(-by)  # the clock is set right again: the hour comes twice
    for _ in range(4):
        await day.later(HOUR / 2)
    assert planned(day.room, alert_id) == 3, "nobody is planned twice"
    assert len(day.room.db.read_now(lambda conn: register.events(conn, alert_id.partition("-")[0]))) == 1


async def test_the_countdown_shown_is_the_one_that_runs(day: Day) -> None:
    alert_id = day.room.pressed()
    await day.set(-HOUR)
    until = day.room.event(alert_id).countdown_until
    assert until is not None and until - day.clock.now() == timedelta(seconds=20)


async def test_an_alert_for_a_time_of_day_waits_for_it_and_leaves_once(day: Day) -> None:
    six = day.clock.now() + 3 * HOUR
    alert_id = day.room.pressed(a_draft(not_before=six.isoformat()))
    await day.later(2 * HOUR)
    await day.set(-HOUR)
    await day.later(HOUR + MINUTE)
    assert day.room.event(alert_id).started_at is None, "by the clock it is not six yet"
    await day.later(HOUR)
    assert day.room.event(alert_id).started_at is not None
    await day.set(-HOUR)
    await day.later(HOUR)
    assert planned(day.room, alert_id) == 3


async def test_a_promise_is_chased_once_though_its_hour_comes_twice_and_stays_open_until_kept(day: Day) -> None:
    by = day.clock.now() + 4 * HOUR
    alert_id = day.room.pressed(a_draft(next_update_by=by.isoformat()))
    await day.later(timedelta(seconds=20))
    await day.later(4 * HOUR - promises.WARNING)
    chased = [page for page in day.watch.pages if "we promised an update" in page]
    assert len(chased) == 1
    await day.set(-HOUR)
    await day.later(2 * HOUR)
    assert [page for page in day.watch.pages if "we promised an update" in page] == chased
    found = day.room.db.read_now(still_open)
    assert f"{alert_id}/update" in [one.promise_id for one in found]


async def test_a_promise_whose_hour_is_jumped_over_is_chased_at_once(day: Day) -> None:
    day.room.pressed(a_draft(next_update_by=(day.clock.now() + 4 * HOUR).isoformat()))
    await day.later(timedelta(seconds=20))
    await day.set(5 * HOUR)
    await day.watch.turn()
    assert any("we promised an update" in page for page in day.watch.pages)


async def test_an_alert_that_has_expired_stays_so_though_its_last_hour_comes_again(day: Day) -> None:
    day.room.pressed()
    await day.later(MINUTE)
    await day.later(25 * HOUR)
    before = day.room.db.read_now(lambda conn: [(row.event_id, row.status) for row in register.events(conn)])
    assert before[0][1] == Status.ENDED
    await day.set(-2 * HOUR)
    await day.later(MINUTE)
    after = day.room.db.read_now(lambda conn: [(row.event_id, row.status) for row in register.events(conn)])
    assert after == before, "nothing is opened anew, and nothing is renewed twice"


async def test_an_approval_that_nobody_gives_is_chased_after_ten_minutes_all_the_same(day: Day) -> None:
    day.room.submitted()
    await day.later(5 * MINUTE)
    await day.set(-HOUR)
    await day.later(5 * MINUTE)
    assert any("still waits for approval" in page for page in day.watch.pages)


async def test_a_latecomer_does_not_wait_for_the_clock(day: Day) -> None:
    day.room.db.write_now(lambda conn: late.note(conn, [1], day.clock.now()))
    await day.set(-HOUR)
    query = text("SELECT due_at FROM due WHERE kind = 'latecomer'")
    (due_at,) = day.room.db.read_now(lambda conn: conn.execute(query).scalars().all())
    assert datetime.fromisoformat(str(due_at)).replace(tzinfo=UTC) <= day.clock.now()


async def test_somebody_is_told_and_the_log_says_so_and_still_holds(day: Day) -> None:
    day.room.submitted()
    await day.set(-HOUR)
    await day.set(timedelta(seconds=5))
    (page,) = day.watch.pages
    assert "was set back by 1:00:00" in page and "check that it is right" in page
    lines = day.room.db.read_now(audit.lines)
    assert [line.detail for line in lines if line.action == "clock was set"] == ['{"by_s": -3600}', '{"by_s": 5}']
    assert audit.problems(lines) == []


async def test_a_step_that_could_not_be_written_down_is_found_again(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    alert_id = day.room.pressed()

    async def fails(_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(type(day.room.db), "write", lambda self, work: fails(work))
        with pytest.raises(OperationalError):
            await day.set(-HOUR)
    await day.later(timedelta(seconds=20))
    assert day.room.event(alert_id).started_at is not None


# Senders.


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((dispatch, "IDLE_S"), (dispatch, "PAUSE_S"), (recorder, "AGAIN_S")):
        monkeypatch.setattr(module, name, 0.02)


async def released(bench: Bench) -> None:
    await bench.db.write(lambda conn: leases.release_expired(conn, now=bench.clock.now()))


async def minded(bench: Bench, steps: Steps) -> None:
    """What the tick does about the ledger."""
    service = SimpleNamespace(db=bench.db, clock=bench.clock, pager=bench.pages.append, dispatchers=(), crew=Alone())
    await duties.mind_the_clock(SimpleNamespace(service=service), steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", WAYS)
async def test_a_send_goes_on_and_everybody_is_called_once(
    db: Database, clock: ManualClock, by: timedelta, quick: None
) -> None:
    bench, steps = Bench(db, clock), Steps(clock)
    bench.event(120, expires_at=clock.now() + 48 * HOUR)
    half = False

    def answer(outbound: Outbound) -> Outcome:
        nonlocal half
        if len(channel.calls) > 40 and not half:
            half = True
            clock.set(by)
        return Handed(f"SM{outbound.delivery_id}")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel, window=20)):
        await channel.until(lambda: half)
        await minded(bench, steps)
        await released(bench)
        await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert max(Counter(delivery for delivery, _ in channel.calls).values()) == 1, "nobody is called twice"
    counts = bench.counts()
    assert counts["handed"] + counts["unknown"] == 120
    assert by > timedelta(0) or counts["unknown"] == 0


async def test_a_dead_senders_rows_are_free_after_their_lease_and_not_after_an_hour(db: Database, clock: ManualClock) -> None:
    bench, steps = Bench(db, clock), Steps(clock)
    bench.event(4)
    dead = db.write_now(lambda conn: _leased(conn, clock, "dead"))
    db.write_now(lambda conn: leases.claim(conn, "dead", [dead[0].delivery_id], now=clock.now()))
    clock.set(-HOUR)
    await minded(bench, steps)
    assert db.write_now(lambda conn: _leased(conn, clock, "next")) == [], "the lease still runs"
    clock.forward(LEASE + timedelta(seconds=1))
    await released(bench)
    assert len(db.write_now(lambda conn: _leased(conn, clock, "next"))) == 3
    assert bench.counts() == {"planned": 3, "unknown": 1}


async def test_a_pause_before_another_try_lasts_as_long_as_was_asked(db: Database, clock: ManualClock) -> None:
    bench, steps = Bench(db, clock), Steps(clock)
    bench.event(1)
    (leased,) = db.write_now(lambda conn: _leased(conn, clock, "s1"))
    db.write_now(lambda conn: leases.claim(conn, "s1", [leased.delivery_id], now=clock.now()))
    again = [(leased, Receipt(leased.delivery_id, Retry(timedelta(seconds=60), "busy")))]
    db.write_now(lambda conn: ledger.record(conn, again, now=clock.now()))
    clock.set(-HOUR)
    await minded(bench, steps)
    clock.forward(timedelta(seconds=59))
    assert db.write_now(lambda conn: _leased(conn, clock, "s1")) == []
    clock.forward(timedelta(seconds=1))
    assert len(db.write_now(lambda conn: _leased(conn, clock, "s1"))) == 1


async def test_a_living_senders_lease_is_let_be(db: Database, clock: ManualClock) -> None:
    bench, steps = Bench(db, clock), Steps(clock)
    bench.event(1)
    clock.set(-HOUR)
    (leased,) = db.write_now(lambda conn: _leased(conn, clock, "alive"))  # leased since
    await minded(bench, steps)
    assert db.write_now(lambda conn: leases.claim(conn, "alive", [leased.delivery_id], now=clock.now()))


def _leased(conn: Any, clock: ManualClock, owner: str) -> list[leases.Leased]:
    now = clock.now()
    return leases.lease(conn, owner, "sms", limit=99, below=100, now=now, until=now + LEASE)


async def test_a_call_of_a_second_ago_is_not_taken_for_one_of_an_hour_ago(db: Database, clock: ManualClock) -> None:
    case = Case(db, clock)
    reconciler = case.reconciler()
    event_id = case.incident.countdown(1, Stage.FIRST, case.people, severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE)
    await case.incident.start(event_id)
    case.incident.hand_over(event_id, outcome=InDoubt("cut"))
    clock.forward(timedelta(seconds=3))
    clock.set(HOUR)
    for _ in range(6):
        await reconciler.tick()
        assert case.states() == ["unknown"] * 4, "the carrier may not list it yet: sent again, it would come twice"
        clock.forward(timedelta(seconds=10))
    await reconciler.tick()
    assert case.states() == ["planned"] * 4
