"""kill -9 of the whole service at random points of a send. The judge reads the ledger's dump and the carrier's log alone.

PEOPLE and KILLS in the environment make it as large as one likes; ./dev test runs a small one on each database.
"""

import asyncio
import os
import random
from contextlib import closing
from pathlib import Path

import pytest

from notify.db import Database
from notify.sending import ledger_check
from tests.nemesis.dump import dump
from tests.stories import carrier
from tests.stories.town import BOIL_WATER, Town, numbers

PEOPLE = int(os.environ.get("PEOPLE", "1000"))
KILLS = int(os.environ.get("KILLS", "3"))
WINDOW = 200
BYTES_A_TEXT = 800  # about what a text and its two reports take in the carrier's log
DEADLINE_S = 60 + PEOPLE / 100 + KILLS * 20


async def test_kill_9_at_random_points_loses_nobody_and_doubles_at_most_what_was_in_flight(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town.create(tmp_path / "town", database_url, settings={"TOCSIN_SMS_WINDOW": str(WINDOW)})
    town.settings |= {"TOCSIN_LEASE_S": "3", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settle(numbers(PEOPLE))
    chance = random.Random(20140523)
    simulator = await town.carrier()
    service = await town.service()
    try:
        async with asyncio.timeout(DEADLINE_S):
            await carrier.goes_wrong(town, slow_s=DEADLINE_S)  # it takes texts and says nothing: the first kill finds them open
            alert_id = await town.send(BOIL_WATER)
            await town.until_texts(chance.randrange(1, WINDOW // 2))
            await service.kill()
            await carrier.goes_wrong(town)
            service = await town.service()
            for _ in range(KILLS - 1):
                await town.until_log_grows(int(chance.uniform(0.02, 0.9) * PEOPLE / (KILLS + 1) * BYTES_A_TEXT), PEOPLE)
                await service.kill()
                service = await town.service()
            await town.until(alert_id, "active", within_s=DEADLINE_S)
    finally:
        await service.end()
        await simulator.end()
    with closing(Database(database_url)) as db:
        dumped, texts = dump(db, town.ring, tmp_path)
    verdict = ledger_check.check(dumped, town.logs, texts)
    with capsys.disabled():
        print(
            f"\n{PEOPLE} people, {KILLS} kills, window {WINDOW}: lost {verdict.lost}, duplicates {verdict.doubles}, "
            f"flagged {verdict.flagged}, {dict(verdict.counts)}"
        )
    assert verdict.problems == []
    assert verdict.rows == PEOPLE
    assert len({line["to"] for line in town.sms()}) == PEOPLE
    assert verdict.doubles <= KILLS * WINDOW
    assert 0 < verdict.flagged <= KILLS * WINDOW
