"""The egress guard: the one way out for requests to addresses that somebody typed (webhooks, WebSub callbacks).

A name is looked up once, every address it has is judged, and the connection goes to one of those addresses and to nothing
else: what the name says a moment later changes nothing. No redirect is followed, nothing is read beyond a limit, nothing is
unpacked, and the whole request has one time limit, looking up included.

    async with Egress(rules) as egress:
        answer = await egress.ask("POST", url, body=b"{}", headers={"Content-Type": "application/json"})

It ends in an Answer, whatever its status, or in one of

    Refused       the guard said no: nothing was connected to
    Unreachable   no whole answer came: the request may or may not have arrived

Have one Egress for each use: whose names take long to look up then only holds up others of the same kind.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy

from notify.partners.address import Rules, literal, problems

TIMEOUT_S: Final = 10.0
CONNECT_S: Final = 5.0
MOST_BODY: Final = 64 * 1024  # bytes of an answer that are read; the rest is not taken from the wire
LOOKUPS: Final = 16  # names looked up at once
AGENT: Final = "Tocsin"

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""From a host's name to all its IP addresses. Raises OSError when there are none."""


class Refused(Exception):
    """The guard said no, and nothing was connected to; the message says why."""


class Unreachable(Exception):
    """No whole answer came; the message says why in a few words, and never holds the address's path, which may be a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. cut: the body was longer than what was read of it."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    cut: bool = False


class Egress:
    """Requests under `rules`. look_up and tls are for tests; else the system's resolver and its certificates."""

    def __init__(self, rules: Rules, look_up: LookUp | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.rules = rules
        self._names = Names()
        self._look_up = look_up or self._names.look_up
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.close()

    def open(self) -> None:
        """To be called inside the loop that will use it."""
        connector = aiohttp.TCPConnector(
            resolver=_Guarded(self.rules, self._look_up),
            socket_factory=self._socket,
            use_dns_cache=False,
            force_close=True,  # a kept connection would outlive what its name was judged by
            limit=0,  # each caller bounds its own requests: nobody stands in line behind a stranger
            ssl=self._tls or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # a proxy would look names up by itself
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        self._names.close()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        most_body: int = MOST_BODY,
    ) -> Answer:
        """One request, never repeated. Raises Refused or Unreachable."""
        if self._session is None:
            raise Unreachable("the service is ending")
        if wrong := problems(url, self.rules):
            raise Refused(" ".join(wrong))
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_S, timeout_s))
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                taken = await _read(response.content, most_body + 1)
                response.close()
                return Answer(
                    status=response.status, headers=response.headers, body=taken[:most_body], cut=len(taken) > most_body
                )
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            raise Unreachable(_why(error, timeout_s)) from error

    def _socket(
        self, info: tuple[int | socket.AddressFamily, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
    ) -> socket.socket:
        """The last look, at the address itself, whatever led to it. Raises Refused."""
        family, kind, protocol, _, (host, port, *_) = info
        address = literal(host)
        why = self.rules.may_connect(address, port) if address is not None else f"{host} is not an IP address"
        if why:
            raise Refused(f"Nothing is sent there: {why}.")
        return socket.socket(family, kind, protocol)


class Names:
    """The system's resolver on threads of its own: slow names hold up no other work. A name is asked for once at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, "names")
        self._under_way: dict[str, asyncio.Future[list[str]]] = {}

    async def look_up(self, host: str) -> list[str]:
        asked = self._under_way.get(host)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host)
            self._under_way[host] = asked
            asked.add_done_callback(lambda done: self._forget(host, done))
        return await asyncio.shield(asked)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, host: str, done: "asyncio.Future[list[str]]") -> None:
        del self._under_way[host]
        if not done.cancelled():
            done.exception()  # whoever asked may have stopped waiting


class _Guarded(AbstractResolver):
    """Hands the connector the addresses of a name only when every one of them may be connected to."""

    def __init__(self, rules: Rules, look_up: LookUp) -> None:
        self._rules = rules
        self._look_up = look_up

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = []
        for text in await self._look_up(host):
            address = literal(text)
            why = self._rules.may_connect(address, port) if address is not None else f"{text} is not an IP address"
            if why:  # one inner answer among public ones is no accident
                raise Refused(f"Nothing is sent there: {host} leads to an address that is not allowed, {why}.")
            kind = socket.AF_INET6 if ":" in text else socket.AF_INET
            found.append(ResolveResult(hostname=host, host=text, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST))
        if not found:
            raise OSError(f"{host} has no address")
        return found

    async def close(self) -> None:
        """Nothing is held here."""


def _addresses(host: str) -> list[str]:
    rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


async def _read(content: aiohttp.StreamReader, most: int) -> bytes:
    taken = bytearray()
    while len(taken) < most and (piece := await content.read(most - len(taken))):
        taken += piece
    return bytes(taken)


def _why(error: Exception, timeout_s: float) -> str:
    """A few words an operator can act on. Never the error's own text, which may hold the path."""
    match error:
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not valid for this name"
        case aiohttp.ClientSSLError():
            return "no TLS connection"
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "the connection was lost"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return "its answer is not HTTP"
    return f"no answer ({type(error).__name__})"
