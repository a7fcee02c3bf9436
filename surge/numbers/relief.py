"""What surge mode took off 911, as four figures that are never made one: calls taken over less calls given back, calls that did
not come, and the people it would have taken to answer them.

One sign for all: above 0, 911 had less to do; below 0, it had more.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from surge.contact import Contact, Standing
from surge.numbers import erlang
from surge.numbers.erlang import Unsettled
from surge.numbers.forecast import Forecast, NotMeasured
from surge.numbers.measures import Share
from surge.scripts.runbook import Ending

FEWEST_MINUTES: Final = 30  # with a handling time, for an interval of their mean by the normal curve
NORMAL: Final = 1.96  # 95 times of 100
STANDARD: Final = ((15, 0.90), (20, 0.95))  # NENA-STA-020.1-2020: this share of 911 calls answered within so many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """R1 and R2: contacts that reached 311 from 911, by transfer or its auto-attendant, and those that 311 handed to it."""

    gross: int
    returned: int

    @property
    def net(self) -> int:
        return self.gross - self.returned


def moved(contacts: Collection[Contact], from_911: Collection[str], disposed: Mapping[str, str]) -> Moved:
    """from_911: ids of contacts that 911 handed over. disposed: how agents ended contacts, by id. A caller who was told to dial
    911, or was handed over from the queue or by an agent, is returned, once."""
    ids = {one.contact_id for one in contacts}
    back = {one.contact_id for one in contacts if one.standing is Standing.EMERGENCY_OUT}
    back |= {contact_id for contact_id, how in disposed.items() if how == Ending.EMERGENCY} & ids
    return Moved(gross=len(ids & set(from_911)), returned=len(back))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """R3: calls that 911's non-emergency lines did not get, forecast less observed, and the interval of it, 95 times of 100."""

    calls: float
    low: int
    high: int
    basis: Forecast

    @property
    def certain(self) -> bool:
        """Whether the interval lies on one side of 0: else chance alone explains it."""
        return self.low > 0 or self.high < 0


def counterfactual(basis: Forecast | NotMeasured) -> Counterfactual | NotMeasured:
    if isinstance(basis, NotMeasured):
        return basis
    return Counterfactual(
        calls=basis.expected - basis.observed,
        low=basis.low - basis.observed,
        high=basis.high - basis.observed,
        basis=basis,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """R4: the telephone work of the net contacts. erlangs: call-takers kept busy without a pause. call_takers: how many fewer
    (or, below 0, more) had to sit there for the standard of 90 % in 15 s, beside the load that 911 had; None where that is not
    known."""

    erlangs: float
    call_takers: int | None
    beside: float | None  # erlangs that 911 had itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """R4 where handling times are known as a range: fewer and more erlangs. source: who says so. best: from the mean, where it
    was measured; None where only the range is known."""

    low: Load
    high: Load
    source: str
    best: Load | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Seconds that 911 needs for a call: the mean of its calls, and where that mean lies 95 times of 100. low is high where the
    minutes are too few to say."""

    mean_s: float
    low_s: float
    high_s: float
    minutes: int

    @property
    def ranged(self) -> bool:
        return self.low_s < self.high_s


def handling(minutes: Sequence[tuple[int, float]]) -> Handling | None:
    """minutes: calls answered in each and their mean time in seconds. A ratio estimate: the minutes are drawn, and calls of one
    minute are alike (Cochran 1977, section 6.3). None of no calls."""
    answered = sum(calls for calls, _ in minutes)
    if not answered:
        return None
    mean_s = sum(calls * each_s for calls, each_s in minutes) / answered
    off = 0.0
    if (count := len(minutes)) >= FEWEST_MINUTES:
        spread = sum((calls * (each_s - mean_s)) ** 2 for calls, each_s in minutes) * count / (count - 1)
        off = NORMAL * math.sqrt(spread) / answered
    return Handling(mean_s=mean_s, low_s=max(0.0, mean_s - off), high_s=mean_s + off, minutes=count)


def load(
    net: Mapping[str, int], handling_s: Mapping[str, float], period: timedelta, beside: float | None = 0.0
) -> Load | NotMeasured:
    """net: contacts by topic, below 0 where more were returned. handling_s: how long 911 needs for one of a topic; "" stands
    for every topic that is not named. beside: 911's own load in erlangs, measured; None where nobody did."""
    if missing := sorted(topic for topic in net if topic not in handling_s and "" not in handling_s):
        return NotMeasured(why=f"How long 911 needs for a call is not known: {', '.join(one or 'any' for one in missing)}.")
    if period <= timedelta():
        return NotMeasured(why="The period has no length.")
    times = {topic: handling_s.get(topic, handling_s.get("", 0.0)) for topic in net}
    erlangs = sum(times[topic] * count for topic, count in net.items()) / period.total_seconds()
    every = sum(abs(count) for count in net.values())
    usual_s = sum(times[topic] * abs(count) for topic, count in net.items()) / every if every else 1.0
    needed = None if beside is None else _needed(max(0.0, beside + erlangs), usual_s) - _needed(beside, usual_s)
    return Load(erlangs=erlangs, call_takers=needed, beside=beside)


def measured(net: int, found: Handling, period: timedelta, beside: float | None) -> Load | Loads | NotMeasured:
    """R4 by the mean that 911's own minutes give, with its interval where they are enough for one."""
    best = load({"": net}, {"": found.mean_s}, period, beside)
    if isinstance(best, NotMeasured) or not found.ranged:
        return best
    said = f"the mean of {found.minutes:,} minutes imported, {found.mean_s:.0f} s; 95 % interval"
    ranged = loads(net, (found.low_s, found.high_s), said, period, beside)
    return replace(ranged, best=best) if isinstance(ranged, Loads) else ranged


def loads(
    net: int, handling_s: tuple[float, float], source: str, period: timedelta, beside: float | None
) -> Loads | NotMeasured:
    """R4 from the least to the most that a range of handling times allows, whatever the sign."""
    found = [load({"": net}, {"": seconds}, period, beside) for seconds in handling_s]
    known = sorted((one for one in found if isinstance(one, Load)), key=lambda one: one.erlangs)
    if len(known) < len(found):
        return next(one for one in found if isinstance(one, NotMeasured))
    return Loads(low=known[0], high=known[-1], source=source)


def _needed(erlangs: float, handling_s: float) -> int:
    """The fewest call-takers who meet the first of the standard's two targets, by Erlang C."""
    if erlangs <= 0 or handling_s <= 0:
        return 0
    seconds, target = STANDARD[0]
    agents = int(erlangs) + 1
    while isinstance(share := erlang.answered_within(erlangs, agents, seconds, handling_s), Unsettled) or share < target:
        agents += 1
    return agents


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """911's own speed of answer on its emergency lines, all calls offered as the whole."""

    within: tuple[tuple[int, float, Share], ...]  # (seconds, target, answered within them of offered)

    @property
    def met(self) -> bool | None:
        """Whether every target was met; None of no calls."""
        shares = [(share.value, target) for _, target, share in self.within]
        if any(value is None for value, _ in shares):
            return None
        return all(value is not None and value >= target for value, target in shares)


def answering(offered: int, within_15_s: int, within_20_s: int) -> Answering:
    counts = (within_15_s, within_20_s)
    return Answering(
        within=tuple(
            (seconds, target, Share(part=part, whole=offered)) for (seconds, target), part in zip(STANDARD, counts, strict=True)
        )
    )
