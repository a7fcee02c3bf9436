"""Page and feeds with several processes: one writer on a machine, and texts wait until one of them has written."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.feed_folder import Written
from notify.alerts import conductor
from notify.clock import SystemClock
from notify.db import Database
from notify.processes.posts import Kind
from notify.publishing import printing
from notify.publishing.printing import ELSEWHERE, Printing, Unanswered
from tests.notify.ledger_factory import add_event, an_event_row
from tests.notify.processes.test_posts_of_senders import FakeCrew

WRITTEN = Written(written=("feeds/active.atom",))


class Press:
    """A publisher that notes when it was asked."""

    def __init__(self) -> None:
        self.runs = 0

    async def publish(self, now: datetime) -> Written:
        self.runs += 1
        return WRITTEN


def a_printing(db: Database, lock: Path | None) -> Printing:
    return Printing(db=db, clock=SystemClock(), publisher=Press(), crew=FakeCrew(), lock=lock)  # type: ignore[arg-type]


@pytest.fixture
def two(store: Database, tmp_path: Path) -> Iterator[tuple[Printing, Printing]]:
    """A process that writes the folder, which came first, and another one of the same machine."""
    first, second = (a_printing(store, tmp_path / "published.lock") for _ in range(2))
    assert first.ours()
    with closing(first), closing(second):
        yield first, second


async def test_one_process_of_a_machine_writes_and_the_next_one_does_when_it_has_gone(two: tuple[Printing, Printing]) -> None:
    first, second = two
    assert await second.publish(datetime.now(UTC)) is ELSEWHERE
    assert second.crew.told == [(Kind.PUBLISH, "")]  # type: ignore[attr-defined]
    first.close()
    assert await second.publish(datetime.now(UTC)) is WRITTEN


async def test_a_process_that_does_not_write_waits_until_another_one_has(
    store: Database, two: tuple[Printing, Printing]
) -> None:
    now = datetime.now(UTC)
    store.write_now(lambda conn: add_event(conn, an_event_row(now, status="publishing", started_at=now), now))
    first, second = two
    waiting = asyncio.create_task(second.everywhere())
    await first.asked()
    await asyncio.wait_for(waiting, 60)
    assert first.publisher.runs == 1  # type: ignore[attr-defined]
    assert store.read_now(conductor.unpublished) == []


async def test_where_nobody_writes_that_is_said_instead_of_waiting_for_ever(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "PATIENCE_S", 0.2)
    now = datetime.now(UTC)
    store.write_now(lambda conn: add_event(conn, an_event_row(now, status="publishing", started_at=now), now))
    with pytest.raises(Unanswered, match="no web process"):
        await a_printing(store, None).everywhere()
