"""Texts of a slowed alert leave at their share of the pace; all others as if it were not there."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notify.clock import SystemClock
from notify.db import Database
from notify.sending import dispatch, leases, recorder
from tests.notify.sending.test_dispatch import all_handed
from tests.notify.sending_factory import Bench, FakeChannel, Running

SLOW, OTHER = "SLOW-1", "OTHR-1"


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, SystemClock())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)
    monkeypatch.setattr(recorder, "AGAIN_S", 0.02)


def event(bench: Bench, name: str, people: int, priority: int = 3) -> None:
    bench.event(people, event_id=name, alert_id=name, incident_id=name[:4], identifier=name, priority=priority)


def whose(bench: Bench, channel: FakeChannel) -> list[tuple[str, float]]:
    """The event of each call, and when it began."""
    of = {row.delivery_id: row.event_id for row in bench.rows("delivery_id, event_id")}
    return [(of[delivery_id], at) for delivery_id, at in channel.calls]


async def test_a_slowed_alert_leaves_at_its_share_of_the_pace_and_all_of_it_leaves(bench: Bench) -> None:
    event(bench, SLOW, 60)
    bench.shares = lambda: {SLOW: 0.25}
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, rate=100.0)):
        await bench.until(all_handed(60))
    starts = [at for _, at in channel.calls]
    # 25 a second, half a second's worth taken ahead of its time.
    assert (60 - 25 * 0.5) / 25 * 0.8 <= starts[-1] - starts[0] <= 60 / 25 + 1.5


async def test_others_have_the_rest_of_the_pace_though_they_came_later(bench: Bench) -> None:
    event(bench, SLOW, 100)
    event(bench, OTHER, 120)
    bench.shares = lambda: {SLOW: 0.25}
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, rate=80.0)):
        await bench.until(lambda counts: counts["handed"] >= 120)
        await bench.until(lambda counts: Counter(name for name, _ in whose(bench, channel))[OTHER] == 120)
    calls = whose(bench, channel)
    begun = calls[0][1]
    last = max(at for name, at in calls if name == OTHER)
    beside = sum(name == SLOW and at <= last for name, at in calls)
    # The other has three quarters of 80 a second, and is done with in two seconds; one after the other it would take 2.75.
    assert last - begun <= 120 / 60 + 1.0
    assert beside <= 20 * (last - begun + 0.5) + 5


async def test_a_share_that_ends_is_the_full_pace_from_the_next_look_on(bench: Bench) -> None:
    event(bench, SLOW, 200)
    shares: dict[str, float] = {SLOW: 0.25}
    bench.shares = lambda: shares
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, rate=100.0)):
        await bench.until(lambda counts: counts["handed"] >= 15)
        shares.clear()
        await bench.until(all_handed(200))
    starts = [at for _, at in channel.calls]
    assert starts[-1] - starts[0] <= 15 / 25 + 185 / 100 + 1.5  # slowed to its end it would have taken eight seconds


async def test_mails_and_senders_without_a_rate_are_never_slowed(bench: Bench) -> None:
    event(bench, SLOW, 200)
    bench.shares = lambda: {SLOW: 0.25}
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel)):
        await bench.until(all_handed(200))
    assert channel.calls[-1][1] - channel.calls[0][1] <= 4.0  # 0.25 of nothing known


NAMES = ("AAAA-1", "BBBB-1", "CCCC-1")
PLANS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 4)), min_size=1, max_size=8)
MOST = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLANS, MOST, st.integers(1, 20), st.permutations([1, 3, 3]))
def test_rows_are_leased_in_their_order_and_of_a_slowed_alert_no_more_than_it_may(
    bench: Bench, plans: list[tuple[str, int]], most: Mapping[str, int], limit: int, urgency: list[int]
) -> None:
    priorities = dict(zip(NAMES, urgency, strict=True))
    now = bench.clock.now()
    tables = ("delivery", "event", "alert", "address", "subscriber", "incident")
    for name in dict.fromkeys(name for name, _ in plans):
        event(bench, name, sum(people for one, people in plans if one == name), priorities[name])
    planned = [
        (row.delivery_id, row.event_id)
        for row in sorted(bench.rows("delivery_id, event_id, priority"), key=lambda row: (row.priority, row.delivery_id))
    ]
    until = now + timedelta(seconds=8)
    taken = bench.db.write_now(
        lambda conn: leases.lease(conn, "s1", "sms", limit=limit, below=100, now=now, until=until, most=most)
    )
    left, expected = dict(most), []
    for delivery_id, name in planned:
        if left.get(name, 1) > 0 and len(expected) < limit:
            expected.append(delivery_id)
            if name in left:
                left[name] -= 1
    assert [one.delivery_id for one in taken] == expected
    held = [row.delivery_id for row in bench.rows("delivery_id, lease_owner") if row.lease_owner == "s1"]
    assert sorted(held) == sorted(expected)
    bench.db.write_now(lambda conn: [conn.exec_driver_sql(f"DELETE FROM {table}") for table in tables] and None)
