"""How long something took by the time that this process has had: for promises in seconds, on machines that stand still."""

import asyncio
import time
from typing import Final

TICK_S: Final = 0.02


class OwnTime:
    """`async with OwnTime() as had:` counts in `had.s`. While the process is frozen, or gets no turn on a busy machine, nothing
    is counted; what it waits for in its loop is, and so is what it computes."""

    def __init__(self) -> None:
        self.s = 0.0
        self._began, self._computed = time.monotonic(), time.process_time()

    async def __aenter__(self) -> "OwnTime":
        self._look()
        self.s = 0.0
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        self._look()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._look()

    def _look(self) -> None:
        now, computed = time.monotonic(), time.process_time()
        self.s += min(now - self._began, max(2 * TICK_S, computed - self._computed + TICK_S))
        self._began, self._computed = now, computed
