"""Several processes of one instance on PostgreSQL: each person once, whoever dies. The judge reads the dump and the
carrier's log alone."""

import asyncio
import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import pytest
from sqlalchemy import text

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
STARTS = re.compile(r"sender (?P<number>\S+) starts (?P<units>\d+) units at (?P<at>[\d.]+) s")
pytestmark = pytest.mark.postgres


def a_town(tmp_path: Path, url: str, people: int, rate: float) -> Town:
    """Two numbers with one rate each; leases and doubts that end soon."""
    town = Town.create(tmp_path / "town", url, rate=rate)
    town.settings |= {"TOCSIN_SMS_SENDERS": f"{SENDER}={rate:g},{OTHER}={rate:g}", "TOCSIN_SMS_WINDOW": str(WINDOW)}
    town.settings |= {"TOCSIN_LEASE_S": "3", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settings |= {"TOCSIN_LOG_LEVEL": "DEBUG"}  # says when each text started
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


def busiest_second(town: Town, senders: Sequence[Process], number: str) -> int:
    """The most segments that left by this number within any second, by the logs of those who sent them: a carrier that stands
    still on a busy machine takes at once what left evenly."""
    said = (json.loads(line)["event"] for process in senders for line in town.said(process).splitlines() if "units at" in line)
    begun = [found for event in said if (found := STARTS.fullmatch(event)) is not None]
    texts = sorted((float(one["at"]), int(one["units"])) for one in begun if one["number"] == number)
    assert sum(units for _, units in texts) >= sum(units for _, ours, units in accepted(town) if ours == number) > 0
    times, sums = [at for at, _ in texts], [0, *accumulate(units for _, units in texts)]
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
            withdrawn = await is_stopped(town)
        verdict = judged(town, tmp_path)
    assert verdict.problems == []
    assert (verdict.rows, verdict.lost) == (3 * PEOPLE, 0)
    assert verdict.doubles <= 4 * WINDOW and verdict.flagged <= 4 * WINDOW
    assert 0 < withdrawn < PEOPLE
    assert max(busiest_second(town, (doomed, survivor), number) for number in (SENDER, OTHER)) <= RATE


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


async def is_stopped(town: Town) -> int:
    """How many rows were taken back: none that waited when the stop was answered leaves, and of those that were claimed, at
    most what is open in both senders."""
    before = len(town.sms())
    alert_id = await town.send(BOIL_WATER)
    await town.until_texts(before + 30)
    await town.must("approver", "POST", f"/alerts/{alert_id}/stop", {"reason": "a mistake"})
    waited, there = rows(town, alert_id, "planned", "withdrawn"), len(town.sms())
    counts = (await town.settled(alert_id))["progress"]["total"]
    assert waited <= rows(town, alert_id, "withdrawn")
    assert len(town.sms()) - there <= 2 * WINDOW
    return int(counts["withdrawn"])


def rows(town: Town, event_id: str, *states: str) -> set[int]:
    query = "SELECT delivery_id, state FROM delivery WHERE event_id = :event"
    with closing(Database(town.database_url)) as db:
        found = db.read_now(lambda conn: conn.execute(text(query), {"event": event_id}).all())
    assert found
    return {one.delivery_id for one in found if one.state in states}
