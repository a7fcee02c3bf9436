"""How agents spent their time, from what the floor wrote down of each seat. Nobody is shown alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

from sqlalchemy import Connection, func, or_
from sqlmodel import col, select

from surge.floor.seats import AgentState
from surge.numbers.forecast import Span
from surge.numbers.outcomes import AgentTime
from surge.tables import SeatRow

FEWEST: Final = 3  # agents whose times are added up; of two each could work out the other's


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an agent became. turns: orders what came in one moment."""

    agent_id: str
    at: datetime
    turns: int
    state: AgentState


def times(changes: Iterable[Change], span: Span) -> list[AgentTime]:
    """Of every agent who was signed in within the span. Who has not signed off is signed in until its end. The parts of each
    add up to the time signed in, to the microsecond."""
    ordered = sorted(changes, key=lambda one: (one.agent_id, one.at, one.turns))
    found = [_time(agent_id, list(theirs), span) for agent_id, theirs in groupby(ordered, key=lambda one: one.agent_id)]
    return [one for one in found if one.signed_in]


def _time(agent_id: str, changes: Sequence[Change], span: Span) -> AgentTime:
    spent = dict.fromkeys(AgentState, timedelta())
    edges = [*((one.at, one.state) for one in changes), (max(span.end, changes[-1].at), AgentState.OFFLINE)]
    for (begins, state), (ends, _) in pairwise(edges):
        spent[state] += max(timedelta(), min(ends, span.end) - max(begins, span.start))
    return AgentTime(
        agent_id=agent_id,
        signed_in=sum((lasted for state, lasted in spent.items() if state is not AgentState.OFFLINE), timedelta()),
        paused=spent[AgentState.BREAK],
        talking=spent[AgentState.TALKING],
        wrapping=spent[AgentState.WRAP],
        reserved=spent[AgentState.RESERVED],
        available=spent[AgentState.READY],
    )


def seconds(agents: Iterable[AgentTime]) -> Mapping[str, int]:
    """Everybody's time added up by what they did, in whole seconds."""
    known = list(agents)
    parts = {
        "agents_talking": [one.talking for one in known],
        "agents_wrapping": [one.wrapping for one in known],
        "agents_reserved": [one.reserved for one in known],
        "agents_available": [one.available for one in known],
        "agents_on_a_break": [one.paused for one in known],
    }
    return {name: round(sum(spent, timedelta()).total_seconds()) for name, spent in parts.items()}


def changes(conn: Connection, span: Span) -> list[Change]:
    """What every agent became within the span, and what each was when it began."""
    before = (
        select(col(SeatRow.agent).label("agent"), func.max(col(SeatRow.at)).label("at"))
        .where(col(SeatRow.at) <= span.start)
        .group_by(col(SeatRow.agent))
        .subquery()
    )
    query = (
        select(SeatRow)
        .outerjoin(before, before.c.agent == col(SeatRow.agent))
        .where(col(SeatRow.at) < span.end, or_(before.c.at.is_(None), col(SeatRow.at) >= before.c.at))
    )
    return [Change(agent_id=row.agent, at=row.at, turns=row.turns, state=AgentState(row.state)) for row in conn.execute(query)]
