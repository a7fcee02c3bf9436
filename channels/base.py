"""What a channel is given, what it says back at once, and what a provider says later.

Outcomes are values, never exceptions:

    Outcome
    |-- Handed(provider_id)        the provider has accepted it
    |-- Refused(code, opted_out)   the provider said no, for good
    |-- Retry(after)               proven not accepted; may be tried again after that time
    |-- Unknown(cause)             nobody can say whether it was accepted: ask, never blindly resend
    |-- Delivered(complained)      a later report: it arrived
    `-- Undelivered(code)          a later report: it did not arrive

Only two exceptions leave a channel: Misconfigured (stops the channel, pages the duty officer) and Forged
(a report whose signature does not hold).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable


class Misconfigured(Exception):
    """The channel cannot work until a person changes its settings; the message says which."""


class Forged(Exception):
    """A report or inbound message whose signature is missing or wrong."""


class Unreadable(Exception):
    """An inbound message that is signed and does not say what it has to; the sentences name each place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One rendered text, shared by everybody who gets it: made once per language, wording and channel.

    key      names it within its event, e.g. "sms/first/es"; channels may cache what they build from it
    body     the SMS text, or the plain-text part of an e-mail
    subject, html   e-mail only; empty for SMS
    thread   e-mail only: the Message-ID of the incident's first mail, so that updates stack ("" for that first one)
    """

    key: str
    language: str
    body: str
    subject: str = ""
    html: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One content for one address. delivery_id is the ledger's row and travels to the provider and back.

    address    E.164 for SMS ("+15035550123"), a bare mailbox for e-mail ("resident@example.gov")
    event_id   the frozen event it belongs to; with delivery_id it makes a stable Message-ID
    recipient  an opaque reference for unsubscribe links; says nothing about the person
    valid_for  how long the provider may keep trying; None leaves the provider's default
    """

    delivery_id: int
    event_id: str
    address: str
    content: Content
    recipient: str = ""
    valid_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """The provider has accepted the message under this id."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no, for good. `reason` is a sentence for an operator; `opted_out` means: mirror a STOP."""

    code: str
    reason: str = ""
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Proven not accepted. May be tried again after this time; `pause_sender` means the whole sender must wait."""

    after: timedelta
    cause: str = ""
    pause_sender: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps accepted, perhaps not."""

    cause: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A later report: it reached the handset or mailbox. `complained`: and was called spam there; mirror a STOP."""

    complained: bool = False


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A later report: it did not arrive, and will not."""

    code: str
    reason: str = ""
    opted_out: bool = False


Outcome = Handed | Refused | Retry | Unknown | Delivered | Undelivered


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is now known about one delivery. provider_id is set on reports, so that an unknown row can be adopted."""

    delivery_id: int
    outcome: Outcome
    provider_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A provider's HTTP request as a value.

    url   the configured public URL of the path that was called, never the one the request claims
    form  every parameter in the order sent; keys may repeat
    """

    url: str
    path: str
    headers: Mapping[str, str]
    form: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A text from a resident. address: who wrote; ours: the number of ours they wrote to. obeyed: the word the provider has
    itself acted on and answered ("stop", "start", "help"), "" for none. in_reply: whether the provider takes our answer in its
    reply document; else it is sent like any other text."""

    provider_id: str
    address: str
    ours: str
    text: str
    has_media: bool = False
    obeyed: str = ""
    in_reply: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A text from a resident as the provider keeps it. at: when it took it."""

    heard: Heard
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is known of a delivery whose outcome is unknown, to ask its provider about."""

    delivery_id: int
    address: str
    body: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider keeps that matches a Question: the ids of matching messages with their outcome so far."""

    delivery_id: int
    found: Sequence[tuple[str, Outcome]] = field(default=())


class Channel(Protocol):
    """One way to reach addresses, at one sender (a number, a short code, a relay)."""

    name: str

    async def open(self) -> None:
        """Connects and checks credentials. Raises Misconfigured."""

    def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        """Hands over the batch; yields one Receipt per Outbound, in order of completion."""

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """Reads a provider's later word. Pure. Raises Forged."""

    async def close(self) -> None:
        """Lets requests under way end, then disconnects."""


@runtime_checkable
class Hears(Protocol):
    """The optional ability to take texts from residents."""

    def read_text(self, request: Inbound) -> Heard:
        """Reads a resident's text. Pure. Raises Forged, Unreadable."""


@runtime_checkable
class Recalls(Protocol):
    """The optional ability to list the texts that the provider took from residents."""

    async def recall(self, since: datetime) -> Sequence[Recalled]:
        """Texts to this channel's number since then, oldest first. Raises ConnectionError when it cannot be asked now."""


@runtime_checkable
class Halts(Protocol):
    """The optional ability to let go of what of its batches has not begun to leave."""

    def halt(self) -> None:
        """Everything handed to `send` that has not begun to leave gets a Retry now; what has begun goes on."""


@runtime_checkable
class Probes(Protocol):
    """The optional ability to find out whether the provider answers, by a question that reaches nobody."""

    async def probe(self) -> None:
        """Raises ConnectionError when the provider does not answer now, Misconfigured when it does not know us."""


@runtime_checkable
class Asks(Protocol):
    """The optional ability to ask the provider what became of a message."""

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """One Answer per Question, in order. Raises ConnectionError when the provider cannot be asked now."""
