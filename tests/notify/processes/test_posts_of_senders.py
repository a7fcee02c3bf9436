"""A sender with a rate is driven by the process that holds its post, and by no other; what others send by it counts."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError

from notify.clock import SystemClock
from notify.db import Database
from notify.processes.posts import Kind, post_of
from notify.processes.session import QUIET_S as QUIET_FOR_REAL_S
from notify.sending.desk import Halted
from notify.sending.driving import ELSEWHERE_S
from tests.notify.sending_factory import Bench, FakeChannel, Running

QUIET_S = 0.2


@dataclass(slots=True)
class FakeCrew:
    """Holds what the test says."""

    process: str = "this one"
    quiet_s: float = QUIET_S
    terms: dict[str, int] = field(default_factory=dict)
    told: list[tuple[Kind, str]] = field(default_factory=list)

    def term(self, post: str) -> int:
        return self.terms.get(post, 0)

    def tell(self, kind: Kind, ref: str = "") -> None:
        self.told.append((kind, ref))


@pytest.fixture
def bench(store: Database) -> Bench:
    return Bench(store, SystemClock(), crew=FakeCrew())


async def test_nothing_leaves_until_the_post_is_ours_and_it_has_been_quiet(bench: Bench) -> None:
    bench.event(3)
    channel = FakeChannel()
    dispatcher = bench.dispatcher(channel, rate=1000.0)
    async with Running(dispatcher):
        assert not dispatcher.driving.ours
        taken_at = SystemClock().monotonic()
        bench.crew.terms[post_of("s1")] = 1
        dispatcher.wake()
        await bench.until(lambda counts: counts["handed"] == 3)
    assert min(at for _, at in channel.calls) >= taken_at + QUIET_S


async def test_a_sender_whose_post_is_lost_starts_nothing_more_and_gives_its_rows_back(bench: Bench) -> None:
    bench.event(40)
    bench.crew.terms[post_of("s1")] = 1
    channel = FakeChannel()
    dispatcher = bench.dispatcher(channel, rate=50.0)
    async with Running(dispatcher):
        await channel.until(lambda: len(channel.calls) >= 3)
        bench.crew.terms.clear()
        begun = len(channel.calls)
        dispatcher.wake()
        await bench.until(lambda counts: counts["claimed"] == 0 and counts["handed"] == begun)
    assert len(channel.calls) == begun
    assert {owner for (owner,) in bench.rows("lease_owner")} == {None}


async def test_a_sender_without_a_rate_needs_no_post(bench: Bench) -> None:
    bench.event(3)
    async with Running(bench.dispatcher(FakeChannel())):
        await bench.until(lambda counts: counts["handed"] == 3)


async def test_a_message_beside_the_ledger_is_told_to_whoever_drives_the_sender(bench: Bench) -> None:
    dispatcher = bench.dispatcher(FakeChannel(), rate=100.0)
    assert dispatcher.reserve(3) == ELSEWHERE_S
    assert bench.crew.told == [(Kind.SPEND, "s1 3")]


def test_a_stop_is_told_once_and_one_that_was_heard_is_not_told_on() -> None:
    crew = FakeCrew()
    halted = Halted(crew)
    halted.add("K7Q2-1")
    halted.update(["K7Q2-1", "K7Q2-2"])
    halted.heard("K7Q2-3")
    assert halted == {"K7Q2-1", "K7Q2-2", "K7Q2-3"}
    assert crew.told == [(Kind.STOP, "K7Q2-1"), (Kind.STOP, "K7Q2-2")]


async def test_claims_over_which_the_database_went_away_are_taken_back_and_made_anew(bench: Bench) -> None:
    """Committed, but nobody said so: none of them was started, so none may end as unknown."""
    bench.event(6)
    bench.crew.terms[post_of("s1")] = 1
    channel = FakeChannel()
    dispatcher = bench.dispatcher(channel, rate=100.0)
    claim, lost = dispatcher._holding._claim_now, []

    def cut_off_once(conn, ids, now):  # type: ignore[no-untyped-def]
        claimed = claim(conn, ids, now)
        if not lost:
            lost.append(datetime.now(UTC))
            conn.commit()
            raise OperationalError("COMMIT", {}, OSError("server closed the connection unexpectedly"))
        return claimed

    dispatcher._holding._claim_now = cut_off_once  # type: ignore[method-assign]
    async with Running(dispatcher):
        await bench.until(lambda counts: counts["handed"] == 6)
    assert lost and sorted(delivery_id for delivery_id, _ in channel.calls) == [1, 2, 3, 4, 5, 6]
    assert {tuple(row) for row in bench.rows("attempts, ambiguous")} == {(1, 0)}


async def test_a_number_that_passes_from_one_process_to_another_never_exceeds_its_rate_in_any_second(bench: Bench) -> None:
    """The moments at which calls start, by one clock: nothing else can be exact on a busy machine."""
    rate = 50
    bench.event(80)
    bench.crew.quiet_s = QUIET_FOR_REAL_S
    channel, heirs = FakeChannel(), FakeChannel()
    other = replace_crew(bench)
    bench.crew.terms[post_of("s1")] = 1
    before = bench.dispatcher(channel, rate=float(rate), name="s1")
    after = other.dispatcher(heirs, owner="s2", rate=float(rate), name="s1")
    async with Running(before, after):
        await channel.until(lambda: len(channel.calls) >= rate // 2)
        bench.crew.terms.clear()
        other.crew.terms[post_of("s1")] = 1
        after.wake()
        await bench.until(lambda counts: counts["handed"] == 80)
    times = sorted(at for _, at in channel.calls + heirs.calls)
    assert len(heirs.calls) >= 20 and len(times) == 80
    assert max(sum(at <= one < at + 1.0 for one in times) for at in times) <= rate


def replace_crew(bench: Bench) -> Bench:
    """The same ledger, seen from another process."""
    return replace(bench, crew=FakeCrew("another", bench.crew.quiet_s))
