"""Two faults of the harness in small, in every run of the tests; `./dev nemesis` plays all of them, as large as is wanted."""

from pathlib import Path

import pytest

from tests.nemesis.playing import play
from tests.nemesis.scenarios import SCENARIOS, Base

PEOPLE = 400


@pytest.mark.parametrize(("name", "base"), [("poison", Base.SQLITE), ("poison", Base.POSTGRES), ("slow", Base.SQLITE)])
async def test_everybody_else_is_told_and_the_api_answers(name: str, base: Base, tmp_path: Path) -> None:
    scenario = next(one for one in SCENARIOS if one.name == name)
    run = await play(scenario, base, tmp_path, people=PEOPLE)
    assert run.problems == []
    assert (run.deliveries, run.lost, run.doubles, run.unknown) == (PEOPLE, 0, 0, 0)
    assert bool(run.answered_s) is (name == "slow")
