"""An alert whose author lets it slow down: as long as 311's callers wait, and not a moment longer."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, DEADLINE_S, PACK, Town, numbers

RATE = 16.0  # segments a second
PEOPLE = 340
SAMPLE, SAMPLES = 20, 7
CHANGED = "changed the send rate"


def _beside_its_own_centre(town: Town) -> None:
    """The city's calls stay in a call centre of its own, which sends its figures."""
    folder = town.home / "city" / "portland"
    shutil.copytree(PACK, folder)
    pack = (folder / "surge.toml").read_text("utf-8")
    (folder / "surge.toml").write_text(pack.replace('shape = "full queue"', 'shape = "desk"', 1), "utf-8")
    town.settings["TOCSIN_CITY"] = str(folder)


async def _waits(town: Town, seconds: float) -> None:
    """The centre says how long callers waited in the five minutes that have just ended."""
    begins = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=6)
    begins -= timedelta(minutes=begins.minute % 5)
    one = {"begins": begins.isoformat(), "minutes": 5, "queue": "311", "offered": 90, "answered": 60, "abandoned": 20}
    await town.must("admin", "POST", "/surge/intervals", {"intervals": [one | {"mean_wait_s": seconds}]})


async def _changes(town: Town, alert_id: str, count: int) -> list[dict[str, Any]]:
    """The log's lines about the rate, as soon as there are so many."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            lines = (await town.must("admin", "GET", f"/audit?subject={alert_id}"))["lines"]
            found = [line for line in lines if line["action"] == CHANGED]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.2)


async def _pace(town: Town, wanted: Callable[[float], bool]) -> float:
    """Texts a second, by the carrier's clock, over the first of the next batches of SAMPLE that left as wanted: a machine that
    stands still for a moment spoils a batch or two, and what was missed is made up in the next one."""
    begun = len(town.sms())
    found = []
    for first in range(begun, begun + SAMPLES * SAMPLE, SAMPLE):
        await town.until_texts(first + SAMPLE + 1)
        times = [datetime.fromisoformat(line["at"]) for line in town.sms()]
        found.append(SAMPLE / (times[first + SAMPLE] - times[first]).total_seconds())
        if wanted(found[-1]):
            return found[-1]
    raise AssertionError(f"texts a second, of {SAMPLE} each: {found}")


async def test_texts_slow_down_while_callers_wait_and_everybody_gets_theirs(town: Town, opened: Open) -> None:
    _beside_its_own_centre(town)
    town.rate = RATE
    town.settle(numbers(PEOPLE))
    await opened(town)
    await _waits(town, 420)
    draft = BOIL_WATER | {"short": True, "slows": True, "channels": ["sms", "feed"]}
    said = [line for line in (await town.must("author", "POST", "/preview", draft))["summary"] if line.startswith("Slows")]
    assert len(said) == 1 and "at least 4 segments/s while callers wait 5 min or more" in said[0]
    alert_id = await town.send(draft)
    (slowed,) = await _changes(town, alert_id, 1)
    assert slowed["actor"] == "tocsin" and slowed["detail"] == {"share": 0.5, "callers_wait_s": 420}
    await town.until_texts(len(town.sms()) + 40)  # what was leased before it
    slow = await _pace(town, lambda pace: RATE * 0.25 < pace < RATE * 0.7)
    await _waits(town, 30)
    _, freed = await _changes(town, alert_id, 2)
    assert freed["detail"] == {"share": 1.0, "callers_wait_s": 30}
    await _pace(town, lambda pace: pace > slow * 1.3)
    reply = await town.settled(alert_id)
    assert sorted(line["to"] for line in town.sms()) == sorted(numbers(PEOPLE)), reply
