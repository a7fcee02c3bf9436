"""How far an alert's texts may be slowed while 311's callers wait: from what was measured and the clock to a share of the rate.
Pure. Whatever is not known, old, or strange means the full rate: a late alert is worse than a long line.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notify.alerts.alert import Event, Severity, Stage
from notify.alerts.hazards import Hazard

# (callers wait at least so many seconds, then this share of the rate); one step at a time, the last is the floor.
STEPS: Final = ((300.0, 0.5), (600.0, 0.25))
FLOOR: Final = STEPS[-1][1]
EASES_AT: Final = 0.6  # of a step's seconds: at this wait or less the step is left
HOLDS: Final = timedelta(seconds=60)  # after any change, before the next step down: what was done has to show first
FRESH: Final = timedelta(minutes=20)  # older figures say nothing of now
AHEAD: Final = timedelta(minutes=1)  # figures from further in the future are of a wrong clock
LONGEST: Final = timedelta(minutes=60)  # from its start on, after which an alert is slowed no more
BEFORE_END: Final = timedelta(minutes=60)  # in the last hour before it expires an alert is slowed no more
STAGES: Final = frozenset({Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR})  # what was wrong is put right at the full rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What callers of 311 wait, in seconds, as measured at a moment."""

    wait_s: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """level: how many of STEPS hold. since: of the last change; None before the first."""

    level: int = 0
    since: datetime | None = None

    @property
    def share(self) -> float:
        return STEPS[self.level - 1][1] if self.level else 1.0


def usable(queue: Queue | None, now: datetime) -> bool:
    """Whether a figure says anything of this moment."""
    return queue is not None and math.isfinite(queue.wait_s) and -AHEAD <= now - queue.at <= FRESH


def step(state: State, queue: Queue | None, now: datetime) -> State:
    """One look on. Slower by one step at a time, with a pause between; faster at once."""
    if queue is None or not usable(queue, now):
        return _at(state, 0, now)
    level = state.level
    while level and queue.wait_s <= EASES_AT * STEPS[level - 1][0]:
        level -= 1
    wanted = sum(queue.wait_s >= seconds for seconds, _ in STEPS)
    if level == state.level < wanted and (state.since is None or now - state.since >= HOLDS):
        level += 1
    return _at(state, level, now)


def _at(state: State, level: int, now: datetime) -> State:
    return state if level == state.level else State(level=level, since=now)


def share(state: State, started_at: datetime | None, expires_at: datetime, now: datetime) -> float:
    """Of the rate, for one alert: from FLOOR to 1."""
    if started_at is None or not timedelta(0) <= now - started_at < LONGEST or expires_at - now <= BEFORE_END:
        return 1.0
    return state.share


def problems(hazard: Hazard, stage: Stage, severity: Severity | None) -> list[str]:
    """Why an alert may not be slowed, as sentences; empty when it may. severity: None for the hazard's own."""
    found = []
    if not hazard.may_slow:
        found.append(f"slows: alerts of '{hazard.key}' are never slowed.")
    if (severity or hazard.severity) is Severity.EXTREME:
        found.append("slows: an alert of Extreme severity is never slowed.")
    if stage not in STAGES:
        found.append(f"slows: a {stage.replace('_', ' ')} is never slowed.")
    return found


def is_coupled(event: Event, hazard: Hazard) -> bool:
    """Whether the approved alert may be slowed. Its texts alone are: feeds, page and mails never."""
    return event.slows and not problems(hazard, event.stage, event.severity)


def longest(units: int, rates: Sequence[float]) -> timedelta | None:
    """How long so many units take at most: callers wait from the first text to the last. None without senders or a limit."""
    rate = sum(rates)
    if not rates or math.isinf(rate):
        return None
    slowed = min(units, rate * FLOOR * LONGEST.total_seconds())
    return timedelta(seconds=slowed / (rate * FLOOR) + (units - slowed) / rate)
