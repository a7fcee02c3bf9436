"""Prism between two hops: https://github.com/stoplightio/prism/blob/master/docs/guides/03-validation-proxy.md."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.contract.hops import Hop, a_hop

START_S: Final = 120.0
READY: Final = b"Prism is listening"


class NoJudge(RuntimeError):
    """Prism did not start; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with the judge on it. `before` is where a client connects, and knows what the judge said; `behind` is what the
    server answered."""

    before: Hop
    behind: Hop


@asynccontextmanager
async def judged(prism: Path, document: dict[str, Any], server: str, folder: Path) -> AsyncIterator[Judged]:
    """Prism in front of `server`, with this OpenAPI document. Raises NoJudge."""
    paper = folder / "document.json"
    paper.write_text(json.dumps(document))
    async with a_hop(server) as behind, _running(prism, paper, behind.url) as url, a_hop(url) as before:
        yield Judged(before, behind)


@asynccontextmanager
async def _running(prism: Path, paper: Path, upstream: str) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(str(prism), "proxy", "--errors", "--host", "127.0.0.1", "--port", str(port), str(paper), upstream),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    reading = asyncio.create_task(_ready(process))
    try:
        async with asyncio.timeout(START_S):
            await reading
        draining = asyncio.create_task(_drain(process))
        yield f"http://127.0.0.1:{port}"
        draining.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    said = b""
    async for line in process.stdout:
        said += line
        if READY in line:
            return
    raise NoJudge(f"Prism ended before it listened: {said[-500:].decode(errors='replace').strip()}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    """A full pipe would stop it."""
    assert process.stdout is not None
    async for _ in process.stdout:
        pass
