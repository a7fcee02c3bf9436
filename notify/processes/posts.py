"""What a process does, and the posts that one process of an instance holds at a time.

A post is named: the duties (everything due, and what is looked at by itself), 311's line, and every sender that has a rate.
"""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

DUTIES: Final = "duties"
FLOOR: Final = "floor"
PAGES: Final = "pages"  # no post: whoever writes the public folder of its machine
SENDER: Final = "sender "  # what the post of a sender begins with; then its name


class Role(StrEnum):
    """What a process was started as."""

    ALL = "serve"  # everything
    WEB = "web"  # listeners: console, API, public pages, provider callbacks
    SENDER = "sender"  # senders, and the duties when no other process has them

    @property
    def listens(self) -> bool:
        return self is not Role.SENDER

    @property
    def sends(self) -> bool:
        return self is not Role.WEB


class Kind(StrEnum):
    """What one process tells the others. Each is a hint: whoever misses one finds it in the database a moment later."""

    WAKE = "wake"  # there may be something to send
    STOP = "stop"  # of an event: nothing of it may start any more
    PUBLISH = "publish"  # page and feeds have changed
    SPEND = "spend"  # so many units of a sender's pace were used by somebody who does not hold it
    SHARES = "shares"  # the share of the rate of each alert that is slowed
    LIGHTS = "lights"  # how senders fare
    LOOK = "look"  # look again at who holds what


class Standing(StrEnum):
    """What a process knows of a post."""

    OURS = "ours"
    THEIRS = "theirs"  # it is not ours, and whoever wants it can take it
    NOBODY = "nobody"  # the database does not answer: nobody can take it, whoever had it goes on
    UNKNOWN = "unknown"  # we stood still, or the connection broke: somebody else may have it


class Crew(Protocol):
    """The processes of an instance, seen from one of them. process: its name, never used twice. quiet_s: for so long nothing
    leaves by a sender whose post was just taken: what whoever had it before may still have started lies behind it then."""

    @property
    def process(self) -> str: ...

    @property
    def quiet_s(self) -> float: ...

    def term(self, post: str) -> int:
        """0 while this process does not certainly hold the post; otherwise a number that differs each time it takes it."""

    def standing(self, post: str) -> Standing: ...

    def tell(self, kind: Kind, ref: str = "") -> None:
        """Tells every other process; never raises, never waits."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The only process there is holds every post, and has nobody to tell."""

    process: str = "alone"
    quiet_s: float = 0.0

    def term(self, post: str) -> int:
        return 1

    def standing(self, post: str) -> Standing:
        return Standing.OURS

    def tell(self, kind: Kind, ref: str = "") -> None:
        pass


def post_of(sender: str) -> str:
    """The post of a sender with a rate."""
    return f"{SENDER}{sender}"


def key(post: str) -> int:
    """What its advisory lock is called: 31 bits."""
    return zlib.crc32(post.encode()) & 0x7FFFFFFF
