"""A day of calls made up from a seed: how a city calls after a boil-water notice.

The size is that of 23 May 2014 in Portland, about 4,139 calls. The curve is assumed: calls per minute grow with the time since
the notice and fade with its exponential, t * exp(-t / peak), so that the peak comes `peak_s` after the notice. Pure.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from channels.simulator.telephone.characters import Person

FIRST_AREA: Final = 205  # the made-up callers' area codes go up from here
PER_AREA: Final = 10_000
LANGUAGES: Final = {"1": 0.83, "2": 0.09, "3": 0.04, "4": 0.04}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Shares are 0 to 1. `talk_s` is the mean of a lognormal with the given spread, `patience_s` the mean of an exponential.
    `languages`: by the key pressed at the first prompt, its share; `presses`: what is pressed at the prompts after it.
    `redials`: the share that calls again, once, after giving up; `suddenly`: that hangs up at a random moment of the first
    `patience_s`; `misses_callback`: that does not answer when called back, `machine`: whose machine does, `withheld`: that
    shows no number. `agents` are at their desks under numbers of their own, see agent_number."""

    seed: str = "tocsin"
    calls: int = 4_139
    peak_s: float = 2_400.0
    span_s: float = 28_800.0
    talk_s: float = 240.0
    talk_spread: float = 0.6
    patience_s: float = 600.0
    languages: Mapping[str, float] = field(default_factory=lambda: dict(LANGUAGES))
    presses: tuple[str, ...] = ()
    redials: float = 0.3
    suddenly: float = 0.05
    misses_callback: float = 0.15
    machine: float = 0.1
    withheld: float = 0.02
    agents: int = 0
    agent_misses: float = 0.05


def made_up(day: Day) -> list[Person]:
    """Everybody of a day, in order of their calls, then the agents. The same seed gives the same day. Raises ValueError."""
    if not 0 <= day.calls <= 5_000_000 or not day.peak_s > 0 or not day.span_s > 0 or not 0 <= day.agents <= 9_000:
        raise ValueError("calls, peak_s, span_s and agents must be positive, and not out of all measure")
    if not day.languages or min(day.languages.values()) < 0 or sum(day.languages.values()) <= 0:
        raise ValueError("languages must have shares of 0 or more, not all 0")
    dice = random.Random(f"{day.seed} day")
    arrivals = sorted(_arrival(day, dice) for _ in range(day.calls))
    return [_caller(day, dice, at, when) for at, when in enumerate(arrivals)] + [_agent(day, at) for at in range(day.agents)]


def number_of(at: int) -> str:
    """The number of the made-up caller of this rank, from 0 on: exchange 555 in one area code after the other, past those that
    end in 11 and those that agents and the city have."""
    area = FIRST_AREA
    for _ in range(at // PER_AREA):
        area = _next_area(area)
    return f"+1{area}555{at % PER_AREA:04d}"


def agent_number(at: int) -> str:
    """The number of the agent of this rank, from 0 on."""
    return f"+1202555{1_000 + at:04d}"


def _next_area(area: int) -> int:
    area += 1
    return area + 1 if area % 100 == 11 else area


def _arrival(day: Day, dice: random.Random) -> float:
    """A gamma of shape 2 has its mode at its scale; what would come after the span is drawn again."""
    while True:
        at = dice.gammavariate(2.0, day.peak_s)
        if at < day.span_s:
            return round(at, 3)


def _caller(day: Day, dice: random.Random, at: int, when: float) -> Person:
    language = dice.choices(list(day.languages), list(day.languages.values()))[0]
    mu = math.log(day.talk_s) - day.talk_spread**2 / 2
    patience = round(dice.expovariate(1.0 / day.patience_s), 3)
    sudden = round(dice.uniform(0, day.patience_s), 3)
    more: dict[str, Any] = {"hangs_up_s": sudden} if dice.random() < day.suddenly else {}
    called = dice.random()
    if called < day.misses_callback:
        more["becomes"] = "no-answer"
    elif called < day.misses_callback + day.machine:
        more["becomes"] = "machine_start"
    return Person(
        number=number_of(at),
        at_s=when,
        presses=(language, *day.presses),
        talk_s=round(dice.lognormvariate(mu, day.talk_spread), 3),
        patience_s=patience,
        redials=1 if dice.random() < day.redials else 0,
        redial_after_s=round(dice.uniform(20, 300), 3),
        withheld=dice.random() < day.withheld,
        **more,
    )


def _agent(day: Day, at: int) -> Person:
    return Person(number=agent_number(at), misses=day.agent_misses)
