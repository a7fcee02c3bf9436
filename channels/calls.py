"""What a telephone is asked to do and says back at once. Pure; what becomes of a call comes later, as webhooks.

Placed(call_sid)     the provider has taken the call
NotPlaced(again)     proven not taken: `again` says whether the same call may be tried once more
Unsure(cause)        nobody can say: list the live calls, never blindly dial again
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
SIP: Final = re.compile(r"sips?:[A-Za-z0-9._~+-]+@[A-Za-z0-9.:\[\]-]+")
N11: Final = re.compile(r"(\+?1)?[2-9]11")
IN_PROGRESS: Final = frozenset({"queued", "initiated", "ringing", "in-progress"})  # a call that has not ended


@dataclass(frozen=True, slots=True)
class Placed:
    call_sid: str


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """why: a sentence for an operator. after: how long to leave the provider alone before another call."""

    why: str
    again: bool = False
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Unsure:
    cause: str


Outcome = Placed | NotPlaced | Unsure


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A call to make. url: fetched for what to do when somebody answers. status_url: told when the call has ended.
    hears_machines: the provider says whether a person or a machine answered."""

    to: str
    url: str
    status_url: str
    ring_s: int = 20
    hears_machines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call as the provider knows it; status is its word (in-progress, completed, busy, no-answer, ...)."""

    call_sid: str
    status: str
    to: str
    from_: str
    began_at: datetime | None
    is_inbound: bool = False

    @property
    def is_live(self) -> bool:
        return self.status in IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The provider asked us at `path` what to do with a call, and got nothing that it could follow."""

    call_sid: str
    path: str
    at: datetime


def problem(to: str) -> str | None:
    """Why this may not be dialled, as a sentence. A provider routes 911 by the number's registered address, or to a national
    centre: no machine dials it, nor any other three-digit service."""
    digits = re.sub(r"[^0-9+]", "", to.partition("@")[0])
    if N11.fullmatch(digits):
        return "Three-digit services such as 911 are never dialled: name the centre's ten-digit line."
    if not E164.fullmatch(to) and not SIP.fullmatch(to):
        return "A line must be a number such as +15035550123 or an address such as sip:desk@example.gov."
    return None
