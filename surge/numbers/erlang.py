"""How many call-takers a steady load needs: the Erlang formulas B, C and A. Steady means hours, not minutes: while calls double
within minutes, only surge.numbers.chain says what the queue does next.

A load is in erlangs: calls arriving in a second times the seconds one takes (talking, holding and wrapping up).
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 4000  # of an integral over waiting times; an even number
_TAIL: Final = 1e-15  # states rarer than this beside the commonest one are left out
Floats = NDArray[np.float64]


class Unsettled(Enum):
    """Instead of a number where the queue only grows."""

    UNSTABLE = "unstable"


UNSTABLE: Final = Unsettled.UNSTABLE


def blocked(load: float, agents: int) -> float:
    """Erlang B: the share of calls that find `agents` lines taken when nobody waits. It sizes trunks and forward groups.

    Source: 1/B(k) = 1 + k/load / B(k-1), B(0) = 1 (Erlang 1917 in its stable inverse form).
    """
    _check(load, agents)
    if load == 0:
        return 0.0 if agents else 1.0
    inverse = 1.0
    for k in range(1, agents + 1):
        inverse = 1.0 + inverse * k / load
    return 1.0 / inverse


def waiting(load: float, agents: int) -> float | Unsettled:
    """Erlang C: the share of calls that wait at all when nobody ever hangs up. UNSTABLE where agents <= load.

    Source: C = nB / (n - A(1 - B)).
    """
    _check(load, agents)
    if agents <= load:
        return UNSTABLE
    b = blocked(load, agents)
    return agents * b / (agents - load * (1.0 - b))


def answered_within(load: float, agents: int, seconds: float, handling_s: float) -> float | Unsettled:
    """The share answered within `seconds` when nobody hangs up: 1 - C e^(-(n - A) T / handling_s)."""
    share = waiting(load, agents)
    if isinstance(share, Unsettled):
        return share
    return 1.0 - share * math.exp(-(agents - load) * seconds / handling_s)


def mean_wait_s(load: float, agents: int, handling_s: float) -> float | Unsettled:
    """The average speed of answer when nobody hangs up: C handling_s / (n - A)."""
    share = waiting(load, agents)
    return share if isinstance(share, Unsettled) else share * handling_s / (agents - load)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of impatient callers (M/M/n+M, "Erlang A"): seconds, and calls per second.

    patience_s: how long a caller waits on average before they hang up.
    """

    calls_per_s: float
    handling_s: float
    patience_s: float
    agents: int

    @property
    def load(self) -> float:
        return self.calls_per_s * self.handling_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What a line does in the long run. Shares are of all calls offered."""

    waits: float  # share that is not answered at once
    abandoned: float  # share that hangs up
    mean_wait_s: float  # of everybody, whether answered or not
    mean_queue: float  # callers waiting
    busy: float  # agents talking, on average


def steady(line: Line) -> Steady:
    """Erlang A by its balance equations: births at calls_per_s, deaths at min(k, n)/handling_s + max(0, k - n)/patience_s.

    Source: Palm 1946; Garnett, Mandelbaum and Reiman 2002. P(abandon) = E[wait]/patience_s = E[queue]/(calls_per_s patience_s).
    """
    _check(line.load, line.agents)
    share = _states(line)
    k = np.arange(len(share))
    queue = float(share @ np.maximum(k - line.agents, 0))
    if line.calls_per_s == 0:
        return Steady(waits=0.0, abandoned=0.0, mean_wait_s=0.0, mean_queue=0.0, busy=0.0)
    return Steady(
        waits=min(1.0, float(share[line.agents :].sum())),
        abandoned=queue / line.patience_s / line.calls_per_s,
        mean_wait_s=queue / line.calls_per_s,
        mean_queue=queue,
        busy=float(share @ np.minimum(k, line.agents)),
    )


def _states(line: Line) -> Floats:
    """The share of time with 0, 1, 2, ... calls in the line, cut off where it no longer counts."""
    if line.calls_per_s == 0:
        return np.asarray(np.eye(1, 1 + line.agents)[0], dtype=np.float64)
    most = line.agents + 64
    while True:
        k = np.arange(1, most + 1)
        leaving = np.minimum(k, line.agents) / line.handling_s + np.maximum(k - line.agents, 0) / line.patience_s
        logs = np.concatenate(([0.0], np.cumsum(np.log(line.calls_per_s) - np.log(leaving))))
        weights = np.exp(logs - logs.max())
        if weights[-1] < _TAIL and leaving[-1] > line.calls_per_s:
            return np.asarray(weights / weights.sum(), dtype=np.float64)
        most *= 2


def answered_in_time(line: Line, seconds: float) -> float:
    """The share of all calls that are answered within `seconds`, callers hanging up meanwhile.

    Source: the density of the wait of somebody endlessly patient, P(n in the line) n/handling_s
    e^(calls_per_s H(t) - n t/handling_s) with
    H(t) = patience_s (1 - e^(-t/patience_s)), times the chance e^(-t/patience_s) of still being there (Mandelbaum and
    Zeltyn 2007, the Palm/Erlang-A queue); integrated by Simpson's rule.
    """
    share = _states(line)
    at_once = float(share[: line.agents].sum())
    if line.agents == 0 or seconds <= 0 or line.calls_per_s == 0:
        return at_once if line.agents else 0.0
    t = np.linspace(0.0, seconds, _STEPS + 1)
    reached = line.patience_s * -np.expm1(-t / line.patience_s)
    # Somebody who finds every agent busy and nobody waiting waits for one of n agents: the density begins there.
    first = float(share[line.agents]) * line.agents / line.handling_s
    density = first * np.exp(line.calls_per_s * reached - line.agents * t / line.handling_s)
    still = np.exp(-t / line.patience_s)
    return at_once + _simpson(density * still, seconds / _STEPS)


def _simpson(values: Floats, step: float) -> float:
    return float(step / 3.0 * (values[0] + values[-1] + 4.0 * values[1:-1:2].sum() + 2.0 * values[2:-1:2].sum()))


def _check(load: float, agents: int) -> None:
    if load < 0 or agents < 0 or not math.isfinite(load):
        raise ValueError(f"a load of {load} erlangs on {agents} agents is no line of calls")
