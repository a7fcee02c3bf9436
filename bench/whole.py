"""P11, the whole: from the approver's click until the last of a million people has been handed over, and to the last report.

`hand over`: 1,000,000 people, half by SMS and half by mail, in twelve languages, addresses sealed, ledger on SQLite synced to
disk; senders without a rate, no reports. nginx answers every text over TLS, Postfix's smtp-sink takes every mail.
`to the end`: of 1,000,000 people 670,000 live where the alert is; every text is reported as delivered, signed, by a process of
its own (bench/reporting.py), and the mails are done when they are handed over. Every time is read from the ledger, in which it
was written with the row's outcome. `python -m bench.whole 20000` is the same with fewer people.
"""

import asyncio
import contextlib
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from bench import email, metropolis, sms
from bench.figures import Figure
from bench.memory import _child_of, _megabytes
from notify.db import Database
from tests.stories.town import BOIL_WATER, CITY, TOKEN, Process, Town, start

PEOPLE: Final = 1_000_000
CONCERNED: Final = 0.67  # of whom the second run tells
UNLIMITED: Final = 1_000_000.0  # segments a second
HAND_OVER_S: Final = 120.0
MEMORY_MB: Final = 500
PATIENCE_S: Final = 3_600
LOOKS_S: Final = 3.0  # between two questions whether it is over: each counts rows
SHARES: Final = (50, 95, 100)


def run(people: int = PEOPLE) -> Iterable[Figure]:
    yield from asyncio.run(_handed_over(people))
    yield from asyncio.run(_to_the_end(people))


async def _handed_over(people: int) -> list[Figure]:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{email.SEARCH}")
    if nginx is None:
        print("P11 needs nginx: apt-get install --no-install-recommends nginx", file=sys.stderr)
        raise SystemExit(2)
    async with _town(people) as town:
        with tempfile.TemporaryDirectory() as folder, sms.server(nginx, Path(folder)) as url:
            town.settings |= {"TOCSIN_TWILIO_URL": url, "SSL_CERT_FILE": f"{folder}/cert.pem"}
            return await _sent(town, BOIL_WATER, people, f"{people:,} people, half by SMS, half by mail", HAND_OVER_S)


async def _to_the_end(people: int) -> list[Figure]:
    west, south, east, north = CITY.bounds
    middle, half = (west + east) / 2, CONCERNED * (east - west) / 2
    corners = [(middle - half, south), (middle + half, south), (middle + half, north), (middle - half, north)]
    shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    expected = int(people * CONCERNED)
    alert = BOIL_WATER | {"area": {"geojson": shape, "words": "the middle of the city"}, "expected_people": expected}
    async with _town(people) as town:
        carrier = await start(["-m", "bench.reporting", str(town.sms_port), TOKEN], {}, town.home / "provider.log")
        try:
            return await _sent(town, alert, expected, f"{people:,} people, an alert to two thirds of them")
        finally:
            await carrier.end()


@contextlib.asynccontextmanager
async def _town(people: int) -> AsyncIterator[Town]:
    sink = shutil.which("smtp-sink", path=email.SEARCH)
    if sink is None:
        print(f"P11 needs Postfix's smtp-sink. As root: {email.INSTALL}", file=sys.stderr)
        raise SystemExit(2)
    with tempfile.TemporaryDirectory() as folder, email.sinking(sink, pipelining=True) as port:
        town = await asyncio.to_thread(metropolis.town, Path(folder) / "town", people, rate=UNLIMITED, mailed=True)
        town.smtp_port = port
        yield town


async def _sent(town: Town, alert: dict[str, Any], expected: int, name: str, limit: float | None = None) -> list[Figure]:
    service = await town.service()
    try:
        made = await town.must("author", "POST", "/alerts", alert)
        clicked = time.time()
        await town.approve(made["alert_id"])
        await _over(town, made["alert_id"], reports=limit is None)
        memory = [(f"{one}, peak", _megabytes(pid, "VmHWM")) for one, pid in _processes(service)]
    finally:
        await service.end()
    rows = await asyncio.to_thread(_rows, town)
    if abs(len(rows["handed"]) - expected) > expected / 50:
        raise RuntimeError(f"{len(rows['handed']):,} were handed over, not about {expected:,}")
    return list(_figures(name, rows, clicked, memory, limit))


async def _over(town: Town, alert_id: str, reports: bool) -> None:
    """Until nothing waits any more; with reports, until every text has one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await asyncio.sleep(LOOKS_S)
            progress = (await town.must("author", "GET", f"/alerts/{alert_id}")).get("progress", {})
            whole, texts = progress.get("total", {}), progress.get("channels", {}).get("sms", {})
            waits = whole.get("planned", 1) + whole.get("claimed", 0) + whole.get("unknown", 0)
            if not waits and not (reports and texts["handed"]):
                return


def _processes(service: Process) -> Iterable[tuple[str, int]]:
    return ("the service", service.child.pid), ("the process that renders texts", _child_of(service))


def _rows(town: Town) -> dict[str, NDArray[Any]]:
    """By column, of everything that left: seconds since 1970, NaN where there is none."""
    with closing(Database(town.database_url)) as db:
        asked = text("SELECT channel, language, planned_at, handed_at, final_at FROM delivery WHERE handed_at IS NOT NULL")
        found = db.read_now(lambda conn: conn.execute(asked).all())
    channels, languages, planned, handed, final = zip(*found, strict=True)
    moments = {"planned": planned, "handed": handed, "final": final}
    seconds = {one: np.array([math.nan if at is None else at / 1e6 for at in values]) for one, values in moments.items()}
    return seconds | {"channel": np.array(channels), "language": np.array(languages)}


def _figures(
    name: str, rows: dict[str, NDArray[Any]], clicked: float, memory: list[tuple[str, float]], limit: float | None
) -> Iterable[Figure]:
    def seconds(what: str, value: float, **given: Any) -> Figure:
        return Figure(name=f"P11 {name}: {what}", unit="s", ours=[value], higher_is_better=False, **given)

    handed = rows["handed"] - clicked
    yield seconds("last row planned", float(rows["planned"].max() - clicked), note=f"{len(handed):,} rows")
    yield seconds("first message handed over", float(handed.min()))
    for channel in ("sms", "email"):
        its = handed[rows["channel"] == channel]
        yield seconds(f"last {channel} handed over", float(its.max()), note=f"{len(its):,}, {len(its) / its.max():,.0f}/s")
    yield seconds("all handed over", float(handed.max()), limit=limit)
    if limit is None:
        yield seconds("last report on disk", float(np.nanmax(rows["final"]) - clicked))
    for share in SHARES:
        by = {one: float(np.percentile(handed[rows["language"] == one], share)) for one in sorted(set(rows["language"]))}
        apart = 100 * (max(by.values()) - min(by.values())) / statistics.mean(by.values())
        times = ", ".join(f"{language} {at:.1f}" for language, at in by.items())
        yield seconds(f"{share} % of a language", statistics.mean(by.values()), note=f"{apart:.1f} % apart: {times}")
    for process, peak in memory:
        yield Figure(name=f"P11 {name}: memory of {process}", unit="MB", ours=[peak], limit=MEMORY_MB, higher_is_better=False)


if __name__ == "__main__":
    for figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        print(figure.line(), flush=True)
