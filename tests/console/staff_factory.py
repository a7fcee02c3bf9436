"""Staff at browsers: sign in with password and code against a running service, then open pages and post forms."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from notify import keys
from notify.alerts import register
from notify.clock import ManualClock
from notify.staff import accounts, passwords
from notify.staff.passwords import STEP_S
from tests.notify.service_factory import Served, serving

PASSWORD = "four winds over the river"
_HASHED = passwords.hashed(PASSWORD)  # once: hashing is slow on purpose
PATIENCE_S = 60
NOON = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, as a browser has it."""

    status: int
    url: URL
    text: str
    headers: Any = field(repr=False)

    @property
    def words(self) -> str:
        """What can be read, in one line."""
        text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", self.text)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())

    @property
    def mark(self) -> str:
        found = re.search(r'name="mark" value="([^"]+)"', self.text)
        return found[1] if found else ""


@dataclass(slots=True)
class Browser:
    """One browser with its cookies. Redirects are followed."""

    served: Served
    session: aiohttp.ClientSession
    mark: str = ""

    async def get(self, path: str, **headers: str) -> Page:
        async with self.session.get(self.served.url + path, headers=headers) as answer:
            page = Page(answer.status, answer.url, await answer.text(), answer.headers)
        self.mark = page.mark or self.mark
        return page

    async def post(self, path: str, data: Iterable[tuple[str, str]] | dict[str, str] = (), **headers: str) -> Page:
        """Posts a form with the mark of the page seen last."""
        pairs = list(data.items()) if isinstance(data, dict) else list(data)
        if not any(name == "mark" for name, _ in pairs):
            pairs.append(("mark", self.mark))
        given = {"Sec-Fetch-Site": "same-origin"} | headers
        async with self.session.post(self.served.url + path, data=pairs, headers=given) as answer:
            page = Page(answer.status, answer.url, await answer.text(), answer.headers)
        self.mark = page.mark or self.mark
        return page


@dataclass(slots=True, repr=False)  # asyncio writes out what a fixture returns, and this would be the whole service
class House:
    """A running service with a clock that moves when told, and its staff."""

    served: Served
    clock: ManualClock
    seeds: dict[str, bytes] = field(default_factory=dict)
    browsers: list[aiohttp.ClientSession] = field(default_factory=list)

    def enrol(self, person_id: str) -> None:
        """As if the person had followed an invitation."""
        service, now = self.served.running.service, self.clock.now()
        self.seeds[person_id] = seed = passwords.new_seed()
        token = service.db.write_now(lambda conn: accounts.invite(conn, person_id, "test", now))
        ring = keys.load(self.served.home / "keys.toml")
        assert service.db.write_now(lambda conn: accounts.enrol(conn, token, _HASHED, seed, ring, 0, now)) == person_id

    def code(self, person_id: str) -> str:
        """The code of now; the clock has moved on, so that it was not used yet."""
        self.clock.forward(timedelta(seconds=STEP_S))
        return passwords.code_at(self.seeds[person_id], self.clock.now())

    def browser(self) -> Browser:
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.browsers.append(session)
        return Browser(self.served, session)

    async def signed_in(self, person_id: str) -> Browser:
        """A browser at the start page. A session without the slow password check, as sign-in makes it."""
        if person_id not in self.seeds:
            self.enrol(person_id)
        service, now = self.served.running.service, self.clock.now()
        token = service.db.write_now(lambda conn: accounts.sign_in(conn, person_id, "test", now))
        browser = self.browser()
        browser.session.cookie_jar.update_cookies({"tocsin": token}, URL(self.served.url))
        await browser.get("/")
        return browser

    async def until(self, alert_id: str, status: str) -> None:
        """Waits until the service has brought an alert to a status."""
        db = self.served.running.service.db
        async with asyncio.timeout(PATIENCE_S):
            while (await db.read(lambda conn: register.alert(conn, alert_id))).status != status:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(home: Path, migrated: Path, **settings: Any) -> AsyncIterator[House]:
    clock = ManualClock(NOON)
    async with serving(home, migrated, clock=clock, **settings) as served:
        house = House(served, clock)
        try:
            yield house
        finally:
            for session in house.browsers:
                await session.close()
