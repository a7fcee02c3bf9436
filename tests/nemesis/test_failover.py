"""The database's primary is gone with its machine in the middle of an alert, and its standby is promoted: nobody is lost. Real
servers, real processes; judged from the ledger's dump and the carrier's log alone."""

from pathlib import Path

import pytest

from tests.nemesis.field import OURS
from tests.nemesis.playing import play
from tests.nemesis.scenarios import SCENARIOS, Base

PEOPLE = 160
pytestmark = pytest.mark.postgres


async def test_an_alert_goes_on_with_the_standby_when_the_primary_is_gone(tmp_path: Path) -> None:
    (failover,) = [one for one in SCENARIOS if one.name == "failover"]
    run = await play(failover, Base.PAIR, tmp_path, people=PEOPLE)
    assert run.problems == []
    assert (run.deliveries, run.lost, run.injuries) == (PEOPLE, 0, 1)
    assert run.doubles <= run.flagged <= run.bound
    logs = [log.read_text() for log in (tmp_path / "town").glob("sender-*.log")]
    assert all("this process holds no post" in log for log in logs), "each lost its posts with its session"
    assert sum(log.count("has taken the post 'sender") for log in logs) >= 2 * len(OURS), "and they were taken anew"
