"""Texts through a gateway that a file describes: handed over, reported on and, where it says how, heard from residents.

It cannot be asked what became of one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

import aiohttp

from channels.base import Heard, Inbound, Misconfigured, Outbound, Outcome, Receipt, Refused, Retry, Unknown
from channels.gateway import answers
from channels.gateway.description import Description, Number
from channels.twilio_codes import AGAIN

REPORTS: Final = "/reports/sms"
KEEP_ALIVE_S: Final = 15
CONNECT_S: Final = 5.0
VALID_S: Final = 36_000  # without an end of its own a text is worth ten hours
STOPPED: Final = Retry(AGAIN, "channel stopped", pause_sender=True)


class GatewaySms:
    """One number of a gateway. secret: what headers name {secret}; report_key: what its reports are signed with."""

    name = "sms"

    def __init__(self, description: Description, number: Number, secret: str, report_key: str, public_url: str) -> None:
        self.number = number
        self._described, self._key = description, report_key
        self._headers = answers.headers(description, secret)
        self._report_url = public_url.rstrip("/") + REPORTS
        self._session: aiohttp.ClientSession | None = None
        self._trouble = ""

    async def open(self) -> None:
        """Raises Misconfigured when there is no key to tell its reports by. (There is no account to ask for.)"""
        if not self._key:
            raise Misconfigured("TOCSIN_GATEWAY_REPORT_KEY is empty, so no report of the gateway could be believed.")
        if self._session is None:
            described = self._described
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=described.connections, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=described.timeout_s, sock_connect=min(CONNECT_S, described.timeout_s)),
                headers=self._headers,
            )

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        """Posts each message once. Every Outbound gets its Receipt, also when the channel must stop: Misconfigured is raised
        after the last one. After the first outcome that concerns the whole sender no further call starts."""
        self._trouble = ""
        said: asyncio.Queue[Receipt | None] = asyncio.Queue()
        waiting, halt = iter(batch), asyncio.Event()
        count = min(len(batch), self._described.connections)
        workers = [asyncio.create_task(self._work(waiting, said, halt)) for _ in range(count)]
        try:
            left = count
            while left:
                receipt = await said.get()
                if receipt is None:
                    left -= 1
                else:
                    yield receipt
            for worker in workers:
                worker.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._trouble:
            raise Misconfigured(self._trouble)

    async def _work(self, waiting: Iterator[Outbound], said: "asyncio.Queue[Receipt | None]", halt: asyncio.Event) -> None:
        try:
            for outbound in waiting:
                outcome = STOPPED if halt.is_set() else await self._hand_over(outbound)
                if isinstance(outcome, Misconfigured):
                    self._trouble, outcome = str(outcome), STOPPED
                if isinstance(outcome, Retry) and outcome.pause_sender:
                    halt.set()
                said.put_nowait(Receipt(outbound.delivery_id, outcome))
        finally:
            said.put_nowait(None)

    async def _hand_over(self, outbound: Outbound) -> Outcome | Misconfigured:
        if self._session is None:
            return Retry(AGAIN, "not connected", pause_sender=True)
        body = answers.filled(self._described.body, self._values(outbound))
        try:
            # POST is never repeated by aiohttp, and a redirect is an answer: a text must not go where nobody has said.
            async with self._session.post(self._described.url, json=body, allow_redirects=False) as answer:
                return answers.meant(self._described, answer.status, await answer.read(), answer.headers.get("Retry-After", ""))
        except UnicodeEncodeError:
            return Refused("unencodable", "The text or number holds half a character (a lone surrogate).")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:  # before a byte of the text has left
            return Retry(AGAIN, type(error).__name__, pause_sender=True)
        except TimeoutError:
            return Unknown("timeout")
        except (aiohttp.ClientError, OSError):
            return Unknown("connection lost")

    def _values(self, outbound: Outbound) -> dict[str, str | int]:
        valid_for = int(outbound.valid_for.total_seconds()) if outbound.valid_for else VALID_S
        return {
            "to": outbound.address,
            "from": self.number.number,
            "text": outbound.content.body,
            "ref": str(outbound.delivery_id),
            "report_url": self._report_url,
            "valid_for_s": max(1, min(VALID_S, valid_for)),
        }

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """Raises Forged."""
        return answers.report(self._described, self._key, request)


class HearingGatewaySms(GatewaySms):
    """The same of a gateway that hands residents' texts on to us."""

    def read_text(self, request: Inbound) -> Heard:
        """Raises Forged, Unreadable."""
        return answers.text(self._described, self._described.inbound or {}, self._key, request)
