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
import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from channels.base import Handed, Misconfigured, Outcome, Refused, Retry, Unknown
from channels.bounces import reason

logger = logging.getLogger(__name__)

REPLY_MAX = 8192  # bytes without a line end: four times what RFC 5321 allows a reply line
IN_DOUBT = "The mail's content had gone out and no reply to it had come."
LOST_AFTER = timedelta(seconds=1)
OUR_FAULT_AFTER = timedelta(seconds=60)
CLOSING = b"421"
ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 2034: the first word of a reply's text


class Step(StrEnum):
    """What a reply is awaited for."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "the content"
    RSET = "RSET"


# First digit of the reply with which the dialogue goes on, RFC 5321 section 4.2.1.
HOPED = {Step.MAIL: b"2", Step.RCPT: b"2", Step.DATA: b"3", Step.CONTENT: b"2", Step.RSET: b"2"}


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
# Said to everybody while we are not logged in or not listed there. As a refusal it would lose the whole city for good; as
# a fault that stops the channel, one odd recipient could stop it. So it is tried again, and shows in every cause.
RELAY_DENIED = re.compile(rb"\brelay(?:ing)?\b", re.IGNORECASE)
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

    envelope   the lines MAIL FROM, RCPT TO and DATA
    content    dot-stuffed, with the final dot
    verdict    set when the mail is refused while replies for it are still awaited
    """

    delivery_id: int
    message_id: str
    envelope: bytes
    content: bytes
    verdict: Outcome | None = None


def judged(step: Step, code: int, text: bytes) -> Refused | Retry | Misconfigured:
    """What a reply other than the one hoped for means for the mail. Raises ValueError when it is no answer at all."""
    if not 400 <= code < 600:
        raise ValueError(f"The relay answered {step} with {code}, which is no answer to it.")
    enhanced = match[0].decode("ascii") if (match := ENHANCED.match(text)) else ""
    answer = f"{code} {enhanced}".strip()
    if code >= 500:
        if code in OUR_FAULT or step is Step.MAIL:
            return Misconfigured(f"{OUR_FAULT.get(code, SENDER_REFUSED)} (it answered {step} with {answer}).")
        if step is Step.RCPT and RELAY_DENIED.search(text):
            return Retry(OUR_FAULT_AFTER, f"The relay does not let us send to other domains ({answer}).")
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
        self._silent = (Step.MAIL, Step.RCPT) if pipelining else ()  # what follows these is already on its way
        self._limit = limit
        self._command_wait, self._content_wait = waits
        self._loop = asyncio.get_running_loop()
        self._expected: deque[tuple[Step, Mail]] = deque()  # replies still to come, in order
        self._mails: deque[Mail] = deque()
        self._commands: deque[bytes] = deque()  # of the mail under way, when each waits for the reply before it
        self._tell: Callable[[int, Outcome], None]
        self._done: asyncio.Future[None] | None = None
        self._partial = b""
        self._due = 0.0
        self._timer: asyncio.TimerHandle
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
        self._watch()
        self._transport.write(opening)
        try:
            await self._done
        except asyncio.CancelledError:
            self._cut("The sending was broken off.")
            raise
        finally:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        left, heard = len(lines), False
        for line in lines:
            left -= 1
            if line[3:4] == b"-":
                continue  # the lines before a reply's last only repeat its code
            if line[:1] == HOPED[Step.DATA] and (left or self._partial):
                self._cut("The relay answered the content before it had it.")
            if self._alive:
                self._hear(line)
                heard = True
        if len(self._partial) > REPLY_MAX:
            self._cut("The relay's reply has no end.")
        if heard:
            self._due = self._loop.time() + self._wait

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut("The connection broke.")

    def _hear(self, line: bytes) -> None:
        """The last line of a reply. The relay may close with 421 in place of any reply (RFC 5321 section 3.8)."""
        if not self._expected:
            self._cut("The relay spoke unasked.")
            return
        step, mail = self._expected[0]
        as_hoped = line[:1] == HOPED[step] and line[1:3].isdigit()
        if not as_hoped and not self._note(line, step, mail):
            return
        self._expected.popleft()
        if step not in self._silent:
            self._go_on(step, mail, as_hoped)

    def _note(self, line: bytes, step: Step, mail: Mail) -> bool:
        """Keeps what a reply not hoped for means, for its mail and for those after it. Whether the dialogue goes on."""
        try:
            meaning = judged(step, int(line[:3]), line[4:])
        except ValueError:
            self._cut(f"The relay gave no answer that fits {step}.")
            return False
        if isinstance(meaning, Misconfigured):
            self.stop = meaning
            meaning = Retry(OUR_FAULT_AFTER, str(meaning))
        mail.verdict = mail.verdict or meaning
        if line[:3] != CLOSING:
            return True
        self.stop = meaning if isinstance(meaning, Retry) else None
        self._cut("The relay is closing the connection.")
        return False

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
            self._expected.append((Step.RCPT if step is Step.MAIL else Step.DATA, mail))
            self._transport.write(self._commands.popleft())

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
            self._commands = deque(mail.envelope.splitlines(keepends=True))
            return self._commands.popleft()
        self._expected.append((Step.RCPT, mail))
        self._expected.append((Step.DATA, mail))
        return mail.envelope

    @property
    def _wait(self) -> float:
        return self._content_wait if self._expected and self._expected[0][0] is Step.CONTENT else self._command_wait

    def _watch(self) -> None:
        """Cuts the connection when the relay falls silent. Looks again often enough for the shorter of the waits."""
        now = self._loop.time()
        if now < self._due:
            self._timer = self._loop.call_at(min(self._due, now + self._content_wait), self._watch)
        elif self._expected:
            self._cut(f"The relay did not answer {self._expected[0][0]} within {self._wait:g} s.")

    def _cut(self, cause: str) -> None:
        """Ends the connection and tells, for every mail under way, what is known of it."""
        self._alive = False
        self._transport.abort()
        if self._expected:
            logger.warning("a connection to the relay ended with mail under way: %s", cause)
        told = set()
        while self._expected:
            step, mail = self._expected.popleft()
            if step is not Step.RSET and mail.delivery_id not in told:
                told.add(mail.delivery_id)
                lost = Unknown(f"{cause} {IN_DOUBT}") if step is Step.CONTENT else Retry(LOST_AFTER, cause)
                self._tell(mail.delivery_id, mail.verdict or lost)
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
