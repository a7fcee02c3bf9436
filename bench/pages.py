"""P10: the public feed and page from the service itself, beside nginx with the same bytes as a file.

One connection after another asks for sixteen at a time (HTTP pipelining), so that whoever asks costs little beside whoever
answers; what came is counted in bytes, each answer being as long as the first.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.figures import Figure
from tests.ports import free_port, listens
from tests.stories.town import BOIL_WATER, Town, numbers

RUNS: Final = 3
SECONDS: Final = 4.0
LINES: Final = 32
AT_ONCE: Final = 16
TARGET: Final = 0.35
NGINX: Final = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; default_type text/html; client_body_temp_path {folder}/1;
  proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }} }}
"""


class _Line(asyncio.Protocol):
    """One connection: asks again as soon as all it asked for has come."""

    def __init__(self, request: bytes, size: int) -> None:
        self._asked, self._whole, self.got = request * AT_ONCE, size * AT_ONCE, 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        before, self.got = self.got, self.got + len(data)
        if self._transport is not None and self.got // self._whole > before // self._whole:
            self._transport.write(self._asked)


def run() -> list[Figure]:
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        raise SystemExit("nginx is needed: apt-get install nginx-light")
    return asyncio.run(_measured())


async def _measured() -> list[Figure]:
    figures = []
    async with _town() as (town, incident_id):
        for name, path in (("the feed", "/demo/feeds/active.atom"), ("an alert's page", f"/demo/a/{incident_id}")):
            ours: list[float] = []
            peer: list[float] = []
            body = await _body(town.url + path)
            async with _nginx(body) as file:
                for _ in range(RUNS):
                    ours.append(await _rate(town.url + path))
                    peer.append(await _rate(file))
            figures.append(
                Figure(
                    name=f"P10 {name}, {len(body):,} bytes",
                    unit="answers/s",
                    ours=ours,
                    peer=peer,
                    peer_name="nginx, one worker",
                    target_ratio=TARGET,
                )
            )
    return figures


@asynccontextmanager
async def _town() -> AsyncIterator[tuple[Town, str]]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
        town.settle(numbers(10))
        carrier, service = await town.carrier(), await town.service()
        try:
            alert_id = await town.send(BOIL_WATER)
            reply = await town.until(alert_id, "active")
            yield town, str(reply["incident_id"])
        finally:
            await service.end()
            await carrier.end()


@asynccontextmanager
async def _nginx(body: bytes) -> AsyncIterator[str]:
    """nginx with these bytes as its only file."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        (folder / "files").mkdir()
        (folder / "files" / "index.html").write_bytes(body)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        server = await asyncio.create_subprocess_exec(
            "/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"
        )
        try:
            async with asyncio.timeout(60):
                while not await listens(port):
                    await asyncio.sleep(0.05)
            yield f"http://127.0.0.1:{port}/index.html"
        finally:
            server.terminate()
            await server.wait()


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    return f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()


async def _answer(url: str) -> tuple[bytes, bytes]:
    """Head and body of one answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(_request(url))
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{url}: {head[:60]!r}")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    body = await reader.readexactly(length)
    writer.close()
    return head, body


async def _body(url: str) -> bytes:
    return (await _answer(url))[1]


async def _rate(url: str) -> float:
    """Answers a second."""
    head, body = await _answer(url)
    parts, loop, size = urlsplit(url), asyncio.get_running_loop(), len(head) + len(body)
    assert parts.hostname is not None and parts.port is not None
    made = [await loop.create_connection(lambda: _Line(_request(url), size), parts.hostname, parts.port) for _ in range(LINES)]
    lines = [line for _, line in made]
    before, begun = sum(line.got for line in lines), time.perf_counter()
    await asyncio.sleep(SECONDS)
    came, took = sum(line.got for line in lines) - before, time.perf_counter() - begun
    for transport, _ in made:
        transport.abort()
    return came / size / took


if __name__ == "__main__":
    for figure in run():
        print(figure.line(), flush=True)
