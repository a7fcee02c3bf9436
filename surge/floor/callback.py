"""A resident's wish to be called back: a promise with two times, and at most three tries. It keeps the place its caller had."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from surge.floor.queue import Place

SPACING: Final = (timedelta(minutes=5), timedelta(minutes=15))  # before the second and the third try
MOST_TRIES: Final = len(SPACING) + 1
LEAST_WINDOW: Final = timedelta(minutes=15)  # a promise is at least so wide
SHARPNESS: Final = timedelta(minutes=5)  # promised times are told in steps of this
GRACE: Final = timedelta(hours=1)  # after a broken promise that was owned up to, it is tried so much longer
NIGHT: Final = (time(21), time(8))  # nobody is called between them, whatever was promised


class State(StrEnum):
    REQUESTED = "requested"  # asked for, the promise not yet spoken
    HOLDING = "holding"  # its place moves up like everybody's
    DUE = "due"  # an agent is being got for it
    DIALING = "dialing"
    ANSWERED_HUMAN = "answered human"
    WAITING_AGENT = "waiting agent"  # answered, and the agent has gone: they wait at the head of the line
    CONNECTED = "connected"
    DONE = "done"
    NO_ANSWER = "no answer"
    BUSY = "busy"
    MACHINE = "machine"
    DECLINED = "declined"  # answered, and wanted nothing any more
    EXPIRED = "expired"  # tried often enough or too late: a text says where the answer stands
    MERGED = "merged"  # they called again themselves, and took their place with them


_AGAIN: Final = frozenset({State.HOLDING, State.EXPIRED, State.DECLINED, State.MERGED})
_ENDS_EARLY: Final = frozenset({State.EXPIRED, State.MERGED, State.DECLINED})
_MOVES: Final[Mapping[State, frozenset[State]]] = {
    State.REQUESTED: frozenset({State.HOLDING}) | _ENDS_EARLY,
    State.HOLDING: frozenset({State.DUE}) | _ENDS_EARLY,
    State.DUE: frozenset({State.HOLDING, State.DIALING}) | _ENDS_EARLY,
    State.DIALING: frozenset({State.ANSWERED_HUMAN, State.NO_ANSWER, State.BUSY, State.MACHINE, State.HOLDING, State.MERGED}),
    State.ANSWERED_HUMAN: frozenset({State.WAITING_AGENT, State.CONNECTED, State.DECLINED, State.NO_ANSWER}),
    State.WAITING_AGENT: frozenset({State.CONNECTED, State.DECLINED, State.EXPIRED}),
    State.CONNECTED: frozenset({State.DONE, State.WAITING_AGENT}),
    State.NO_ANSWER: _AGAIN,
    State.BUSY: _AGAIN,
    State.MACHINE: _AGAIN,
}
ALLOWED: Final[Mapping[State, frozenset[State]]] = {state: _MOVES.get(state, frozenset()) for state in State}
TERMINAL: Final = frozenset(state for state, onward in ALLOWED.items() if not onward)
WAITS: Final = frozenset({State.REQUESTED, State.HOLDING})  # nobody is doing anything for it now
ON_THE_LINE: Final = frozenset({State.DIALING, State.ANSWERED_HUMAN, State.WAITING_AGENT, State.CONNECTED})


class NotThere(ValueError):
    """A callback cannot become this from where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """We call between these two times."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """place: the caller's own, kept through every try. next_at: not dialled before. told: the broken promise was owned up to by
    a text, so that it may still be dialled for GRACE. connected_at: when resident and agent were last put together."""

    callback_id: str
    contact_id: str
    place: Place
    asked_at: datetime
    promise: Promise
    next_at: datetime
    state: State = State.REQUESTED
    attempts: int = 0
    told: bool = False
    rev: int = 1
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a promise is made of. before: everybody who is served first, callers and callbacks. handle: mean talk and wrap."""

    before: int
    callbacks: int
    agents: int
    handle: timedelta
    dials_per_s: float = 1.0


def stands(callback: Callback, to: State, now: datetime, why: str = "") -> Callback:
    """The callback after a step. Raises NotThere for one that cannot follow."""
    if to not in ALLOWED[callback.state]:
        raise NotThere(f"callback {callback.callback_id} is {callback.state}; it cannot become {to}")
    ended_at = now if to in TERMINAL else None
    attempts = callback.attempts + (to is State.DIALING)
    connected_at = now if to is State.CONNECTED else callback.connected_at
    changed = replace(callback, state=to, rev=callback.rev + 1, attempts=attempts, why=why)
    return replace(changed, connected_at=connected_at, ended_at=ended_at)


def missed(callback: Callback, how: State, now: datetime) -> tuple[Callback, Callback]:
    """A try that reached nobody (no answer, busy, machine): the step itself, and what follows from it. The place is kept; after
    the last try it has expired."""
    tried = stands(callback, how, now)
    if tried.attempts >= MOST_TRIES:
        return tried, stands(tried, State.EXPIRED, now, "tried three times")
    wait = SPACING[tried.attempts - 1]
    return tried, replace(stands(tried, State.HOLDING, now, f"{how} at try {tried.attempts}"), next_at=now + wait)


def may_dial(callback: Callback, now: datetime, zone: ZoneInfo) -> bool:
    """Not before its moment, not at night, and never after the promised time without having told so."""
    if callback.state is not State.HOLDING or now < callback.next_at or is_night(now, zone):
        return False
    return now <= callback.promise.ends or callback.told


def is_broken(callback: Callback, now: datetime) -> bool:
    """The promised time has passed, nobody is on the line for it, and nobody has said so."""
    return callback.state in WAITS and now > callback.promise.ends and not callback.told


def is_over(callback: Callback, now: datetime) -> bool:
    """Also what was asked for beyond the promise has passed."""
    return callback.state in WAITS and callback.told and now > callback.promise.ends + GRACE


def is_night(at: datetime, zone: ZoneInfo) -> bool:
    here = at.astimezone(zone).time()
    begins, ends = NIGHT
    return here >= begins or here < ends


def can_promise(now: datetime, capacity: Capacity, staffed: Promise | None, zone: ZoneInfo) -> Promise | None:
    """When somebody who asks now would be called: from the expected moment to half as much again, in steps of SHARPNESS.

    staffed: the hours somebody is there, those going on or the next ones. None is returned where nobody is ever there, and
    where the promised end would lie past those hours or in the night: a promise that cannot be kept is none.
    """
    if staffed is None or capacity.agents <= 0 or staffed.ends <= now:
        return None
    begins = max(now, staffed.begins)
    serving = capacity.handle * ((capacity.before + 1) / capacity.agents)
    dialing = timedelta(seconds=(capacity.callbacks + 1) / capacity.dials_per_s)
    expected = max(serving, dialing)
    promise = Promise(
        begins=_stepped(begins + expected), ends=_stepped(begins + max(expected * 1.5, expected + LEAST_WINDOW)) + SHARPNESS
    )
    if promise.ends > staffed.ends or is_night(promise.begins, zone) or is_night(promise.ends, zone):
        return None
    return promise


def _stepped(at: datetime) -> datetime:
    """Rounded up to a step of the clock."""
    over = timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
    return at + (SHARPNESS - over) if over else at
