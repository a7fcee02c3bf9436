"""The SMTP dialogue that hands mails over on one open connection, and what each reply means for a delivery.

A connection is opened, encrypted and logged in by aiosmtplib; then a Dialogue takes its transport over. It does so for two
reasons. aiosmtplib sends command after command and drops whatever else arrives, so it cannot pipeline (RFC 2920); and its
data() cannot tell a connection lost before the content from one lost after it, which is the difference between trying again
and perhaps alerting somebody twice. One mail has one recipient, so every reply belongs to exactly one delivery:

    MAIL, RCPT, DATA   refused, timed out or cut off: not accepted          -> Refused or Retry
    content            from its first byte on, cut off or timed out         -> Unknown
    reply to content   the relay's word                                     -> Handed, Refused or Retry
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from channels.base import Handed, Misconfigured, Outcome, Refused, Retry, Unknown
from channels.bounces import reason

REPLY_MAX = 8192  # bytes without a line end: four times what RFC 5321 allows a reply line
IN_DOUBT = "The mail's content had gone out and no reply to it had come."
LOST_AFTER = timedelta(seconds=1)
OUR_FAULT_AFTER = timedelta(seconds=60)
CLOSING = 421
ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 2034: the first word of a reply's text


class Step(StrEnum):
    """What a reply is awaited for."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "the content"
    RSET = "RSET"


@dataclass(frozen=True, slots=True)
class BackOff:
    after: timedelta
    pause_sender: bool = False


# Replies that ask for another try, RFC 5321 section 4.2.3 and RFC 4954 section 6.
BACK_OFFS = {
    421: BackOff(timedelta(seconds=30), pause_sender=True),  # the relay is closing or we are too many
    450: BackOff(timedelta(seconds=60)),  # mailbox busy, or greylisted: asks for minutes
    451: BackOff(timedelta(seconds=60)),  # an error of the relay's own
    452: BackOff(timedelta(seconds=60)),  # its disk or the mailbox is full
    454: BackOff(timedelta(seconds=5), pause_sender=True),  # large providers: sending faster than we may
}
BACK_OFF = BackOff(timedelta(seconds=60))

# Refusals of any command that are about us and not about the recipient.
OUR_FAULT = {
    530: "The relay wants a log-in or encryption first: set username and password, or security",
    534: "The relay wants a stronger way to log in: set username, password and security",
    535: "The relay refuses username and password",
    538: "The relay wants encryption before the log-in: set security",
}
SENDER_REFUSED = "The relay refuses our return path: set bounce_domain to a domain it lets us send from"

REFUSALS = {
    550: "The mailbox does not exist or takes no mail.",
    551: "The mailbox has moved to another system.",
    552: "The mailbox is full or the mail too long for it.",
    553: "The receiving system does not allow the address.",
    554: "The receiving system refused the mail.",
}


@dataclass(slots=True, kw_only=True)
class Mail:
    """One mail for one recipient, as it goes over the wire.

    envelope   MAIL FROM, RCPT TO and DATA, each with its CRLF
    content    dot-stuffed, with the final dot
    verdict    set when the mail is refused while replies for it are still awaited
    """

    delivery_id: int
    message_id: str
    envelope: tuple[bytes, bytes, bytes]
    content: bytes
    verdict: Outcome | None = None


def judged(step: Step, code: int, text: bytes) -> Outcome | Misconfigured | None:
    """What a reply means for the mail; None when it is the one hoped for."""
    if code == 354 if step is Step.DATA else code // 100 == 2:
        return None
    enhanced = match[0].decode("ascii") if (match := ENHANCED.match(text)) else ""
    answer = f"{code} {enhanced}".strip()
    if code // 100 == 5:
        if code in OUR_FAULT or step is Step.MAIL:
            return Misconfigured(f"{OUR_FAULT.get(code, SENDER_REFUSED)} (it answered {step} with {answer}).")
        sentence = reason(enhanced) or REFUSALS.get(code, REFUSALS[554])
        return Refused(answer, sentence)
    back_off = BACK_OFFS.get(code, BACK_OFF)
    return Retry(back_off.after, f"The relay answered {step} with {answer}.", back_off.pause_sender)


class Dialogue(asyncio.Protocol):
    """Hands mails over on one connection, one after the other. With pipelining the next mail's envelope follows a content
    without waiting for the content's reply (RFC 2920 section 3.1), so that a mail costs one round trip instead of four.

    carried   mails taken so far; none is taken beyond `limit`
    stop      why no further mail should be tried on any connection for now; None while there is no reason
    """

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool, limit: int, waits: tuple[float, float]) -> None:
        """waits: seconds to wait for the reply to a command, and for the one to a content."""
        self._transport = transport
        self._pipelining = pipelining
        self._limit = limit
        self._command_wait, self._content_wait = waits
        self._loop = asyncio.get_running_loop()
        self._expected: deque[tuple[Step, Mail]] = deque()  # replies still to come, in order
        self._mails: deque[Mail] = deque()
        self._tell: Callable[[int, Outcome], None]
        self._done: asyncio.Future[None] | None = None
        self._partial = b""
        self._due = 0.0
        self._alive = True
        self.carried = 0
        self.stop: Retry | Misconfigured | None = None

    @property
    def spent(self) -> bool:
        """Whether this connection must be replaced before another mail."""
        return not self._alive or self._transport.is_closing() or self.stop is not None or self.carried >= self._limit

    async def carry(self, mails: deque[Mail], tell: Callable[[int, Outcome], None]) -> None:
        """Takes mails from the left until none is left or the connection is spent, and tells the outcome of each it took.

        What stays in `mails` was never begun. Cancelling cuts the connection.
        """
        if not (opening := self._next_envelope(mails)):
            return
        self._mails, self._tell = mails, tell
        self._done = self._loop.create_future()
        self._due = self._loop.time() + self._command_wait
        watch = self._loop.create_task(self._watch())
        self._transport.write(opening)
        try:
            await self._done
        except asyncio.CancelledError:
            self._cut("The sending was broken off.")
            raise
        finally:
            watch.cancel()

    def data_received(self, data: bytes) -> None:
        data = self._partial + data
        start = 0
        while self._alive and (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            start = end + 1
            if not line[:3].isdigit():
                self._cut("The relay's reply is not SMTP.")
            elif line[3:4] != b"-":  # the lines before a reply's last only repeat its code
                self._hear(int(line[:3]), line[4:])
        self._partial = data[start:]
        if len(self._partial) > REPLY_MAX:
            self._cut("The relay's reply has no end.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut("The connection broke.")

    def _hear(self, code: int, text: bytes) -> None:
        """One whole reply. The relay may close with 421 at any point, in place of any reply (RFC 5321 section 3.8)."""
        if not self._expected:
            self._cut(f"The relay said {code} unasked.")
            return
        step, mail = self._expected.popleft()
        meaning = judged(step, code, text)
        if isinstance(meaning, Misconfigured):
            self.stop = meaning
            meaning = Retry(OUR_FAULT_AFTER, str(meaning))
        mail.verdict = mail.verdict or meaning
        if code == CLOSING:
            self.stop = mail.verdict if isinstance(mail.verdict, Retry) else None
            self._expected.appendleft((step, mail))
            self._cut("The relay is closing the connection.")
        else:
            self._go_on(step, mail, as_hoped=meaning is None)
            self._due = self._loop.time() + self._wait

    def _go_on(self, step: Step, mail: Mail, as_hoped: bool) -> None:
        if step is Step.CONTENT:
            self._tell(mail.delivery_id, mail.verdict or Handed(mail.message_id))
            self._open_next()
        elif step is Step.RSET:
            if as_hoped:
                self._open_next()
            else:
                self._cut("The relay does not take RSET.")
        elif step is Step.DATA and as_hoped:
            # After a refusal the relay still waits for a content: the empty one ends the transaction (RFC 2920 section 3.1).
            self._write(Step.CONTENT, mail, b".\r\n" if mail.verdict else mail.content)
        elif mail.verdict and (step is Step.DATA or not self._pipelining):
            self._tell(mail.delivery_id, mail.verdict)
            self._write(Step.RSET, mail, b"RSET\r\n")
        elif not self._pipelining:
            following = Step.RCPT if step is Step.MAIL else Step.DATA
            self._expected.append((following, mail))
            self._transport.write(mail.envelope[1] if following is Step.RCPT else mail.envelope[2])

    def _write(self, step: Step, mail: Mail, data: bytes) -> None:
        """Sends what closes one mail and, when pipelining, what opens the next."""
        self._expected.append((step, mail))
        self._transport.write(data + self._next_envelope(self._mails) if self._pipelining else data)

    def _open_next(self) -> None:
        if self._expected:
            return
        if opening := self._next_envelope(self._mails):
            self._transport.write(opening)
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _next_envelope(self, mails: deque[Mail]) -> bytes:
        """Takes the next mail and expects the replies to its envelope; nothing when there is none to take."""
        if not mails or self.spent:
            return b""
        mail = mails.popleft()
        self.carried += 1
        self._expected.append((Step.MAIL, mail))
        if not self._pipelining:
            return mail.envelope[0]
        self._expected.append((Step.RCPT, mail))
        self._expected.append((Step.DATA, mail))
        return b"".join(mail.envelope)

    @property
    def _wait(self) -> float:
        return self._content_wait if self._expected and self._expected[0][0] is Step.CONTENT else self._command_wait

    async def _watch(self) -> None:
        """Cuts the connection when the relay falls silent."""
        while (left := self._due - self._loop.time()) > 0:
            await asyncio.sleep(min(left, self._content_wait))
        if self._expected:
            self._cut(f"The relay did not answer {self._expected[0][0]} within {self._wait:g} s.")

    def _cut(self, cause: str) -> None:
        """Ends the connection and tells, for every mail under way, what is known of it."""
        self._alive = False
        self._transport.abort()
        told = set()
        while self._expected:
            step, mail = self._expected.popleft()
            if step is not Step.RSET and mail.delivery_id not in told:
                told.add(mail.delivery_id)
                lost = Unknown(f"{cause} {IN_DOUBT}") if step is Step.CONTENT else Retry(LOST_AFTER, cause)
                self._tell(mail.delivery_id, mail.verdict or lost)
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
