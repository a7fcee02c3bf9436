"""The console while everything happens at once: a million subscribers loaded, a send running, 1,000 reports a second coming in.

Service, carrier, the reporters and this program are processes of their own. Two people look at four pages in turn: the start
page, the composer's preview, the decision page, the progress of the send. A page's time is from the request to the last byte.
"""

import asyncio
import contextlib
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np
from sqlalchemy import Connection, insert
from twilio.request_validator import RequestValidator

from bench.figures import Figure
from notify import accounts, passwords
from notify.db import Database
from subscribers import store
from tests.stories.town import ACCOUNT, BOIL_WATER, EAST, TOKEN, Town, numbers

PEOPLE: Final = 1_000_000
TOLD: Final = 80_000  # live in the west, where the alert goes; everybody else in the east
RATE: Final = 1_000.0  # segments a second
REPORTS: Final = 1_000  # a second
SECONDS: Final = 40
CHUNK: Final = 50_000
LIMIT_MS: Final = 1_000


def run(people: int = PEOPLE) -> list[Figure]:
    return asyncio.run(_measured(people))


@contextlib.asynccontextmanager
async def _town(people: int) -> AsyncIterator[tuple[Town, Mapping[str, str]]]:
    """A town of so many people with a running service, and session cookies of its author and approver."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", rate=RATE)
        town.settle(numbers(min(TOLD, people)))
        with closing(Database(town.database_url)) as db:
            for first in range(TOLD, people, CHUNK):
                db.write_now(partial(_settle_east, first=first, count=min(CHUNK, people - first)))
            db.write_now(partial(store.note_change, subscriber_id=None))
            cookies = {name: db.write_now(partial(_sign_in, town=town, person_id=name)) for name in ("author", "approver")}
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            yield town, cookies
        finally:
            await service.end()
            await carrier.end()


def _settle_east(conn: Connection, first: int, count: int) -> None:
    """People who are loaded and counted, and never written to: what stands for their address opens nothing."""
    rng = np.random.default_rng(first)
    west, south, east, north = EAST.bounds
    made = insert(store.SUBSCRIBER).returning(store.SUBSCRIBER.c.subscriber_id)
    ids = conn.scalars(made, [{"created_at": datetime.now(UTC), "source": "bench"}] * count).all()
    languages = rng.choice(["en", "es", "vi", "ru", "zh-Hant", "ar"], count).tolist()
    addresses = [
        {
            "subscriber_id": one,
            "channel": "sms",
            "sealed": one.to_bytes(8, "big") * 4,
            "key_id": "bench",
            "blind": one.to_bytes(32, "big"),
            "language": language,
            "basis": "opt-in",
        }
        for one, language in zip(ids, languages, strict=True)
    ]
    conn.execute(insert(store.ADDRESS), addresses)
    lon, lat = rng.uniform(west, east, count).tolist(), rng.uniform(south, north, count).tolist()
    places = [
        {"subscriber_id": one, "label": "HOME", "kind": "point", "lon": x, "lat": y}
        for one, x, y in zip(ids, lon, lat, strict=True)
    ]
    conn.execute(insert(store.PLACE), places)


def _sign_in(conn: Connection, town: Town, person_id: str) -> str:
    now = datetime.now(UTC)
    token = accounts.invite(conn, person_id, "bench", now)
    accounts.enrol(conn, token, passwords.hashed("four winds over the river"), passwords.new_seed(), town.ring, 0, now)
    return accounts.sign_in(conn, person_id, "bench", now)


def _report(url: str, seconds: float, came: "Synchronized[int]") -> None:
    """A provider that reports on one message after another, REPORTS a second, signed as it signs."""
    asyncio.run(_reporting(url, seconds, came))


async def _reporting(url: str, seconds: float, came: "Synchronized[int]") -> None:
    validator, began, number = RequestValidator(TOKEN), time.perf_counter(), 0
    under_way: set[asyncio.Task[None]] = set()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:

        async def one(delivery_id: int) -> None:
            path = f"{url}/reports/sms/{delivery_id}"
            form = {"AccountSid": ACCOUNT, "MessageSid": f"SM{delivery_id:032x}", "MessageStatus": "delivered"}
            headers = {"X-Twilio-Signature": validator.compute_signature(path, form)}
            async with session.post(path, data=form, headers=headers) as answer:
                came.value += answer.status < 300

        while (gone := time.perf_counter() - began) < seconds:
            while number < gone * REPORTS and len(under_way) < 1_000:
                task = asyncio.create_task(one(number % TOLD + 1))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                number += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*under_way, return_exceptions=True)


async def _page(session: aiohttp.ClientSession, url: str, data: Sequence[tuple[str, str]] | None = None) -> tuple[float, str]:
    began = time.perf_counter()
    asked = session.get(url) if data is None else session.post(url, data=data, headers={"Sec-Fetch-Site": "same-origin"})
    async with asked as answer:
        text = await answer.text()
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")
    return (time.perf_counter() - began) * 1_000, text


async def _measured(people: int) -> list[Figure]:
    async with _town(people) as (town, cookies):
        alert_id = await town.send(BOIL_WATER | {"area": {"names": ["West"]}})
        waiting = await town.must("author", "POST", "/alerts", BOIL_WATER | {"area": {"names": ["East"]}})
        await town.must("author", "POST", f"/alerts/{waiting['alert_id']}/submit")
        draft = await town.must("author", "POST", "/alerts", BOIL_WATER)
        await town.until_texts(500)
        came = multiprocessing.get_context("spawn").Value("i", 0)
        reporter = multiprocessing.get_context("spawn").Process(target=_report, args=(town.url, SECONDS, came))
        before, began = len(town.sms()), time.perf_counter()
        reporter.start()
        try:
            paths = {"progress": f"/alerts/{alert_id}", "decision": f"/alerts/{waiting['alert_id']}/approval"}
            times = await _looked(town, cookies, paths, draft["alert_id"])
            took = time.perf_counter() - began
        finally:
            await asyncio.to_thread(reporter.join)
        left = len(town.sms()) - before
        note = f"{people:,} people, {came.value / SECONDS:,.0f} reports/s taken, {left / took:,.0f} texts/s left meanwhile"
        return [_figure(name, found, note) for name, found in times.items()]


async def _looked(town: Town, cookies: Mapping[str, str], paths: Mapping[str, str], draft_id: str) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"home": [], "composer preview": [], "decision": [], "progress": []}
    timeout = aiohttp.ClientTimeout(total=60)
    async with contextlib.AsyncExitStack() as stack:
        author, approver = [
            await stack.enter_async_context(aiohttp.ClientSession(cookies={"tocsin": cookies[name]}, timeout=timeout))
            for name in ("author", "approver")
        ]
        _, page = await _page(author, f"{town.console_url}/alerts/{draft_id}/edit")
        form = _form(page)
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            times["home"].append((await _page(approver, f"{town.console_url}/"))[0])
            preview = f"{town.console_url}/alerts/{draft_id}/preview"
            times["composer preview"].append((await _page(author, preview, form))[0])
            for name, path in paths.items():
                times[name].append((await _page(approver, town.console_url + path))[0])
    return times


def _form(page: str) -> list[tuple[str, str]]:
    """What the composer's page would post, as far as the preview looks at it."""
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    version = re.search(r'name="version" value="(\d+)"', page)
    if mark is None or version is None:
        raise RuntimeError("the composer shows no form")
    slots: Any = BOIL_WATER["slots"]
    typed = {f"slot-{name}": str(value) for name, value in slots.items()} | {
        "slot-happened": "2014-05-22T14:00",
        "slot-learned": "2014-05-23T08:15",
    }
    named = {"mark": mark[1], "version": version[1], "where": "names", "ends": "cleared", "show": "en"} | typed
    return [*named.items(), ("names", "Portland"), ("channels", "sms"), ("channels", "feed")]


def _figure(name: str, times: Sequence[float], note: str) -> Figure:
    p95 = float(np.percentile(times, 95))
    whole = f"{note}; {len(times)} looks, median {np.median(times):.0f} ms, slowest {max(times):.0f} ms"
    return Figure(
        name=f"console {name}, 95 % within", unit="ms", ours=[p95], limit=LIMIT_MS, higher_is_better=False, note=whole
    )


if __name__ == "__main__":
    for figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        print(figure.line())
