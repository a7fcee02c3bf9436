"""In a running service callers are asked by one text whether it has helped: who was answered, once, and nobody else. Their
answer is in the report. Calls, texts, desk and report all go over real sockets."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection
from sqlmodel import col, select

from channels.lookup import LineType
from notify.cli.demo.day import FROM
from notify.db import Database
from notify.staff import people
from subscribers import lines
from surge.contact import Standing
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.switch import store
from surge.tables import ActivationRow, ContactRow
from tests.stories.town import PACK, SENDER, Town
from tests.surge.voice_factory import portland

AGENT, LINE = "agent-one", "+15035552000"
HELPED, STOPPED, GONE, LAST = (f"+1503555300{number}" for number in range(4))
SPEED = 20
PATIENCE_S = 240.0
QUESTION = "did your call to 311 help you?"


def a_city(home: Path) -> Town:
    """Open for surge, with one agent; the city asks, and carriers said that all four are mobile telephones."""
    pack = home / "pack"
    shutil.copytree(PACK, pack)
    settings = pack / "surge.toml"
    settings.write_text(f"satisfaction = true\n{settings.read_text('utf-8')}", "utf-8")
    town = Town.create(home / "town", f"sqlite:///{home / 'town' / 'tocsin.db'}")
    town.settings |= {"TOCSIN_CITY": str(pack), "TOCSIN_REPLAY_FROM": FROM.isoformat(), "TOCSIN_REPLAY_SPEED": str(SPEED)}

    def begun(conn: Connection) -> None:
        for name, role in ((AGENT, "agent311"), ("lead", "lead311")):
            town.tokens[name] = people.add(conn, name, [role], {}, FROM)
        agent_rows.put(conn, AGENT, Given(languages=["en"], line=LINE), town.ring)
        row = ActivationRow(
            activation_id="S-00000001",
            runbook="boil-water",
            title="Boil water",
            status="open",
            level=1,
            made_by="lead",
            made_at=FROM,
            opened_at=FROM,
        )
        store.add(conn, row)
        for number in (HELPED, STOPPED, GONE, LAST):
            lines.keep(conn, town.ring, number, LineType.MOBILE, FROM - timedelta(days=1))

    with closing(Database(town.database_url)) as db:
        db.write_now(begun)
    return town


@asynccontextmanager
async def running(town: Town) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        number = ["--voice-number", f"{portland().number}={town.url}/voice/ring", "--speed", str(SPEED)]
        carrier = await town.carrier(*number, "--voice-status-url", f"{town.url}/voice/status", "--calls-per-second", "20")
        stack.push_async_callback(carrier.end)
        stack.push_async_callback((await town.service()).end)
        yield


async def until(true: Callable[[], Awaitable[Any]], what: str) -> Any:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await true()):
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}") from None


async def control(town: Town, what: str, document: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{town.sms_port}/control/{what}"
    async with aiohttp.ClientSession() as session, session.post(url, json=document) as answer:
        assert answer.status < 300, await answer.text()


async def texts(town: Town, number: str, body: str) -> str:
    """Somebody texts us; what they are answered."""

    def replies() -> list[str]:
        return [line["body"] for line in town.sms("reply") if number in (line["to"], line["from"])]

    before = len(replies())
    await control(town, "inbound", {"from": number, "to": SENDER, "body": body})

    async def answered() -> bool:
        return len(replies()) > before

    await until(answered, f"an answer to {body}")
    return replies()[-1]


async def calls(town: Town, number: str, **does: Any) -> None:
    await control(town, "call", {"number": number, "presses": ["0"], "patience_s": 100_000.0, "talk_s": 100_000.0} | does)


async def talks(town: Town) -> str:
    """Waits until the agent talks; with whom."""

    async def met() -> Any:
        here = await town.must(AGENT, "GET", "/surge/desk")
        return here["state"] == "talking" and here["contact"] and here["contact"]["contact_id"]

    return str(await until(met, "the agent talks"))


async def is_answered(town: Town, number: str) -> None:
    await calls(town, number)
    await town.must(AGENT, "POST", f"/surge/desk/contacts/{await talks(town)}/finish", {"ending": "informed"})


def questions(town: Town, number: str) -> list[str]:
    return [line["body"] for line in town.sms() if line["to"] == number and QUESTION in line["body"]]


async def test_whoever_was_answered_is_asked_once_and_their_answer_is_in_the_report(tmp_path: Path) -> None:
    town = a_city(tmp_path)
    async with running(town):
        await texts(town, STOPPED, "STOP")
        await control(town, "crowd", {"people": [{"number": LINE, "presses_called": ["1"] * 9, "rings_s": 1.0}]})
        await town.must(AGENT, "POST", "/surge/desk/state", {"state": "ready"})

        await calls(town, HELPED)
        first = await talks(town)
        await calls(town, GONE, hangs_up_s=60.0)  # waits, for the agent talks to somebody
        await until(lambda: gone(town), "somebody hung up in the line")
        await town.must(AGENT, "POST", f"/surge/desk/contacts/{first}/finish", {"ending": "informed"})

        async def asked(number: str) -> bool:
            return bool(questions(town, number))

        await until(lambda: asked(HELPED), "whoever was answered is asked")
        assert (await texts(town, HELPED, "5")).startswith("Thank you.")
        await is_answered(town, HELPED)  # again, in the same incident
        await is_answered(town, STOPPED)
        await is_answered(town, LAST)
        await until(lambda: asked(LAST), "the last one is asked, and everybody before was looked at by then")
        report = await town.must("lead", "GET", "/surge/report")
    assert [len(questions(town, number)) for number in (HELPED, STOPPED, GONE, LAST)] == [1, 0, 0, 1]
    people_ = next(section["lines"] for section in report["sections"] if section["section"] == "people")
    figures = {
        line["name"]: (line.get("count"), line.get("of")) for line in people_ if line["name"].startswith("satisfaction_a")
    }
    good = next((line["count"], line["of"]) for line in people_ if line["name"] == "satisfaction_good")
    assert figures == {"satisfaction_answers": (1, 2)} and good == (1, 1)


async def gone(town: Town) -> bool:
    query = select(ContactRow.contact_id).where(col(ContactRow.standing) == Standing.ABANDONED.value)
    with closing(Database(town.database_url)) as db:
        return db.read_now(lambda conn: conn.execute(query).first()) is not None
