"""What another number of agents would do: in the next hour, from how the line stands now, and in the long run. Where the queue
only grows, that is what is said, and no number."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from surge.numbers import chain, erlang
from surge.numbers.chain import Habits, Slice
from surge.numbers.erlang import Line, Unsettled

HOUR_S: Final = 3600.0
LOADING_S: Final = 1.0  # in which whoever is on the line now is taken to have come
GROWS: Final = "unstable: more calls come than these agents can take, and the queue grows until callers hang up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """calls_per_s: what comes now, redials included. patience_s: how long callers wait on average before they hang up. waiting,
    talking: people now. most_waiting: callers beyond it find the queue full. within_s: what counts as answered in time."""

    calls_per_s: float
    handling_s: float
    patience_s: float
    waiting: int = 0
    talking: int = 0
    most_waiting: int = 500
    within_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Expected within the next hour. handled: who reached an agent, of those waiting now and those still to come."""

    offered: float
    handled: float
    abandoned: float
    blocked: float
    waiting: float  # at its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """waits_s, in_time: of a line on which nobody hangs up (Erlang C), UNSTABLE where it never settles. The rest is of one on
    which callers hang up as they do (Erlang A); abandoned and answered_in_time are shares of all calls, wait_s of everybody."""

    agents: int
    hour: Hour
    waits_s: float | Unsettled
    in_time: float | Unsettled
    abandoned: float
    wait_s: float
    answered_in_time: float

    @property
    def is_stable(self) -> bool:
        return not isinstance(self.waits_s, Unsettled)


def problems(now: Situation) -> list[str]:
    found = []
    if now.calls_per_s < 0 or now.waiting < 0 or now.talking < 0 or now.most_waiting < 0:
        found.append("Calls and people are not below 0.")
    if now.handling_s <= 0 or now.patience_s <= 0 or now.within_s < 0:
        found.append("A call and a caller's patience last longer than 0 s.")
    return found


def options(now: Situation, agents: Iterable[int]) -> list[Option]:
    """One for each number of agents. Raises ValueError with `problems`."""
    if wrong := problems(now):
        raise ValueError(" ".join(wrong))
    return [_option(now, one) for one in agents]


def _option(now: Situation, agents: int) -> Option:
    line = Line(calls_per_s=now.calls_per_s, handling_s=now.handling_s, patience_s=now.patience_s, agents=agents)
    steady = erlang.steady(line)
    return Option(
        agents=agents,
        hour=_hour(now, agents),
        waits_s=erlang.mean_wait_s(line.load, agents, now.handling_s),
        in_time=erlang.answered_within(line.load, agents, now.within_s, now.handling_s),
        abandoned=steady.abandoned,
        wait_s=steady.mean_wait_s,
        answered_in_time=erlang.answered_in_time(line, now.within_s),
    )


def _hour(now: Situation, agents: int) -> Hour:
    """By the time-varying chain. It begins with an empty line, so whoever is on it now comes within its first second."""
    there = now.waiting + now.talking
    habits = Habits(handling_s=now.handling_s, patience_s=now.patience_s, most_waiting=max(now.most_waiting, there))
    before = [Slice(seconds=LOADING_S, calls_per_s=there / LOADING_S, agents=agents)] if there else []
    found = chain.solve([*before, Slice(seconds=HOUR_S, calls_per_s=now.calls_per_s, agents=agents)], habits)
    loaded, hour = found[: len(before)], found[-1]
    return Hour(
        offered=hour.offered,
        handled=hour.started + sum(one.started for one in loaded) - min(now.talking, agents),
        abandoned=hour.abandoned + sum(one.abandoned for one in loaded),
        blocked=hour.blocked,
        waiting=hour.waiting,
    )


def sentence(option: Option, within_s: float) -> str:
    """For the wallboard: one line for one number of agents."""
    hour = option.hour
    told = (
        f"{option.agents} agents: in the next hour about {hour.handled:,.0f} reach one, {hour.abandoned:,.0f} hang up, "
        f"{hour.waiting:,.0f} wait at its end"
    )
    if not option.is_stable:
        return f"{told}; {GROWS}."
    return f"{told}; in the long run {option.answered_in_time:.0%} of all calls are answered within {within_s:.0f} s."


def fewest(now: Situation, share: float, most: int) -> int | None:
    """The fewest agents, up to `most`, with whom this share of all calls is answered in time in the long run; None if even they
    are too few."""
    for agents in range(most + 1):
        line = Line(calls_per_s=now.calls_per_s, handling_s=now.handling_s, patience_s=now.patience_s, agents=agents)
        if erlang.answered_in_time(line, now.within_s) >= share:
            return agents
    return None


def as_dict(option: Option) -> dict[str, Any]:
    """For programs; where the queue only grows, the word "unstable" stands instead of a number."""
    hour = {name: round(getattr(option.hour, name), 1) for name in option.hour.__slots__}
    told = {"abandoned": option.abandoned, "wait_s": option.wait_s, "answered_in_time": option.answered_in_time}
    endless = {"waits_s": option.waits_s, "in_time": option.in_time}
    found = {name: one.value if isinstance(one, Unsettled) else round(one, 4) for name, one in endless.items()}
    return {
        "agents": option.agents,
        "next_hour": hour,
        "as_callers_hang_up": {name: round(value, 4) for name, value in told.items()},
        "if_nobody_hung_up": found,
    }
