"""Residents' texts while an alert goes out: 50 a second from before its first text until its last, each answered through the
whole service; then latecomers.

Carrier, service and this program are three processes. An answer's time is from the resident's text reaching the carrier until
the carrier has the service's words: webhook, signature, dialog, transaction, answer. Texts come at their moments, whether or
not earlier ones have been answered. Figures are of those that came between the alert's first text and its last.
"""

import asyncio
import contextlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import numpy as np

from bench.figures import Figure
from notify.db import Database
from subscribers import atlas
from subscribers.areas import read_areas
from subscribers.gazetteer import importing
from subscribers.place import Envelope
from tests.stories.town import BOIL_WATER, SENDER, Town, numbers

PACK: Final = Path(__file__).parents[1] / "city" / "portland"
BOX: Final = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)
TOLD: Final = 50_000
RATE: Final = 1_000.0  # segments a second
PER_SECOND: Final = 50
LEAST_S: Final = 60  # residents text so long at least
MOST_S: Final = 600  # and so long at most, however slow the send is
LATE: Final = 1_000
TEXTS: Final = (
    "97214",
    "WATER",
    "hola 97206",
    "1120 SW 5th Ave",
    "agua",
    "STATUS",
    "Lents",
    "HELP ME understand",
    "WHERE",
    "stop please",
)


def run() -> list[Figure]:
    return asyncio.run(_measured())


@contextlib.asynccontextmanager
async def _town() -> AsyncIterator[Town]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", rate=RATE)
        with closing(Database(town.database_url)) as db:
            for file in ("zips", "neighborhoods"):
                areas = read_areas((PACK / "areas" / f"{file}.geojson").read_bytes(), BOX).areas
                db.write_now(partial(atlas.keep, areas=areas, source=file, at=datetime.now(UTC)))
            db.write_now(partial(importing.keep, path=PACK / "gazetteer.csv", envelope=BOX))
        town.settle(numbers(TOLD))
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            yield town
        finally:
            await service.end()
            await carrier.end()


@dataclass(frozen=True, slots=True)
class Answered:
    """A resident's text: when it came, in seconds since 1970, and how long its answer took."""

    at: float
    took_s: float


@dataclass(slots=True)
class Leaving:
    """Which of the alert's texts the carrier has accepted by now; its log is read on from where it was."""

    log: Path
    told: frozenset[str]
    times: list[float] = field(default_factory=list)
    _read: int = 0

    def look(self) -> int:
        if not self.log.exists():
            return 0
        with self.log.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in map(json.loads, whole.splitlines()):
            if line["event"] == "accepted" and line["to"] in self.told:
                self.times.append(datetime.fromisoformat(line["at"]).timestamp())
        return len(self.times)


async def _text(session: aiohttp.ClientSession, town: Town, phone: str, body: str) -> Answered:
    at, began = time.time(), time.perf_counter()
    wish = {"from": phone, "to": SENDER, "body": body}
    async with session.post(f"http://127.0.0.1:{town.sms_port}/control/inbound", json=wish) as answer:
        answer.raise_for_status()
        await answer.read()
    return Answered(at, time.perf_counter() - began)


async def _residents(session: aiohttp.ClientSession, town: Town, leaving: Leaving) -> list[Answered]:
    """Text at their moments until the alert has left."""
    began, tasks = time.perf_counter(), []
    for number, phone in enumerate(numbers(PER_SECOND * MOST_S, TOLD)):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        if number % PER_SECOND == 0 and leaving.look() >= TOLD and number >= PER_SECOND * LEAST_S:
            break
        tasks.append(asyncio.create_task(_text(session, town, phone, TEXTS[number % len(TEXTS)])))
    return await asyncio.gather(*tasks)


async def _measured() -> list[Figure]:
    async with _town() as town, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500)) as session:
        leaving = Leaving(town.logs / "sms.jsonl", frozenset(numbers(TOLD)))
        texting = asyncio.create_task(_residents(session, town, leaving))
        await town.send(BOIL_WATER)
        answered = await texting
        leaving.look()
        late = numbers(LATE, TOLD + PER_SECOND * MOST_S)
        for group in range(0, LATE, 50):
            await asyncio.gather(*(_text(session, town, phone, "97214") for phone in late[group : group + 50]))
        joined = time.perf_counter()
        counts: Counter[str] = Counter()
        while sum(counts.values()) < LATE and time.perf_counter() - joined < 120:
            await asyncio.sleep(0.5)
            wanted = set(late)
            counts = Counter(line["to"] for line in town.sms() if line["to"] in wanted)
        return _figures(answered, leaving.times, counts, time.perf_counter() - joined)


def _figures(answered: Sequence[Answered], left: Sequence[float], counts: Counter[str], took_s: float) -> list[Figure]:
    """left: when each text of the alert left."""
    first, last = min(left), max(left)
    times = np.array([one.took_s for one in answered if first <= one.at <= last]) * 1_000
    note = f"{len(times):,} texts in the {last - first:.0f} s of the send; slowest {times.max():.0f} ms"
    p50, p95 = np.percentile(times, [50, 95])
    once = sum(1 for count in counts.values() if count == 1)
    return [
        Figure(
            name="alert texts that left while residents texted",
            unit="texts",
            ours=[len(left)],
            limit=TOLD,
            note=f"{len(left) / (last - first):,.0f} a second beside {len(answered):,} residents' texts at {PER_SECOND}/s",
        ),
        Figure(
            name="answer to a resident's text, 95 % within",
            unit="ms",
            ours=[float(p95)],
            limit=1_000,
            higher_is_better=False,
            note=note,
        ),
        Figure(name="answer to a resident's text, median", unit="ms", ours=[float(p50)], higher_is_better=False),
        Figure(
            name=f"{LATE:,} people who join inside the live alert: told exactly once",
            unit="people",
            ours=[once],
            limit=LATE,
            note=f"{sum(counts.values())} texts, the last {took_s:.1f} s after the last had joined",
        ),
    ]
