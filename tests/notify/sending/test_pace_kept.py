"""A sender's pace, where what it waits for besides the pace takes long."""

import asyncio
from contextlib import closing
from typing import Any

import pytest

from notify.clock import SystemClock
from notify.db import Database, Work
from notify.sending import dispatch
from tests.notify.sending_factory import Bench, FakeChannel, Running


class OnceSlow(Database):
    """The first look at what is being sent takes longer than a second of the pace."""

    looks = 0

    async def read(self, work: Work[Any]) -> Any:
        self.looks += 1
        if self.looks == 1:
            await asyncio.sleep(1.2)  # the fault itself: a database that answers late
        return await super().read(work)


async def test_a_message_that_waited_for_the_database_counts_from_when_it_left(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "SURE_S", 0.0)
    bench = Bench(store, SystemClock())
    bench.event(30)
    channel = FakeChannel()
    with closing(OnceSlow(store.url)) as slow:
        bench.sending_db = slow
        async with Running(bench.dispatcher(channel, rate=20.0)):
            await bench.until(lambda counts: counts == {"handed": 30})
        assert slow.looks > 1
    starts = [at for _, at in channel.calls]
    assert max(sum(at <= one < at + 1.0 for one in starts) for at in starts) <= 20
