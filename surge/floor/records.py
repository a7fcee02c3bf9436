"""A contact with what the floor must know of it, and the rules that the board goes by. Values only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from surge.contact import Contact, Way
from surge.floor.callback import Promise
from surge.floor.queue import Head, Patience, Place
from surge.pack import Hours, Pack, Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the board goes by; most of it is the city pack's. crew: how many agents the city could seat; expected of hours when
    nobody is there yet."""

    hours: Hours
    partners: tuple[Partner, ...]
    most_waiting: int
    longest_wait: timedelta
    dials_per_s: float
    crew: int = 0
    ring: timedelta = timedelta(seconds=30)  # an agent's telephone rings no longer
    centre: timedelta = timedelta(seconds=15)  # the emergency centre's does not either
    placing: timedelta = timedelta(seconds=60)  # until it rings: the provider takes only so many calls a second
    reads: timedelta = timedelta(seconds=90)  # a written contact that was shown and not opened
    wrap: timedelta = timedelta(minutes=3)
    treated: timedelta = timedelta(minutes=10)  # to choose in, after the longest wait: nobody may be cut off from a promise
    dialling: timedelta = timedelta(seconds=90)  # a dial nobody has told us the end of
    overflow_after: timedelta = timedelta(minutes=10)
    most_misses: int = 2
    patience: Patience = field(default_factory=Patience)

    @property
    def zone(self) -> ZoneInfo:
        return self.hours.zone


def rules_of(pack: Pack, crew: int = 0) -> Rules:
    return Rules(
        hours=pack.hours,
        partners=pack.partners,
        most_waiting=pack.most_waiting,
        longest_wait=pack.longest_wait,
        dials_per_s=pack.dials_per_s,
        crew=crew,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A contact with what the floor needs to know of it. call_sid: the call that is live for it. sealed: the number or address
    to answer to. promise: what they had been promised before they called again, and still have if they hang up. partner: whom
    they are being put through to. returned: a partner sent them back."""

    contact: Contact
    provider_id: str | None = None
    call_sid: str | None = None
    sealed: bytes | None = None
    words: bytes | None = None
    key_id: str = ""
    ours: str = ""  # the number of ours they wrote to
    danger: bool = False  # what they wrote sounds like it
    head: Head = Head.NONE
    skill: str = ""
    place: Place | None = None
    promise: Promise | None = None
    partner: str = ""
    forwards: int = 0
    returned: bool = False
    treated_at: datetime | None = None
    agent: str | None = None
    script: int | None = None
    disposition: str = ""
    ended_at: datetime | None = None

    @property
    def contact_id(self) -> str:
        return self.contact.contact_id

    @property
    def is_call(self) -> bool:
        return self.contact.way is Way.VOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """The activation that is open. draining: it is standing down and books no callbacks any more."""

    activation_id: str
    drill: bool = False
    draining: bool = False
