"""Who is next: a place in the queue is a moment, and a head start moves it back. Nobody is overtaken by more than that."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from surge.numbers.chain import Habits, expected_wait_s


class Head(StrEnum):
    """Why somebody starts ahead."""

    NONE = "none"
    FROM_911 = "from 911"  # handed over by the emergency centre: its line is free again
    VULNERABLE = "vulnerable"  # somebody whose water cannot wait


HEAD_STARTS: Final[Mapping[Head, timedelta]] = {
    Head.NONE: timedelta(),
    Head.FROM_911: timedelta(seconds=120),
    Head.VULNERABLE: timedelta(seconds=300),
}
ROUNDING_MIN: Final = ((10, 1), (30, 5), (60, 10), (math.inf, 30))  # up to so many minutes, a wait is told in steps of so many


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Smaller is served first. A callback, a requeue and a redial keep the place they had."""

    virtual: datetime  # when it would have come without a head start
    seq: int  # the order in which the queue took them in


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """skill: what the agent must know; "" for anything."""

    contact_id: str
    place: Place
    enqueued_at: datetime
    language: str
    skill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody free. interpreter: may take a language they do not speak, with an interpreter on the line."""

    agent_id: str
    languages: frozenset[str]
    skills: frozenset[str]
    free_since: datetime
    interpreter: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the queue holds out for the right person before it takes somebody less fitting."""

    language: timedelta = timedelta(seconds=60)  # then an interpreter joins
    skill: timedelta = timedelta(seconds=180)  # then anybody who can call one up


def place(enqueued_at: datetime, head: Head, seq: int) -> Place:
    return Place(virtual=enqueued_at - HEAD_STARTS[head], seq=seq)


def can_serve(agent: Agent, waiting: Waiting, now: datetime, patience: Patience) -> bool:
    waited = now - waiting.enqueued_at
    speaks = waiting.language in agent.languages or (agent.interpreter and waited >= patience.language)
    knows = not waiting.skill or waiting.skill in agent.skills or waited >= patience.skill
    return speaks and knows


def pairs(line: Iterable[Waiting], agents: Collection[Agent], now: datetime, patience: Patience) -> list[tuple[Waiting, Agent]]:
    """Who is rung for whom, smallest place first. Of several agents who can, the one who speaks the language without an
    interpreter, then the one who could serve fewest others, then whoever has been free longest."""
    free = {agent.agent_id: agent for agent in agents}
    found = []
    for waiting in sorted(line, key=lambda one: one.place):
        able = [agent for agent in free.values() if can_serve(agent, waiting, now, patience)]
        if able:
            chosen = min(able, key=lambda agent: _fit(agent, waiting))
            del free[chosen.agent_id]
            found.append((waiting, chosen))
        if not free:
            break
    return found


def _fit(agent: Agent, waiting: Waiting) -> tuple[bool, int, datetime, str]:
    breadth = len(agent.languages) + len(agent.skills)
    return waiting.language not in agent.languages, breadth, agent.free_since, agent.agent_id


def ahead(line: Iterable[Waiting], mine: Place) -> int:
    return sum(one.place < mine for one in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A wait as a caller hears it: from low to high minutes."""

    low_min: int
    high_min: int


def told_wait(before: int, agents: int, habits: Habits) -> Told | None:
    """An honest range for somebody with `before` people ahead: from the expected wait to half as much again, each rounded up.
    None where nobody is there to answer: a number would be a lie."""
    expected = expected_wait_s(before, agents, habits) / 60.0
    if agents == 0:
        return None
    low = _rounded(expected)
    return Told(low_min=low, high_min=max(_rounded(expected * 1.5), low + 1))


def _rounded(minutes: float) -> int:
    step = next(step for limit, step in ROUNDING_MIN if minutes <= limit)
    return max(1, math.ceil(minutes / step) * step)
