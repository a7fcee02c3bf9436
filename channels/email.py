"""The e-mail channel: a pool of kept connections to one relay, each carrying mail after mail.

What the relay says and means is in channels.smtp; how a mail is written in channels.mime; what comes back in
channels.bounces. E-mail's good end is Handed: the relay has taken the mail, and the provider's id is its Message-ID.
"""

import asyncio
import logging
import math
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from channels import bounces
from channels.base import Content, Inbound, Misconfigured, Outbound, Receipt, Refused, Retry, Unknown
from channels.dkim import Seal, Signer
from channels.mail_batch import Batch, Letter
from channels.mime import Template, Unsendable, build, mailbox, message_id, own_head, unsubscribe_link
from channels.relay import Connection, Relay, Unreachable, connect, problems, tls_context
from channels.smtp import LOST_AFTER, OUR_FAULT_AFTER, Mail

__all__ = ["Relay", "SmtpEmail"]

logger = logging.getLogger(__name__)

GROUP_MIN = 4  # mails that are worth a connection of their own
GROUP_MAX = 16  # mails a connection takes at a time: few enough that all connections share a batch evenly
TEMPLATES_KEPT = 256  # more than the languages x wordings of the events under way
RECONNECT_AFTER_MAX_S = 60.0


class SmtpEmail:
    """channels.base.Channel for e-mail. One instance is one sender; batches share its connections.

    Outbound.valid_for has no effect: a relay's queue knows no time limit of ours.
    """

    name = "email"

    def __init__(self, relay: Relay, signer: Signer | None = None, clock: Callable[[], datetime] | None = None) -> None:
        self._relay = relay
        self._letterhead = relay.letterhead
        self._signer = signer
        self._threads: ThreadPoolExecutor | None = None
        self._clock = clock or (lambda: datetime.now(UTC))
        self._tls: ssl.SSLContext | None = None
        self._slots = asyncio.Semaphore(relay.connections)
        self._idle: list[tuple[Connection, float]] = []  # with the loop's time since when
        self._templates: dict[Content, tuple[Template, Seal | None] | Refused] = {}
        self._outages = 0  # batches in a row that found no connection
        self._closing = False
        self._runs: set[Batch] = set()

    async def open(self) -> None:
        """Checks the settings and makes one connection. Raises Misconfigured with every problem found."""
        if found := problems(self._relay, self._signer):
            raise Misconfigured("E-mail cannot be sent. " + " ".join(found))
        self._tls = tls_context(self._relay)
        try:
            connection = await connect(self._relay, self._tls)
        except Unreachable as failure:
            raise Misconfigured(f"E-mail cannot be sent. {failure}") from failure
        self._idle.append((connection, asyncio.get_running_loop().time()))
        self._closing = False

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        """Every Outbound has its Receipt before Misconfigured is raised. Closing the iterator cuts what is under way."""
        run = Batch()
        for outbound in batch:
            self._admit(outbound, run)
        lanes = min(self._relay.connections, math.ceil(len(run.letters) / GROUP_MIN))
        group = min(GROUP_MAX, math.ceil(len(run.letters) / max(1, lanes)))
        run.start([self._lane(run, group) for _ in range(lanes)])
        self._runs.add(run)
        try:
            async for news in run.told():
                for receipt in news:
                    yield receipt
        finally:
            self._runs.discard(run)
            await run.end()
        for receipt in self._left_over(run):
            yield receipt
        if run.error is not None:
            raise run.error

    def halt(self) -> None:
        """Mails that no connection has begun with are to be tried again; those on a connection go on."""
        for run in self._runs:
            run.take_back(Retry(LOST_AFTER, "The relay does not answer.", pause_sender=True))

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """Reads a message that came to one of our return paths, as a mail pipe posts it: the whole message as the body."""
        return bounces.read(request.body, self._relay.bounce_key, self._relay.bounce_domain)

    async def close(self) -> None:
        """Lets each connection end the group of mails it has begun; the rest of their batches is told to try again."""
        self._closing = True
        for _ in range(self._relay.connections):
            await self._slots.acquire()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.close() for connection, _ in idle))
        for _ in range(self._relay.connections):
            self._slots.release()
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def _admit(self, outbound: Outbound, run: Batch) -> None:
        """Refuses what cannot be sent to anybody or to this address, before any connection is made."""
        run.untold.add(outbound.delivery_id)
        try:
            to = mailbox(outbound.address)
        except ValueError as problem:
            run.tell(outbound.delivery_id, Refused("address", str(problem)))
            return
        prepared = self._templates.get(outbound.content) or self._prepare(outbound.content)
        if isinstance(prepared, Refused):
            run.tell(outbound.delivery_id, prepared)
        else:
            run.letters.append(Letter(outbound, to, *prepared))

    def _prepare(self, content: Content) -> tuple[Template, Seal | None] | Refused:
        prepared: tuple[Template, Seal | None] | Refused
        try:
            template = build(content, self._letterhead)
            prepared = template, self._signer.seal(template) if self._signer else None
        except Unsendable as problem:
            logger.error("content %s is refused: its mail does not read back as written", content.key)
            prepared = Refused("content", str(problem))
        while len(self._templates) >= TEMPLATES_KEPT:
            self._templates.pop(next(iter(self._templates)))
        self._templates[content] = prepared
        return prepared

    async def _lane(self, run: Batch, group: int) -> None:
        """Hands mails over on one connection at a time until nothing is left, or none can be had."""
        async with self._slots:
            connection: Connection | None = None
            mails: deque[Mail] = run.held_by_a_lane()
            try:
                while not self._closing and await self._refill(mails, run, group):
                    connection = await self._usable(connection)
                    await connection.dialogue.carry(mails, run.tell)
                    if connection.dialogue.stop is not None:
                        run.fail(connection.dialogue.stop)
                        break
            except (Unreachable, Misconfigured) as failure:
                run.fail(failure)
            finally:
                run.mails.extend(mails)
                if connection is not None:
                    await self._give_back(connection)

    async def _refill(self, mails: deque[Mail], run: Batch, group: int) -> bool:
        """Whether there is something to carry; composes the next group if need be."""
        while not mails and run.mails:
            mails.append(run.mails.popleft())
        if not mails and run.letters:
            letters = [run.letters.popleft() for _ in range(min(group, len(run.letters)))]
            composed: list[Mail] = []
            try:
                composed = await self._composed(letters)
            finally:
                run.letters.extend(letters[len(composed) :])
            mails.extend(composed)
        return bool(mails)

    async def _composed(self, letters: Sequence[Letter]) -> list[Mail]:
        """The letters' bytes; in a thread when they are to be signed, for that takes a millisecond each."""
        at = self._clock()
        date = format_datetime(at)

        def compose() -> list[Mail]:
            return [self._mail(letter, at, date) for letter in letters]

        if self._signer is None:
            return compose()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(os.cpu_count(), "dkim")
        return await asyncio.get_running_loop().run_in_executor(self._threads, compose)

    def _mail(self, letter: Letter, at: datetime, date: str) -> Mail:
        outbound = letter.outbound
        mailed_id = message_id(outbound.event_id, outbound.delivery_id, self._relay.bounce_domain)
        head = own_head(letter.to, mailed_id, date, unsubscribe_link(self._letterhead, outbound.recipient))
        signature = letter.seal.field(head, at) if letter.seal else b""
        path = bounces.return_path(self._relay.bounce_key, outbound.delivery_id, self._relay.bounce_domain)
        return Mail(
            delivery_id=outbound.delivery_id,
            message_id=mailed_id,
            envelope=f"MAIL FROM:<{path}>\r\nRCPT TO:<{letter.to}>\r\nDATA\r\n".encode("ascii"),
            content=signature + head.encode("ascii") + letter.template.rest,
        )

    async def _usable(self, connection: Connection | None) -> Connection:
        """The connection itself, or another in place of a spent one. Raises Unreachable or Misconfigured."""
        if connection is not None:
            if not connection.dialogue.spent:
                return connection
            await connection.close()
        now = asyncio.get_running_loop().time()
        while self._idle:
            kept, since = self._idle.pop()
            if not kept.dialogue.spent and now - since < self._relay.idle_s:
                return kept
            kept.drop()
        connection = await connect(self._relay, self._tls)
        self._outages = 0
        return connection

    async def _give_back(self, connection: Connection) -> None:
        if connection.dialogue.spent:
            await connection.close()
        else:
            self._idle.append((connection, asyncio.get_running_loop().time()))

    def _left_over(self, run: Batch) -> list[Receipt]:
        """Receipts for what no lane handed over. What was never begun is proven not accepted."""
        if run.failure is not None:
            logger.warning("e-mail is held up, %d mails of a batch wait: %s", len(run.untold), run.failure)
        if isinstance(run.failure, Unreachable):
            self._outages += 1
            after = timedelta(seconds=min(2.0**self._outages, RECONNECT_AFTER_MAX_S))
            again = Retry(after, str(run.failure), pause_sender=True)
        elif isinstance(run.failure, Misconfigured):
            again = Retry(OUR_FAULT_AFTER, str(run.failure), pause_sender=True)
        else:
            again = run.failure or Retry(LOST_AFTER, "The mail's turn did not come.")
        never_begun = {letter.outbound.delivery_id for letter in run.letters} | {mail.delivery_id for mail in run.mails}
        in_doubt = Unknown("No outcome was recorded.")
        return [Receipt(left, again if left in never_begun else in_doubt) for left in sorted(run.untold)]
