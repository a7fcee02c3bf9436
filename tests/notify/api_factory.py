"""The whole API, with the keys that look-ups and breaking the glass need, beside a running service and on a port of its own."""

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from notify import audit, keys
from notify.alerts.life import Role
from notify.clock import ManualClock
from notify.staff import accounts, passwords, people
from notify.web.answers import middleware
from notify.web.api import Api
from notify.web.endpoints import PREFIX, Endpoint, web_routes
from notify.web.refusals import Refusals
from tests.notify.service_factory import Served, serving, started

CONSOLE = "http://localhost:8081"  # as passkeys are bound to it
# What stands in a path for something that is not there.
FOREIGN = {"alert_id": "ZZZZZ-1", "incident_id": "ZZZZZ", "person_id": "nobody", "grant_id": "7"}
FOREIGN |= {"webhook_id": "nobody", "activation_id": "ZZZZZ", "fact_id": "7", "version": "1"}
FOREIGN |= {"passkey_id": "7", "language": "xx"}
FOREIGN |= {"received_id": "R-0000000000000000"}
FOREIGN |= {"contact_id": "0000000000000000", "question_id": "Q-0000000000"}
FOREIGN |= {"faq_id": "F-00000000", "need_id": "N-0000000000"}
FOREIGN |= {"drill_id": "drill-0", "take_id": "7", "language": "es"}


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: its JSON where it is JSON."""

    status: int
    kind: str
    reply: Any
    text: str
    headers: Any


@dataclass(frozen=True, slots=True)
class Desk:
    """The API and whoever calls it; a person is known by their name, which is that of their role."""

    served: Served
    url: str
    endpoints: Sequence[Endpoint] = field(repr=False)

    def staff(self, person_id: str, roles: Sequence[str], **scope: Sequence[str]) -> None:
        """Adds somebody."""
        db, now = self.served.running.service.db, datetime.now(UTC)
        self.served.tokens[person_id] = db.write_now(lambda conn: people.add(conn, person_id, roles, scope, now))

    def code(self, who: str, clock: ManualClock) -> str:
        """The code of now of somebody who has just set up their phone."""
        db, seed = self.served.running.service.db, passwords.new_seed()
        clock.forward(timedelta(minutes=1))
        token = db.write_now(lambda conn: accounts.invite(conn, who, "test", clock.now()))
        ring = keys.load(self.served.home / "keys.toml")
        assert db.write_now(lambda conn: accounts.enrol(conn, token, "a hash", seed, ring, 0, clock.now())) == who
        return passwords.code_at(seed, clock.now())

    def log(self, *actions: str) -> list[tuple[str, str, str, Any]]:
        """Who did which of these, to what, with what detail: every line of the log about it."""
        lines = self.served.running.service.db.read_now(audit.lines)
        return [(one.actor, one.action, one.subject, json.loads(one.detail)) for one in lines if one.action in actions]

    async def ask(self, who: str, method: str, path: str, data: Any = None, key: str = "", **headers: str) -> Answered:
        """key: of the act; none is sent without one. headers: with _ for -."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {self.served.tokens[who]}"} | ({"Idempotency-Key": key} if key else {})
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.url}{path}", json=data, headers=headers) as answer,
        ):
            text = await answer.text()
            reply = await answer.json(content_type=None) if "json" in answer.content_type else None
            return Answered(answer.status, answer.content_type, reply, text, answer.headers)


async def post(desk: Desk, who: str, path: str, data: Any = None, key: str = "") -> Answered:
    """An act of its own, unless a key says which; path: below the prefix."""
    return await desk.ask(who, "POST", f"{PREFIX}{path}", data or {}, key or uuid.uuid4().hex)


@asynccontextmanager
async def a_desk(home: Path, migrated: Path, **settings: Any) -> AsyncIterator[Desk]:
    async with serving(home, migrated, **settings) as served, _behind(served) as desk:
        desk.staff("everything", sorted(Role))
        yield desk


@asynccontextmanager
async def after_a_restart(home: Path, tokens: dict[str, str], **settings: Any) -> AsyncIterator[Desk]:
    """The same data folder in a service that has just been started."""
    async with started(home, dict(tokens), **settings) as served, _behind(served) as desk:
        yield desk


@asynccontextmanager
async def _behind(served: Served) -> AsyncIterator[Desk]:
    service = served.running.service
    endpoints = Api(service, keys.load(served.home / "keys.toml"), CONSOLE).endpoints()
    app = web.Application(middlewares=[middleware(service.db)])
    app.add_routes(web_routes(endpoints, Refusals(service.db, service.clock)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Desk(served, f"http://127.0.0.1:{runner.addresses[0][1]}", endpoints)
    finally:
        await runner.cleanup()
