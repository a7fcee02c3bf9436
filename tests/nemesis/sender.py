"""A sender as its own process: `python -m tests.nemesis.sender URL OWNER CALLS` sends until it is told to end.

Its channel accepts everything and notes each call in the file CALLS before the answer, as a carrier would.
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import IO

from channels.base import Handed, Outbound, Receipt
from notify.clock import SystemClock
from notify.db import Database
from notify.sending.desk import Desk, Sender
from notify.sending.dispatch import Dispatcher
from tests.notify.sending_factory import FakeChannel, PlainOutbox

LEASE = timedelta(seconds=1)
WINDOW = 40


class Carrier(FakeChannel):
    calls_file: IO[str]

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        for outbound in batch:
            self.calls_file.write(f"{outbound.delivery_id}\n")
        self.calls_file.flush()
        await asyncio.sleep(0.02)
        for outbound in batch:
            yield Receipt(outbound.delivery_id, Handed(f"SM{outbound.delivery_id}"))


async def work(url: str, owner: str, calls: Path) -> None:
    channel = Carrier()
    with closing(Database(url)) as db, calls.open("a") as channel.calls_file:
        sender = Sender(name=owner, channel=channel, rate=400.0, concurrency=20, window=WINDOW, units=lambda content: 1)
        desk = Desk(db=db, clock=SystemClock(), outbox=PlainOutbox(), halted=set(), page=print, lease_for=LEASE, lead_s=0.5)
        dispatcher = Dispatcher(sender, desk, owner)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, dispatcher.close)
        print(json.dumps({"ready": True}), flush=True)
        await dispatcher.run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
