"""A simulator at work inside a test, spoken to over real sockets."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from channels.simulator import Handsets, Running, SimulatedSender, SimulatorConfig, running

SENDER = "+15035550100"
PHONE = "+15035550123"
PATIENCE_S = 60.0


def a_config(folder: Path, **changes: Any) -> SimulatorConfig:
    """A fast, faultless gateway: 1,000 segments a second, delivery at once."""
    config = SimulatorConfig(
        log=folder / "log",
        senders=(SimulatedSender(number=SENDER, rate=1000.0),),
        handsets=Handsets(delivered_after_s=0.0),
    )
    return replace(config, **changes)


def lines(folder: Path, name: str = "sms.jsonl") -> list[dict[str, Any]]:
    """The log as it stands, each line whole."""
    return [json.loads(line) for line in (folder / "log" / name).read_text().splitlines()]


def events(folder: Path, *wanted: str) -> list[tuple[str, str]]:
    """(event, status or code) of the wanted events, in order."""
    return [(line["event"], line["status"] or line["code"]) for line in lines(folder) if line["event"] in wanted]


class Gateway:
    """A client of the simulator's HTTP face."""

    def __init__(self, session: aiohttp.ClientSession, simulator: Running) -> None:
        config = simulator.exchange.config
        self.simulator = simulator
        self.url = simulator.sms_url
        self.base = f"/2010-04-01/Accounts/{config.account_sid}"
        self._session = session
        self.headers = authorization(config.account_sid, config.auth_token)

    async def create(self, **form: str) -> tuple[int, dict[str, Any]]:
        known = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."} | form
        wanted = {name: value for name, value in known.items() if value != "absent"}
        return await self.request("POST", f"{self.base}/Messages.json", data=wanted)

    async def created(self, **form: str) -> dict[str, Any]:
        status, message = await self.create(**form)
        assert status == 201, message
        return message

    async def fetch(self, sid: str) -> dict[str, Any]:
        status, message = await self.request("GET", f"{self.base}/Messages/{sid}.json")
        assert status == 200, message
        return message

    async def request(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        headers = self.headers | more.pop("headers", {})
        async with self._session.request(method, self.url + path, headers=headers, **more) as reply:
            return reply.status, await reply.json()

    async def control(self, **wish: Any) -> dict[str, Any]:
        status, state = await self.request("POST", "/control", json=wish)
        assert status == 200, state
        return state

    async def text(self, body: str, phone: str = PHONE) -> list[str]:
        """A text from a resident; the answers the phone gets."""
        status, answer = await self.request("POST", "/control/inbound", json={"from": phone, "to": SENDER, "body": body})
        assert status == 200, answer
        return list(answer["replies"])

    async def settled(self) -> dict[str, Any]:
        """Waits until nothing is under way."""
        status, state = await self.request("GET", f"/control/settled?timeout_s={PATIENCE_S}")
        assert status == 200, state
        return state


def authorization(account: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{account}:{token}".encode()).decode()}


@asynccontextmanager
async def gateway(config: SimulatorConfig) -> AsyncIterator[Gateway]:
    async with running(config) as simulator, aiohttp.ClientSession() as session:
        yield Gateway(session, simulator)


class Application:
    """The application's end: takes callbacks and keeps them. `answers` are given in turn, then 200 for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.forms: list[dict[str, str]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []  # (URL, headers, form)
        self.answers: list[web.Response | str] = []
        self._came = asyncio.Condition()

    async def take(self, request: web.Request) -> web.StreamResponse:
        form = {str(name): str(value) for name, value in (await request.post()).items()}
        answer = self.answers.pop(0) if self.answers else web.Response()
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        async with self._came:
            self.forms.append(form)
            self.requests.append((str(request.url), dict(request.headers), form))
            self._came.notify_all()
        assert isinstance(answer, web.Response)
        return answer

    async def expect(self, count: int) -> Sequence[dict[str, str]]:
        """Waits for so many callbacks in all."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(lambda: len(self.forms) >= count)
        return self.forms


@asynccontextmanager
async def application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application()
    app.router.add_post("/{path:.*}", application.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield application
    finally:
        await runner.cleanup()
