import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.base import Delivered, Handed, Outcome, Refused, Retry, Undelivered, Unknown
from notify.sending.deliveries import ALLOWED, FINAL, LONGEST_RETRY, TOLD, State, Tally, advance, after, retry_at, total

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
OUTCOMES: list[Outcome] = [
    Handed("SM1"), Delivered(), Refused("21211"), Undelivered("30003"), Retry(timedelta(0)), Unknown("cut"),
]  # fmt: skip
STATES = st.sampled_from(list(State))
SOME_OUTCOMES = st.sampled_from(OUTCOMES)


def test_what_is_final_stays_and_everything_else_can_end() -> None:
    for state in State:
        assert (ALLOWED[state] == frozenset()) == (state in FINAL)
        reached = {state}
        while more := set(itertools.chain.from_iterable(ALLOWED[one] for one in reached)) - reached:
            reached |= more
        assert reached & FINAL


def test_unknown_comes_only_from_claimed_and_a_handed_row_is_never_sent_again() -> None:
    assert [state for state in State if State.UNKNOWN in ALLOWED[state]] == [State.CLAIMED]
    assert ALLOWED[State.HANDED] == {State.DELIVERED, State.UNDELIVERED}


@given(STATES, SOME_OUTCOMES, st.booleans())
def test_an_outcome_moves_a_row_forward_or_not_at_all(state: State, outcome: Outcome, ambiguous: bool) -> None:
    new = advance(state, outcome, ambiguous=ambiguous)
    assert new is state or new in ALLOWED[state]
    assert advance(new, outcome, ambiguous=ambiguous) is new or new is State.PLANNED


@given(st.lists(SOME_OUTCOMES, max_size=6))
def test_reports_of_one_message_in_any_order_never_undo_an_end(outcomes: list[Outcome]) -> None:
    state = State.HANDED
    for outcome in outcomes:
        before, state = state, advance(state, outcome)
        assert before not in FINAL or state is before
    ends = [after(one) for one in outcomes if after(one) in (State.DELIVERED, State.UNDELIVERED)]
    assert state is (ends[0] if ends else State.HANDED)


def test_an_untouched_planned_row_is_adopted_by_no_report() -> None:
    for outcome in OUTCOMES:
        assert advance(State.PLANNED, outcome) is State.PLANNED
    assert advance(State.PLANNED, Delivered(), ambiguous=True) is State.DELIVERED


@given(st.integers(1, 1000), st.integers(0, 600))
def test_a_retry_waits_what_was_asked_or_the_backoff_and_never_shrinks(attempts: int, asked: int) -> None:
    at = retry_at(Retry(timedelta(seconds=asked)), attempts, NOW)
    assert timedelta(seconds=asked) <= at - NOW <= max(timedelta(seconds=asked), LONGEST_RETRY)
    assert retry_at(Retry(timedelta(seconds=asked)), attempts + 1, NOW) >= at


@given(st.lists(st.dictionaries(STATES, st.integers(0, 10_000)), max_size=5))
def test_a_sum_of_tallies_loses_nobody(counts: list[dict[State, int]]) -> None:
    tallies = [Tally(one) for one in counts]
    whole = total(tallies)
    assert whole.total == sum(tally.total for tally in tallies)
    assert whole.waiting + whole.failed <= whole.total
    assert sum(whole[state] for state in TOLD) == sum(tally[state] for tally in tallies for state in TOLD)
