"""A route that dies in the middle of a send: what it was not given leaves by the other within ten seconds, and nobody twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Handed, Misconfigured, Outbound, Outcome, Refused, Retry, Unknown
from notify.clock import SystemClock
from notify.db import Database
from notify.sending import dispatch, recorder, routing, trial
from notify.sending.dispatch import Dispatcher
from notify.sending.route import Routes
from notify.sending.routing import Standing
from tests.notify.sending_factory import Answering, Bench, FakeChannel, Running
from tests.own_time import OwnTime

PEOPLE = 160


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loops' own waits are shortened, and with them how long a silence is borne."""
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)
    monkeypatch.setattr(dispatch, "REOPEN_S", 0.05)
    monkeypatch.setattr(recorder, "AGAIN_S", 0.02)
    monkeypatch.setattr(trial, "WATCH_S", 0.05)
    monkeypatch.setattr(trial, "PROBE_S", 0.3)
    monkeypatch.setattr(routing, "PROBE_S", 0.2)


@dataclass(slots=True)
class Probed(FakeChannel):
    """A channel that can be asked whether it is there."""

    is_there: bool = True
    asked: int = 0

    async def probe(self) -> None:
        self.asked += 1
        if not self.is_there:
            raise ConnectionError("no")


@dataclass(slots=True)
class Ways:
    """Two routes of one channel, a sender each."""

    bench: Bench
    first: FakeChannel
    second: FakeChannel
    routes: Routes = field(default_factory=lambda: Routes("sms"))

    def dispatchers(self, **given: Any) -> list[Dispatcher]:
        values = {"rate": 200.0, "concurrency": 20, "window": 60} | given
        made = []
        for name, channel in (("one", self.first), ("two", self.second)):
            made.append(self.bench.dispatcher(channel, name, route=name, **values))
            made[-1] = Dispatcher(made[-1].sender, made[-1].desk, name, self.routes.route(name))
        return made

    def handed(self) -> Counter[str]:
        """How many rows each route has, of those that were handed over."""
        return Counter(row.route for row in self.bench.rows("route, state") if row.state == "handed")

    @property
    def is_first_open(self) -> bool:
        return self.routes.standings["one"].is_open


def fails_after(calls: int, outcome: Answering) -> Answering:
    seen: Iterator[int] = iter(range(1_000_000))

    def answer(outbound: Outbound) -> Outcome | Exception | None:
        return Handed(f"SM{outbound.delivery_id}") if next(seen) < calls else outcome(outbound)

    return answer


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, SystemClock())


def sent_by(channel: FakeChannel) -> list[int]:
    return [delivery_id for delivery_id, _ in channel.calls]


REFUSED_CONNECTION = lambda _outbound: Retry(timedelta(seconds=2), "no way to Twilio", pause_sender=True)  # noqa: E731
THROTTLED = lambda _outbound: Retry(timedelta(seconds=60), "429", pause_sender=True)  # noqa: E731
ERROR_500 = lambda _outbound: Unknown("HTTP 503")  # noqa: E731
WRONG_TOKEN = lambda _outbound: Misconfigured("The token is wrong.")  # noqa: E731


@pytest.mark.parametrize(
    ("fault", "proven"), [(REFUSED_CONNECTION, True), (THROTTLED, True), (ERROR_500, False), (WRONG_TOKEN, False)]
)
async def test_what_a_dead_route_was_not_given_leaves_by_the_other_within_ten_seconds(
    bench: Bench, fault: Answering, proven: bool
) -> None:
    bench.event(PEOPLE)
    ways = Ways(bench, FakeChannel(answer=fails_after(30, fault), opening=[Misconfigured("no")] * 999), FakeChannel())
    async with Running(*ways.dispatchers()), OwnTime() as had:
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert had.s < 10
    assert counts["handed"] + counts["unknown"] == PEOPLE
    assert counts["unknown"] <= (0 if proven else 60), "at most what was under way"
    twice = set(sent_by(ways.first)[:30]) & set(sent_by(ways.second))
    doubtful = {row.delivery_id for row in bench.rows("delivery_id, state") if row.state == "unknown"}
    assert not twice and not doubtful & set(sent_by(ways.second)), "what may have left is never sent again blindly"


async def test_a_route_that_hangs_gives_back_what_it_has_not_started(bench: Bench) -> None:
    bench.event(PEOPLE)
    ways = Ways(bench, FakeChannel(answer=fails_after(20, lambda _outbound: None)), FakeChannel())
    dispatchers = ways.dispatchers()
    ways.routes.standings["one"] = Standing(patience_s=0.5)
    async with Running(*dispatchers), OwnTime() as had:
        hung = await bench.until(lambda counts: counts["handed"] >= PEOPLE - 25 and counts["planned"] == 0)
        assert had.s < 10
        assert hung["claimed"] <= 25, "only what it was given"
        assert not ways.is_first_open
        ways.first.gate.clear()
        for task in [task for task in asyncio.all_tasks() if "Dispatcher._send" in repr(task)]:
            task.cancel()
    assert not set(sent_by(ways.first)) & set(sent_by(ways.second))


async def test_a_route_that_comes_back_is_found_by_a_probe_and_carries_again(bench: Bench) -> None:
    bench.event(PEOPLE)
    dead = True

    def answer(outbound: Outbound) -> Outcome:
        return Unknown("HTTP 500") if dead else Handed(f"SM{outbound.delivery_id}")

    ways = Ways(bench, FakeChannel(answer=answer), FakeChannel())
    async with Running(*ways.dispatchers(rate=30.0)):
        await ways.first.until(lambda: not ways.is_first_open)
        given = len(ways.first.calls)
        dead = False
        await ways.first.until(lambda: ways.is_first_open and len(ways.first.calls) > given + 1)
    assert ways.handed()["one"] > 0 and ways.handed()["two"] > 0
    assert ways.routes.standings["one"].share == routing.BACK


async def test_a_provider_that_is_not_there_is_asked_before_anybody_s_message_is_risked(bench: Bench) -> None:
    bench.event(120)
    ways = Ways(bench, Probed(answer=lambda _outbound: Unknown("HTTP 503"), is_there=False), FakeChannel())
    async with Running(*ways.dispatchers(rate=60.0)):
        await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert isinstance(ways.first, Probed) and ways.first.asked >= 2
    assert len(ways.first.calls) <= 25, "nobody's message was a probe"


async def test_a_lone_route_that_fails_puts_few_in_doubt_and_loses_nobody(bench: Bench) -> None:
    bench.event(100)
    dead = True

    def answer(outbound: Outbound) -> Outcome:
        return Unknown("HTTP 500") if dead else Handed(f"SM{outbound.delivery_id}")

    channel = FakeChannel(answer=answer)
    dispatcher = bench.dispatcher(channel, rate=200.0, concurrency=5)
    async with Running(dispatcher):
        await channel.until(lambda: not dispatcher.route.stands.is_open)
        assert dispatcher.route.alone and not dispatcher.works
        dead = False
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert counts["unknown"] <= 15 and counts["handed"] == 100 - counts["unknown"]


async def test_a_refusal_of_one_address_says_nothing_against_the_route(bench: Bench) -> None:
    bench.event(60)
    channel = FakeChannel(answer=lambda _outbound: Refused("21614"))
    dispatcher = bench.dispatcher(channel)
    async with Running(dispatcher):
        await bench.until(lambda counts: counts == {"refused": 60})
        assert dispatcher.works and dispatcher.route.share == 1.0


async def test_two_healthy_routes_share_the_work_and_the_ledger_says_who_had_what(bench: Bench) -> None:
    bench.event(PEOPLE)
    ways = Ways(bench, FakeChannel(), FakeChannel())
    async with Running(*ways.dispatchers(rate=40.0)):
        await bench.until(lambda counts: counts == {"handed": PEOPLE})
    assert min(ways.handed()["one"], ways.handed()["two"]) > PEOPLE / 4
    assert sorted(sent_by(ways.first) + sent_by(ways.second)) == sorted({*sent_by(ways.first), *sent_by(ways.second)})
