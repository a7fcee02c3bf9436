"""Subscribers of a hub, as a server on 127.0.0.1: each path is one, and does as it is told."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Crowd:
    """verified, delivered: what came to each path. answers: the status that a path gives to deliveries. silent: paths that
    never answer one; refusing: paths that say another word than the challenge's."""

    url: str = ""
    verified: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    delivered: dict[str, list[tuple[dict[str, str], bytes]]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        if request.method == "GET":
            self.verified.setdefault(path, []).append(dict(request.query))
            wrong = path in self.refusing
            return web.Response(text="something else" if wrong else request.query.get("hub.challenge", ""))
        body = await request.read()
        if path in self.silent:
            await self.open.wait()
        self.delivered.setdefault(path, []).append((dict(request.headers), body))
        location = {"Location": self.url + "/elsewhere"} if self.answers.get(path) == 307 else {}
        return web.Response(status=self.answers.get(path, 204), headers=location)

    def bodies(self, path: str) -> list[bytes]:
        return [body for _, body in self.delivered.get(path, [])]


@asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    found = Crowd()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", found.answer)
    server = TestServer(application)
    await server.start_server(shutdown_timeout=0.1)
    found.url = str(server.make_url("")).rstrip("/")
    yield found
    found.open.set()
    await server.close()


def form(topic: str, callback: str, mode: str = "subscribe", **more: str) -> str:
    return urlencode(
        {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback} | {f"hub.{k}": v for k, v in more.items()}
    )


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    return headers.get("X-Hub-Signature") == "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
