"""The connection by which the simulator reports: when it is kept, and whom it trusts."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from channels.simulator import wire
from channels.simulator.certificate import server_context
from tests.ports import free_port


@pytest.fixture(autouse=True)
def _trust_read_anew() -> Iterator[None]:
    wire._trust.cache_clear()
    yield
    wire._trust.cache_clear()


@asynccontextmanager
async def listener(
    status: int, text: str | None = None, headers: Mapping[str, str] | None = None, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, set[object]]]:
    """Its URL, and every connection over which something came."""
    seen: set[object] = set()

    async def answered(request: web.Request) -> web.Response:
        seen.add(request.transport)
        await request.read()
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_post("/reports", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{port}/reports", seen
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("status", "text"), [(200, "heard"), (204, None), (304, None)])
async def test_a_connection_is_kept_after_an_answer_whose_end_is_known(status: int, text: str | None) -> None:
    async with listener(status, text) as (url, seen):
        connection = await wire.connect(url)
        assert [await connection.post(url, {}, b"a=1") for _ in range(3)] == [status] * 3
        assert connection.usable
        assert len(seen) == 1
        connection.close()


async def test_a_connection_is_not_used_again_when_the_answer_says_close() -> None:
    async with listener(204, headers={"Connection": "close"}) as (url, _):
        connection = await wire.connect(url)
        assert await connection.post(url, {}, b"a=1") == 204
        assert not connection.usable


async def test_reports_go_over_tls_to_whom_the_machine_trusts_and_to_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public.pem"
    async with listener(204, context=server_context("127.0.0.1", public)) as (url, seen):
        with pytest.raises(ssl.SSLCertVerificationError):
            await wire.connect(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        wire._trust.cache_clear()
        connection = await wire.connect(url)
        assert [await connection.post(url, {}, b"a=1") for _ in range(3)] == [204] * 3
        assert len(seen) == 1
        connection.close()
