"""What a telephone document says and does, as values: TwiML's verbs, so far as we use them. surge.voice.twiml writes them.

https://www.twilio.com/docs/voice/twiml
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Words read by a voice of the provider; `tag` is the language as the voice has it."""

    text: str
    voice: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    url: str


Spoken: TypeAlias = Say | Play


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Says, and listens for keys meanwhile; keys cut the words short. finish: a key that ends what is typed; "" for none, so
    that every key counts. No key at all: the document goes on behind it."""

    said: tuple[Spoken, ...]
    action: str
    keys: int = 1
    timeout_s: int = 5
    finish: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Rings all targets at once (numbers, SIP addresses); the first to answer has the call. action: "" goes on behind it."""

    targets: tuple[str, ...]
    timeout_s: int
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Into a conference of this name. It begins at once, and ends when one who joined so leaves: nobody is left in silence.
    stays: whoever comes as a third may leave, and the other two go on."""

    conference: str
    action: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue:
    queue: str
    wait: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Silence of `silence_s` ends it, too. Nothing said: the document goes on behind it. told: asked when the recording can be
    fetched; "" for nobody."""

    action: str
    most_s: int
    silence_s: int
    finish: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Out of the queue; the document that the enqueuing named as its action goes on."""


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb: TypeAlias = Say | Play | Gather | Redirect | Dial | Join | Enqueue | Record | Pause | Leave | Hangup
Document: TypeAlias = tuple[Verb, ...]
