"""The console while everything happens at once: a million subscribers, a send to all of them, 1,000 reports a second coming in.

Service, carrier, provider and this program are processes of their own. An author types at a draft, an approver and an admin
look at every page there is, a second at each, while five pages follow the send. A page's time is from the request to the
last byte. `python -m bench.console [PEOPLE] [DATABASE_URL]`; SQLite unless an empty PostgreSQL database is named.
"""

import asyncio
import contextlib
import itertools
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest.mock import MagicMock

import aiohttp
import numpy as np
from sqlalchemy import Connection

from bench import metropolis
from bench.figures import Figure
from bench.provider import Job, Provider, Taken
from notify import data
from notify.alerts.alert import Mode
from notify.alerts.life import Role
from notify.console.pages import Console
from notify.db import Database
from notify.staff import accounts, passwords
from notify.wording import words
from tests.stories.town import ACCOUNT, BOIL_WATER, EAST, TOKEN, Process, Town

PEOPLE: Final = 1_000_000
RATE: Final = 1_000.0  # segments a second
REPORTS: Final = 1_000  # a second
SECONDS: Final = 120
HEAD_START: Final = 10_000  # texts that have left before anybody reports on them
FOLLOWERS: Final = 5
TYPED_S: Final = 0.25  # the page asks this long after the last key
LOOKED_S: Final = 1.0  # a page is looked at before the next is opened
LIMIT_MS: Final = 1_000
STAFF: Final = ("author", "approver", "admin")
ENDLESS: Final = "/progress"  # server-sent events

Times = dict[str, list[float]]


def run(people: int = PEOPLE, database_url: str = "") -> list[Figure]:
    return asyncio.run(_measured(people, database_url))


@dataclass(slots=True)
class Looking:
    """Who looks at what. paths: each page's addresses by its place in the router."""

    town: Town
    cookies: Mapping[str, str]
    until: float
    times: Times = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def browser(self, name: str) -> AsyncIterator[aiohttp.ClientSession]:
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(cookies={"tocsin": self.cookies[name]}, timeout=timeout) as session:
            yield session

    async def page(self, session: aiohttp.ClientSession, name: str, path: str, data: Any = None) -> str:
        """One look, timed. What is not answered with 200 is no page, and is said."""
        began, url = time.perf_counter(), self.town.console_url + path
        asked = session.get(url, allow_redirects=False) if data is None else session.post(url, data=data, headers=OURS)
        async with asked as answer:
            text = await answer.text()
        if answer.status == 200:
            self.times.setdefault(name, []).append((time.perf_counter() - began) * 1_000)
        else:
            self.refused[name] = answer.status
        return text

    async def pages(self, who: str, paths: Sequence[tuple[str, str]]) -> None:
        """Every page in turn, again and again, a second after the last."""
        async with self.browser(who) as session:
            for name, path in itertools.cycle(paths):
                if time.perf_counter() > self.until:
                    return
                await self.page(session, name, path)
                await asyncio.sleep(LOOKED_S)

    async def types(self, draft_id: str) -> None:
        """Another number in the form, and what people would get now: no two looks are at the same words."""
        path = f"/alerts/{draft_id}"
        async with self.browser("author") as session:
            form = _form(await self.page(session, "/alerts/{alert_id}/edit", f"{path}/edit"))
            for samples in itertools.count(1):
                if time.perf_counter() > self.until:
                    return
                await asyncio.sleep(TYPED_S)
                typed = [*form, ("slot-samples", str(samples % 90 + 1))]
                text = await self.page(session, "/alerts/{alert_id}/preview, typed", f"{path}/preview", typed)
                if "SMS segments" not in text:
                    raise RuntimeError("the preview counts nothing")

    async def follows(self, alert_id: str) -> None:
        """A page left open on the send."""
        async with self.browser("approver") as session:
            url = f"{self.town.console_url}/alerts/{alert_id}{ENDLESS}"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.until - time.perf_counter()), session.get(url) as answer:
                    async for _ in answer.content:
                        pass


OURS: Final = {"Sec-Fetch-Site": "same-origin"}


@contextlib.asynccontextmanager
async def _town(people: int, database_url: str) -> AsyncIterator[tuple[Town, Mapping[str, str], Process]]:
    """A town of so many people with a running service, and session cookies of its staff."""
    with tempfile.TemporaryDirectory() as folder:
        town = metropolis.town(Path(folder) / "town", people, database_url, rate=RATE)
        with closing(Database(town.database_url)) as db:
            cookies = {name: db.write_now(partial(_sign_in, town=town, person_id=name)) for name in STAFF}
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            yield town, cookies, service
        finally:
            await service.end()
            await carrier.end()


def _sign_in(conn: Connection, town: Town, person_id: str) -> str:
    now = datetime.now(UTC)
    token = accounts.invite(conn, person_id, "bench", now)
    accounts.enrol(conn, token, passwords.hashed("four winds over the river"), passwords.new_seed(), town.ring, 0, now)
    return accounts.sign_in(conn, person_id, "bench", now)


def routes() -> Iterator[tuple[str, frozenset[Role]]]:
    """Every page that the console's router answers to a look, and who may open it."""
    service = MagicMock()
    service.assembly.site.mode = Mode.LIVE
    service.assembly.words = words.load(data.folder("templates"))
    service.assembly.city.folder = data.folder("city") / "portland"
    console = Console(service, MagicMock(blind_key=bytes(32)), "http://127.0.0.1")
    for route in console.routes:
        if route.method == "GET" and route.roles is not None and not route.path.endswith(ENDLESS):
            yield route.path, route.roles


async def _alerts(town: Town) -> dict[str, dict[str, str]]:
    """What the pages are about: a stopped alert, one being sent to everybody, one that waits, a draft."""
    middle = EAST.representative_point()
    circle = {"circle": {"lat": middle.y, "lon": middle.x, "radius_m": 60}, "words": "Lents"}
    stopped = await town.send(BOIL_WATER | {"area": circle, "not_before": None})
    await town.must("approver", "POST", f"/alerts/{stopped}/stop", {"reason": "bench"})
    sent = await town.send(BOIL_WATER)
    waiting = await town.must("author", "POST", "/alerts", BOIL_WATER | {"area": {"names": ["East"]}})
    await town.must("author", "POST", f"/alerts/{waiting['alert_id']}/submit")
    draft = await town.must("author", "POST", "/alerts", BOIL_WATER)
    incident = (await town.must("author", "GET", f"/alerts/{sent}"))["incident_id"]
    return {
        "/alerts/{alert_id}": {"alert_id": sent},
        "/alerts/{alert_id}/edit": {"alert_id": draft["alert_id"]},
        "/alerts/{alert_id}/approval": {"alert_id": waiting["alert_id"]},
        "/alerts/{alert_id}/retraction": {"alert_id": stopped},
        "": {"incident_id": incident},
    }


def _paths(about: Mapping[str, Mapping[str, str]], role: Role, other_than: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The pages a role may open, with their addresses; pages about something this town does not have are left out."""
    for path, roles in routes():
        known = about.get(path, about[""])
        if role in roles and path not in other_than and set(re.findall(r"{(\w+)", path)) <= known.keys():
            yield path, path.format(**known)


async def _measured(people: int, database_url: str) -> list[Figure]:
    async with _town(people, database_url) as (town, cookies, service):
        about = await _alerts(town)
        sent = about["/alerts/{alert_id}"]["alert_id"]
        head_start = min(HEAD_START, people // 4)
        await _until_texts(town, head_start)
        job = Job(url=town.url, account=ACCOUNT, token=TOKEN, texts=head_start, per_second=REPORTS, seconds=SECONDS)
        provider = Provider(job)
        await asyncio.to_thread(provider.begun)
        before, busy, began = _texts(town), _busy_s(service), time.perf_counter()
        looking = Looking(town, cookies, began + SECONDS)
        theirs = list(_paths(about, Role.APPROVER, frozenset()))
        admins = list(_paths(about, Role.ADMIN, frozenset(name for name, _ in theirs)))
        async with asyncio.TaskGroup() as group:
            group.create_task(looking.types(about["/alerts/{alert_id}/edit"]["alert_id"]))
            group.create_task(looking.pages("approver", theirs))
            group.create_task(looking.pages("admin", admins))
            for _ in range(FOLLOWERS):
                group.create_task(looking.follows(sent))
        took, busy = time.perf_counter() - began, _busy_s(service) - busy
        left = (_texts(town) - before) / took
        taken = await asyncio.to_thread(provider.end)
        return [_meanwhile(taken, left, f"{people:,} people, service {busy / took:.2f} cores"), *_figures(looking)]


def _texts(town: Town) -> int:
    """How many texts the carrier has accepted; counted without reading them."""
    return (town.logs / "sms.jsonl").read_bytes().count(b'"accepted"')


async def _until_texts(town: Town, count: int) -> None:
    async with asyncio.timeout(600):
        while _texts(town) < count:
            await asyncio.sleep(0.5)


def _busy_s(service: Process) -> float:
    """CPU time of the service and of what it has started, seconds."""
    found = 0.0
    children = Path(f"/proc/{service.child.pid}/task/{service.child.pid}/children").read_text().split()
    for pid in [service.child.pid, *children]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _form(page: str) -> list[tuple[str, str]]:
    """What the composer's page would post, as far as the preview looks at it."""
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    version = re.search(r'name="version" value="(\d+)"', page)
    if mark is None or version is None:
        raise RuntimeError("the composer shows no form")
    slots: Any = BOIL_WATER["slots"]
    typed = {f"slot-{name}": str(value) for name, value in slots.items() if name != "samples"} | {
        "slot-happened": "2014-05-22T14:00",
        "slot-learned": "2014-05-23T08:15",
    }
    named = {"mark": mark[1], "version": version[1], "where": "names", "ends": "cleared", "show": "en"} | typed
    return [*named.items(), ("names", "Portland"), ("channels", "sms"), ("channels", "feed")]


def _meanwhile(taken: Taken, left: float, note: str) -> Figure:
    answered = f"answered within {taken.median_ms:,.0f} ms, 95 % within {taken.p95_ms:,.0f} ms; {taken.offered:,} offered"
    note = f"{note}, {left:,.0f} texts/s left meanwhile; {answered}"
    return Figure(name="reports a second taken", unit="/s", ours=[taken.taken / SECONDS], limit=REPORTS * 0.99, note=note)


def _figures(looking: Looking) -> list[Figure]:
    """One figure for each page, the slowest first, and one for all looks."""
    everything = [one for times in looking.times.values() for one in times]
    made = [_figure("all pages", everything, f"not 200: {looking.refused}" if looking.refused else "")]
    slowest = sorted(looking.times.items(), key=lambda one: -float(np.percentile(one[1], 95)))
    return made + [_figure(name, times, "") for name, times in slowest]


def _figure(name: str, times: Sequence[float], note: str) -> Figure:
    p95 = float(np.percentile(times, 95))
    whole = f"{len(times)} looks, median {np.median(times):.0f} ms, slowest {max(times):.0f} ms"
    return Figure(
        name=f"console {name}, 95 % within",
        unit="ms",
        ours=[p95],
        limit=LIMIT_MS,
        higher_is_better=False,
        note="; ".join(filter(None, [whole, note])),
    )


if __name__ == "__main__":
    people, url = [*sys.argv[1:], *("", "")][:2]
    for figure in run(int(people or PEOPLE), url):
        print(figure.line())
