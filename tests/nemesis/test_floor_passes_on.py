"""Two whole processes listen on one machine and one database; one has 311's line. What needs it reaches it through either;
when it is killed with -9 while callers wait, the other one goes on with the same callers at the same places."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection
from sqlmodel import select

from channels.simulator.journal import entries
from notify.db import Database
from notify.staff import people
from surge.contact import Standing
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor import doors
from surge.tables import ContactRow
from tests.nemesis.cluster import cluster
from tests.stories.town import Process, Town
from tests.surge.voice_factory import portland

AGENT, LINE = "agent-one", "+15035552000"
CALLERS = [f"+1503555300{number}" for number in range(4)]
LATE = "+15035553009"
SPEED = 3
PATIENCE_S = 240.0
TAKEN = "has taken the post 'floor'"
pytestmark = pytest.mark.postgres


def a_town(home: Path, url: str) -> Town:
    town = Town.create(home, url)

    def staff(conn: Connection) -> None:
        town.tokens[AGENT] = people.add(conn, AGENT, ["agent311"], {}, datetime.now(UTC))
        agent_rows.put(conn, AGENT, Given(languages=["en"], line=LINE), town.ring)

    with closing(Database(url)) as db:
        db.write_now(staff)
    return town


async def until(true: Callable[[], Awaitable[Any]], what: str) -> Any:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await true()):
                await asyncio.sleep(0.2)
            return found
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}") from None


async def desk(town: Town) -> dict[str, Any]:
    """As the agent sees it, asked on a connection of its own: whichever process takes that."""
    status, reply = await town.call(AGENT, "GET", "/surge/desk")
    return dict(reply) if status == 200 else {"state": None, "line": {"waiting": -1}, "contact": None}


async def calls(town: Town, number: str, **does: Any) -> None:
    url = f"http://127.0.0.1:{town.sms_port}/control/call"
    person = {"number": number, "presses": ["0"], "patience_s": 100_000.0, "talk_s": 100_000.0} | does
    async with aiohttp.ClientSession() as session, session.post(url, json=person) as answer:
        assert answer.status < 300, await answer.text()


def rows(town: Town) -> dict[str, ContactRow]:
    with closing(Database(town.database_url)) as db:
        found = db.read_now(lambda conn: conn.execute(select(ContactRow)).all())
    return {row.contact_id: ContactRow(**row._mapping) for row in found}


def door(town: Town) -> doors.Door:
    with closing(Database(town.database_url)) as db:
        found = db.read_now(doors.find)
    assert found is not None
    return found


def voices(town: Town, event: str) -> list[dict[str, Any]]:
    return [line for line in entries(town.logs / "voice.jsonl") if line["event"] == event]


async def test_another_process_goes_on_with_the_callers_of_one_that_was_killed(tmp_path: Path) -> None:
    with cluster() as server:
        town = a_town(tmp_path / "town", server.url)
        async with AsyncExitStack() as stack:
            numbers = ["--voice-number", f"{portland().number}={town.url}/voice/ring", "--calls-per-second", "20"]
            line = [*numbers, "--voice-status-url", f"{town.url}/voice/status", "--speed", str(SPEED)]
            both: list[Process] = []
            stack.push_async_callback((await town.carrier(*line)).end)
            for _ in range(2):  # one after the other: the first has the line
                both.append(await town.process("web"))
                stack.push_async_callback(both[-1].end)
            first, second = both
            assert TAKEN in town.said(first) and TAKEN not in town.said(second)

            await reached_through_either(town)
            await talks_and_wait(town)
            before = rows(town)
            await first.kill()
            await calls(town, LATE)  # rings while nobody has the line, or just before or after that
            await until(lambda: waiting(town, len(CALLERS) - 1, len(CALLERS)), "the callers of before wait")
            assert TAKEN in town.said(second)
            await at_their_places(town, before)
            await until(lambda: stands(town, before), "the late one waits as well, or was left to the fallback and is counted")
            await the_first_of_them_is_next(town, before)
    assert {line["from"] for line in voices(town, "error")} <= {LATE}


async def reached_through_either(town: Town) -> None:
    """The desk is the same whichever process is asked, and signs on once."""
    assert (await town.must(AGENT, "POST", "/surge/desk/state", {"state": "ready"})) == {"state": "ready"}
    states = {(await town.must(AGENT, "GET", "/surge/desk"))["state"] for _ in range(12)}
    assert states == {"ready"}


async def talks_and_wait(town: Town) -> None:
    await calls(town, CALLERS[0])
    url = f"http://127.0.0.1:{town.sms_port}/control/crowd"
    agent = {"people": [{"number": LINE, "presses_called": ["1", "1", "1"], "rings_s": 1.0}]}
    async with aiohttp.ClientSession() as session, session.post(url, json=agent) as answer:
        assert answer.status < 300, await answer.text()

    async def talks() -> bool:
        return bool((await desk(town))["state"] == "talking")

    await until(talks, "the agent talks")
    for number in CALLERS[1:]:
        await calls(town, number)
    await until(lambda: waiting(town, len(CALLERS) - 1), "three callers wait")

    async def written() -> bool:
        return sum(row.standing == Standing.QUEUEING for row in rows(town).values()) == len(CALLERS) - 1

    await until(written, "the tables know who waits")


async def waiting(town: Town, *counts: int) -> bool:
    return (await desk(town))["line"]["waiting"] in counts


async def stands(town: Town, before: dict[str, ContactRow]) -> bool:
    """Of whoever called in the gap: a machine too slow to go on within the provider's patience leaves them to its fallback."""
    fresh = [row.standing for key, row in rows(town).items() if key not in before]
    return fresh in ([Standing.QUEUEING.value], [Standing.FAILED_OVER.value])


async def at_their_places(town: Town, before: dict[str, ContactRow]) -> None:
    after = rows(town)
    for key, row in before.items():
        assert (after[key].standing, after[key].virtual, after[key].place) == (row.standing, row.virtual, row.place)
    assert (await desk(town))["state"] == "talking"
    assert [line for line in voices(town, "end") if line.get("from") in CALLERS] == []


async def the_first_of_them_is_next(town: Town, before: dict[str, ContactRow]) -> None:
    """The agent's talk ends, and whoever has waited longest is rung for: through the process that took over."""
    held = (await desk(town))["contact"]["contact_id"]
    queue = sorted((row for row in before.values() if row.standing == Standing.QUEUEING), key=lambda row: row.place or 0)
    await town.must(AGENT, "POST", f"/surge/desk/contacts/{held}/finish", {"ending": "informed"})

    async def next_one() -> Any:
        contact = (await desk(town))["contact"]
        return contact is not None and contact["contact_id"] != held and contact["contact_id"]

    assert await until(next_one, "the agent talks to the next caller") == queue[0].contact_id
