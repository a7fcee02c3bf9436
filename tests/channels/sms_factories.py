"""A scripted stand-in for Twilio on a plain socket, down to the byte, and what tests of the SMS channel are made of."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from channels.base import Content, Outbound, Receipt
from channels.sms import TwilioSms
from channels.twilio_http import TwilioAccount, TwilioGateway

ACCOUNT_SID = "AC" + "5" * 32
TOKEN = "simulated-token"
FROM = "+15035550100"
PUBLIC_URL = "https://alerts.example.gov"
LONG_S = 60.0  # for whatever should happen at once: a busy machine must not fail a test


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    form: dict[str, str]


Answer = Callable[[Request], Awaitable[bytes | None]]  # None: the connection is cut without an answer


def http(status: int, document: Any = None, *, headers: str = "", body: bytes | None = None) -> bytes:
    """A whole response; `headers` are lines that end in CR LF."""
    body = json.dumps(document).encode() if body is None else body
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def sid(number: int) -> str:
    return f"SM{number:032x}"


def accepted(number: int) -> bytes:
    return http(201, {"sid": sid(number), "status": "queued", "account_sid": ACCOUNT_SID, "error_code": None})


def refused(code: int, status: int = 400, headers: str = "") -> bytes:
    return http(status, {"code": code, "message": "No, +15035550123.", "status": status}, headers=headers)


class FakeTwilio:
    """Answers each request as `answer` says, and keeps them all. By default it accepts every message."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._answer = answer or self._accept
        self._news = asyncio.Condition()
        self._talks: set[asyncio.Task[Any]] = set()
        self.url = ""

    async def _accept(self, request: Request) -> bytes:
        if request.method == "GET":
            return http(200, {"sid": ACCOUNT_SID, "status": "active"})
        return accepted(len(self.requests))

    @property
    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    async def seen(self, count: int) -> None:
        """Waits until so many requests have come in."""
        async with asyncio.timeout(LONG_S), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= count)

    @asynccontextmanager
    async def serve(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["FakeTwilio"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            server.close()
            for task in self._talks:
                task.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await self.talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side has left, or the test is over
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
            self._talks.discard(task)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which is cut at the end."""
        while answer := await self._answer(await self.read(reader)):
            writer.write(answer)
            await writer.drain()

    async def read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        form = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body)))
        request = Request(method, url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers, form)
        async with self._news:
            self.requests.append(request)
            self._news.notify_all()
        return request


def an_account(base_url: str = "http://127.0.0.1:9", **changes: Any) -> TwilioAccount:
    account = TwilioAccount(
        account_sid=ACCOUNT_SID,
        auth_token=TOKEN,
        public_url=PUBLIC_URL,
        base_url=base_url,
        connect_timeout_s=LONG_S,
        total_timeout_s=LONG_S,
        connections=10,
    )
    return replace(account, **changes)


def a_content(body: str = "Boil your water.", language: str = "en") -> Content:
    return Content(key=f"sms/first/{language}", language=language, body=body)


def an_outbound(number: int = 1, *, body: str = "Boil your water.", valid_for: timedelta | None = None) -> Outbound:
    address = f"+1503555{number % 10_000:04}"
    return Outbound(delivery_id=number, event_id="e1", address=address, content=a_content(body), valid_for=valid_for)


def outbounds(count: int) -> list[Outbound]:
    return [an_outbound(number) for number in range(1, count + 1)]


@asynccontextmanager
async def a_channel(fake: FakeTwilio, **changes: Any) -> AsyncIterator[TwilioSms]:
    """An open channel to the fake, without the check of the account."""
    gateway = TwilioGateway(an_account(fake.url, **changes))
    await gateway.open()
    try:
        yield TwilioSms(gateway, FROM)
    finally:
        await gateway.close()


async def receipts_of(sms: TwilioSms, batch: Sequence[Outbound]) -> list[Receipt]:
    async with asyncio.timeout(LONG_S):
        return [receipt async for receipt in sms.send(batch)]
