"""311's telephone: 200 callers at once, a thousand webhooks a second: signed, heard, written into the journal, answered.

The floor is one process, the provider and its callers are this one. Webhooks come at their moments, whether or not earlier ones
have been answered; a caller rings, presses 0, listens in the queue for so many rounds and hangs up. Then it is counted what the
database has. The peer is the same web server in a process of its own that answers every webhook with the same words, looks at
no signature and writes nothing. VOICE_SECONDS in the environment makes each run longer or shorter.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import aiohttp
import numpy as np
import uvloop
from aiohttp import web
from sqlmodel import select

from bench.figures import Figure
from channels.twilio_signature import signature
from notify.db import Database
from surge.tables import ContactRow
from tests.nemesis.floor_exchange import prepare
from tests.nemesis.floor_process import at_noon
from tests.ports import free_port
from tests.stories.town import ACCOUNT, TOKEN, Process, start

SECONDS: Final = int(os.environ.get("VOICE_SECONDS", "20"))
RUNS: Final = 3
PER_SECOND: Final = 1_000
CALLERS: Final = 200
ROUNDS: Final = 40  # of music, by each caller
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Caller:
    """One line: what it asks next. A new call when the last one has ended."""

    number: int
    calls: int = 0
    steps: Iterator[tuple[str, dict[str, str]]] = field(default_factory=lambda: iter(()))

    def next(self) -> tuple[str, dict[str, str]]:
        for step in self.steps:
            return step
        self.calls += 1
        self.steps = self._call(f"CA{self.number:04}{self.calls:028}")
        return next(self.steps)

    def _call(self, call_sid: str) -> Iterator[tuple[str, dict[str, str]]]:
        usual = {"AccountSid": ACCOUNT, "CallSid": call_sid, "From": f"+1503555{self.number:04}", "To": at_noon().number}
        yield "/voice/ring", usual | {"CallStatus": "ringing"}
        yield "/voice/said/greeting", usual | {"Digits": "0"}
        for _ in range(ROUNDS):
            yield "/voice/wait", usual
        yield "/voice/left", usual | {"QueueResult": "hangup"}
        yield "/voice/status", usual | {"CallStatus": "completed"}


@dataclass(slots=True)
class Load:
    """took: seconds of each answer; late: how many were not given a good one."""

    session: aiohttp.ClientSession
    url: str
    took: list[float] = field(default_factory=list)
    bad: int = 0
    calls: int = 0

    async def post(self, path: str, fields: dict[str, str]) -> None:
        form = list(fields.items())
        headers = FORM | {"X-Twilio-Signature": signature(TOKEN, self.url + path, form)}
        began = time.perf_counter()
        try:
            async with self.session.post(self.url + path, data=urlencode(form), headers=headers) as answer:
                await answer.read()
                self.bad += answer.status >= 300
        except (aiohttp.ClientError, TimeoutError):
            self.bad += 1
        self.took.append(time.perf_counter() - began)
        self.calls += path == "/voice/ring"

    async def line(self, caller: Caller, seconds: float) -> None:
        """Its share of all webhooks, each after the one before was answered, as one call's are, and none before its moment."""
        every, began = CALLERS / PER_SECOND, time.perf_counter() + caller.number * (1 / PER_SECOND)
        for number in range(int(seconds / every)):
            await asyncio.sleep(max(0.0, began + number * every - time.perf_counter()))
            await self.post(*caller.next())
        while True:  # to the end of its call
            path, fields = caller.next()
            if path == "/voice/ring":
                return
            if path != "/voice/wait":
                await self.post(path, fields)


@asynccontextmanager
async def _provider() -> AsyncIterator[int]:
    """Takes every call that is made, and rings nobody."""

    async def take(request: web.Request) -> web.Response:
        what = request.path.rpartition("/")[2].removesuffix(".json").lower()
        if what in ("calls", "notifications") and request.method == "GET":
            return web.json_response({what: [], "next_page_uri": None})
        if request.method == "GET":
            return web.json_response({"sid": ACCOUNT, "status": "active"})
        return web.json_response({"sid": "CA" + "f" * 32, "status": "queued"}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """kept: calls in the database afterwards."""

    load: Load
    took_s: float
    kept: int
    note: str


async def _measured() -> list[Figure]:
    runs, peers = [], []
    for _ in range(RUNS):
        runs.append(await _ours())
        peers.append(await _peer())
    return _figures(runs, peers)


async def _ours() -> Run:
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        url = f"sqlite:///{home / 'tocsin.db'}"
        prepare(home, url)
        async with _provider() as carrier_port:
            arguments = ["-m", "tests.nemesis.floor_process", str(home), url, str(port), str(carrier_port)]
            floor: Process = await start(arguments, {}, home / "floor.log")
            idle_s = _worked_s(floor.child.pid)
            load, took_s = await _loaded(port)
            worked_s = _worked_s(floor.child.pid) - idle_s
            await floor.end()
        with closing(Database(url)) as db:
            kept = db.read_now(lambda conn: len(list(conn.execute(select(ContactRow.contact_id)))))
        size = (home / "floor.journal").stat().st_size
        note = f"{worked_s / len(load.took) * 1e3:.2f} ms of processor time an answer; journal {size / 1e6:.1f} MB"
        return Run(load=load, took_s=took_s, kept=kept, note=note)


async def _peer() -> Load:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        bare: Process = await start(["-m", "bench.voice", "bare", str(port)], {}, Path(folder) / "bare.log")
        load, _ = await _loaded(port)
        await bare.end()
        return load


async def _loaded(port: int) -> tuple[Load, float]:
    """What the callers had of whoever listens there, and how long they took, in seconds."""
    connector = aiohttp.TCPConnector(limit=CALLERS)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session:
        load = Load(session, f"http://127.0.0.1:{port}")
        began = time.perf_counter()
        await asyncio.gather(*(load.line(Caller(number), SECONDS) for number in range(CALLERS)))
        return load, time.perf_counter() - began


async def _listen(port: int) -> None:
    async def say(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="<Response><Play>wait.mp3</Play></Response>", content_type="text/xml")

    app = web.Application()
    app.router.add_post("/{path:.*}", say)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("{}", flush=True)
    await asyncio.Event().wait()


def _worked_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _figures(runs: Sequence[Run], peers: Sequence[Load]) -> list[Figure]:
    times = np.array(runs[-1].load.took) * 1_000
    rates = [len(one.load.took) / one.took_s for one in runs]
    bad = sum(one.load.bad for one in runs)
    return [
        Figure(
            name=f"P13 telephone webhooks of {CALLERS} callers, answered a second",
            unit="answers/s",
            ours=rates,
            limit=PER_SECOND * 0.98,
            note=f"{sum(len(one.load.took) for one in runs):,} in {len(runs)} x {SECONDS} s, {bad} without a good answer",
        ),
        Figure(
            name="P13 TwiML answer, 99 % within",
            unit="ms",
            ours=[_p99_ms(one.load) for one in runs],
            peer=[_p99_ms(one) for one in peers],
            peer_name="a bare listener",
            limit=1_000,
            higher_is_better=False,
            note=f"median {np.median(times):.1f} ms, slowest {times.max():.0f} ms; {runs[-1].note}",
        ),
        Figure(
            name="P13 calls of the last run in the database",
            unit="calls",
            ours=[runs[-1].kept],
            limit=runs[-1].load.calls,
        ),
    ]


def _p99_ms(load: Load) -> float:
    return float(np.percentile(np.array(load.took) * 1_000, 99))


def run() -> list[Figure]:
    return uvloop.run(_measured())


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        uvloop.run(_listen(int(sys.argv[2])))
    else:
        for figure in run():
            print(figure.line(), flush=True)
