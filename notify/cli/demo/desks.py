"""The demo's agents at their desks: each in a browser of their own, noting in the console what each call was."""

import asyncio
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiohttp
from sqlalchemy import text

from notify.db import Database
from surge.floor.seats import AgentState

LOOK_S: Final = 0.5


class Desk:
    """One agent's browser."""

    def __init__(self, url: str, agent: str, entry: str) -> None:
        self._url, self._entry, self._mark = url, f"{url}/enter/{agent}/{entry}", ""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Desk":
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        await self._page(self._entry)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def work(self) -> None:
        """What there is to do: note what a call was, open a message that was left and note it too, come back from a break."""
        page = await self._page(f"{self._url}/desk311")
        if 'name="mark"' not in page:  # signed out: half an hour without a press has passed
            await self._page(self._entry)
            page = await self._page(f"{self._url}/desk311")
        left = 'class="changed given"' in page
        if left:
            await self.post("next", {})
            page = await self._page(f"{self._url}/desk311")
        held = re.search(r'action="/desk311/finish".*?name="contact_id" value="(\w+)"', page, re.DOTALL)
        if held is not None and (left or "<strong>in a contact</strong>" not in page):
            await self.post("finish", {"contact_id": held[1], "ending": "informed"})
        elif held is None and 'value="ready"' in page:
            await self.post("state", {"state": "ready"})

    async def post(self, what: str, fields: Mapping[str, str]) -> None:
        assert self._session is not None
        if not self._mark:
            await self._page(f"{self._url}/desk311")
        form, ours = {"mark": self._mark, **fields}, {"Sec-Fetch-Site": "same-origin"}
        async with self._session.post(f"{self._url}/desk311/{what}", data=form, headers=ours, allow_redirects=False):
            pass

    async def _page(self, url: str) -> str:
        assert self._session is not None
        async with self._session.get(url) as answer:
            page = await answer.text()
        if (mark := re.search(r'name="mark" value="([^"]+)"', page)) is not None:
            self._mark = mark[1]
        return page


class Glances:
    """Which screens show something new: a message that waits, a ring that was missed. At a desk that is seen at once; to ask
    for every page all the time would take the machine that plays everybody. desks: by agent."""

    def __init__(self, db: Database, desks: Mapping[str, Desk]) -> None:
        self._db, self._desks, self._seen = db, desks, 0

    def __call__(self) -> set[Desk]:
        """Since the last time."""
        query = text("SELECT rowid, agent, state FROM seat WHERE rowid > :seen ORDER BY rowid")
        rows = self._db.read_now(lambda conn: conn.execute(query, {"seen": self._seen}).all())
        self._seen = rows[-1].rowid if rows else self._seen
        return {self._desks[row.agent] for row in rows if row.state in (AgentState.RESERVED, AgentState.BREAK)}


async def at_work(desks: Mapping[str, Desk], log: Path, glances: Glances) -> None:
    """Each agent notes what a call was once the telephone's log says it is over, does what their screen shows, and one looks up
    now and then; without end. desks: by the number of the agent's line. log: the telephone's, lines of JSON."""
    looking, rest = itertools.cycle(desks.values()), b""
    with log.open("rb") as file:
        while True:
            whole, _, rest = (rest + file.read()).rpartition(b"\n")
            ended = (event["to"] for event in map(json.loads, whole.splitlines()) if event["event"] == "end")
            busy = {desks[number] for number in ended if number in desks} | glances() | {next(looking)}
            await asyncio.gather(*(desk.work() for desk in busy))
            await asyncio.sleep(LOOK_S)
