"""The telephones on the screen: calls to the city and from it by hand, over the page's own addresses."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.channels.simulator_factories import PATIENCE_S, Gateway
from tests.channels.telephone_factories import CITY, twiml
from tests.channels.test_telephone_stories import Page, city

RESIDENT = "+14585550109"
PAGES: dict[str, Page] = {
    "/ring": twiml('<Gather numDigits="1" action="/said"><Say language="ar-XA">اضغط 1.</Say></Gather>'),
    "/said": twiml("<Say>Boil your water.</Say>"),
    "/back": twiml("<Say>The city calls back.</Say>"),
}


class Calls:
    """A page that listens to the stream of calls."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.last = ""

    async def until(self, what: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = (await self._reply.content.readline()).decode().rstrip("\n")
                self.last = line.removeprefix("id: ") if line.startswith("id: ") else self.last
                event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if event.get("what") == what:
                    return dict(event)


@asynccontextmanager
async def listening(gateway: Gateway, last: str = "") -> AsyncIterator[Calls]:
    headers = {"Last-Event-ID": last} if last else {}
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/phones/calls", headers=headers) as reply:
        assert reply.status == 200, await reply.text()
        yield Calls(reply)


async def pressed(gateway: Gateway, act: str, **document: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{gateway.url}/phones/{RESIDENT}/{act}", json=document) as reply:
            return reply.status, await reply.json() if reply.status >= 400 else None


async def a_phone(gateway: Gateway) -> None:
    status, phone = await gateway.request("POST", "/phones", json={"number": RESIDENT, "language": "ar"})
    assert status == 201, phone


async def test_the_city_is_called_by_hand_and_heard_as_text(tmp_path: Path) -> None:
    async with city(tmp_path, PAGES, speed=10.0) as (_, _simulator, gateway), listening(gateway) as page:
        await a_phone(gateway)
        assert (await pressed(gateway, "call"))[0] == 201
        assert (await page.until("calling"))["other"] == CITY
        said = await page.until("say")
        assert (said["text"], said["language"], said["phone"]) == ("اضغط 1.", "ar-XA", RESIDENT)
        assert (await pressed(gateway, "keys", keys="1"))[0] == 204
        assert (await page.until("pressed"))["text"] == "1"
        assert (await page.until("say"))["text"] == "Boil your water."
        assert (await page.until("ended"))["text"] == "end of document"
        async with listening(gateway, page.last) as later:
            assert (await pressed(gateway, "call"))[0] == 201
            await later.until("calling")
            assert (await pressed(gateway, "hang-up"))[0] == 204
            assert (await later.until("ended"))["text"] == "hung up"


async def test_the_city_calls_back_and_is_answered_or_declined(tmp_path: Path) -> None:
    async with city(tmp_path, PAGES, speed=10.0) as (app, _, gateway), listening(gateway) as page:
        await a_phone(gateway)
        order = {"To": RESIDENT, "From": CITY, "Url": f"{app.url}/back"}
        await gateway.request("POST", f"{gateway.base}/Calls.json", data=order)
        assert (await page.until("rings"))["other"] == CITY
        assert (await pressed(gateway, "keys", keys="1"))[0] == 400
        assert (await pressed(gateway, "answer"))[0] == 204
        assert (await page.until("say"))["text"] == "The city calls back."
        await page.until("ended")
        _, call = await gateway.request("POST", f"{gateway.base}/Calls.json", data=order)
        await page.until("rings")
        assert (await pressed(gateway, "hang-up"))[0] == 204
        await page.until("ended")
        _, call = await gateway.request("GET", f"{gateway.base}/Calls/{call['sid']}.json")
    assert call["status"] == "busy"


async def test_a_telephone_without_coverage_does_not_ring(tmp_path: Path) -> None:
    async with city(tmp_path, PAGES, speed=1_000.0) as (app, _, gateway):
        await gateway.request("POST", "/phones", json={"number": RESIDENT, "line": "drop"})
        order = {"To": RESIDENT, "From": CITY, "Url": f"{app.url}/back"}
        _, call = await gateway.request("POST", f"{gateway.base}/Calls.json", data=order)
        status, _ = await gateway.request("GET", f"/control/calls/settled?timeout_s={PATIENCE_S}")
        _, call = await gateway.request("GET", f"{gateway.base}/Calls/{call['sid']}.json")
    assert (status, call["status"]) == (200, "no-answer")


async def test_what_a_telephone_cannot_do_is_said_in_sentences(tmp_path: Path) -> None:
    async with city(tmp_path, PAGES, numbers=()) as (_, _simulator, gateway):
        nobody = await pressed(gateway, "call")
        await a_phone(gateway)
        answers = [
            nobody,
            await pressed(gateway, "call"),
            await pressed(gateway, "answer"),
            await pressed(gateway, "hang-up"),
            await pressed(gateway, "keys", keys="1"),
            await pressed(gateway, "keys", keys="abc"),
        ]
    assert [status for status, _ in answers] == [400] * 6
    problems = " ".join(problem for _, document in answers for problem in document["problems"])
    for part in ("no phone", "--voice-number", "does not ring", "on no call", "keys 0 to 9"):
        assert part in problems
