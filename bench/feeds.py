"""From the approver's word to everybody who follows the feeds: visible in the feed, in a mirror, and pushed to 200 subscribers.

Service, carrier and this program are processes of their own; 1,000 texts leave at the same time, and twenty more never answer.
The time is from the approver's request to approve.
"""

import asyncio
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection

from bench.figures import Figure
from notify.db import Database
from notify.websub import subscriptions
from notify.websub.asking import Asked
from tests.stories.town import BOIL_WATER, Town, numbers

SUBSCRIBERS: Final = 200
SILENT: Final = 20
PEOPLE: Final = 1_000
ALERTS: Final = 5
LOOK_S: Final = 0.01
FEED_S: Final = 2.0
PUSH_S: Final = 5.0


class Crowd:
    """Takes what is pushed: when the alert of an incident came to each path. Paths under /silent never answer."""

    def __init__(self) -> None:
        self.came: dict[str, dict[str, float]] = {}
        self.expected = ""
        self.all = asyncio.Event()
        self.end = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path.startswith("/silent"):
            await self.end.wait()
        elif self.expected and self.expected.encode() in body:
            found = self.came.setdefault(self.expected, {})
            found.setdefault(request.path, time.perf_counter())
            if len(found) == SUBSCRIBERS:
                self.all.set()
        return web.Response(status=204)


def subscribed(town: Town, callbacks: list[str]) -> None:
    """As if each had asked and answered its challenge: to ask so often from one machine is refused."""
    now, topic = datetime.now(UTC), f"{town.url}/demo/feeds/active.atom"

    def add(conn: Connection) -> None:
        for callback in callbacks:
            secret = sha256(callback.encode()).hexdigest()
            asked = Asked(subscribes=True, topic=topic, callback=callback, secret=secret)
            subscriptions.verified(conn, asked, town.ring, now)

    with closing(Database(town.database_url)) as db:
        db.write_now(add)


async def shows(session: aiohttp.ClientSession, url: str, words: str) -> float:
    """When the feed first has these words."""
    while True:
        async with session.get(url) as answer:
            if words in await answer.text():
                return time.perf_counter()
        await asyncio.sleep(LOOK_S)


async def holds(file: Path, words: str) -> float:
    while not (file.exists() and words in file.read_text("utf-8")):
        await asyncio.sleep(LOOK_S)
    return time.perf_counter()


async def measured(town: Town, crowd: Crowd, mirror: Path) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the feed, to the mirror, and to the last of the subscribers, alert by alert."""
    feed, copied, pushed = [], [], []
    async with aiohttp.ClientSession() as session:
        for _ in range(ALERTS):
            made = await town.must("author", "POST", "/alerts", BOIL_WATER)
            alert_id, incident = made["alert_id"], made["incident_id"]
            submitted = await town.must("author", "POST", f"/alerts/{alert_id}/submit")
            crowd.expected, crowd.all = incident, asyncio.Event()
            begun = time.perf_counter()
            seen = asyncio.create_task(shows(session, f"{town.url}/demo/feeds/active.atom", incident))
            kept = asyncio.create_task(holds(mirror / "demo/feeds/active.atom", incident))
            await town.must("approver", "POST", f"/alerts/{alert_id}/approve", {"digest": submitted["digest"]})
            await town.must("approver", "POST", f"/alerts/{alert_id}/send")
            feed.append(await seen - begun)
            copied.append(await asyncio.wait_for(kept, 60) - begun)
            await asyncio.wait_for(crowd.all.wait(), 60)
            pushed.append(max(crowd.came[incident].values()) - begun)
            await town.settled(alert_id)
    return feed, copied, pushed


async def _run(folder: Path) -> tuple[list[float], list[float], list[float]]:
    home, mirror = folder / "town", folder / "mirror"
    mirror.mkdir()
    town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", settings={"TOCSIN_MIRROR_FOLDER": str(mirror)})
    town.settle(numbers(PEOPLE))
    crowd = Crowd()
    application = web.Application()
    application.router.add_post("/{path:.*}", crowd.take)
    server = TestServer(application)
    await server.start_server(shutdown_timeout=0.1)
    paths = [*(f"/{number}" for number in range(SUBSCRIBERS)), *(f"/silent/{number}" for number in range(SILENT))]
    await asyncio.to_thread(partial(subscribed, town, [str(server.make_url(path)) for path in paths]))
    carrier, service = await town.carrier(), await town.service()
    try:
        return await measured(town, crowd, mirror)
    finally:
        crowd.end.set()
        await service.end()
        await carrier.end()
        await server.close()


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        feed, copied, pushed = asyncio.run(_run(Path(folder)))
    shared = {"unit": "s", "higher_is_better": False, "note": f"{ALERTS} alerts, {PEOPLE:,} texts each"}
    return [
        Figure(name="approved until visible in the feed", ours=feed, limit=FEED_S, **shared),  # type: ignore[arg-type]
        Figure(name="approved until in the mirror", ours=copied, **shared),  # type: ignore[arg-type]
        Figure(
            name=f"approved until pushed to the last of {SUBSCRIBERS} ({SILENT} more never answer)",
            ours=pushed,
            limit=PUSH_S,
            **shared,  # type: ignore[arg-type]
        ),
    ]
