"""What may become of one delivery: few states, in words, forward only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from channels.base import Delivered, Handed, Outcome, Refused, Retry, Undelivered, Unknown


class State(StrEnum):
    PLANNED = "planned"  # chosen, not yet handed over
    CLAIMED = "claimed"  # a call about it may be under way; committed before the call starts
    HANDED = "handed"  # the provider has accepted it; for e-mail the good end
    DELIVERED = "delivered"  # the provider says it arrived
    REFUSED = "refused"  # the provider said no at hand-over
    UNDELIVERED = "undelivered"  # the provider accepted it and later gave up
    UNKNOWN = "unknown"  # nobody can say whether it was accepted
    WITHDRAWN = "withdrawn"  # stopped, superseded or opted out before it left
    EXPIRED = "expired"  # the alert ended before it left


FINAL = frozenset({State.DELIVERED, State.REFUSED, State.UNDELIVERED, State.WITHDRAWN, State.EXPIRED})
FAILED = frozenset({State.REFUSED, State.UNDELIVERED})
TOLD = frozenset({State.HANDED, State.DELIVERED, State.UNKNOWN})  # has, or may have, the text

# What each state may become. A report may also adopt a planned row whose earlier attempt was ambiguous.
ALLOWED: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.CLAIMED, State.WITHDRAWN, State.EXPIRED, State.HANDED, State.DELIVERED, State.UNDELIVERED}),
    State.CLAIMED: frozenset({State.PLANNED, State.HANDED, State.DELIVERED, State.REFUSED, State.UNDELIVERED, State.UNKNOWN}),
    State.HANDED: frozenset({State.DELIVERED, State.UNDELIVERED}),
    State.UNKNOWN: frozenset({State.PLANNED, State.HANDED, State.DELIVERED, State.UNDELIVERED}),
    **{state: frozenset() for state in FINAL},
}


def after(outcome: Outcome) -> State:
    """The state an outcome speaks for, wherever the row stands now."""
    match outcome:
        case Handed():
            return State.HANDED
        case Delivered():
            return State.DELIVERED
        case Refused():
            return State.REFUSED
        case Undelivered():
            return State.UNDELIVERED
        case Retry():
            return State.PLANNED
        case Unknown():
            return State.UNKNOWN


def advance(state: State, outcome: Outcome, *, ambiguous: bool = False) -> State:
    """The state after an outcome: a late, repeated or out-of-order outcome changes nothing.

    `ambiguous` tells whether an earlier attempt of a planned row may have been accepted: only then can a report adopt it.
    """
    new = after(outcome)
    if state is State.PLANNED and not (ambiguous and new in (State.HANDED, State.DELIVERED, State.UNDELIVERED)):
        return state
    if state is State.UNKNOWN and new is State.PLANNED:  # only policy re-sends, never an outcome
        return state
    return new if new in ALLOWED[state] else state


def code_of(outcome: Outcome) -> str | None:
    match outcome:
        case Refused() | Undelivered():
            return outcome.code
        case Unknown():
            return outcome.cause
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by state over some rows; `total` is their sum at every instant."""

    counts: Mapping[State, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        return self.counts.get(State.PLANNED, 0) + self.counts.get(State.CLAIMED, 0)

    @property
    def failed(self) -> int:
        return sum(self.counts.get(state, 0) for state in FAILED)

    def __getitem__(self, state: State) -> int:
        return self.counts.get(state, 0)


def total(tallies: Iterable[Tally]) -> Tally:
    counts: dict[State, int] = {}
    for tally in tallies:
        for state, count in tally.counts.items():
            counts[state] = counts.get(state, 0) + count
    return Tally(counts)


FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=2)


def retry_at(retry: Retry, attempts: int, now: datetime) -> datetime:
    """When a row proven not accepted may be tried again: what the provider asked for, or 2, 4, 8 ... 120 s by attempt,
    whichever is longer."""
    backoff = min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LONGEST_RETRY) if attempts > 1 else timedelta(0)
    return now + max(retry.after, backoff)
