import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from channels.base import Delivered, Handed, Misconfigured, Outbound, Outcome, Receipt, Refused, Retry
from notify.clock import ManualClock, SystemClock
from notify.db import Database, Work
from notify.sending import dispatch, leases, recorder
from notify.sending.leases import Leased
from notify.sending.reports import Intake
from tests.notify.sending_factory import LEASE, Bench, FakeChannel, PlainOutbox, Running, a_letter


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db, SystemClock())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loops' own waits are shortened; what they wait for is not."""
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)
    monkeypatch.setattr(dispatch, "PAUSE_S", 0.02)
    monkeypatch.setattr(dispatch, "REOPEN_S", 0.02)
    monkeypatch.setattr(recorder, "AGAIN_S", 0.02)


def all_handed(people: int) -> Any:
    return lambda counts: counts == {"handed": people}


async def test_everybody_is_handed_over_once_and_in_order(bench: Bench) -> None:
    bench.event(300)
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, concurrency=1)):
        await bench.until(all_handed(300))
    sent = [delivery_id for delivery_id, _ in channel.calls]
    assert sent == sorted(sent)
    assert len(set(sent)) == 300
    assert {row.attempts for row in bench.rows("attempts")} == {1}


@pytest.mark.parametrize(("window", "concurrency"), [(7, 50), (100, 3), (1, 1)])
async def test_no_more_rows_are_open_than_the_window_and_no_more_calls_than_the_concurrency(
    bench: Bench, window: int, concurrency: int
) -> None:
    bench.event(120)
    most_claimed = 0

    def answer(outbound: Outbound) -> Outcome:
        nonlocal most_claimed
        most_claimed = max(most_claimed, bench.counts()["claimed"])
        return Handed(f"SM{outbound.delivery_id}")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel, window=window, concurrency=concurrency)):
        await bench.until(all_handed(120))
    assert 0 < most_claimed <= window
    assert channel.most_under_way <= concurrency


async def test_the_pace_is_kept_in_every_second_and_used(bench: Bench) -> None:
    bench.event(240)
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, rate=200.0, units=lambda content: 2)):
        await bench.until(all_handed(240))
    starts = [at for _, at in channel.calls]
    for at in starts:
        assert (
            sum(2 for other in starts if at <= other < at + 1.0) <= 200 * 1.1
        )  # a busy machine moves some; test_pace.py is exact
    assert 240 * 2 / 200 * 0.9 <= starts[-1] - starts[0] + 1.0


async def test_a_retry_waits_as_long_as_was_asked_and_then_goes_out(bench: Bench) -> None:
    bench.event(5)
    seen: Counter[int] = Counter()

    def answer(outbound: Outbound) -> Outcome:
        seen[outbound.delivery_id] += 1
        return Retry(timedelta(seconds=0.3), "busy") if seen[outbound.delivery_id] == 1 else Handed("SM1")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel)):
        await bench.until(all_handed(5))
    for delivery_id in seen:
        first, second = (at for one, at in channel.calls if one == delivery_id)
        assert second - first >= 0.29


async def test_a_pause_stops_the_whole_sender_which_then_holds_nothing(bench: Bench) -> None:
    bench.event(40)

    def answer(outbound: Outbound) -> Outcome:
        if len(channel.calls) == 1:
            return Retry(timedelta(seconds=0.6), "429", pause_sender=True)
        return Handed(f"SM{outbound.delivery_id}")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel, rate=100.0, concurrency=1)):
        await bench.until(lambda counts: counts["planned"] == 40 and bool(channel.calls))
        async with asyncio.timeout(60):
            while any(row.lease_owner for row in await asyncio.to_thread(bench.rows, "lease_owner")):
                await asyncio.sleep(0.01)
        await bench.until(all_handed(40))
    first, second = channel.calls[0][1], channel.calls[1][1]
    assert second - first >= 0.59


async def test_a_misconfigured_channel_is_paged_once_tried_again_and_loses_nobody(bench: Bench) -> None:
    bench.event(30)
    trouble = Misconfigured("The token is wrong.")
    channel = FakeChannel(opening=[trouble, trouble, trouble])
    dispatcher = bench.dispatcher(channel)
    dispatcher.light.trouble = "The token is wrong."  # as a start leaves it
    async with Running(dispatcher):
        await bench.until(all_handed(30))
    assert bench.pages == ["Sender s1 has stopped: The token is wrong."]
    assert channel.opened == 4
    assert dispatcher.light.trouble == ""


async def test_a_channel_that_opens_well_and_fails_at_once_pages_once(bench: Bench) -> None:
    bench.event(10)

    def answer(outbound: Outbound) -> Outcome | Exception:
        return Misconfigured("The number is not ours.") if channel.opened < 8 else Handed("SM1")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel, concurrency=1)):
        await bench.until(lambda counts: channel.opened >= 8 and counts["planned"] + counts["claimed"] == 0)
    assert len(bench.pages) == 1


async def test_another_sender_takes_over_what_a_broken_one_held(bench: Bench) -> None:
    bench.event(50)
    broken = FakeChannel(answer=lambda outbound: Misconfigured("The number is not ours."))
    broken.opening = [Misconfigured("The number is not ours.")] * 10_000
    works = FakeChannel()
    async with Running(bench.dispatcher(broken, "broken", concurrency=1, rate=100.0)):
        await bench.until(lambda counts: counts["unknown"] == 1)
        async with Running(bench.dispatcher(works, "works")):
            await bench.until(lambda counts: counts == {"handed": 49, "unknown": 1})


@pytest.mark.parametrize("fault", [RuntimeError("boom"), ConnectionResetError(), KeyError("x")])
async def test_a_channel_that_raises_loses_no_row_and_the_sender_goes_on(bench: Bench, fault: Exception) -> None:
    bench.event(60)

    def answer(outbound: Outbound) -> Outcome | Exception:
        return fault if outbound.delivery_id % 20 == 0 else Handed("SM1")

    channel = FakeChannel(answer=answer)
    async with Running(bench.dispatcher(channel, concurrency=7)):
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert counts["handed"] + counts["unknown"] == 60
    assert counts["unknown"] >= 3
    assert all(row.ambiguous == (row.state == "unknown") for row in bench.rows("state, ambiguous"))
    assert len({delivery_id for delivery_id, _ in channel.calls}) == len(channel.calls)


async def test_a_channel_that_never_answers_is_given_up_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "SILENCE_S", 0.2)
    bench.event(10)
    channel = FakeChannel(answer=lambda outbound: None if outbound.delivery_id % 5 == 0 else Handed("SM1"))
    async with Running(bench.dispatcher(channel, concurrency=2)):
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert counts["unknown"] >= 2
    assert counts.total() == 10


async def test_a_receipt_that_nobody_waits_for_changes_nothing(bench: Bench) -> None:
    bench.event(20)

    class Chatty(FakeChannel):
        async def send(self, batch: Any) -> Any:
            async for receipt in FakeChannel.send(self, batch):
                yield receipt
                yield receipt

    channel = Chatty()
    async with Running(bench.dispatcher(channel, concurrency=4)):
        await bench.until(all_handed(20))
    assert channel.most_under_way <= 4


async def test_nothing_starts_once_an_event_is_halted_and_what_was_claimed_goes_back(bench: Bench) -> None:
    bench.event(200)
    channel = FakeChannel()
    channel.gate.clear()
    async with Running(bench.dispatcher(channel, window=100, concurrency=10)):
        await channel.until(lambda: channel.under_way == 10)
        bench.stop(bench.clock.now())
        bench.halted.add("K7Q2-1")
        channel.gate.set()
        counts = await bench.until(lambda counts: counts["claimed"] == 0)
    assert len(channel.calls) == 10
    assert counts == {"handed": 10, "planned": 190}
    assert {row.attempts for row in bench.rows("attempts, state") if row.state == "planned"} == {0}


async def test_a_stop_by_another_process_is_seen_by_rows_that_waited_for_their_slot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "SURE_S", 0.0)
    bench.event(60)
    channel = FakeChannel()
    channel.gate.clear()
    async with Running(bench.dispatcher(channel, window=60, concurrency=5)):
        await channel.until(lambda: channel.under_way == 5)
        bench.stop(bench.clock.now())  # nobody tells this process
        channel.gate.set()
        counts = await bench.until(lambda counts: counts["claimed"] == 0)
    assert counts == {"handed": 5, "planned": 55}


async def test_closing_waits_for_calls_under_way_and_gives_everything_else_back(bench: Bench) -> None:
    bench.event(200)
    channel = FakeChannel()
    channel.gate.clear()
    dispatcher = bench.dispatcher(channel, window=100, concurrency=10)
    running = Running(dispatcher)
    async with running:
        await channel.until(lambda: channel.under_way == 10)
        dispatcher.close()
        channel.gate.set()
        await running.close()
        assert bench.counts() == {"handed": 10, "planned": 190}
        assert {row.lease_owner for row in bench.rows("lease_owner")} == {None}
    assert len(channel.calls) == 10


class Unwell(Database):
    """A database that fails every other write while `ill`."""

    ill = False
    failures = 0

    async def write(self, work: Work[Any]) -> Any:
        type(self).failures += self.ill
        if self.ill and self.failures % 2:
            raise OperationalError("COMMIT", {}, Exception("disk I/O error"))
        return await super().write(work)


@pytest.fixture
def unwell(database_url: str) -> Iterator[Unwell]:
    database = Unwell(database_url)
    yield database
    database.close()


async def test_a_failing_database_loses_no_outcome_and_sends_nobody_twice(bench: Bench, unwell: Unwell) -> None:
    bench.event(150)
    bench.sending_db, unwell.ill = unwell, True
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel, window=20, concurrency=5)):
        await bench.until(all_handed(150))
        unwell.ill = False
    assert unwell.failures > 10
    assert len(channel.calls) == 150


async def test_a_letter_that_cannot_be_made_keeps_nobody_else_waiting(bench: Bench) -> None:
    ids = bench.event(30)

    def made(leased: Leased) -> Outbound | Refused | Retry:
        if leased.address_id == ids[0]:
            raise LookupError("no text in this language")
        return Refused("erased") if leased.address_id == ids[1] else a_letter(leased)

    bench.outbox = PlainOutbox(made)
    channel = FakeChannel()
    async with Running(bench.dispatcher(channel)):
        await bench.until(lambda counts: counts == {"handed": 28, "refused": 1, "planned": 1})
    assert len(bench.pages) == 1


async def test_an_answer_that_no_database_takes_costs_nobody_else_theirs(bench: Bench) -> None:
    bench.event(30)
    channel = FakeChannel(
        answer=lambda outbound: Handed("SM\ud800") if outbound.delivery_id % 10 == 0 else Handed(f"SM{outbound.delivery_id}")
    )
    async with Running(bench.dispatcher(channel)):
        counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    assert counts == {"handed": 27, "unknown": 3}


async def test_what_a_provider_refuses_because_of_an_opt_out_is_mirrored(bench: Bench) -> None:
    bench.event(2)
    channel = FakeChannel(answer=lambda outbound: Refused("21610", "The person has opted out.", opted_out=True))
    async with Running(bench.dispatcher(channel)):
        await bench.until(lambda counts: counts == {"refused": 2})
    stopped = bench.db.read_now(lambda conn: conn.exec_driver_sql("SELECT COUNT(stopped_at) FROM address").scalar_one())
    assert stopped == 2


async def test_urgent_rows_go_before_rows_that_are_held_already(bench: Bench) -> None:
    bench.event(400)
    channel = FakeChannel()
    dispatcher = bench.dispatcher(channel, rate=100.0, concurrency=5)
    async with Running(dispatcher):
        await channel.until(lambda: len(channel.calls) >= 3)
        bench.event(5, event_id="M3T8-1", alert_id="M3T8-1", incident_id="M3T8", identifier="2", priority=0)
        dispatcher.wake()
        before = len(channel.calls)
        await bench.until(lambda counts: counts["handed"] >= before + 60)
    urgent = {row.delivery_id for row in bench.rows("delivery_id, event_id") if row.event_id == "M3T8-1"}
    places = [number for number, (delivery_id, _) in enumerate(channel.calls) if delivery_id in urgent]
    assert len(places) == 5
    assert max(places) < before + 40  # what was claimed already goes first: a quarter of a second


async def test_a_sender_that_stood_still_past_its_lease_starts_nothing(db: Database, clock: ManualClock) -> None:
    bench = Bench(db, clock)
    bench.event(20)
    channel = FakeChannel()
    channel.gate.clear()
    async with Running(bench.dispatcher(channel, concurrency=2, window=20)):
        await channel.until(lambda: channel.under_way == 2)
        clock.forward(LEASE * 2)  # the process stood still between claim and call
        channel.gate.set()
        await bench.until(lambda counts: counts["claimed"] < 18)
    assert all(delivery_id for delivery_id, _ in channel.calls)
    assert bench.counts().total() == 20
    assert len({delivery_id for delivery_id, _ in channel.calls}) == len(channel.calls)


async def test_reports_that_overtake_their_outcomes_by_the_hundred_are_all_taken(bench: Bench) -> None:
    people = 400
    bench.event(people)
    intake = Intake(bench.db, bench.clock)
    reports: list[asyncio.Task[None]] = []

    def answer(outbound: Outbound) -> Outcome:
        delivered = [Receipt(outbound.delivery_id, Delivered(), f"SM{outbound.delivery_id}")]
        reports.append(asyncio.create_task(intake.take(delivered)))
        return Handed(f"SM{outbound.delivery_id}")

    senders = [bench.dispatcher(FakeChannel(answer=answer), f"s{number}", window=40) for number in range(3)]
    async with Running(*senders):
        await bench.until(lambda counts: counts == {"delivered": people})
    assert [end for end in await asyncio.gather(*reports, return_exceptions=True) if end is not None] == []


async def test_a_fault_while_the_next_rows_are_claimed_loses_no_outcome_of_those_that_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.event(40)
    channel = FakeChannel()
    dispatcher = bench.dispatcher(channel, rate=100.0)
    claim = leases.claim

    def faulty(*args: object, **given: object) -> object:
        if channel.calls:
            dispatcher.close()
            raise RuntimeError("a fault")
        return claim(*args, **given)

    monkeypatch.setattr(leases, "claim", faulty)
    async with Running(dispatcher):
        await channel.until(lambda: len(channel.calls) >= 1)
    assert bench.counts()["handed"] == len(channel.calls)
