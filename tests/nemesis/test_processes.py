"""Several processes of one instance on PostgreSQL: each person once, whoever dies. The judge reads the dump and the
carrier's log alone."""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from contextlib import AsyncExitStack, closing
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import pytest

from notify.db import Database
from notify.sending import ledger_check
from notify.sending.ledger_check import Verdict
from tests.conftest import Emptied, postgres_url
from tests.nemesis.cluster import cluster
from tests.nemesis.dump import dump
from tests.stories.town import BOIL_WATER, SENDER, Process, Town, numbers

OTHER = "+15035550101"
WINDOW = 50
pytestmark = pytest.mark.postgres


def a_town(tmp_path: Path, url: str, people: int, rate: float) -> Town:
    """Two numbers with one rate each; leases and doubts that end soon."""
    town = Town.create(tmp_path / "town", url, rate=rate)
    town.settings |= {"TOCSIN_SMS_SENDERS": f"{SENDER}={rate:g},{OTHER}={rate:g}", "TOCSIN_SMS_WINDOW": str(WINDOW)}
    town.settings |= {"TOCSIN_LEASE_S": "3", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settle(numbers(people))
    return town


async def started(stack: AsyncExitStack, town: Town, *roles: str) -> list[Process]:
    """The carrier and a process of each role; all begin at once."""
    carrier = town.carrier("--sender", f"{OTHER}={town.rate:g}")
    processes = await asyncio.gather(carrier, *(town.process(role) for role in roles))
    for process in processes:
        stack.push_async_callback(process.end)
    return processes[1:]


def judged(town: Town, tmp_path: Path) -> Verdict:
    with closing(Database(town.database_url)) as db:
        dumped, texts = dump(db, town.ring, tmp_path)
    return ledger_check.check(dumped, town.logs, texts)


def accepted(town: Town) -> list[tuple[float, str, int]]:
    """(seconds since 1970, our number, segments) of each text the carrier took, in order."""
    lines = town.sms()
    return sorted((datetime.fromisoformat(one["at"]).timestamp(), one["from"], int(one["num_segments"])) for one in lines)


def busiest_second(town: Town, number: str) -> int:
    """The most segments that left by this number within any second."""
    texts = [(at, segments) for at, ours, segments in accepted(town) if ours == number]
    times, sums = [at for at, _ in texts], [0, *accumulate(segments for _, segments in texts)]
    return max(sums[bisect_left(times, at + 1.0)] - sums[place] for place, at in enumerate(times))


async def both_numbers(town: Town, texts: int) -> None:
    """Waits until each number has sent so many."""
    async with asyncio.timeout(60):
        while min(Counter({SENDER: 0, OTHER: 0} | Counter(line["from"] for line in town.sms())).values()) < texts:
            await asyncio.sleep(0.05)


async def test_an_alert_leaves_through_both_senders_each_person_once_and_a_killed_one_is_replaced(
    emptied: Emptied, tmp_path: Path
) -> None:
    people, rate = 500, 120
    town = a_town(tmp_path, postgres_url(emptied.named_anew()), people, rate)
    async with AsyncExitStack() as stack:
        *_, doomed, survivor = await started(stack, town, "web", "web", "sender", "sender")
        alert_id = await town.send(BOIL_WATER)
        await both_numbers(town, 40)
        assert "taken the post 'sender" in town.said(doomed) and "taken the post 'sender" in town.said(survivor)
        await doomed.kill()
        await town.until(alert_id, "active", within_s=60)
        async with asyncio.timeout(60):  # reports come to both web processes, which share a port
            while (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]["handed"]:
                await asyncio.sleep(0.1)
    verdict = judged(town, tmp_path)
    assert verdict.problems == []
    assert (verdict.rows, verdict.lost) == (people, 0)
    assert {line["to"] for line in town.sms()} == set(numbers(people))
    assert verdict.doubles <= WINDOW and verdict.flagged <= WINDOW
    assert max(busiest_second(town, number) for number in (SENDER, OTHER)) <= rate
    emptied.empty()


async def test_a_stop_holds_every_process_within_a_second_and_a_database_that_restarts_loses_nobody(tmp_path: Path) -> None:
    people, rate = 360, 60
    with cluster() as server:
        town = a_town(tmp_path, server.url, people, rate)
        async with AsyncExitStack() as stack:
            await started(stack, town, "web", "sender", "sender")
            first = await town.send(BOIL_WATER)
            await both_numbers(town, 20)
            await server.restart()
            await town.until(first, "active", within_s=60)
            told = len(town.sms())
            second = await town.send(BOIL_WATER)
            await both_numbers(town, told // 2 + 30)
            clicked = time.time()
            await town.must("approver", "POST", f"/alerts/{second}/stop", {"reason": "a mistake"})
            counts = (await town.settled(second))["progress"]["total"]
        verdict = judged(town, tmp_path)
    assert verdict.problems == []
    assert (verdict.rows, verdict.lost) == (2 * people, 0)
    assert {line["to"] for line in town.sms()[:told]} == set(numbers(people))
    assert verdict.doubles <= 2 * WINDOW
    assert accepted(town)[-1][0] <= clicked + 1.0
    assert 0 < counts["withdrawn"] < people
    assert max(busiest_second(town, number) for number in (SENDER, OTHER)) <= rate
