"""The wire to Twilio: one pool of kept connections an account, time-outs that hold, and no request ever sent twice.

The twilio package builds requests, signs in, pages through lists and knows the errors; its stock async HTTP client is not
used, because it ignores its time-out, its retry posts a message again after a 503, and it logs phone numbers.

A hand-over ends in a Reply or in one of

    NotSent       proven: not a byte of the request left (name lookup, connecting and TLS handshake come before)
    Unanswered    the request left, wholly or in part, and no answer came: only Twilio can say what became of it

https://www.twilio.com/docs/usage/requests-to-twilio, https://github.com/twilio/twilio-python
"""

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from twilio.base.exceptions import TwilioException
from twilio.base.version import Version
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

from channels.base import Misconfigured

logger = logging.getLogger(__name__)

API: Final = "https://api.twilio.com"
KEEP_ALIVE_S: Final = 15  # an idle connection is dropped before the far end drops it: writing into a closing one is Unanswered
DNS_CACHE_S: Final = 60
NO_SURROUNDINGS: Final = {"TWILIO_REGION": "", "TWILIO_EDGE": ""}  # else the package reads these from the environment
CREDENTIALS: Final = "check TOCSIN_TWILIO_ACCOUNT_SID and TOCSIN_TWILIO_AUTH_TOKEN"

# What the twilio package raises when an answer is not what Twilio's API says; it does not check what it reads.
UNREADABLE: Final = (TwilioException, ValueError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """An account and how it is reached.

    public_url   how Twilio reaches us: reports come to <public_url>/reports/sms/<delivery id>
    base_url     Twilio's API, or a simulator
    connect_timeout_s   longest time for name lookup, TCP and TLS together
    total_timeout_s     longest time for a whole request, connecting included
    connections         most requests of the account under way at once
    """

    account_sid: str
    auth_token: str = field(repr=False)
    public_url: str
    base_url: str = API
    connect_timeout_s: float = 5.0
    total_timeout_s: float = 10.0
    connections: int = 100


def problems(account: TwilioAccount) -> list[str]:
    """Why this cannot be an account, as sentences."""
    found = []
    if not re.fullmatch(r"AC[0-9a-f]{32}", account.account_sid):
        found.append("TOCSIN_TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits in lower case.")
    if not account.auth_token:
        found.append("TOCSIN_TWILIO_AUTH_TOKEN is empty.")
    for name, value in (("TOCSIN_TWILIO_URL", account.base_url), ("TOCSIN_PUBLIC_URL", account.public_url)):
        if not re.fullmatch(r"https?://[!-~]+", value):
            found.append(f"{name} must begin with https:// or http:// and hold no spaces.")
    return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What Twilio answered to a hand-over. retry_after is the header as it came, "" without one."""

    status: int
    body: bytes
    retry_after: str = ""

    @property
    def code(self) -> int | None:
        """Twilio's own error code; None when the answer bears none (another machine may have spoken for Twilio)."""
        error = Version.exception("POST", "", Response(self.status, self.body.decode(errors="replace")), "")
        code = error.code
        return code if isinstance(code, int) and code >= 10_000 else None


class NotSent(Exception):
    """The request did not leave; the message says why."""


class Unanswered(Exception):
    """The request left and was not answered; the message says how that showed, in two or three words."""


class TwilioGateway:
    """One account's way to Twilio, shared by all its senders: `open` and `close` are counted, the last to leave closes.

    Raises Misconfigured for an account that cannot be one, with every problem.
    """

    def __init__(self, account: TwilioAccount) -> None:
        wrong = problems(account)
        if wrong:
            raise Misconfigured(" ".join(wrong))
        self.account = account
        self._http = _PooledHttp(account)
        self.client = Client(account.account_sid, account.auth_token, http_client=self._http, environment=NO_SURROUNDINGS)
        self.client.api.base_url = account.base_url
        self._messages = URL(self.client.api.v2010.absolute_url(f"/Accounts/{account.account_sid}/Messages.json"))
        self._head = self._request_head()
        self._users = 0
        self._door = asyncio.Lock()
        self._slots = asyncio.Semaphore(account.connections)
        self._route: aiohttp.ClientRequest | None = None

    def _request_head(self) -> bytes:
        """All of a hand-over that never changes, up to the number of bytes in its body."""
        headers = self.client.get_headers("POST", None) | {
            "Host": self._messages.host_port_subcomponent,
            "Authorization": aiohttp.encode_basic_auth(*self.client.auth),
            "Accept-Encoding": "identity",  # an answer of 900 bytes is not worth unpacking
        }
        lines = [f"POST {self._messages.raw_path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")

    async def open(self) -> None:
        async with self._door:
            self._users += 1
            if self._users == 1:
                session = self._http.open()
                self._route = aiohttp.ClientRequest("POST", self._messages, loop=asyncio.get_running_loop(), session=session)

    async def open_checked(self) -> None:
        """Connects, and stays connected only if the account is in order. Raises Misconfigured."""
        await self.open()
        try:
            await self.check()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """The last user's call waits for the requests under way, then disconnects."""
        async with self._door:
            self._users -= 1
            if self._users:
                return
            self._route = None
            for _ in range(self.account.connections):
                await self._slots.acquire()
            await self._http.close()
            self._slots = asyncio.Semaphore(self.account.connections)

    async def check(self) -> None:
        """Asks for the account. Raises Misconfigured; a Twilio that cannot be reached now is only logged, because that is
        no fault of the settings, and hand-overs will say it themselves."""
        try:
            await self.ask_account()
        except ConnectionError as error:
            logger.warning("Twilio cannot be reached now, so its credentials are not checked: %s", error)

    async def ask_account(self) -> None:
        """Asks for the account. Raises ConnectionError when Twilio does not answer now, Misconfigured."""
        try:
            account = await self.client.api.v2010.accounts(self.account.account_sid).fetch_async()
        except UNREADABLE as error:
            raise Misconfigured(
                "What answers at TOCSIN_TWILIO_URL does not answer like Twilio's API; check the setting."
            ) from error
        if account.status not in (None, "active"):
            raise Misconfigured(f"The Twilio account is {account.status}: only its owner can reopen it with Twilio.")

    async def post(self, form: bytes) -> Reply:
        """Hands over one message, an urlencoded form of the Message resource, once. Raises NotSent or Unanswered."""
        async with self._slots:
            return await self._exchange(form)

    async def _exchange(self, form: bytes) -> Reply:
        # Beneath ClientSession.request, on the same pool, for two reasons. What is proven: its errors do not tell whether the
        # request had begun to leave. And cost: of the 330 us it takes for a hand-over, 190 us go into rebuilding URL,
        # headers, payload and response objects that are the same for every text (bench/sms.py).
        connector = self._http.connector
        if connector is None or self._route is None:
            raise NotSent("not connected")
        ends_at = asyncio.get_running_loop().time() + self.account.total_timeout_s
        try:
            connection = await connector.connect(self._route, [], self._http.timeout)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotSent(_why(error)) from error
        try:
            reply = await _converse(connection, b"%b%d\r\n\r\n%b" % (self._head, len(form), form), ends_at)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return reply


async def _converse(connection: Connection, request: bytes, ends_at: float) -> Reply:
    """Writes a request and reads its reply to the end; loop time `ends_at` bounds it. Raises NotSent or Unanswered."""
    loop, protocol, transport = asyncio.get_running_loop(), connection.protocol, connection.transport
    if protocol is None or transport is None or loop.time() >= ends_at:
        raise NotSent("no connection in time")
    protocol.set_response_params(read_until_eof=True)
    alarm = loop.call_at(ends_at, transport.abort)  # as final as asyncio.timeout, at a third of its cost
    try:
        transport.write(request)
        message, payload = await protocol.read()
        while 100 <= message.code < 200:
            message, payload = await protocol.read()
        body = await payload.read()
    except (HttpProcessingError, aiohttp.ClientError, OSError) as error:
        if loop.time() >= ends_at:
            raise Unanswered("timeout") from error
        unreadable = isinstance(error, HttpProcessingError | aiohttp.ClientPayloadError)
        raise Unanswered("unreadable answer" if unreadable else "connection lost") from error
    finally:
        alarm.cancel()
    return Reply(message.code, body, message.headers.get("Retry-After", ""))


class _PooledHttp(AsyncHttpClient):  # type: ignore[misc]  # twilio publishes no types
    """What the twilio package fetches and lists through. Failures speak our words: Misconfigured, ConnectionError."""

    def __init__(self, account: TwilioAccount) -> None:
        super().__init__(logger, is_async=True, timeout=account.total_timeout_s)
        self.timeout = aiohttp.ClientTimeout(
            total=account.total_timeout_s, connect=min(account.connect_timeout_s, account.total_timeout_s)
        )
        self._session: aiohttp.ClientSession | None = None

    @property
    def connector(self) -> aiohttp.BaseConnector | None:
        """The pool; None while it is closed."""
        return self._session.connector if self._session is not None else None

    def open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            # No limit here: waiting in the pool would count as connecting. The gateway bounds what is under way.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=DNS_CACHE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self.timeout,
        )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, never repeated. Raises ConnectionError when Twilio cannot be asked now, Misconfigured when it does
        not know us. (The parameters are the package's; our time-out holds whatever it passes.)"""
        if self._session is None:
            raise ConnectionError("not connected to Twilio")
        headers = dict(headers or {}) | ({"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {})
        try:
            async with self._session.request(
                method, uri, params=params, data=data, headers=headers, allow_redirects=allow_redirects
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionError(f"Twilio cannot be asked now: {_why(error)}") from error
        if response.status in (401, 403, 404):
            raise Misconfigured(f"Twilio does not know this account or its token: {CREDENTIALS}.")
        if response.status == 429 or response.status >= 500:
            raise ConnectionError(f"Twilio cannot be asked now: HTTP {response.status}")
        return Response(response.status, text, response.headers)


def _why(error: Exception) -> str:
    """An operator's words for a failed connection; names the host at most."""
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return str(error)[:200] or type(error).__name__
