"""A telephone call as the voice flow sees it: where it stands, what it meets, what it heard, and what follows. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from surge.contact import Standing
from surge.floor.callback import Promise
from surge.floor.queue import Head, Told
from surge.pack import Pack, Partner
from surge.voice.prompts import Prompt, Speech


class Step(StrEnum):
    """What a caller is asked, or waits for. Its value stands in the path that the answer comes to."""

    GREETING = "greeting"  # the way to 911, who speaks, languages
    MENU = "menu"  # what is going on, and what may be done about it
    ZIP = "zip"  # types a ZIP code
    WAITING = "waiting"  # in the queue
    OFFER = "offer"  # nobody can answer: something else is offered
    BOOKED = "booked"  # the callback is promised
    VOICEMAIL = "voicemail"
    TO_EMERGENCY = "to-emergency"  # leaves the queue for the emergency centre
    TO_CALLBACK = "to-callback"  # leaves the queue to be called back
    TO_OFFER = "to-offer"  # leaves the queue because nobody is there, or it has been too long
    EMERGENCY = "emergency"  # the emergency centre is being rung
    PARTNER = "partner"
    FORWARD = "forward"  # the city's own call centre is being rung
    BRIDGE = "bridge"  # with an agent
    BACK = "back"  # we have called them, and ask for a key


CROWDED: Final = 2  # from this level on the callback is offered before the line
SWAMPED: Final = 3  # from this one on nobody is put in line; whoever waits is still served


class Sent(StrEnum):
    """Where a live call is sent by us, not by its caller. Its value stands in the path that the call is sent to."""

    BRIDGE = "bridge"  # an agent is in the conference
    AGAIN = "again"  # back into the line, at the place it had: the agent has gone
    ELSE = "else"  # to what else can be offered: the line is full, nobody is there, or it has been too long
    PARTNER = "partner"  # to the partner of the scene
    NO_CENTRE = "no-centre"  # an agent handed them to the emergency centre, and it did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """caller: the number, "" where it is withheld. tries: answers in this step that led nowhere. laps: how often it came back
    to the menu; offers: how often something else was offered. since: when it first joined the line. tried: what has been rung
    for it, and did not answer. guided: got the guide by text. settled: its contact has ended, whatever is still said."""

    call_sid: str
    contact_id: str
    caller: str = ""
    language: str = "en"
    step: Step = Step.GREETING
    tries: int = 0
    head: Head = Head.NONE
    script: int | None = None
    laps: int = 0
    offers: int = 0
    since: datetime | None = None
    tried: frozenset[str] = frozenset()
    guided: bool = False
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Zips:
    """Where the notice holds, by ZIP code. edge: partly inside. Who types one that is in none of them is told to follow it."""

    inside: frozenset[str]
    edge: frozenset[str]
    outside: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a call meets at this moment.

    activation_id  None while no surge is open
    level          1 to 3: see CROWDED and SWAMPED
    messages       what is going on, by language; at most 20 s with the way to 911 before it
    waiting        how many wait; before: how many of them before this call
    wait           None where nothing honest can be said
    promise        None where none could be kept
    staffed        somebody is there to answer
    partner        one that may be rung now
    advice         what is read while waiting, in turn
    zips           None where nothing is known by ZIP code
    """

    pack: Pack
    activation_id: str | None
    level: int
    drill: bool
    messages: Mapping[str, Prompt]
    waiting: int
    before: int
    wait: Told | None
    promise: Promise | None
    staffed: bool
    partner: Partner | None
    now: datetime
    speech: Speech
    advice: Mapping[str, tuple[Prompt, ...]] = field(default_factory=dict)
    zips: Zips | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the provider reports. dial_status, queue_result: "" where nothing was dialled or left. ended: the call is over."""

    digits: str = ""
    dial_status: str = ""
    queue_result: str = ""
    recording: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The contact comes to stand here. One that is reserved steps back to the queue first, where it must."""

    stands: Standing
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGuide:
    """They asked for the guide on the telephone they call with."""

    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCallback:
    """They were told this promise and took it. The place in the queue is kept."""

    promise: Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail:
    recording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPartner:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToEmergency:
    """They pressed 9: the emergency line is rung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InZip:
    """They said where they are."""

    zip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackTaken:
    """A person answered our call and wants to talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackDeclined:
    """A person answered our call and wants nothing any more."""


Act: TypeAlias = TextGuide | BookCallback | Voicemail | ToPartner | ToEmergency | InZip | CallbackTaken | CallbackDeclined


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The call after it, what it hears next, where its contact comes to stand, and what is to be done about it."""

    call: Call
    twiml: bytes
    moves: tuple[Move, ...] = ()
    acts: tuple[Act, ...] = ()
