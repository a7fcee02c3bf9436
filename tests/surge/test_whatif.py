"""Another number of agents: what it would do, and 'unstable' where no number is true."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.numbers import erlang
from surge.numbers.erlang import UNSTABLE
from surge.numbers.whatif import GROWS, Situation, fewest, options, problems, sentence

BUSY = Situation(calls_per_s=0.1, handling_s=240.0, patience_s=300.0)  # 24 erlangs


def test_too_few_agents_are_unstable_and_no_number() -> None:
    few, enough = options(BUSY, [20, 30])
    assert few.waits_s is UNSTABLE and few.in_time is UNSTABLE and not few.is_stable
    assert GROWS in sentence(few, BUSY.within_s) and "%" not in sentence(few, BUSY.within_s)
    assert enough.waits_s == pytest.approx(erlang.mean_wait_s(24.0, 30, 240.0))
    assert "of all calls are answered within 60 s" in sentence(enough, BUSY.within_s)


def test_nobody_at_the_desks_answers_nobody() -> None:
    (none,) = options(BUSY, [0])
    assert none.hour.handled == pytest.approx(0.0, abs=1e-6) and none.answered_in_time == 0.0 and not none.is_stable
    assert none.hour.abandoned + none.hour.blocked + none.hour.waiting == pytest.approx(360.0)


def test_an_hour_holds_all_who_wait_now_and_all_who_come() -> None:
    now = replace(BUSY, waiting=40, talking=20)
    (found,) = options(now, [20])
    hour = found.hour
    assert hour.offered == pytest.approx(360.0)
    assert hour.handled + hour.abandoned + hour.blocked + hour.waiting == pytest.approx(360 + 40, rel=0.001)
    (empty,) = options(BUSY, [20])
    assert found.hour.abandoned > empty.hour.abandoned


@settings(max_examples=8, deadline=None)
@given(st.floats(0.001, 0.05), st.floats(60, 400), st.floats(60, 600), st.integers(0, 20))
def test_one_more_agent_never_makes_it_worse(calls: float, handling: float, patience: float, agents: int) -> None:
    now = Situation(calls_per_s=calls, handling_s=handling, patience_s=patience, most_waiting=60)
    less, more = options(now, [agents, agents + 1])
    assert more.abandoned <= less.abandoned + 1e-9 and more.answered_in_time >= less.answered_in_time - 1e-6
    assert more.hour.handled >= less.hour.handled - 1e-6 and more.hour.abandoned <= less.hour.abandoned + 1e-6


def test_the_fewest_agents_are_the_fewest() -> None:
    agents = fewest(BUSY, 0.8, 60)
    assert agents is not None
    less, enough = options(BUSY, [agents - 1, agents])
    assert less.answered_in_time < 0.8 <= enough.answered_in_time
    assert fewest(BUSY, 0.8, 5) is None


def test_what_cannot_be_is_refused_in_sentences() -> None:
    wrong = replace(BUSY, calls_per_s=-1.0, patience_s=0.0)
    assert len(problems(wrong)) == 2
    with pytest.raises(ValueError, match="last longer than 0 s"):
        options(wrong, [3])
