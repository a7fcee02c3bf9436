"""However many people look at a send, it is counted once; nobody who watches it waits for the next count."""

import asyncio
from typing import Any, cast

import pytest

from notify import tallies
from notify.db import Database
from notify.tallies import Tallies

PATIENCE_S = 60


class Counter:
    """Stands for the database: each count is another number, and takes until it is let through."""

    def __init__(self) -> None:
        self.begun = 0
        self.through = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, _work: Any) -> int:
        self.begun += 1
        number = self.begun
        await asyncio.wait_for(self.through.wait(), PATIENCE_S)
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def counts(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> Tallies:
    monkeypatch.setattr(tallies, "SHARE", 0)
    return Tallies(cast(Database, counter))


async def test_all_who_wait_for_the_first_count_share_it(counts: Any, counter: Counter) -> None:
    waiting = [asyncio.create_task(counts.of("K1")) for _ in range(5)]
    await asyncio.sleep(0)
    counter.through.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert counter.begun == 1


async def test_who_watches_sees_the_last_count_while_the_next_is_made(
    counts: Any, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "FRESH_S", 0)
    counter.through.set()
    assert await counts.of("K1") == 1
    counter.through.clear()
    assert [await counts.of("K1") for _ in range(3)] == [1, 1, 1]
    await asyncio.sleep(0)
    assert counter.begun == 2
    counter.through.set()
    async with asyncio.timeout(PATIENCE_S):
        while await counts.of("K1") == 1:
            await asyncio.sleep(0)


async def test_after_a_while_unwatched_the_old_count_is_not_shown(
    counts: Any, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "FRESH_S", 0)
    monkeypatch.setattr(tallies, "WATCHED_S", 0)
    counter.through.set()
    assert [await counts.of("K1") for _ in range(3)] == [1, 2, 3]


async def test_what_must_be_exact_is_counted_now(counts: Any, counter: Counter) -> None:
    counter.through.set()
    assert [await counts.of("K1"), await counts.of("K1", exact=True), await counts.of("K1")] == [1, 2, 2]


async def test_a_count_that_fails_is_said_and_tried_again(
    counts: Any, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.error = OSError("gone")
    counter.through.set()
    with pytest.raises(OSError, match="gone"):
        await counts.of("K1")
    assert "could not be counted" in caplog.text
    counter.error = None
    assert await counts.of("K1") == 2


async def test_who_goes_away_takes_nobody_elses_count_along(counts: Any, counter: Counter) -> None:
    first, second = asyncio.create_task(counts.of("K1")), asyncio.create_task(counts.of("K1"))
    await asyncio.sleep(0)
    first.cancel()
    counter.through.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
