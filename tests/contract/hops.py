"""Listening points on a line, before and behind the judge: what it said of each exchange, and answers spoilt on purpose."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp import web
from yarl import URL

from tests.contract.shapes import shape_of

MOST_BYTES: Final = 16 * 1024 * 1024
NOT_PASSED_ON: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}

Spoil = Callable[[dict[str, Any]], object]  # changes a document in place


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer as they came by. violations: what the judge objects to, in its words."""

    method: str
    path: str
    status: int
    violations: tuple[str, ...] = ()
    shape: frozenset[str] = frozenset()


@dataclass(slots=True)
class Hop:
    """Passes requests on as they are. `spoil` changes the next answer on its way back, once."""

    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    spoil: Spoil | None = None

    async def pass_on(self, request: web.Request, session: aiohttp.ClientSession, upstream: str) -> web.Response:
        body = await request.read()
        url = URL(upstream + request.raw_path, encoded=True)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in NOT_PASSED_ON]
        async with session.request(request.method, url, headers=headers, data=body or None, allow_redirects=False) as answer:
            content = await answer.read()
        if self.spoil is not None:
            content, self.spoil = spoilt(content, self.spoil), None
        violations = objections(answer.headers.get("sl-violations", ""), answer.content_type, content)
        self.exchanges.append(
            Exchange(
                method=request.method,
                path=request.path,
                status=answer.status,
                violations=tuple(violations),
                shape=shape_of(content),
            )
        )
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in NOT_PASSED_ON]
        return web.Response(status=answer.status, headers=kept, body=content)


def spoilt(content: bytes, spoil: Spoil) -> bytes:
    document = json.loads(content)
    spoil(document)
    return json.dumps(document).encode()


def objections(header: str, content_type: str, content: bytes) -> list[str]:
    """The judge's objections to one exchange: in its own answer when they are errors, else in a header of the answer."""
    if content_type == "application/problem+json":
        problem = json.loads(content)
        found = problem.get("validation") or [{"location": [], "message": problem.get("title", "refused")}]
    else:
        found = json.loads(header) if header else []
    return [f"{'.'.join(map(str, one.get('location', [])))}: {one.get('message')}" for one in found]


@asynccontextmanager
async def a_hop(upstream: str) -> AsyncIterator[Hop]:
    """A hop on loopback that passes on to `upstream`, for as long as the block lasts."""
    hop = Hop()
    async with aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def pass_on(request: web.Request) -> web.Response:
            return await hop.pass_on(request, session, upstream)

        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            hop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield hop
        finally:
            await runner.cleanup()
