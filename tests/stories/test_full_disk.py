"""The disk of a whole service fills in the middle of an alert: first what was kept for that is used, then writing is refused in
words while reading goes on, then there is room again. Nobody touches the service meanwhile."""

import asyncio
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, Final

import aiohttp
from twilio.request_validator import RequestValidator

from notify.console.words import words
from notify.db import Database
from notify.full_disk import MAKE_ROOM, TITLE
from notify.reserve import FILE, MB
from notify.staff import accounts
from tests.stories.cramped_service import BALLAST, DISK, usage
from tests.stories.town import ACCOUNT, BOIL_WATER, DEADLINE_S, SENDER, TOKEN, Process, Town, numbers, secret

PEOPLE: Final = numbers(160)
RATE: Final = 60.0  # segments a second: it takes long enough for the disk to fill twice
DISK_BYTES: Final = 64 * MB
RESERVE_BYTES: Final = 4 * MB  # a sixteenth
READ: Final = ("/demo/", "/demo/status", "/demo/status.json", "/demo/feeds/active.atom")
LOOKED_AT: Final = ("/", "/alerts/{alert_id}", "/records", "/service")


@dataclass(slots=True)
class Day:
    """What is asked of the service from outside. cookie: of an administrator who signed in two minutes ago."""

    town: Town
    session: aiohttp.ClientSession
    cookie: str
    service: Process = field(init=False)

    async def start(self) -> None:
        self.service = await self.town.process("serve", "tests.stories.cramped_service")

    def fill(self) -> None:
        """Not a byte is left, and SQLite's log has none either: it keeps its length, and the room in it is room."""
        with closing(sqlite3.connect(self.town.home / "tocsin.db", timeout=DEADLINE_S)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ballast = self.town.home / BALLAST
        ballast.touch()
        os.truncate(ballast, ballast.stat().st_size + usage(self.town.home).free)

    async def until(self, done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not await done():
                await asyncio.sleep(0.05)

    async def ready(self) -> tuple[int, dict[str, Any]]:
        async with self.session.get(f"{self.town.console_url}/readyz") as answer:
            return answer.status, await answer.json()

    async def status(self, url: str) -> int:
        async with self.session.get(url, cookies={"tocsin": self.cookie}, allow_redirects=False) as answer:
            await answer.read()
            return answer.status

    async def provider(self, path: str, **form: str) -> tuple[int, str, aiohttp.ClientResponse]:
        url, form = f"{self.town.url}{path}", {"AccountSid": ACCOUNT, **form}
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
        async with self.session.post(url, data=form, headers=headers) as answer:
            return answer.status, await answer.text(), answer

    async def stop(self, phone: str) -> tuple[int, str, aiohttp.ClientResponse]:
        return await self.provider(
            "/inbound/sms", MessageSid=f"SM{secret()}{secret()}", From=phone, To=SENDER, Body="Stop please"
        )

    async def reads(self, alert_id: str) -> None:
        """Residents' pages and feeds, staff's pages, the progress of the alert and the log."""
        for path in READ:
            assert await self.status(f"{self.town.url}{path}") == 200, path
        for path in LOOKED_AT:
            assert await self.status(f"{self.town.console_url}{path.format(alert_id=alert_id)}") == 200, path
        assert await self.status(f"{self.town.console_url}/healthz") == 200
        assert await self.status(f"{self.town.console_url}/metrics") == 200
        assert (await self.town.must("author", "GET", f"/alerts/{alert_id}"))["status"] == "sending"
        assert (await self.town.must("admin", "GET", "/audit?limit=5"))["lines"]

    async def pressed(self, path: str) -> tuple[int, str]:
        """What a button of the console, in Arabic, answers with: status and words."""
        cookies = {"tocsin": self.cookie, "language": "ar"}
        async with self.session.get(self.town.console_url, cookies=cookies) as page:
            found = re.search(r'name="mark" value="([^"]+)"', await page.text())
        assert found is not None
        form, headers = {"mark": found[1]}, {"Sec-Fetch-Site": "same-origin"}
        async with self.session.post(f"{self.town.console_url}{path}", data=form, headers=headers, cookies=cookies) as answer:
            return answer.status, unescape(await answer.text())


@asynccontextmanager
async def a_day(town: Town) -> AsyncIterator[Day]:
    town.rate = RATE
    town.settle(PEOPLE)
    town.settings |= {"TOCSIN_RESERVE_MB": "64", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    (town.home / DISK).write_text(str(DISK_BYTES))
    with closing(Database(town.database_url)) as db:
        before = datetime.now(UTC) - timedelta(minutes=2)
        cookie = db.write_now(lambda conn: accounts.sign_in(conn, "admin", "test", before))
    carrier = await town.carrier("--delivered-after", "0.1")
    patience, jar = aiohttp.ClientTimeout(total=DEADLINE_S), aiohttp.DummyCookieJar()
    try:
        async with aiohttp.ClientSession(timeout=patience, cookie_jar=jar) as session:
            day = Day(town, session, cookie)
            await day.start()
            try:
                yield day
            finally:
                await day.service.end()
    finally:
        await carrier.end()


async def test_a_disk_that_fills_in_the_middle_of_an_alert_stops_cleanly_and_goes_on_by_itself(town: Town) -> None:
    async with a_day(town) as day:
        reserve, (early, late) = town.home / FILE, PEOPLE[-2:]
        assert reserve.stat().st_size == RESERVE_BYTES and (await day.ready()) == (
            200,
            {"ready": True, "problems": [], "warnings": []},
        )
        alert_id = await town.send(BOIL_WATER | {"channels": ["sms", "feed"]})
        await town.until_texts(10)

        day.fill()  # 1. what was kept for this is given back at once, and everything goes on
        assert (await town.call("author", "POST", "/alerts", BOIL_WATER))[0] == 201
        await day.until(lambda: _is(not reserve.exists()))
        status, words_, _ = await day.stop(early)
        assert status == 200 and "you are unsubscribed" in words_
        told = len(town.sms())
        await town.until_texts(told + 20)
        await day.reads(alert_id)
        status, said = await day.ready()
        assert status == 200 and "nothing is kept in reserve" in said["warnings"][0]

        async def nothing_is_written() -> bool:
            day.fill()
            return (await day.ready())[0] == 503

        await day.until(nothing_is_written)  # 2. that, too, is used up
        status, reply = await town.call("author", "POST", "/alerts", BOIL_WATER)
        assert (status, reply["title"], reply["problems"]) == (507, TITLE, [MAKE_ROOM])
        status, page = await day.pressed("/sign-out")
        assert status == 507 and words("ar").say(TITLE) in page and words("ar").say(MAKE_ROOM) in page
        report = await day.provider("/reports/sms/1", MessageSid=f"SM{secret()}", MessageStatus="delivered", To=PEOPLE[0])
        for status, _, answer in (await day.stop(late), report):
            assert status == 503 and answer.headers["Retry-After"]
        await day.reads(alert_id)

        (town.home / BALLAST).unlink()  # 3. there is room again
        assert (await day.stop(late))[0] == 200
        counts = (await town.settled(alert_id))["progress"]["total"]
        await day.until(lambda: _is(reserve.exists() and reserve.stat().st_size == RESERVE_BYTES))
        assert (await day.ready())[1] == {"ready": True, "problems": [], "warnings": []}
        reached = [line["to"] for line in town.sms()]
        assert counts["total"] == len(PEOPLE) and counts["unknown"] == counts["failed"] == 0
        assert len(reached) == len(set(reached)) and set(PEOPLE) - set(reached) <= {early, late}
        assert early not in reached
        assert (await town.call("author", "POST", "/alerts", BOIL_WATER))[0] == 201


async def test_a_service_that_was_down_while_its_disk_filled_starts_on_it_and_goes_on(town: Town) -> None:
    async with a_day(town) as day:
        await town.send(BOIL_WATER | {"channels": ["sms", "feed"]})
        await town.until_texts(10)
        await day.service.kill()
        day.fill()
        await day.start()
        assert not (town.home / FILE).exists()
        told = len(town.sms())
        await town.until_texts(told + 20)


async def _is(truth: bool) -> bool:
    return truth
