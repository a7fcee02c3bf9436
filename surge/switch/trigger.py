"""When the load itself says that surge mode is needed, and when it is over: a signal, two thresholds, patience at both. Pure.

The signal of calls is an average over the last minutes (each minute counts half of what it did three minutes before) over what
is usual at that minute of the week. Attempts protect: somebody who dials ten times blocks ten lines. Callers size: they need
one agent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from surge.scripts.runbook import Trigger

HALF_LIFE: Final = timedelta(minutes=3)
MINUTE: Final = timedelta(minutes=1)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
QUARTERS: Final = 4 * 24 * 7  # of an hour, in a week
CLEAN_WEEKS: Final = 6
LEAST_USUAL: Final = 0.2  # calls a minute: at night one call is no surge, whatever was usual
LEVEL_AT: Final = (4.0, 8.0)  # callers over what is usual: from here on level 2, from here on level 3 (assumed; tune by replay)
COOL_DOWN: Final = timedelta(minutes=15)
LATE: Final = timedelta(minutes=2)  # minutes that nobody counted are no proof of calm


class Signal(StrEnum):
    CALLS = "calls"  # attempts a minute, over what is usual
    WAIT = "oldest wait"  # seconds that somebody has waited
    ADMIN = "911 wait"  # seconds on 911's administrative lines
    ALERT = "alert"  # an alert of Severe or more has left


class Mode(StrEnum):
    ADVISE = "advise"  # says so
    ARM = "arm"  # arms, when everything is ready
    OPEN = "open"  # opens what a person has armed; never both


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """runbook: which one it would be. limits: as in the runbook, or the city's own."""

    name: str
    signal: Signal
    mode: Mode
    runbook: str
    limits: Trigger
    cool_down: timedelta = COOL_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What one whole minute brought. None: nobody knows. usual: calls a minute at this minute of the week."""

    at: datetime  # its end
    attempts: int = 0
    callers: int = 0  # different ones
    usual: float | None = None
    oldest_wait_s: float | None = None
    admin_wait_s: float | None = None
    alerts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a rule stands after a minute. above: minutes within the window at which the signal was high enough."""

    at: datetime | None = None
    attempts: float = 0.0  # a minute, smoothed
    callers: float = 0.0
    value: float | None = None
    usual: float | None = None
    above: tuple[datetime, ...] = ()
    low_since: datetime | None = None
    on_since: datetime | None = None
    off_since: datetime | None = None

    @property
    def on(self) -> bool:
        return self.on_since is not None


class Turn(StrEnum):
    NONE = "none"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    state: State
    turn: Turn


def step(rule: Rule, state: State, minute: Minute) -> Step:
    """One minute on. A minute that lies before the last one changes nothing."""
    if state.at is not None and minute.at <= state.at:
        return Step(state=state, turn=Turn.NONE)
    late = state.at is not None and minute.at - state.at > LATE
    now = _smoothed(state, minute)
    value = _value(rule.signal, now, minute)
    window = timedelta(minutes=rule.limits.window_minutes)
    above = tuple(at for at in state.above if at > minute.at - window)
    if value is not None and value >= rule.limits.enter_at:
        above = (*above, minute.at)
    low = value is not None and value <= rule.limits.leave_at
    low_since = (state.low_since if state.low_since and not late else minute.at) if low else None
    now = replace(now, value=value, usual=minute.usual, above=above, low_since=low_since)
    if not now.on and _enters(rule, now, minute.at):
        return Step(state=replace(now, on_since=minute.at, off_since=None), turn=Turn.ON)
    if now.on and _leaves(rule, now, minute.at):
        return Step(state=replace(now, on_since=None, off_since=minute.at, above=()), turn=Turn.OFF)
    return Step(state=now, turn=Turn.NONE)


def _smoothed(state: State, minute: Minute) -> State:
    """The first minute stands for itself; a later one by its share of what counts by then."""
    if state.at is None:
        return replace(state, at=minute.at, attempts=float(minute.attempts), callers=float(minute.callers))
    share = 1.0 - 0.5 ** ((minute.at - state.at) / HALF_LIFE)
    return replace(
        state,
        at=minute.at,
        attempts=state.attempts + share * (minute.attempts - state.attempts),
        callers=state.callers + share * (minute.callers - state.callers),
    )


def _value(signal: Signal, state: State, minute: Minute) -> float | None:
    match signal:
        case Signal.CALLS:
            return None if minute.usual is None else state.attempts / max(minute.usual, LEAST_USUAL)
        case Signal.WAIT:
            return minute.oldest_wait_s
        case Signal.ADMIN:
            return minute.admin_wait_s
        case Signal.ALERT:
            return float(minute.alerts)


def _enters(rule: Rule, state: State, at: datetime) -> bool:
    cool = state.off_since is None or at - state.off_since >= rule.cool_down
    return cool and len(state.above) >= rule.limits.enter_minutes


def _leaves(rule: Rule, state: State, at: datetime) -> bool:
    return state.low_since is not None and at >= closes_at(rule, state)


def closes_at(rule: Rule, state: State) -> datetime:
    """The earliest moment at which it leaves, if the signal stays low from now on. The state is on."""
    low_since, on_since = state.low_since or state.at, state.on_since
    assert low_since is not None and on_since is not None
    leaves = low_since + timedelta(minutes=rule.limits.leave_minutes)
    return max(leaves, on_since + timedelta(minutes=rule.limits.dwell_minutes))


def level(state: State) -> int:
    """How much is needed, by different callers: whoever dials ten times needs one agent. 1 where nobody knows what is usual."""
    if state.usual is None:
        return 1
    times = state.callers / max(state.usual, LEAST_USUAL)
    return 1 + sum(times >= edge for edge in LEVEL_AT)


def replayed(rule: Rule, minutes: Iterable[Minute], state: State | None = None) -> tuple[State, list[tuple[datetime, Turn]]]:
    """The state after many minutes, and when it turned."""
    now = state or State()
    turns: list[tuple[datetime, Turn]] = []
    for minute in minutes:
        done = step(rule, now, minute)
        now = done.state
        if done.turn is not Turn.NONE:
            turns.append((minute.at, done.turn))
    return now, turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Calls a minute at each quarter of an hour of the week, Monday midnight first; None where too few weeks are known."""

    zone: ZoneInfo
    rates: Mapping[int, float] = field(default_factory=dict)

    def at(self, moment: datetime) -> float | None:
        return self.rates.get(quarter(moment, self.zone))


def quarter(moment: datetime, zone: ZoneInfo) -> int:
    """Which quarter of an hour of the local week it is."""
    local = moment.astimezone(zone)
    return (local.weekday() * 24 + local.hour) * 4 + local.minute // 15


def usual(offered: Iterable[datetime], weeks: Sequence[datetime], zone: ZoneInfo) -> Usual:
    """What is usual, from when contacts were offered in clean weeks (no surge, no holiday). weeks: the beginning of each.

    A single minute of six weeks is chance; its quarter of an hour is read instead. Fewer than six weeks tell nothing.
    """
    if len(weeks) < CLEAN_WEEKS:
        return Usual(zone=zone)
    counts = dict.fromkeys(range(QUARTERS), 0)
    for moment in offered:
        counts[quarter(moment, zone)] += 1
    return Usual(zone=zone, rates={key: count / (len(weeks) * 15) for key, count in counts.items()})


def explanation(rule: Rule, state: State, zone: ZoneInfo) -> str:
    """What happened, in a sentence: the signal, the thresholds, and when it closes."""
    if not state.on or state.at is None:
        return f"{_signal(rule, state, zone)}; surge mode is suggested {_entering(rule)}."
    local = closes_at(rule, state).astimezone(zone)
    leaving = _amount(rule.signal, rule.limits.leave_at)
    return (
        f"{_signal(rule, state, zone)}, and it was {_amount(rule.signal, rule.limits.enter_at)} or more in "
        f"{rule.limits.enter_minutes} of the last {rule.limits.window_minutes} minutes. It closes when it is "
        f"{leaving} or less for {rule.limits.leave_minutes} minutes, at {local:%H:%M} at the earliest."
    )


def _signal(rule: Rule, state: State, zone: ZoneInfo) -> str:
    if state.value is None or state.at is None:
        return f"Nothing is known of {rule.signal}"
    local = state.at.astimezone(zone)
    match rule.signal:
        case Signal.CALLS:
            return (
                f"{state.attempts:.1f} calls a minute, from {state.callers:.1f} different callers, are "
                f"{_amount(rule.signal, state.value)} what is usual on a {DAYS[local.weekday()]} at {local:%H:%M} "
                f"({state.usual or 0.0:.1f})"
            )
        case Signal.WAIT:
            return f"Somebody has waited {_amount(rule.signal, state.value)}"
        case Signal.ADMIN:
            return f"The administrative lines of 911 take {_amount(rule.signal, state.value)}"
        case Signal.ALERT:
            return f"{state.value:.0f} alerts of Severe or more have left"


def _entering(rule: Rule) -> str:
    limits = rule.limits
    return f"at {_amount(rule.signal, limits.enter_at)} in {limits.enter_minutes} of {limits.window_minutes} minutes"


def _amount(signal: Signal, value: float) -> str:
    match signal:
        case Signal.CALLS:
            return f"{value:.1f} times"
        case Signal.ALERT:
            return f"{value:.0f}"
        case _:
            return f"{value:.0f} s"
