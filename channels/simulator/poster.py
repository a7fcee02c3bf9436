"""Posts callbacks: many at once, over kept connections, in order for each message."""

import asyncio
import logging
import random
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Final

import aiohttp
from yarl import URL

from channels.simulator import wire
from channels.simulator.callbacks import Callback, encoded, signature

logger = logging.getLogger(__name__)

# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides: 15 s in all; one more try when the connection fails
TIMEOUT_S: Final = 15.0
TRIES: Final = 2
_RANDOM: Final = random.SystemRandom()


class Poster:
    """A pool of workers, each with its own queue and connections; a key always goes to the same worker, so its order holds.

    `tally` counts posted, retried and failed callbacks; `on_empty` is called whenever the last one under way is done.
    """

    def __init__(self, token: str, workers: int, on_empty: Callable[[], None]) -> None:
        self.tally: Counter[str] = Counter()
        self.pending = 0
        self._token = token
        self._on_empty = on_empty
        self._random = random.Random(_RANDOM.getrandbits(64))
        self._session: aiohttp.ClientSession | None = None
        self._queues: list[asyncio.Queue[Callback]] = [asyncio.Queue() for _ in range(workers)]
        self._workers = [asyncio.create_task(self._work(queue)) for queue in self._queues]

    def post(self, callback: Callback) -> None:
        """Queues a callback; returns at once."""
        self.pending += 1
        self._queues[zlib.crc32(callback.key.encode()) % len(self._queues)].put_nowait(callback)

    async def ask(self, callback: Callback) -> str:
        """Posts a callback now and returns the text of the answer. Raises aiohttp.ClientError or TimeoutError."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        url = URL(callback.url, encoded=True)
        async with self._session.post(url, data=encoded(callback.form), headers=self._headers(callback)) as reply:
            reply.raise_for_status()
            return await reply.text()

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _work(self, queue: asyncio.Queue[Callback]) -> None:
        kept: dict[str, wire.Connection] = {}
        try:
            while True:
                callback = await queue.get()
                self.tally["posted" if await self._delivered(callback, kept) else "failed"] += 1
                self.pending -= 1
                if not self.pending:
                    self._on_empty()
        finally:
            for connection in kept.values():
                connection.close()

    async def _delivered(self, callback: Callback, kept: dict[str, wire.Connection]) -> bool:
        headers, body = self._headers(callback), encoded(callback.form)
        origin = wire.origin(callback.url)
        for attempt in range(TRIES):
            self.tally["retried"] += attempt
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    connection = kept.get(origin)
                    if connection is None or not connection.usable:
                        kept[origin] = connection = await wire.connect(callback.url)
                    status = await connection.post(callback.url, headers, body)
            except TimeoutError:
                logger.warning("A callback was not answered in %s s.", TIMEOUT_S)
                return False
            except OSError as error:
                logger.info("A callback found no connection: %s.", type(error).__name__)
                continue
            if not 200 <= status < 300:
                logger.warning("A callback was answered with status %s.", status)
            return 200 <= status < 300
        logger.warning("A callback found no connection in %s tries.", TRIES)
        return False

    def _headers(self, callback: Callback) -> dict[str, str]:
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(self._token, callback.url, callback.form),
            "I-Twilio-Idempotency-Token": f"{self._random.getrandbits(128):032x}",
        }
