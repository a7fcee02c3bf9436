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
from tests.nemesis.cluster import Cluster, cluster
from tests.nemesis.dump import dump
from tests.stories.town import BOIL_WATER, SENDER, Process, Town, numbers

OTHER = "+15035550101"
WINDOW = 50
PEOPLE, RATE = 360, 60  # segments a second of each number
DEADLINE_S = 120.0
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
    begun = await asyncio.gather(carrier, *(town.process(role) for role in roles), return_exceptions=True)
    processes = [one for one in begun if isinstance(one, Process)]
    for process in processes:
        stack.push_async_callback(process.end)
    assert len(processes) == len(begun), begun
    return processes[1:]


def judged(town: Town, tmp_path: Path) -> Verdict:
    with closing(Database(town.database_url)) as db:
        dumped, texts = dump(db, town.ring, tmp_path)
    return ledger_check.check(dumped, town.logs, texts)


def accepted(town: Town) -> list[tuple[float, str, int]]:
    """(seconds since 1970, our number, segments) of each text the carrier took, in order."""
    lines = town.sms()
    return sorted((datetime.fromisoformat(one["at"]).timestamp(), one["from"], int(one["num_segments"])) for one in lines)


STALLED = 1.5  # a carrier that stood still on a busy machine takes what waits at once; tests/notify/processes is exact


def busiest_second(town: Town, number: str) -> int:
    """The most segments that left by this number within any second."""
    texts = [(at, segments) for at, ours, segments in accepted(town) if ours == number]
    times, sums = [at for at, _ in texts], [0, *accumulate(segments for _, segments in texts)]
    return max(sums[bisect_left(times, at + 1.0)] - sums[place] for place, at in enumerate(times))


async def both_numbers(town: Town, texts: int) -> None:
    """Waits until each number has sent so many."""
    async with asyncio.timeout(DEADLINE_S):
        while min(({SENDER: 0, OTHER: 0} | Counter(line["from"] for line in town.sms())).values()) < texts:
            await asyncio.sleep(0.05)


async def test_processes_share_a_city_whoever_dies(tmp_path: Path) -> None:
    """Two that listen and two that send. The database restarts under the first alert, a sender is killed with -9 under the
    second, the third is stopped: each person once but for what was in flight, and nothing after the stop."""
    with cluster() as server:
        town = a_town(tmp_path, server.url, PEOPLE, RATE)
        async with AsyncExitStack() as stack:
            *_, doomed, survivor = await started(stack, town, "web", "web", "sender", "sender")
            await leaves_while_the_database_restarts(town, server)
            assert "taken the post 'sender" in town.said(doomed) and "taken the post 'sender" in town.said(survivor)
            await leaves_while_a_sender_dies(town, doomed)
            clicked, withdrawn = await is_stopped(town)
        verdict = judged(town, tmp_path)
    assert verdict.problems == []
    assert (verdict.rows, verdict.lost) == (3 * PEOPLE, 0)
    assert verdict.doubles <= 4 * WINDOW and verdict.flagged <= 4 * WINDOW
    assert 0 < withdrawn < PEOPLE
    assert accepted(town)[-1][0] <= clicked + 1.0
    assert max(busiest_second(town, number) for number in (SENDER, OTHER)) <= STALLED * RATE


async def leaves_while_the_database_restarts(town: Town, server: Cluster) -> None:
    alert_id = await town.send(BOIL_WATER)
    await both_numbers(town, 20)
    await server.restart()
    await told_everybody(town, alert_id, 0)


async def leaves_while_a_sender_dies(town: Town, doomed: Process) -> None:
    before = len(town.sms())
    alert_id = await town.send(BOIL_WATER)
    await town.until_texts(before + 30)
    await doomed.kill()
    await told_everybody(town, alert_id, before)
    async with asyncio.timeout(DEADLINE_S):  # both that listen share a port, and take the reports between them
        while (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]["handed"]:
            await asyncio.sleep(0.1)


async def told_everybody(town: Town, alert_id: str, before: int) -> None:
    await town.until(alert_id, "active", within_s=DEADLINE_S)
    assert {line["to"] for line in town.sms()[before:]} == set(numbers(PEOPLE))


async def is_stopped(town: Town) -> tuple[float, int]:
    """When somebody clicked, seconds since 1970, and how many rows were taken back."""
    before = len(town.sms())
    alert_id = await town.send(BOIL_WATER)
    await town.until_texts(before + 30)
    clicked = time.time()
    await town.must("approver", "POST", f"/alerts/{alert_id}/stop", {"reason": "a mistake"})
    return clicked, (await town.settled(alert_id))["progress"]["total"]["withdrawn"]
