"""A running service in this process, on free ports of loopback, with staff and the sample city's areas."""

import io
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from notify import keys
from notify.app import Running, running
from notify.clock import Clock
from notify.db import Database
from notify.settings import load
from notify.staff import people
from tests.notify.newsroom_factory import keep_areas

STAFF: Sequence[tuple[str, str]] = [
    (role, role) for role in ("viewer", "author", "approver", "admin", "translator", "agent311", "lead311", "relay")
]


@dataclass(frozen=True, slots=True, repr=False)
class Served:
    """The service and how to call it; `tokens` by role."""

    home: Path
    running: Running = field(repr=False)  # 259 MB of text: asyncio puts a fixture's result into messages that nobody reads
    tokens: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.private_port}"

    async def raw(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, str, Any]:
        """Status, content type and JSON of a request as it is given."""
        sent = io.BytesIO(data) if data is not None else None
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers or {}, data=sent) as answer,
        ):
            return answer.status, answer.content_type, await answer.json(content_type=None)

    async def call(self, who: str, method: str, path: str, data: Any = None, *, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Idempotency-Key": key or uuid.uuid4().hex}
        headers |= {"If-Match": "*"} if method == "PUT" else {}
        url = f"{self.url}/api/v1{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, json=data, headers=headers) as answer:
            assert answer.content_type == ("application/json" if answer.status < 400 else "application/problem+json")
            return answer.status, await answer.json(content_type=None)


def install(home: Path, migrated: Path) -> dict[str, str]:
    """A data folder as after `tocsin init`, with staff and areas; returns tokens by role."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(migrated, home / "tocsin.db")
    keys.create(home / "keys.toml")
    now = datetime.now(UTC)
    tokens = {}
    with closing(Database(f"sqlite:///{home / 'tocsin.db'}")) as db:
        db.write_now(lambda conn: keep_areas(conn, ["Portland", "Lents"]))
        for name, role in STAFF:
            tokens[name] = db.write_now(lambda conn, n=name, r=role: people.add(conn, n, [r], {}, now))  # type: ignore[misc]
    return tokens


@asynccontextmanager
async def serving(home: Path, migrated: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Served]:
    async with started(home, install(home, migrated), clock=clock, **settings) as served:
        yield served


@asynccontextmanager
async def started(home: Path, tokens: dict[str, str], *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Served]:
    """The service on a data folder that is there; tokens: of its staff."""
    given = {"mode": "demo", "data_dir": home, "public_port": 0, "private_port": 0, "countdown_s": 0} | settings
    async with running(load(**given), clock) as found:
        yield Served(home, found, tokens)
