"""A batch of mails under way: what is still to be handed over, who hands it over, and the receipts nobody has read yet."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass

from channels.base import Misconfigured, Outbound, Outcome, Receipt, Retry
from channels.dkim import Seal
from channels.mime import Template
from channels.relay import Unreachable
from channels.smtp import Mail


@dataclass(frozen=True, slots=True)
class Letter:
    """An outbound that can be sent: its address is good and its content reads back."""

    outbound: Outbound
    to: str
    template: Template
    seal: Seal | None


class Batch:
    """One batch under way: what is still to be handed over, and the receipts nobody has read yet."""

    def __init__(self) -> None:
        self.letters: deque[Letter] = deque()
        self.mails: deque[Mail] = deque()  # composed and given back by a lane that could not go on
        self.untold: set[int] = set()
        self.failure: Unreachable | Misconfigured | Retry | None = None  # why a lane could not go on
        self._receipts: list[Receipt] = []
        self._lanes: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._held: list[deque[Mail]] = []

    def held_by_a_lane(self) -> deque[Mail]:
        """What a lane has composed and its connection has not begun with."""
        self._held.append(deque())
        return self._held[-1]

    def take_back(self, outcome: Outcome) -> None:
        """Tells this of everything that was not begun, and leaves no lane anything to begin with."""
        waiting = [letter.outbound.delivery_id for letter in self.letters]
        waiting += [mail.delivery_id for mails in (self.mails, *self._held) for mail in mails]
        self.letters.clear()
        for mails in (self.mails, *self._held):
            mails.clear()
        for delivery_id in waiting:
            self.tell(delivery_id, outcome)

    def start(self, lanes: Sequence[Coroutine[None, None, None]]) -> None:
        self._lanes = [asyncio.create_task(lane) for lane in lanes]
        for lane in self._lanes:
            lane.add_done_callback(lambda _: self._news.set())

    def fail(self, failure: Unreachable | Misconfigured | Retry) -> None:
        """Keeps why a lane ended; what a person must set right is not forgotten for what may pass by itself."""
        if not isinstance(self.failure, Misconfigured):
            self.failure = failure

    def tell(self, delivery_id: int, outcome: Outcome) -> None:
        self.untold.discard(delivery_id)
        self._receipts.append(Receipt(delivery_id, outcome))
        self._news.set()

    async def told(self) -> AsyncIterator[list[Receipt]]:
        """Receipts as they come, until every lane has ended."""
        while True:
            self._news.clear()
            if self._receipts:
                news, self._receipts = self._receipts, []
                yield news
            elif all(lane.done() for lane in self._lanes):
                return
            else:
                await self._news.wait()

    async def end(self) -> None:
        """Stops the lanes that still run."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    @property
    def error(self) -> BaseException | None:
        """What has to leave the channel once every receipt is out. Only for a batch whose lanes have ended."""
        broken = (lane.exception() for lane in self._lanes if not lane.cancelled())
        unforeseen = next((error for error in broken if error is not None), None)
        return unforeseen or (self.failure if isinstance(self.failure, Misconfigured) else None)
