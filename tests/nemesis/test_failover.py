"""The database's primary is gone with its machine in the middle of an alert, and a standby is promoted: nobody is lost. Real
servers, real processes; judged from the ledger's dump and the carrier's log alone."""

from pathlib import Path

import pytest

from tests.nemesis.field import OURS
from tests.nemesis.playing import play
from tests.nemesis.scenarios import SCENARIOS, Base, Scenario

PEOPLE = 160
pytestmark = pytest.mark.postgres


def scenario(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == name)


async def test_an_alert_goes_on_with_the_standby_when_the_primary_is_gone(tmp_path: Path) -> None:
    run = await play(scenario("failover"), Base.PAIR, tmp_path, people=PEOPLE)
    assert run.problems == []
    assert (run.deliveries, run.lost, run.injuries) == (PEOPLE, 0, 1)
    assert run.doubles <= run.flagged <= run.bound
    logs = [log.read_text() for log in (tmp_path / "town").glob("sender-*.log")]
    assert all("this process holds no post" in log for log in logs), "each lost its posts with its session"
    assert sum(log.count("has taken the post 'sender") for log in logs) >= 2 * len(OURS), "and they were taken anew"


async def test_of_three_servers_a_standby_and_then_the_primary_may_go(tmp_path: Path) -> None:
    run = await play(scenario("three"), Base.TRIO, tmp_path, people=PEOPLE)
    assert run.problems == []
    assert (run.deliveries, run.lost, run.injuries) == (PEOPLE, 0, 2)
    assert run.doubles <= run.flagged <= run.bound
