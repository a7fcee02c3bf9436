"""Residents' texts while an alert goes out: 50 a second for a minute, each answered through the whole service; then latecomers.

Carrier, service and this program are three processes. An answer's time is from the resident's text reaching the carrier until
the carrier has the service's words: webhook, signature, dialog, transaction, answer. Texts come at their moments, whether or
not earlier ones have been answered.
"""

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
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
RATE: Final = 1_000.0  # segments a second: the send lasts as long as the texts come
PER_SECOND: Final = 50
SECONDS: Final = 60
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


async def _text(session: aiohttp.ClientSession, town: Town, phone: str, body: str) -> tuple[float, int]:
    began = time.perf_counter()
    wish = {"from": phone, "to": SENDER, "body": body}
    async with session.post(f"http://127.0.0.1:{town.sms_port}/control/inbound", json=wish) as answer:
        replies = (await answer.json())["replies"]
    return time.perf_counter() - began, len(replies)


async def _measured() -> list[Figure]:
    async with _town() as town, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500)) as session:
        await town.send(BOIL_WATER)
        await town.until_texts(1_000)
        phones = numbers(PER_SECOND * SECONDS, TOLD)
        began, tasks = time.perf_counter(), []
        for number, phone in enumerate(phones):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            tasks.append(asyncio.create_task(_text(session, town, phone, TEXTS[number % len(TEXTS)])))
        answered = await asyncio.gather(*tasks)
        during = len(town.sms())
        times = np.array([seconds for seconds, _ in answered]) * 1_000
        late = numbers(LATE, TOLD + len(phones))
        for group in range(0, LATE, 50):
            await asyncio.gather(*(_text(session, town, phone, "97214") for phone in late[group : group + 50]))
        joined = time.perf_counter()
        counts: Counter[str] = Counter()
        while sum(counts.values()) < LATE and time.perf_counter() - joined < 120:
            await asyncio.sleep(0.5)
            wanted = set(late)
            counts = Counter(line["to"] for line in town.sms() if line["to"] in wanted)
        return _figures(times, during, counts, time.perf_counter() - joined)


def _figures(
    times: "np.ndarray[tuple[int], np.dtype[np.float64]]", during: int, counts: Counter[str], took_s: float
) -> list[Figure]:
    note = f"{len(times)} texts at {PER_SECOND}/s; {during:,} alert texts left meanwhile; slowest {times.max():.0f} ms"
    p50, p95 = np.percentile(times, [50, 95])
    once = sum(1 for count in counts.values() if count == 1)
    return [
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
