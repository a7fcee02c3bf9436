"""P6: providers' reports, verified and on disk before they are answered; beside a bare listener that only says yes.

The provider is a process of its own that signs everything beforehand and offers more than anybody takes. The peer is the same
web server with nothing behind it: no signature looked at, nothing written.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from bench.figures import Figure
from bench.provider import Job, Provider, Taken
from tests.ports import free_port
from tests.stories.town import ACCOUNT, BOIL_WATER, TOKEN, Process, Town, numbers, start

TEXTS: Final = 2_000
OFFERED: Final = 6_000  # a second
SECONDS: Final = 10.0
RUNS: Final = 3
WANTED: Final = 5_000


def run() -> list[Figure]:
    return asyncio.run(_measured())


async def _measured() -> list[Figure]:
    ours, peer = [], []
    async with _service() as url, _bare() as bare:
        for _ in range(RUNS):
            ours.append(await _offered(url))
            peer.append(await _offered(bare))
    last = ours[-1]
    return [
        Figure(
            name="P6 reports verified and on disk",
            unit="/s",
            ours=[one.taken / SECONDS for one in ours],
            peer=[one.taken / SECONDS for one in peer],
            peer_name="a bare listener",
            limit=WANTED,
            note=f"{OFFERED:,}/s offered; median {last.median_ms:.0f} ms, 95 % within {last.p95_ms:.0f} ms",
        )
    ]


async def _offered(url: str) -> Taken:
    provider = Provider(Job(url=url, account=ACCOUNT, token=TOKEN, texts=TEXTS, per_second=OFFERED, seconds=SECONDS))
    await asyncio.to_thread(provider.begun)
    return await asyncio.to_thread(provider.end)


@asynccontextmanager
async def _service() -> AsyncIterator[str]:
    """A service that has handed over every text that is reported on."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
        town.settle(numbers(TEXTS))
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            await town.until(await town.send(BOIL_WATER), "active")
            yield town.url
        finally:
            await service.end()
            await carrier.end()


@asynccontextmanager
async def _bare() -> AsyncIterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        listener: Process = await start(["-m", "bench.reports", str(port)], {}, Path(folder) / "bare.log")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await listener.end()


async def _listen(port: int, answer: Callable[[web.Request], Awaitable[web.Response]]) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("{}", flush=True)
    await asyncio.Event().wait()


async def _yes(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=204)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_listen(int(sys.argv[1]), _yes))
    else:
        for figure in run():
            print(figure.line(), flush=True)
