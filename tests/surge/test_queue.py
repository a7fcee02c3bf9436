"""Who is next: fair within a head start, served by somebody who can."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.floor.queue import HEAD_STARTS, Agent, Head, Patience, Told, Waiting, ahead, can_serve, pairs, place, told_wait
from surge.numbers.chain import Habits
from tests.surge.calls import START

HABITS, PATIENCE = Habits(handling_s=240.0, patience_s=900.0, most_waiting=1000), Patience()
LATER = START + timedelta(hours=1)


def somebody(seq: int, second: int = 0, head: Head = Head.NONE, language: str = "en", skill: str = "") -> Waiting:
    at = START + timedelta(seconds=second)
    return Waiting(contact_id=f"c{seq}", place=place(at, head, seq), enqueued_at=at, language=language, skill=skill)


def an_agent(name: str, *languages: str, skills: tuple[str, ...] = (), free_s: int = 0, interpreter: bool = True) -> Agent:
    known = frozenset(languages or ("en",))
    since = START + timedelta(seconds=free_s)
    return Agent(agent_id=name, languages=known, skills=frozenset(skills), free_since=since, interpreter=interpreter)


ARRIVALS = st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(list(Head))), min_size=1, max_size=40)


@given(ARRIVALS)
def test_nobody_is_overtaken_by_more_than_a_head_start(arrivals: list[tuple[int, Head]]) -> None:
    arrivals = sorted(arrivals, key=lambda one: one[0])
    line = [somebody(n, second, head) for n, (second, head) in enumerate(arrivals)]
    served = [waiting for waiting, _ in pairs(line, [an_agent(f"a{n}") for n in range(len(line))], LATER, PATIENCE)]
    assert len(served) == len(line)
    head = dict(
        zip((one.contact_id for one in line), (head for _, head in sorted(arrivals, key=lambda one: one[0])), strict=True)
    )
    for turn, later in enumerate(served):
        for waiting in served[turn + 1 :]:  # served after `later`
            if later.enqueued_at > waiting.enqueued_at:  # although it came before
                assert later.enqueued_at - waiting.enqueued_at <= HEAD_STARTS[head[later.contact_id]]
            if head[later.contact_id] is head[waiting.contact_id]:
                assert later.place.seq < waiting.place.seq


@given(ARRIVALS, st.integers(0, 10))
def test_no_agent_is_rung_twice_and_no_caller_either(arrivals: list[tuple[int, Head]], agents: int) -> None:
    line = [somebody(n, second, head, language="es" if n % 3 else "en") for n, (second, head) in enumerate(arrivals)]
    found = pairs(line, [an_agent(f"a{n}", "es" if n % 2 else "en") for n in range(agents)], LATER, PATIENCE)
    assert len({waiting.contact_id for waiting, _ in found}) == len(found) == len({agent.agent_id for _, agent in found})
    assert len(found) == min(agents, len(line))  # after an hour everybody can be served by anybody, with an interpreter


def test_a_language_waits_a_minute_for_its_own_and_then_takes_an_interpreter() -> None:
    caller, english = somebody(1, language="so"), an_agent("a")
    assert not can_serve(english, caller, START + timedelta(seconds=59), PATIENCE)
    assert can_serve(english, caller, START + timedelta(seconds=60), PATIENCE)
    assert not can_serve(an_agent("a", interpreter=False), caller, LATER, PATIENCE)
    assert can_serve(an_agent("a", "en", "so"), caller, START, PATIENCE)


def test_a_caller_nobody_can_serve_yet_holds_up_nobody_behind() -> None:
    found = pairs([somebody(1, language="lo"), somebody(2, 5)], [an_agent("a")], START + timedelta(seconds=6), PATIENCE)
    assert [(waiting.contact_id, agent.agent_id) for waiting, agent in found] == [("c2", "a")]


def test_whoever_speaks_the_language_is_chosen_and_the_rarest_agents_are_kept_for_others() -> None:
    line = [somebody(1), somebody(2, 1, language="es")]
    agents = [an_agent("both", "en", "es"), an_agent("english", free_s=50)]
    found = {waiting.contact_id: agent.agent_id for waiting, agent in pairs(line, agents, LATER, PATIENCE)}
    assert found == {"c1": "english", "c2": "both"}
    idle = pairs([somebody(1)], [an_agent("new", free_s=60), an_agent("old")], LATER, PATIENCE)
    assert idle[0][1].agent_id == "old"


def test_a_skill_is_asked_for_and_given_up_on_in_time() -> None:
    caller = somebody(1, skill="food")
    assert not can_serve(an_agent("a"), caller, START + timedelta(seconds=179), PATIENCE)
    assert can_serve(an_agent("a"), caller, START + timedelta(seconds=180), PATIENCE)
    assert can_serve(an_agent("a", skills=("food",)), caller, START, PATIENCE)


def test_a_place_is_counted_from_those_before_it() -> None:
    line = [somebody(1), somebody(2, 10), somebody(3, 20, Head.VULNERABLE)]
    assert [ahead(line, one.place) for one in line] == [1, 2, 0]


@pytest.mark.parametrize(
    ("before", "agents", "told"),
    [
        (0, 10, Told(low_min=1, high_min=2)),
        (9, 10, Told(low_min=4, high_min=6)),
        (60, 10, Told(low_min=15, high_min=25)),
        (60, 2, Told(low_min=40, high_min=60)),
        (5, 0, None),
    ],
)
def test_a_wait_is_told_as_a_rounded_range_or_not_at_all(before: int, agents: int, told: Told | None) -> None:
    assert told_wait(before, agents, HABITS) == told


@given(st.integers(0, 500), st.integers(1, 60))
def test_more_people_ahead_never_promise_less(before: int, agents: int) -> None:
    here, behind = told_wait(before, agents, HABITS), told_wait(before + 1, agents, HABITS)
    assert here is not None and behind is not None
    assert here.low_min <= behind.low_min and here.high_min <= behind.high_min and here.low_min < here.high_min
