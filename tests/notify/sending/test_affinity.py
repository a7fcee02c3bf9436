"""Whoever was texted by one of our numbers keeps being texted by it, while it works and as long as nobody waits for that."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from channels.base import Unknown
from notify.clock import SystemClock
from notify.db import Database
from notify.processes.hearing import Hearing
from notify.processes.posts import Kind
from notify.sending import affinity, dispatch, leases, routing
from notify.sending.affinity import Others
from notify.sending.desk import URGENT_BELOW, Way
from notify.sending.dispatch import Dispatcher
from notify.sending.route import Routes
from notify.sending.routing import Standing
from tests.notify.processes.test_posts_of_senders import FakeCrew
from tests.notify.sending_factory import LEASE, Bench, FakeChannel, Running

EACH = 30
NUMBERS = ("one", "two")


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, SystemClock())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)


def known(bench: Bench) -> dict[int, str | None]:
    """Which of our numbers each address knows."""
    query = text("SELECT address_id, ours FROM address ORDER BY address_id")
    return {row[0]: row[1] for row in bench.db.read_now(lambda conn: conn.execute(query).all())}


def knows(bench: Bench, number: str, address_ids: list[int]) -> None:
    bench.db.write_now(lambda conn: affinity.texted(conn, number, address_ids))


def both(bench: Bench, *channels: FakeChannel, **given: Any) -> list[Dispatcher]:
    """A sender for each channel, with a route of its own."""
    routes = Routes("sms")
    made = [bench.dispatcher(one, name, route=name, rate=400.0, **given) for name, one in zip(NUMBERS, channels, strict=True)]
    return [Dispatcher(one.sender, one.desk, one.owner, routes.route(one.owner)) for one in made]


def addresses(bench: Bench, channel: FakeChannel) -> set[int]:
    """Who was called by this channel."""
    whose = dict(bench.rows("delivery_id, address_id"))
    return {whose[delivery_id] for delivery_id, _ in channel.calls}


def leased(bench: Bench, others: Others, below: int = 100) -> list[int]:
    now = bench.clock.now()
    given: dict[str, Any] = {"limit": 100, "below": below, "now": now, "until": now + LEASE, "others": others}
    return [one.address_id for one in bench.db.write_now(lambda conn: leases.lease(conn, "one", "sms", **given))]


def test_rows_of_another_number_are_left_to_it_until_they_have_waited_long(bench: Bench) -> None:
    ids = bench.event(6)
    knows(bench, "one", ids[:2])
    knows(bench, "two", ids[2:4])
    long_ago, soon = (bench.clock.now() + by for by in (timedelta(hours=-1), timedelta(hours=1)))
    assert leased(bench, Others(numbers=("two", "three"), help_since=long_ago)) == [*ids[:2], *ids[4:]]
    assert leased(bench, Others(numbers=("two",))) == []
    assert leased(bench, Others(numbers=("two",), help_since=soon)) == ids[2:4]


def test_of_a_slowed_alert_too_rows_are_left_to_the_number_that_is_known(bench: Bench) -> None:
    ids = bench.event(6)
    knows(bench, "two", ids[:3])
    now = bench.clock.now()
    given: dict[str, Any] = {"limit": 100, "below": 100, "now": now, "until": now + LEASE, "most": {"K7Q2-1": 2}}
    others = Others(numbers=("two",))
    taken = bench.db.write_now(lambda conn: leases.lease(conn, "one", "sms", others=others, **given))
    assert [one.address_id for one in taken] == ids[3:5]


def test_a_phone_knows_the_number_that_texted_it_last_or_that_it_wrote_to(bench: Bench) -> None:
    ids = bench.event(3)
    knows(bench, "one", ids[:2])
    knows(bench, "two", ids[1:2])
    query = text("SELECT blind FROM address WHERE address_id = :id")
    blind = bench.db.read_now(lambda conn: conn.execute(query, {"id": ids[2]}).scalar_one())
    bench.db.write_now(lambda conn: affinity.wrote_to(conn, "two", bytes(blind)))
    assert known(bench) == {ids[0]: "one", ids[1]: "two", ids[2]: "two"}


async def test_nobody_waits_for_a_number_that_is_shut_slowed_paused_or_out_of_order(bench: Bench) -> None:
    one, two = both(bench, FakeChannel(), FakeChannel())
    routes, now = one.route.routes, bench.clock.monotonic()
    assert routes.others("one") == ("two",) and routes.others("") == ()
    for worse in (Standing(share=8), routing.shut(Standing(), now, alone=False)):
        routes.standings["two"] = worse
        assert routes.others("one") == ()
    routes.standings["two"] = Standing()
    two.light.trouble = "The token is wrong."
    assert routes.others("one") == ()
    two.light.trouble = ""
    assert routes.others("one") == ("two",)
    two._pace.hold_until(now + 600)
    assert routes.others("one") == ()


async def test_how_a_number_fares_that_another_process_drives_is_what_that_one_says(bench: Bench) -> None:
    bench.crew = FakeCrew()  # holds nothing
    one, two = both(bench, FakeChannel(), FakeChannel())
    hearing = Hearing(SimpleNamespace(service=SimpleNamespace(dispatchers=[one, two])), SimpleNamespace())  # type: ignore[arg-type]
    for said, others in (([7, "", False], ()), ([7, "", True], ("two",)), ([7, "wrong token", True], ()), ([7, ""], ("two",))):
        hearing._heard(Kind.LIGHTS, json.dumps({"two": said}))
        assert one.route.routes.others("one") == others
        assert two.driving.way(two.light, two.route) == (True, 1.0, "")
    hearing._heard(Kind.LIGHTS, json.dumps({"two": [7, "", False, Way(True, 0.6, "reports come late")]}))
    assert two.driving.way(two.light, two.route) == Way(is_open=True, share=0.6, why="reports come late")
    assert one.route.routes.others("one") == ()


async def test_what_a_process_says_of_the_numbers_it_drives(bench: Bench) -> None:
    one, two = both(bench, FakeChannel(), FakeChannel())
    told: list[str] = []
    session = SimpleNamespace(tell=lambda kind, ref: told.append(ref))
    hearing = Hearing(SimpleNamespace(service=SimpleNamespace(dispatchers=[one, two])), session)  # type: ignore[arg-type]
    two.route.routes.standings["two"] = Standing(share=4, why=routing.Why.LATE)
    await hearing.tell_lights()
    said = json.loads(told[0])
    assert said["one"] == [0, "", True, [True, 1.0, ""]]
    assert said["two"] == [0, "", False, [True, 0.4, "reports come late"]]


async def test_the_next_alert_comes_from_the_number_that_each_knows(bench: Bench) -> None:
    ids = bench.event(2 * EACH)
    halves = {"one": set(ids[:EACH]), "two": set(ids[EACH:])}
    for number, half in halves.items():
        knows(bench, number, sorted(half))
    channels = FakeChannel(), FakeChannel()
    async with Running(*both(bench, *channels)):
        await bench.until(lambda counts: counts == {"handed": 2 * EACH})
    assert {name: addresses(bench, one) for name, one in zip(NUMBERS, channels, strict=True)} == halves
    assert known(bench) == {one: name for name, half in halves.items() for one in half}


async def test_when_the_number_that_is_known_fails_the_other_texts_at_once_and_is_known_from_then_on(bench: Bench) -> None:
    ids = bench.event(EACH)
    knows(bench, "one", ids)
    channels = FakeChannel(answer=lambda _outbound: Unknown("HTTP 500")), FakeChannel()
    async with Running(*both(bench, *channels, concurrency=1)):
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    told = addresses(bench, channels[1])
    assert counts["handed"] == len(told) >= EACH - 10
    assert {one for one, number in known(bench).items() if number == "two"} == told


async def test_a_number_with_nothing_to_do_helps_one_that_has_too_much(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "PATIENCE", timedelta(milliseconds=100))
    ids = bench.event(EACH)
    knows(bench, "one", ids)
    first = FakeChannel()
    first.gate.clear()  # it takes its time
    second = FakeChannel()
    async with Running(*both(bench, first, second, window=10)):
        await second.until(lambda: len(second.calls) >= EACH - 20)
        first.gate.set()
        await bench.until(lambda counts: counts == {"handed": EACH})
    assert not addresses(bench, first) & addresses(bench, second)


async def test_the_urgent_pool_takes_every_urgent_row_and_nobody_gets_to_know_it(bench: Bench) -> None:
    ids = bench.event(EACH, priority=0)
    knows(bench, "one", ids)
    urgent = FakeChannel()
    (_, pool) = both(bench, FakeChannel(), urgent, below=URGENT_BELOW)
    async with Running(pool):
        await bench.until(lambda counts: counts == {"handed": EACH})
    assert addresses(bench, urgent) == set(ids) and set(known(bench).values()) == {"one"}
