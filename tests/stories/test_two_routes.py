"""The first provider of texts hangs in the middle of a send: the city hears by the second one, and both providers' own logs say
that nobody was left out and nobody was told twice. Then it comes back, and a STOP to either number is heard."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import insert, text

from notify.cli.ledger import write_dump
from notify.db import Database
from notify.sending import ledger_check
from subscribers import store
from tests.ports import free_port
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, DEADLINE_S, TOKEN, Process, Town, numbers, read_log, start

RATE = 40.0  # segments a second, of each
PEOPLE = 160
SECOND, SECOND_NUMBER = "AC" + "6" * 32, "+15035550200"
LANDLINE = "+15035559999"


@asynccontextmanager
async def second_provider(town: Town) -> AsyncIterator[tuple[Path, int]]:
    """Another account at another simulator, with a log of its own; the service knows it."""
    log, port = town.home / "second", free_port()
    town.settings |= {
        "TOCSIN_TWILIO2_ACCOUNT_SID": SECOND,
        "TOCSIN_TWILIO2_AUTH_TOKEN": TOKEN,
        "TOCSIN_TWILIO2_URL": f"http://127.0.0.1:{port}",
        "TOCSIN_SMS2_SENDERS": f"{SECOND_NUMBER}={RATE:g}",
        "TOCSIN_SMS_TIMEOUT_S": "6",
        "TOCSIN_NOT_FOUND_AFTER_S": "3",
    }
    arguments = ["-m", "channels.simulator", "--log", str(log), "--sms-port", str(port), "--smtp-port", str(free_port())]
    arguments += ["--sender", f"{SECOND_NUMBER}={RATE:g}", "--account", SECOND, "--token", TOKEN, "--delivered-after", "0.1"]
    arguments += ["--inbound-url", f"{town.url}/inbound/sms", "--landline", LANDLINE]
    process: Process = await start(arguments, {}, town.home / "second.log")
    try:
        yield log, port
    finally:
        await process.end()


def with_a_landline(town: Town) -> None:
    """Somebody whose phone takes no texts, and who has given a mailbox too."""
    town.settle([LANDLINE])
    with closing(Database(town.database_url)) as db:
        query = text("SELECT MAX(subscriber_id) FROM address")
        who = db.read_now(lambda conn: conn.execute(query).scalar_one())
        row = town._address(who, "resident@example.gov", "en", "email")
        db.write_now(lambda conn: conn.execute(insert(store.ADDRESS).values(**row)))
        db.write_now(lambda conn: store.note_change(conn, who))


async def control(port: int, path: str = "", **wish: Any) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"http://127.0.0.1:{port}/control{path}", json=wish) as answer:
            assert answer.status == 200, await answer.text()


async def until(wanted: Any, within_s: float = DEADLINE_S) -> float:
    """Seconds until it was so."""
    begun = time.monotonic()
    async with asyncio.timeout(within_s):
        while not await wanted():
            await asyncio.sleep(0.1)
    return time.monotonic() - begun


async def test_a_provider_that_hangs_keeps_nobody_from_hearing_by_the_other(town: Town, opened: Open, tmp_path: Path) -> None:
    town.rate = RATE
    town.settle(numbers(PEOPLE))
    with_a_landline(town)
    async with second_provider(town) as (log, port):
        await opened(town)
        alert_id = await town.send(BOIL_WATER | {"channels": ["sms", "feed"]})
        await town.until_texts(10)
        await control(town.sms_port, sms={"hang_before": 1.0, "hang_s": 3 * DEADLINE_S})

        async def counts() -> dict[str, int]:
            return dict((await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["channels"]["sms"])

        async def has_left() -> bool:
            now = await counts()
            return now["planned"] == 0 and now["claimed"] <= 2 * RATE + 1

        took = await until(has_left)  # long before the first provider says anything
        await town.settled(alert_id)
        await control(town.sms_port, sms=None)

        async def is_known() -> bool:
            now = await counts()
            return now["planned"] + now["claimed"] + now["unknown"] == 0

        shown = await town.must("author", "GET", f"/alerts/{alert_id}")
        await until(is_known)  # the first provider is back and has been asked about every text in doubt
        assert set(shown["routes"]["sms"]) == {"twilio", "twilio2"}, "who carried how much is told"

        async def mailed() -> bool:
            return bool(town.mails())

        assert shown["progress"]["channels"]["sms"]["failed"] <= 1
        if any(line["to"] == LANDLINE for line in read_log(log / "sms.jsonl")):
            await until(mailed)  # the second provider says that it is a landline
        with closing(Database(town.database_url)) as db:
            write_dump(db, town.ring, tmp_path / "dump.csv", None)
        verdict = ledger_check.check(tmp_path / "dump.csv", [town.logs, log])
        assert verdict.sound, verdict.problems[:5]
        assert (verdict.lost, verdict.doubles) == (0, 0)
        heard = {
            line["to"] for folder in (town.logs, log) for line in read_log(folder / "sms.jsonl") if line["event"] == "accepted"
        }
        unsure = shown["progress"]["channels"]["sms"]["unknown"]
        assert len(heard) >= PEOPLE - unsure and unsure <= 2 * RATE
        doubts = f"{verdict.flagged} texts of it were in doubt"
        print(f"the rest left {took:.1f} s after the first route hung; {doubts}; {len(heard)} heard")

        leavers = [sorted(heard)[0], sorted(heard)[1]]
        await control(town.sms_port, "/inbound", **{"from": leavers[0], "to": "+15035550100", "body": "STOP"})
        await control(port, "/inbound", **{"from": leavers[1], "to": SECOND_NUMBER, "body": "STOP"})

        async def both_stopped() -> bool:
            people = (await town.must("admin", "GET", "/subscribers"))["addresses"]
            return sum(one["people"] for one in people if one["channel"] == "sms") == PEOPLE + 1 - len(leavers)

        await until(both_stopped)

        # A shut route is tried with a text that is due, so it takes an alert to open it.
        before = len(town.sms())
        again = await town.send(BOIL_WATER | {"channels": ["sms", "feed"]})
        await town.settled(again)

        async def is_open() -> bool:
            senders = (await town.must("admin", "GET", "/status"))["senders"]
            return all(one["open"] for one in senders if one["channel"] == "sms")

        await until(is_open)
        assert len(town.sms()) > before, "the first provider carries again"
