"""A provider that takes every text at once and reports each as delivered, signed as Twilio signs: a process of its own, and a
cheap one, so that what is measured is the service. It keeps no log; the simulator is the one whose word is trusted.

`python -m bench.reporting PORT TOKEN`; the first line of its output says that it listens.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections import deque
from typing import Final, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import uvloop

CONNECTIONS: Final = 100  # on which reports leave
ACCOUNT_OF: Final = b"GET /2010-04-01/Accounts/"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
CREATED: Final = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Desk:
    """Reports that wait, and the connections that are free for one."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._waiting: deque[bytes] = deque()
        self._free: deque[Reporter] = deque()
        self._opened = 0

    def taken(self, callback: str, form: dict[str, str]) -> None:
        """A text is delivered the moment it is taken."""
        form |= {"MessageStatus": "delivered", "SmsStatus": "delivered"}
        signed = callback + "".join(name + form[name] for name in sorted(form))
        mac = base64.b64encode(hmac.new(self._token, signed.encode(), hashlib.sha1).digest()).decode()
        where, body = urlsplit(callback), urlencode(form)
        self._waiting.append(
            f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {mac}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        if self._opened < CONNECTIONS:
            self._opened += 1
            task = asyncio.get_running_loop().create_task(self._open(where.hostname or "", where.port or 80))
            TASKS.add(task)
            task.add_done_callback(TASKS.discard)
        elif self._free:
            self._free.popleft().post(self._waiting.popleft())

    async def _open(self, host: str, port: int) -> None:
        _, reporter = await asyncio.get_running_loop().create_connection(lambda: Reporter(self), host, port)
        self.next(reporter)

    def next(self, reporter: "Reporter") -> None:
        if self._waiting:
            reporter.post(self._waiting.popleft())
        else:
            self._free.append(reporter)

    def again(self, request: bytes) -> None:
        self._waiting.append(request)


TASKS: set[asyncio.Task[None]] = set()


class Reporter(asyncio.Protocol):
    """One kept connection to the service. A report that is not answered with 204 is made again."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._request, self._got = desk, b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def post(self, request: bytes) -> None:
        self._request = request
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if b"\r\n\r\n" in self._got:
            if not self._got.startswith(b"HTTP/1.1 204"):
                self._desk.again(self._request)
            self._got = b""
            self._desk.next(self)


class Counter(asyncio.Protocol):
    """Takes texts as Twilio's Messages resource does; whole requests with a Content-Length only, which is what we send."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._got = desk, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = self._got[:end]
            if head.startswith(ACCOUNT_OF):
                self._got = self._got[end + 4 :]
                answer = b'{"status": "active"}'
                self._transport.write(OK % (len(answer), answer))
                continue
            at = head.lower().find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._got) < end + 4 + size:
                return
            body, self._got = self._got[end + 4 : end + 4 + size], self._got[end + 4 + size :]
            self._take(head.split(b"/", 4)[3].decode(), parse_qs(body.decode()))

    def _take(self, account: str, form: dict[str, list[str]]) -> None:
        callback = form["StatusCallback"][0]
        sid = f"SM{int(callback.rpartition('/')[2]):032x}"
        answer = json.dumps({"sid": sid, "status": "queued", "error_code": None}).encode()
        self._transport.write(CREATED % (len(answer), answer))
        sender, to = form["From"][0], form["To"][0]
        names = {"AccountSid": account, "MessageSid": sid, "SmsSid": sid, "From": sender, "To": to, "ApiVersion": "2010-04-01"}
        self._desk.taken(callback, names)


async def _serve(port: int, token: str) -> None:
    desk = Desk(token)
    server = await asyncio.get_running_loop().create_server(lambda: Counter(desk), "127.0.0.1", port)
    print(json.dumps({"listening": port}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
