"""Whoever stops and comes back, or moves inside, while an alert is in force gets it from the running service, once."""

import asyncio
from contextlib import closing
from pathlib import Path

import aiohttp

from notify.cli.ledger import write_dump
from notify.db import Database
from notify.sending import ledger_check
from tests.stories import carrier
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, DEADLINE_S, EAST, SENDER, WEST, Town, mapped, numbers

LATER = "2030-01-01T00:00Z"


async def text(town: Town, phone: str, body: str) -> None:
    url = f"http://127.0.0.1:{town.sms_port}/control/inbound"
    wish = {"from": phone, "to": SENDER, "body": body}
    async with aiohttp.ClientSession() as session, session.post(url, json=wish) as answer:
        assert answer.status == 200, await answer.text()


def alerts(town: Town, phone: str) -> list[str]:
    return [line["body"] for line in town.sms() if line["to"] == phone]


async def until_told(town: Town, phone: str, count: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while len(alerts(town, phone)) < count:
            await asyncio.sleep(0.05)


async def until_planned(town: Town, alert_id: str, rows: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]["total"] < rows:
            await asyncio.sleep(0.05)


def judged(town: Town, folder: Path) -> ledger_check.Verdict:
    with closing(Database(town.database_url)) as db:
        write_dump(db, town.ring, folder / "dump.csv", None)
    return ledger_check.check(folder / "dump.csv", town.logs)


async def test_who_stops_before_their_text_left_and_starts_again_gets_it_once(town: Town, opened: Open, tmp_path: Path) -> None:
    everybody = numbers(80)
    town.rate = 60
    town.settle(everybody)
    await opened(town)
    await carrier.goes_wrong(town, too_many=1.0)  # it takes no text meanwhile
    alert_id = await town.send(BOIL_WATER)
    await until_planned(town, alert_id, len(everybody))
    back, gone = everybody[-1], everybody[-2]
    for phone in (back, gone):
        await text(town, phone, "STOP")
    await carrier.goes_wrong(town)
    await town.until(alert_id, "active")
    assert alerts(town, back) == alerts(town, gone) == []
    await text(town, back, "START")
    await until_told(town, back, 1)
    await text(town, back, "START")
    await town.settled(alert_id)
    assert "BOIL TAP WATER" in alerts(town, back)[0]
    assert len(alerts(town, back)) == 1 and alerts(town, gone) == []
    verdict = judged(town, tmp_path)
    assert verdict.sound and verdict.doubles == 0, verdict.problems


async def test_who_was_told_that_they_are_outside_and_moves_inside_gets_the_alert_and_its_end(
    town: Town, opened: Open, tmp_path: Path
) -> None:
    (phone,) = numbers(1)
    town.settle([phone], inside=EAST)
    town.settle(numbers(3, 5000), inside=WEST)
    mapped(town)
    await opened(town)
    first = await town.send(BOIL_WATER | {"area": {"names": ["Portland"]}})
    await town.until(first, "active")
    shrunk = await town.follow_up("update", first, {"area": {"names": ["West"]}, "next_update_by": LATER})
    await town.until(shrunk, "active")
    await until_told(town, phone, 2)
    await text(town, phone, "ADD WORK 97201")
    await until_told(town, phone, 3)
    over = await town.follow_up("clear", shrunk, {"slots": {"flush_minutes": 2}})
    await town.until(over, "active")
    await until_told(town, phone, 4)
    marks = ("BOIL TAP WATER", "CHANGE", "BOIL TAP WATER", "ALL CLEAR")
    assert [mark in body for mark, body in zip(marks, alerts(town, phone), strict=True)] == [True] * 4
    verdict = judged(town, tmp_path)
    assert verdict.sound and verdict.doubles == 0, verdict.problems
