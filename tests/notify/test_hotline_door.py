"""What needs 311's line reaches the process that has it, through any other; and nobody is answered from a second line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notify.hotline_door import Doorway, needs_line
from surge.floor.doors import Door
from tests.ports import free_port


@dataclass
class Process:
    """One that listens. has: whether it has the line; door: whoever took it last."""

    name: str
    has: bool = False
    door: Door | None = None
    heard: list[str] = field(default_factory=list)
    hears: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def look(self) -> Door | None:
        return self.door

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(f"{request.method} {request.path_qs} {(await request.read()).decode()} {request.remote}")
        return web.Response(text=self.name, status=201, headers={"Location": "/desk311"})


@asynccontextmanager
async def processes(*given: Process, patience_s: float = 60.0) -> AsyncIterator[None]:
    """Each on a port of its own, which is its door as well."""
    servers: list[TestServer] = []
    doorways: list[Doorway] = []
    try:
        for one in given:
            doorway = Doorway(look=one.look, patience_s=patience_s)
            app = web.Application(middlewares=[doorway.middleware(lambda one=one: one.has, public=True)])  # type: ignore[misc]
            app.router.add_route("*", "/{tail:.*}", one.answer)
            server = TestServer(app)
            await server.start_server()
            one.url = str(server.make_url("")).rstrip("/")
            servers.append(server)
            doorways.append(doorway)
            if one.has:
                doorway.ports.add(int(server.port or 0))
        yield
    finally:
        for doorway in doorways:
            await doorway.close()
        for server in servers:
            await server.close()


async def ask(one: Process, path: str, body: str = "") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(one.url + path, data=body, allow_redirects=False) as reply:
        return reply.status, await reply.text()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("surge.floor.doors.socket.gethostname", lambda: "here")
    return "here"


async def test_a_webhook_is_answered_by_whoever_has_the_line_whoever_is_asked(here: str) -> None:
    holder, other = Process("holder", has=True), Process("other")
    async with processes(holder, other):
        other.door = Door(process=f"{here}:1:x", public=holder.url, private=holder.url)
        assert await ask(other, "/voice/ring?leg=1", "CallSid=CA1") == (201, "holder")
        assert await ask(holder, "/voice/ring", "CallSid=CA2") == (201, "holder")
        assert await ask(other, "/a/K7Q2") == (201, "other"), "what needs no line is everybody's"
        assert await ask(other, "/voice/record/x/said/1") == (201, "other"), "and so is recording by telephone"
    assert [one.split(" ")[1] for one in holder.heard] == ["/voice/ring?leg=1", "/voice/ring"]
    assert "CallSid=CA1 127.0.0.1" in holder.heard[0]


async def test_while_nobody_has_the_line_it_waits_and_is_answered_by_whoever_takes_it(here: str) -> None:
    dead = Door(process=f"{here}:1:x", public=f"http://127.0.0.1:{free_port()}", private="http://127.0.0.1:1")
    survivor = Process("survivor", door=dead)
    async with processes(survivor):
        asked = asyncio.create_task(ask(survivor, "/voice/wait", "CallSid=CA1"))
        while not asked.done() and not survivor.has:
            await asyncio.sleep(0)
            survivor.has = True  # it has taken the post, and built the floor anew
        assert await asked == (201, "survivor")
    assert len(survivor.heard) == 1


async def test_what_nobody_can_answer_is_refused_so_that_the_providers_fallback_takes_it(here: str) -> None:
    lost = Process("lost")
    async with processes(lost, patience_s=0.0):
        status, said = await ask(lost, "/voice/ring", "CallSid=CA1")
    assert status == 503 and "another process" in said and lost.heard == []


async def test_what_was_handed_on_is_not_handed_on_again(here: str) -> None:
    """Two that each believe the other has it: neither answers, and nothing goes round."""
    one, two = Process("one", has=True), Process("two")
    async with processes(one, two, patience_s=0.0):
        one.has = False
        one.door = Door(process=f"{here}:1:x", public=two.url, private=two.url)
        two.door = Door(process=f"{here}:1:x", public=one.url, private=one.url)
        assert (await ask(two, "/voice/ring", "CallSid=CA1"))[0] == 503
    assert one.heard == two.heard == []


async def test_a_loopback_address_of_another_machine_is_never_asked(here: str) -> None:
    stranger, other = Process("stranger", has=True), Process("other")
    async with processes(stranger, other, patience_s=0.0):
        other.door = Door(process="there:1:x", public=stranger.url, private=stranger.url)
        assert (await ask(other, "/voice/ring", "CallSid=CA1"))[0] == 503
    assert stranger.heard == []


@pytest.mark.parametrize("path", ["/voice/ring", "/desk311/next", "/surge/report", "/api/v1/surge/desk", "/ask", "/needs"])
def test_what_works_with_the_line_needs_it(path: str) -> None:
    assert needs_line(path)


@pytest.mark.parametrize("path", ["/voice/sound/ab.wav", "/voice/record/x", "/alerts", "/api/v1/alerts", "/inbound/sms"])
def test_what_does_not_is_answered_anywhere(path: str) -> None:
    assert not needs_line(path)
