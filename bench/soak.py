"""A15, hours on end: a message to 1,000 people again and again, each text reported as delivered.

`python -m bench soak` plays the messages of eight hours, one a minute, in fifty minutes: sixteen incidents of a first alert, 28
updates and an all clear. What messages leave behind shows as in eight hours, what the clock leaves behind does not; `python -m
bench.soak 480 60` takes the eight hours, with `postgresql` as a third word on it. After each message it looks at memory, at
open files and at SQLite's write-ahead log; all along it asks for the alert's progress and for the public page. The last quarter
is compared with the first, once caches are warm. In the end the ledger is judged by the carrier's own log.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

import aiohttp
import numpy as np
from sqlalchemy import text

from bench.figures import Figure
from bench.memory import _child_of, _megabytes
from notify.db import Database
from notify.sending import ledger_check
from tests.nemesis.cluster import cluster
from tests.nemesis.dump import dump
from tests.stories.town import BOIL_WATER, Process, Town, numbers

MESSAGES: Final = 480  # of eight hours
OF_ONE: Final = 30  # incident
EVERY_S: Final = 6.0
PEOPLE: Final = 1_000
WARM: Final = 40  # messages before anything is compared
RATE: Final = 2_000.0  # segments a second
ASKS_S: Final = 0.25  # between two questions
GROWTH: Final = 5.0  # per cent
SLOWER: Final = 1.1  # times what it took in the first quarter
LOG_MB: Final = 64
ROWS: Final = text("SELECT delivery_id, handed_at FROM delivery WHERE delivery_id > :last AND handed_at IS NOT NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How things were after a message. Memory and write-ahead log in megabytes. told_s: 99 of a hundred texts, from the click
    on. asked_s: what answers of the API took meanwhile, read_s: the public page's."""

    service: float
    renders: float
    files: int
    log: float
    told_s: float
    asked_s: Sequence[float]
    read_s: Sequence[float]


@dataclass(slots=True)
class Prober:
    """Asks as a console and as a resident."""

    town: Town
    alert_id: str
    asked_s: list[float] = field(default_factory=list)
    read_s: list[float] = field(default_factory=list)

    async def ask(self) -> None:
        headers = {"Authorization": f"Bearer {self.town.tokens['author']}"}
        async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
            while True:
                api = f"http://127.0.0.1:{self.town.private_port}/api/v1/alerts/{self.alert_id}"
                for url, seconds in ((api, self.asked_s), (f"{self.town.url}/demo/", self.read_s)):
                    begun = time.perf_counter()
                    async with session.get(url) as answer:
                        await answer.read()
                    seconds.append(time.perf_counter() - begun)
                await asyncio.sleep(ASKS_S)

    def taken(self) -> tuple[list[float], list[float]]:
        """What was heard since the last time."""
        heard = self.asked_s, self.read_s
        self.asked_s, self.read_s = [], []
        return heard


def run(messages: int = MESSAGES, every_s: float = EVERY_S, base: str = "sqlite") -> list[Figure]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "town"
        url = f"sqlite:///{home / 'tocsin.db'}"
        if base == "postgresql":
            server = stack.enter_context(cluster(durable=True))
            server.create("soak")
            url = server.url_of("soak")
        town = Town.create(home, url, rate=RATE)
        town.settle(numbers(PEOPLE))
        begun = time.monotonic()
        looks = asyncio.run(_soaked(town, messages, every_s))
        name = f"A15 {messages} messages in {(time.monotonic() - begun) / 3600:.1f} h, {base}"
        return [*_figures(name, looks[min(WARM, messages // 4) :]), _judged(name, town)]


async def _soaked(town: Town, messages: int, every_s: float) -> list[Look]:
    carrier = await town.carrier("--delivered-after", "1")
    service = await town.service()
    try:
        prober = Prober(town, await town.send(BOIL_WATER))  # the first of an incident: before it there is no page
        await town.settled(prober.alert_id)
        async with asyncio.TaskGroup() as beside:
            asking = beside.create_task(prober.ask())
            looks = [look async for look in _looks(town, service, prober, messages, every_s)]
            asking.cancel()
    finally:
        await service.end()
        await carrier.end()
    return looks


async def _looks(town: Town, service: Process, prober: Prober, messages: int, every_s: float) -> AsyncIterator[Look]:
    last = 0
    with closing(Database(town.database_url)) as db:
        for number in range(1, messages + 1):
            begun, clicked = time.monotonic(), time.time()
            prober.alert_id = await _said(town, prober.alert_id, number % OF_ONE)
            await town.settled(prober.alert_id)
            told_s, last = await asyncio.to_thread(_told, db, last, clicked)
            await asyncio.sleep(max(0.0, begun + every_s - time.monotonic()))
            yield (look := _look(town, service, told_s, *prober.taken()))
            if number % WARM == 0:
                print(f"{number} messages: {look.service:.1f} + {look.renders:.1f} MB, {look.files} files", file=sys.stderr)


async def _said(town: Town, newest: str, place: int) -> str:
    """The next message of the incident of `newest`; at place 0 the first of another."""
    if place == 0:
        return await town.send(BOIL_WATER)
    if place == OF_ONE - 1:
        return await town.follow_up("clear", newest, {"slots": {"flush_minutes": 2}})
    by = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
    return await town.follow_up("update", newest, {"slots": {"news": f"Sample {place} held E. coli."}, "next_update_by": by})


def _told(db: Database, last: int, clicked: float) -> tuple[float, int]:
    """Seconds from the click until 99 of a hundred rows after `last` were handed over; and the newest row."""
    rows = db.read_now(lambda conn: conn.execute(ROWS, {"last": last}).all())
    return float(np.percentile([handed_at / 1e6 for _, handed_at in rows], 99)) - clicked, max(row[0] for row in rows)


def _look(town: Town, service: Process, told_s: float, asked_s: Sequence[float], read_s: Sequence[float]) -> Look:
    journal = town.home / "tocsin.db-wal"
    return Look(
        service=_megabytes(service.child.pid, "VmRSS"),
        renders=_megabytes(_child_of(service), "VmRSS"),
        files=len(list(Path(f"/proc/{service.child.pid}/fd").iterdir())),
        log=journal.stat().st_size / 1e6 if journal.exists() else 0.0,
        told_s=told_s,
        asked_s=asked_s,
        read_s=read_s,
    )


def _figures(name: str, looks: Sequence[Look]) -> Iterator[Figure]:
    """Of looks after the warm-up."""
    quarter = len(looks) // 4
    first, end = looks[:quarter], looks[-quarter:]
    sizes: dict[str, Callable[[Look], float]] = {
        "memory of the service, MB": lambda one: one.service,
        "memory of the process that renders texts, MB": lambda one: one.renders,
        "open files": lambda one: one.files,
    }
    for what, size in sizes.items():
        was, now = (statistics.median(map(size, looks)) for looks in (first, end))
        largest = max(map(size, looks))
        note = f"{was:.1f} in the first quarter, {now:.1f} in the last, {largest:.1f} at most"
        yield Figure(
            name=f"{name}: {what}", unit="% more", ours=[100 * (now / was - 1)], limit=GROWTH, higher_is_better=False, note=note
        )
    if log := max(one.log for one in looks):
        yield Figure(name=f"{name}: write-ahead log at most", unit="MB", ours=[log], limit=LOG_MB, higher_is_better=False)
    times: dict[str, Callable[[Look], Sequence[float]]] = {
        "99 % of a message's texts handed over": lambda one: [one.told_s],
        "99 % of answers of the API": lambda one: one.asked_s,
        "99 % of public pages": lambda one: one.read_s,
    }
    for what, seconds in times.items():
        was, now = (float(np.percentile(list(chain.from_iterable(map(seconds, looks))), 99)) for looks in (first, end))
        yield Figure(
            name=f"{name}: {what}",
            unit="s",
            ours=[now],
            peer=[was],
            peer_name="in the first quarter",
            target_ratio=SLOWER,
            higher_is_better=False,
        )


def _judged(name: str, town: Town) -> Figure:
    with closing(Database(town.database_url)) as db:
        dumped, texts = dump(db, town.ring, town.home.parent)
    verdict = ledger_check.check(dumped, town.logs, texts)
    wrong = verdict.lost + verdict.doubles + len(verdict.problems)
    note = f"{verdict.accepted:,} texts, {verdict.rows:,} rows; {' '.join(verdict.problems[:3])}"
    return Figure(
        name=f"{name}: lost or twice, by the carrier's log", unit="", ours=[wrong], limit=0, higher_is_better=False, note=note
    )


if __name__ == "__main__":
    given = [*sys.argv[1:], *[str(MESSAGES), str(EVERY_S), "sqlite"][len(sys.argv) - 1 :]]
    for figure in run(int(given[0]), float(given[1]), given[2]):
        print(figure.line(), flush=True)
