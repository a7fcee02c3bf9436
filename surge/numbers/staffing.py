"""The next hour with a few agents less or more, from what the line did lately. Where too little was measured, that is said and
no number is shown. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from surge.contact import IN_QUEUE, Contact, Standing, Way
from surge.floor.seats import AgentState
from surge.numbers import chain
from surge.numbers.chain import Habits, Slice
from surge.numbers.number_tables import IntervalRow
from surge.numbers.whatif import HOUR_S, LOADING_S, Situation

WINDOW: Final = timedelta(minutes=30)  # of the line here
SPAN: Final = timedelta(hours=1)  # of a call centre's intervals
FRESH: Final = timedelta(minutes=20)  # how old the end of the last of them may be
LESS, MORE = 2, 5  # agents, beside those who are there
FEWEST_CALLS: Final = 10
FEWEST_ENDED: Final = 10
FEWEST_GONE: Final = 5
AT_THE_DESKS: Final = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP})
BUSY: Final = frozenset({AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP})


class Missing(StrEnum):
    """Why there is no table."""

    LINE = "No line runs here, and no figures of a call centre have come in the last twenty minutes."
    CALLS = "Too few people have called lately."
    ENDED = "Too few calls have ended lately to know how long one takes."
    GONE = "Too few callers have hung up lately to know how long they would wait."
    AGENTS = "Nobody has said how many are at the desks."


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a table stands on, measured from `since` to `until`. calls: that entered the queue. now: what follows from it."""

    since: datetime
    until: datetime
    calls: int
    agents: int
    now: Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Expected within the next hour with so many at the desks. wait_s: within that hour, of everybody who waits in it, whether
    they reach somebody or not. in_time: of those who call in it, who reach somebody within `within_s`. waiting: at its end."""

    agents: int
    wait_s: float
    abandoned: float
    in_time: float
    waiting: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """at: when it was worked out."""

    basis: Basis
    options: Sequence[Option]
    at: datetime

    @property
    def offered(self) -> float:
        """Who will call in the next hour, if calls go on coming as they did."""
        return self.basis.now.calls_per_s * HOUR_S


def of_line(contacts: Iterable[Contact], agents: Mapping[str, int], most_waiting: int, now: datetime) -> Basis | list[Missing]:
    """From the line here. agents: how many, by state."""
    since = now - WINDOW
    calls = [one for one in contacts if one.way is Way.VOICE and one.enqueued_at is not None]
    came = [one for one in calls if one.enqueued_at is not None and since <= one.enqueued_at <= now]
    ended = [one for one in calls if one.standing is Standing.DONE and one.answered_at and since <= (one.since or since) <= now]
    gone = sum(one.standing is Standing.ABANDONED and since <= (one.left_queue_at or since) <= now for one in calls)
    waited_s = sum(_waited_s(one, since, now) for one in calls)
    there = sum(agents.get(state.value, 0) for state in AT_THE_DESKS)
    if missing := _missing(len(came), len(ended), gone, there if agents else None, waited_s):
        return missing
    waiting = sum(one.standing in IN_QUEUE for one in calls)
    situation = Situation(
        calls_per_s=len(came) / WINDOW.total_seconds(),
        handling_s=max(1.0, sum((one.talked + one.wrapped).total_seconds() for one in ended) / len(ended)),
        patience_s=waited_s / gone,
        waiting=waiting,
        talking=sum(agents.get(state.value, 0) for state in BUSY),
        most_waiting=most_waiting,
    )
    return Basis(since=since, until=now, calls=len(came), agents=there, now=situation)


def of_intervals(rows: Sequence[IntervalRow], now: datetime) -> Basis | list[Missing]:
    """From the intervals of a call centre: all its queues, over the last hour that it has sent. Who waits now is what Little's
    law says of it; callers who hung up are taken to have waited as long as those who were answered."""
    until = max((_end(row) for row in rows), default=None)
    if until is None or not timedelta(minutes=-1) <= now - until <= FRESH:
        return [Missing.LINE]
    rows = [row for row in rows if row.begins_at >= until - SPAN]
    last = [row for row in rows if _end(row) == until]
    since = min(row.begins_at for row in rows)
    calls, gone = sum(row.offered for row in rows), sum(row.abandoned for row in rows)
    handled = [(row.answered, row.mean_handling_s) for row in rows if row.mean_handling_s]
    waits = [(row.answered, row.mean_wait_s) for row in rows if row.mean_wait_s is not None]
    ended, heard = sum(count for count, _ in handled), sum(count for count, _ in waits)
    wait_s = sum(count * wait for count, wait in waits) / heard if heard else 0.0
    known = [row.agents for row in last if row.agents is not None]
    there = sum(known) if known else None
    if missing := _missing(calls, ended, gone, there, wait_s * calls):
        return missing
    assert there is not None
    calls_per_s, handling_s = calls / (until - since).total_seconds(), sum(n * each for n, each in handled) / ended
    situation = Situation(
        calls_per_s=calls_per_s,
        handling_s=handling_s,
        patience_s=wait_s * calls / gone,
        waiting=round(calls_per_s * wait_s),
        talking=min(there, round(calls_per_s * (1 - gone / calls) * handling_s)) if gone < calls else 0,
    )
    return Basis(since=since, until=until, calls=calls, agents=there, now=situation)


def _missing(calls: int, ended: int, gone: int, agents: int | None, waited_s: float) -> list[Missing]:
    found = []
    if calls < FEWEST_CALLS:
        found.append(Missing.CALLS)
    if ended < FEWEST_ENDED:
        found.append(Missing.ENDED)
    if gone < FEWEST_GONE or waited_s <= 0:
        found.append(Missing.GONE)
    if agents is None:
        found.append(Missing.AGENTS)
    return found


def _waited_s(one: Contact, since: datetime, now: datetime) -> float:
    """How long within the window they stood in the line. All of it over those who hung up is how long callers would wait on
    average, whoever was answered first (the estimate of greatest likelihood of an exponential with cut-off observations)."""
    assert one.enqueued_at is not None
    begun, left = max(one.enqueued_at, since), min(one.left_queue_at or now, now)
    return max(0.0, (left - begun).total_seconds())


def _end(row: IntervalRow) -> datetime:
    return row.begins_at + timedelta(minutes=row.minutes)


def table(basis: Basis, at: datetime) -> Table:
    """From LESS fewer agents to MORE more; takes seconds."""
    numbers = range(max(0, basis.agents - LESS), basis.agents + MORE + 1)
    return Table(basis=basis, options=[option(basis.now, agents) for agents in numbers], at=at)


def option(now: Situation, agents: int) -> Option:
    """By the time-varying chain, from whoever is on the line now (they come within its first second).

    wait_s: callers hang up at 1/patience_s for each second somebody waits, so those who do tell how long all waited.
    """
    there = now.waiting + now.talking
    habits = Habits(handling_s=now.handling_s, patience_s=now.patience_s, most_waiting=max(now.most_waiting, there))
    before = [Slice(seconds=LOADING_S, calls_per_s=there / LOADING_S, agents=agents)] if there else []
    slices = [*before, Slice(seconds=HOUR_S, calls_per_s=now.calls_per_s, agents=agents)]
    found = chain.solve(slices, habits, now.within_s)
    abandoned = sum(one.abandoned for one in found)
    callers = now.waiting + now.calls_per_s * HOUR_S
    return Option(
        agents=agents,
        wait_s=abandoned * now.patience_s / callers if callers else 0.0,
        abandoned=abandoned,
        in_time=found[-1].in_time,
        waiting=found[-1].waiting,
    )
