"""The conformance kit is what our writer makes, our reference clients pass it, and a careless client does not."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.notify import conformance
from tests.notify.conformance import FOLDER
from tests.notify.reference_client import AtomClient, Client, GeoJsonClient, Shown

EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text("utf-8"))


def test_the_files_are_what_our_writer_makes_today() -> None:
    """After a change: .venv/bin/python -m tests.notify.conformance"""
    made = conformance.files()
    kept = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix not in (".md", ".py")
    }
    assert kept == set(made)
    assert [name for name, body in made.items() if (FOLDER / name).read_bytes() != body] == []


class Served:
    """The kit's folder of one step, as a partner would serve it."""

    def __init__(self) -> None:
        self.step: dict[str, Any] = EXPECTED["steps"][0]
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.lstrip("/")
        path = (FOLDER if name.startswith("cap/") else FOLDER / self.step["step"]) / name
        if not self.step["answers"]:
            return web.Response(status=503)
        body = path.read_bytes().replace(EXPECTED["base"].encode(), self.url.encode())
        return web.Response(body=body, headers={"ETag": f'"{hash(body)}"'})


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    found = Served()
    application = web.Application()
    application.router.add_get("/{path:.*}", found.answer)
    async with TestServer(application) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


async def wrong_steps(served: Served, client: Client) -> list[str]:
    """Plays the day to a client: where it shows other alerts than it must, or does not notice a dead feed."""
    begins, wrong = datetime.fromisoformat(EXPECTED["begins"]), []
    for step in EXPECTED["steps"]:
        served.step = step
        now = begins + timedelta(seconds=step["second"])
        await client.poll()
        for jump in ({"by_s": 0, "shown": step["shown"]}, *step["clock_jumps"]):
            shown = client.shown(now + timedelta(seconds=jump["by_s"]))
            if sorted(alert.identifier for alert in shown.values()) != jump["shown"]:
                wrong.append(step["step"])
        wrong += [step["step"] for jump in step["dead_at_jump_s"] if not client.dead(now + timedelta(seconds=jump))]
        wrong += [step["step"]] if client.dead(now) else []
    return wrong


@pytest.mark.parametrize(("kind", "form"), [(GeoJsonClient, "geojson"), (AtomClient, "atom")])
async def test_the_reference_clients_pass(served: Served, kind: type[Client], form: str) -> None:
    async with aiohttp.ClientSession() as session:
        assert await wrong_steps(served, kind(session, f"{served.url}/feeds/active.{form}")) == []


class Careless(GeoJsonClient):
    """Shows whatever the feed names, and believes it for ever."""

    async def read(self, body: bytes) -> tuple[Shown, ...]:
        collection = json.loads(
            body.replace(b'"status":"replaced"', b'"status":"active"').replace(b'"status":"ended"', b'"status":"active"')
        )
        collection["features"] = [one for one in collection["features"] if one["geometry"]]
        await super().read(json.dumps(collection).encode())
        return tuple(
            Shown(
                one["id"],
                one["id"],
                "",
                None,
                datetime.max.replace(tzinfo=datetime.fromisoformat(collection["generated"]).tzinfo),
            )
            for one in json.loads(body)["features"]
        )


async def test_a_careless_client_fails_where_people_would_be_misled(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        wrong = await wrong_steps(served, Careless(session, f"{served.url}/feeds/active.geojson"))
    assert {"02-first", "04-update", "08-all-clear", "09-false-alarm", "10-short", "12-expiry", "15-cancelled"} <= set(wrong)


async def test_the_player_serves_the_day_as_if_it_began_now() -> None:
    player = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "play.py"), "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert player.stdout is not None
    try:
        url = (await player.stdout.readline()).decode().strip()
        assert (await player.stdout.readline()).startswith(b"01-quiet: Nothing is in force. Shown: nothing")
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            body, tag = await answer.text(), answer.headers["ETag"]
            generated = datetime.fromisoformat(body.partition("<tocsin:generated>")[2].partition("<")[0])
            assert abs((datetime.now(generated.tzinfo) - generated).total_seconds()) < 60
            assert EXPECTED["base"] not in body
            async with session.get(url, headers={"If-None-Match": tag}) as same:
                assert same.status == 304
            async with session.get(url.replace("feeds/active.atom", "..%2f..%2fREADME.md")) as outside:
                assert outside.status == 404
    finally:
        player.kill()
        await player.wait()
