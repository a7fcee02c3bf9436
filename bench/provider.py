"""A provider that reports on one text after another at a steady rate, signed as it signs.

A process of its own, and a cheap one, so that what is measured is the service."""

import asyncio
import multiprocessing
import multiprocessing.connection
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlencode, urlsplit

import numpy as np
from twilio.request_validator import RequestValidator

CONNECTIONS: Final = 200
TICK_S: Final = 0.005
STATUSES: Final = ("sent", "delivered")  # what becomes of a text, a report each
SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """url: of the public listener. per_second reports for so many seconds, on the texts from 1 to `texts` in turn, again and
    again: a provider may repeat itself."""

    url: str
    account: str
    token: str
    texts: int
    per_second: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of them. Times in ms from sending to the answer."""

    offered: int
    taken: int
    median_ms: float
    p95_ms: float


class Provider:
    """Starts at once; `end` waits for the last answer."""

    def __init__(self, job: Job) -> None:
        self._ours, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_report, args=(job, theirs))
        self._process.start()
        theirs.close()  # so that its death is an end here

    def begun(self) -> None:
        """Returns when it has signed everything and begins."""
        self._ours.recv()

    def end(self) -> Taken:
        taken = cast(Taken, self._ours.recv())
        self._process.join()
        return taken


def _report(job: Job, pipe: "multiprocessing.connection.Connection") -> None:
    signed = list(_signed(job))
    pipe.send("begun")
    pipe.send(asyncio.run(_reporting(job, signed)))


def _signed(job: Job) -> Iterator[bytes]:
    """Every request, as its bytes."""
    validator, host = RequestValidator(job.token), urlsplit(job.url).netloc
    for number in range(int(job.per_second * job.seconds)):
        text, status = divmod(number, len(STATUSES))
        delivery_id = text % job.texts + 1
        path = f"/reports/sms/{delivery_id}"
        form = {
            "AccountSid": job.account,
            "ApiVersion": "2010-04-01",
            "From": "+15035550100",
            "MessageSid": f"SM{delivery_id:032x}",
            "MessageStatus": STATUSES[status],
            "RawDlrDoneDate": "2605041212",
            "SmsSid": f"SM{delivery_id:032x}",
            "SmsStatus": STATUSES[status],
            "To": "+15035550199",
        }
        body, signature = urlencode(form), validator.compute_signature(job.url + path, form)
        yield (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


class _Line(asyncio.Protocol):
    """One kept connection. An answer without a body is all we expect."""

    def __init__(self, free: "deque[_Line]", taken: list[float]) -> None:
        self._free, self._taken = free, taken
        self._transport: asyncio.Transport | None = None
        self._sent_at, self._got = 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._free.append(self)

    def post(self, request: bytes) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if b"\r\n\r\n" in self._got:
            if self._got.startswith(b"HTTP/1.1 204"):
                self._taken.append(time.perf_counter() - self._sent_at)
            self._got = b""
            self._free.append(self)


async def _reporting(job: Job, signed: Sequence[bytes]) -> Taken:
    loop, where = asyncio.get_running_loop(), urlsplit(job.url)
    free: deque[_Line] = deque()
    taken: list[float] = []
    host, port = where.hostname or "", where.port or 80
    lines = [await loop.create_connection(lambda: _Line(free, taken), host, port) for _ in range(CONNECTIONS)]
    began, number = time.perf_counter(), 0
    while (gone := time.perf_counter() - began) < job.seconds:
        while free and number < min(gone * job.per_second, len(signed)):
            free.popleft().post(signed[number])
            number += 1
        await asyncio.sleep(TICK_S)
    async with asyncio.timeout(job.seconds):
        while len(free) < CONNECTIONS:
            await asyncio.sleep(TICK_S)
    for transport, _ in lines:
        transport.close()
    return Taken(
        offered=len(signed),
        taken=len(taken),
        median_ms=float(np.median(taken)) * 1_000,
        p95_ms=float(np.percentile(taken, 95)) * 1_000,
    )
