"""What a queue does while calls double within minutes: the time-varying M(t)/M/n(t)+M chain with a bounded queue, solved
exactly and, to check it, played by dice.

Rates are constant within a slice (a minute, say). When the number of agents falls, calls beyond it count as waiting at once;
surge.numbers.simulation lets an agent finish the call.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_REST: Final = 1e-12  # chance of more steps in a slice than are taken
_STRIDE: Final = 50.0  # mean steps between two sums of a slice; keeps e^-steps far from zero
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A stretch of time with one arrival rate and one number of agents."""

    seconds: float
    calls_per_s: float
    agents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How long calls take and callers wait, on average, and how many may wait at most."""

    handling_s: float
    patience_s: float
    most_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Of one slice, on average; callers. offered = started + abandoned + blocked + growth of the queue."""

    offered: float
    started: float  # reached an agent
    abandoned: float
    blocked: float  # found the queue full
    waiting: float  # at the end of the slice
    busy: float  # agents, at its end
    in_time: float  # of those offered in it, who reach an agent within `within_s` if its agents stay until then


def solve(slices: Sequence[Slice], habits: Habits, within_s: float = 0.0) -> list[Expected]:
    """From an empty line. Exact but for a chance of 1e-12 per stride.

    in_time: callers find the states as a slice's time is spent in them (Poisson arrivals see time averages). Whoever finds
    fewer calls than agents is answered at once, anybody else as `in_time` says.

    Source: uniformization (Jensen 1953): the chain is watched at the ticks of one Poisson clock that is at least as fast as any
    state's leaving, and the time spent in a state between ticks is summed with the chance that the clock has not yet stopped.
    """
    found, before = [], 0.0
    for one, share, spent in _walk(slices, habits):
        k = np.arange(len(share))
        full = k >= one.agents + habits.most_waiting
        offered = one.calls_per_s * one.seconds
        abandoned = float(spent @ np.maximum(k - one.agents, 0)) / habits.patience_s
        lost = one.calls_per_s * float(spent[full].sum())
        after = _queue(share, one.agents)
        found.append(
            Expected(
                offered=offered,
                started=offered - abandoned - lost - (after - before),
                abandoned=abandoned,
                blocked=lost,
                waiting=after,
                busy=float(share @ np.minimum(k, one.agents)),
                in_time=one.calls_per_s * float(spent @ _chances(one.agents, habits, within_s, len(share))),
            )
        )
        before = after
    return found


def in_time(agents: int, habits: Habits, within_s: float) -> Floats:
    """For somebody with 0, 1, ... people before them and every agent busy: the chance of an agent within so long, before they
    hang up themselves. One number for each place in the queue, the last place is the most that may wait less one.

    Source: u_j' = (n/handling_s + j/patience_s)(u_{j-1} - u_j) - u_j/patience_s with u_{-1} = 1, by uniformization.
    """
    places = np.arange(habits.most_waiting)
    if not len(places) or agents == 0 or within_s <= 0:
        return np.zeros(len(places))
    on, gone = agents / habits.handling_s + places / habits.patience_s, 1.0 / habits.patience_s
    clock = float(on.max()) + gone
    strides = max(1, math.ceil(clock * within_s / _STRIDE))
    mean = clock * within_s / strides
    counts = range(int(mean + 12.0 * math.sqrt(mean) + 30.0))  # beyond it the chance is below _REST
    weights = [math.exp(-mean + count * math.log(mean) - math.lgamma(count + 1)) for count in counts]
    chance = np.zeros(len(places))
    for _ in range(strides):
        step, after = chance, np.zeros(len(places))
        for weight in weights:
            after += weight * step
            step = (on * np.concatenate(([1.0], step[:-1])) + (clock - on - gone) * step) / clock
        chance = after
    return chance


def _chances(agents: int, habits: Habits, within_s: float, size: int) -> Floats:
    """For somebody who finds 0, 1, ... calls on the line: the chance of an agent within so long."""
    return np.concatenate((np.ones(agents), in_time(agents, habits, within_s), np.zeros(size)))[:size]


def _walk(slices: Sequence[Slice], habits: Habits) -> Iterator[tuple[Slice, Floats, Floats]]:
    """Each slice with the shares at its end and the seconds spent in each state within it, from an empty line."""
    _check(slices, habits)
    share = np.zeros(max(one.agents for one in slices) + habits.most_waiting + 1)
    share[0] = 1.0
    for one in slices:
        share, spent = _advance(share, one, habits)
        yield one, share, spent


def _queue(share: Floats, agents: int) -> float:
    return float(share @ np.maximum(np.arange(len(share)) - agents, 0))


def _advance(share: Floats, one: Slice, habits: Habits) -> tuple[Floats, Floats]:
    """The shares at the end of a slice, and the seconds spent in each state within it."""
    k = np.arange(len(share))
    births = np.where(k < one.agents + habits.most_waiting, one.calls_per_s, 0.0)
    deaths = np.minimum(k, one.agents) / habits.handling_s + np.maximum(k - one.agents, 0) / habits.patience_s
    clock = float((births + deaths).max())
    spent = np.zeros(len(share))
    if clock == 0.0:
        return share, share * one.seconds
    strides = max(1, math.ceil(clock * one.seconds / _STRIDE))
    up, down, stay = births / clock, deaths / clock, 1.0 - (births + deaths) / clock
    for _ in range(strides):
        share, more = _stride(share, (up, down, stay), clock, one.seconds / strides)
        spent += more
    return share, spent


def _stride(share: Floats, step: tuple[Floats, Floats, Floats], clock: float, seconds: float) -> tuple[Floats, Floats]:
    up, down, stay = step
    chance = math.exp(-clock * seconds)  # of exactly `count` ticks
    beyond = 1.0 - chance  # of more than `count` ticks
    ended, spent, count = chance * share, beyond / clock * share, 0
    while beyond > _REST:
        moved = stay * share
        moved[1:] += up[:-1] * share[:-1]
        moved[:-1] += down[1:] * share[1:]
        share, count = moved, count + 1
        chance *= clock * seconds / count
        beyond -= chance
        ended += chance * share
        spent += max(beyond, 0.0) / clock * share
    return ended / ended.sum(), spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Counts of many plays of the same day, one number per play."""

    started: NDArray[np.int64]
    abandoned: NDArray[np.int64]
    blocked: NDArray[np.int64]
    waiting: NDArray[np.int64]  # at the end


def play(slices: Sequence[Slice], habits: Habits, plays: int, dice: np.random.Generator) -> Played:
    """The same chain by dice: every tick of the clock moves each play up, down or not at all."""
    _check(slices, habits)
    state = np.zeros(plays, dtype=np.int64)
    abandoned, blocked, offered = (np.zeros(plays, dtype=np.int64) for _ in range(3))
    agents = slices[0].agents
    for one in slices:
        agents = one.agents
        fullest = max(int(state.max()), agents + habits.most_waiting)
        clock = one.calls_per_s + agents / habits.handling_s + max(0, fullest - agents) / habits.patience_s
        ticks = dice.poisson(clock * one.seconds, plays)
        for tick in range(int(ticks.max(initial=0))):
            here = ticks > tick
            drawn = dice.random(plays) * clock
            queue, talking = np.maximum(state - agents, 0), np.minimum(state, agents)
            comes = here & (drawn < one.calls_per_s)
            full = comes & (queue >= habits.most_waiting) & (state >= agents)
            drawn -= one.calls_per_s
            ends = here & ~comes & (drawn < talking / habits.handling_s)
            drawn -= talking / habits.handling_s
            leaves = here & ~comes & ~ends & (drawn < queue / habits.patience_s)
            offered += comes
            blocked += full
            abandoned += leaves
            state += (comes & ~full).astype(np.int64) - ends - leaves
    left = np.maximum(state - agents, 0)
    return Played(started=offered - blocked - abandoned - left, abandoned=abandoned, blocked=blocked, waiting=left)


def expected_wait_s(ahead: int, agents: int, habits: Habits) -> float:
    """Until somebody with `ahead` people before them reaches an agent, on average; infinite when nobody answers and nobody is
    ahead to leave.

    Source: the sum over j = 0..ahead of 1/(n mu + j theta): the line moves whenever one of n agents ends a call or one of the j
    people ahead hangs up.
    """
    total = 0.0
    for j in range(ahead + 1):
        pace = agents / habits.handling_s + j / habits.patience_s
        if pace == 0.0:
            return math.inf
        total += 1.0 / pace
    return total


def _check(slices: Sequence[Slice], habits: Habits) -> None:
    problems = []
    if not slices:
        problems.append("There is no time to look at.")
    if not (habits.handling_s > 0 and habits.patience_s > 0 and habits.most_waiting >= 0):
        problems.append("Handling and patience are seconds above 0, and no fewer than 0 people may wait.")
    problems += [
        f"Slice {number}: seconds above 0, calls and agents not below 0."
        for number, one in enumerate(slices, 1)
        if not (one.seconds > 0 and one.calls_per_s >= 0 and one.agents >= 0)
    ]
    if problems:
        raise ValueError(" ".join(problems))
