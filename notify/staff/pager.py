"""Pages to our own duty officer, never an alert: to the log and, when configured, to the city's own paging command."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

logger = logging.getLogger(__name__)

KEPT: Final = 50
COMMAND_S: Final = 30.0


class Pager:
    """Call it with a sentence. It never waits, never raises and never holds up a send. `recent` is for screens."""

    def __init__(self, command: Sequence[str], patience_s: float = COMMAND_S) -> None:
        self._command, self._patience_s = tuple(command), patience_s
        self._running: set[asyncio.Task[None]] = set()
        self.recent: deque[str] = deque(maxlen=KEPT)

    def __call__(self, sentence: str) -> None:
        logger.error("paging the duty officer: %s", sentence)
        self.recent.append(sentence)
        if self._command:
            task = asyncio.get_running_loop().create_task(self._run(sentence))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, sentence: str) -> None:
        try:
            # Our own standard output belongs to whoever started us.
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            logger.error("the paging command failed: %s (docs/operations.md#paging)", error)
            return
        try:
            await asyncio.wait_for(process.communicate(sentence.encode()), self._patience_s)
        except TimeoutError:
            process.kill()
            await process.wait()
            logger.error("the paging command took longer than %g s (docs/operations.md#paging)", self._patience_s)
            return
        if process.returncode:
            logger.error("the paging command ended with %d (docs/operations.md#paging)", process.returncode)
