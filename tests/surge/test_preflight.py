"""The pre-flight of surge mode: each point on its own, and all of them at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from surge.switch import preflight
from surge.switch.preflight import Found

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
READY = Found(
    telephone=True,
    fallback_at=NOW - timedelta(hours=23),
    messages={"en", "es"},
    required=("en", "es", "so"),
    interpreter=("so",),
    script=3,
    trained=6,
    needed=6,
    partners={"211": NOW - timedelta(days=3)},
)


def test_what_is_ready_has_no_problems() -> None:
    assert preflight.problems(READY, NOW) == []
    assert [one.kind for one in preflight.checks(READY, NOW)] == [
        "facts",
        "script",
        "agents",
        "messages",
        "fallback",
        "partners",
    ]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"fallback_at": None}, "never tested"),
        ({"fallback_at": NOW - timedelta(hours=24)}, "last tested 24 hours ago"),
        ({"messages": {"en"}}, "No message can be heard in es."),
        ({"script": None}, "The script is not published."),
        ({"script_problems": ["'Close' is not reviewed in es."]}, "'Close' is not reviewed"),
        ({"fact_problems": ["boil_minutes: not set."]}, "boil_minutes"),
        ({"trained": 5}, "5 of 6 agents have ended the practice call."),
        ({"partners": {"211": None}}, "The number of 211 was never dialled"),
        ({"partners": {"211": NOW - timedelta(days=30)}}, "last dialled 30 days ago"),
    ],
)
def test_each_thing_that_is_missing_is_a_sentence_with_what_mends_it(wrong: dict[str, object], sentence: str) -> None:
    found = replace(READY, **wrong)  # type: ignore[arg-type]
    (problem,) = preflight.problems(found, NOW)
    assert sentence in problem
    (bad,) = [one for one in preflight.checks(found, NOW) if not one.good]
    assert bad.mend


def test_everything_missing_is_said_at_once() -> None:
    nothing = Found(
        telephone=True,
        fallback_at=None,
        messages=(),
        required=("en",),
        script=None,
        trained=0,
        needed=1,
        fact_problems=["boil_minutes: not set."],
        partners={"211": None},
    )
    assert len(preflight.problems(nothing, NOW)) == 6


def test_where_calls_stay_in_the_citys_own_call_centre_no_line_of_ours_is_tested() -> None:
    desk = replace(READY, telephone=False, fallback_at=None, messages=(), partners={"211": None})
    assert preflight.problems(desk, NOW) == []
