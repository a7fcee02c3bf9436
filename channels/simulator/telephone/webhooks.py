"""Asks the application over HTTP, as Twilio does: signed, within a time, once more when there is no connection."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from channels.simulator.callbacks import encoded, signature
from channels.simulator.numbers import may_call
from channels.simulator.telephone.legs import Answer, Source

logger = logging.getLogger(__name__)

TRIES: Final = 2
RETRIEVAL_FAILURE: Final = 11200  # https://www.twilio.com/docs/api/errors/11200
BAD_HOST: Final = 11210  # https://www.twilio.com/docs/api/errors/11210
CONNECTION_FAILURE: Final = 11205  # https://www.twilio.com/docs/api/errors/11205
MOST_BYTES: Final = 16 * 1024 * 1024  # a recording that is played
AT_ONCE: Final = 1_024
_RANDOM: Final = random.Random(random.SystemRandom().getrandbits(128))  # tokens differ between runs; nothing secret

Done = Callable[[Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the application is reached: what signs, how long it may take, and the hosts it may be on."""

    token: str
    limit_s: float
    hosts: Collection[str]


class Webhooks:
    """`before` is awaited before anything is said, so that the log has what led to it; `touch` is called before each answer is
    handed on, so that it comes in its turn. An answer that comes after the line's `limit_s` real seconds
    is none."""

    def __init__(self, line: Line, before: Callable[[], Awaitable[None]], touch: Callable[[], None]) -> None:
        self._line, self._before, self._touch = line, before, touch
        self._session: aiohttp.ClientSession | None = None
        self._at_work: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}  # by key: what the next one waits for

    def post(self, key: str, source: Source, form: Mapping[str, str], done: Done) -> None:
        task = asyncio.create_task(self._work(self._last.get(key) if key else None, source, dict(form), done))
        self._at_work.add(task)
        task.add_done_callback(self._ended)
        if key:
            self._last[key] = task
            task.add_done_callback(lambda ended: self._forget(key, ended))

    async def close(self) -> None:
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("A webhook could not be made or followed.", exc_info=error)

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if self._last.get(key) is task:
            del self._last[key]

    async def _work(self, earlier: asyncio.Task[None] | None, source: Source, form: dict[str, str], done: Done) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        await self._before()
        started = time.monotonic()
        if not may_call(source.url, self._line.hosts):
            self._touch()
            done(Answer(status=0, code=BAD_HOST, reason="Its host is not one of the callback hosts.", url=source.url))
            return
        answer = Answer(status=0, code=CONNECTION_FAILURE, reason="No connection.")
        token = f"{_RANDOM.getrandbits(128):032x}"
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(self._line.limit_s):
                    answer = await self._asked(source, form, token)
                break
            except TimeoutError:
                answer = Answer(status=0, code=RETRIEVAL_FAILURE, reason=f"No answer within {self._line.limit_s:g} s.")
                break
            except aiohttp.ClientConnectionError as error:
                answer = Answer(status=0, code=CONNECTION_FAILURE, reason=f"No connection: {type(error).__name__}.")
            except aiohttp.ClientError as error:
                answer = Answer(status=0, code=RETRIEVAL_FAILURE, reason=f"No answer: {type(error).__name__}.")
                break
        if answer.code:
            logger.warning("A webhook at %s was of no use: %s", URL(source.url).path, answer.reason)
        self._touch()
        done(_timed(answer, started))

    async def _asked(self, source: Source, form: dict[str, str], token: str) -> Answer:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=AT_ONCE)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        url, body = source.url, b""
        if source.method == "GET":
            url, form = _with_query(url, form), {}
        else:
            body = encoded(form)
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(self._line.token, url, form),
            "I-Twilio-Idempotency-Token": token,  # the same on every try
        }
        if source.method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        wanted = URL(url, encoded=True)
        # A redirection is not followed: it could lead outside.
        asked = self._session.request(source.method, wanted, data=body or None, headers=headers, allow_redirects=False)
        async with asked as reply:
            content = await reply.content.read(MOST_BYTES)
            fits = 200 <= reply.status < 300
            return Answer(
                status=reply.status,
                body=content,
                kind=reply.headers.get("Content-Type", ""),
                url=str(reply.url) if source.method == "POST" else source.url,
                code=0 if fits else RETRIEVAL_FAILURE,
                reason="" if fits else f"The answer is {reply.status}.",
            )


def _with_query(url: str, form: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{encoded(form).decode()}" if form else url


def _timed(answer: Answer, started: float) -> Answer:
    return Answer(
        status=answer.status,
        body=answer.body,
        kind=answer.kind,
        url=answer.url,
        ms=round((time.monotonic() - started) * 1000),
        code=answer.code,
        reason=answer.reason,
    )
