"""Every act once: what was answered is kept under the caller's Idempotency-Key, in the transaction of the act itself, so that
a repeated request changes nothing and gets the same answer, after a restart too."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection, insert, text
from sqlmodel import col, select

from notify.clock import Clock
from notify.db import Database, is_sqlite
from notify.tables import IdempotencyKey
from notify.web.answers import STAFF, Problem

LONGEST_KEY: Final = 255
PATIENCE_S: Final = 5.0  # how long a repeated request waits for the first one's answer
COME_AGAIN_S: Final = 1

Verb = Callable[[Connection], Any]
Before = Callable[[], Awaitable[None]]
Owned = tuple[str, str]  # a person and a key: the same key of somebody else is another one


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOnce:
    """A reply with a field that is never kept: a repeated request gets null in its place."""

    reply: Mapping[str, Any]
    field: str

    @property
    def kept(self) -> Mapping[str, Any]:
        return {**self.reply, self.field: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request as it is kept. sum: of all that must be the same in a repetition."""

    person_id: str
    key: str
    sum: str
    status: int


class Replies:
    """Of the same key at the same moment one is done; the others wait for its answer, in this process without holding a
    writer. One that another process is still at, or that takes too long, is answered 409 and may be asked again."""

    def __init__(self, db: Database, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._db, self._clock, self._patience_s = db, clock, patience_s
        self._under_way: dict[Owned, asyncio.Event] = {}

    async def once(self, request: web.Request, verb: Verb, status: int = 200, before: Before | None = None) -> web.Response:
        """Runs a verb in one transaction and keeps its reply. before: what has to go well first, unless there is a reply
        already. Raises Problem: 400 without a key, 422 when the key was used for another request, 409 while the first one is
        under way. A refusal is not kept: what was corrected may be asked again."""
        asked = _Asked(
            person_id=request[STAFF].person_id, key=_key(request), sum=_sum(request, await request.read()), status=status
        )
        async with self._in_turn((asked.person_id, asked.key)):
            if before is not None and await self._db.read(partial(_kept, person_id=asked.person_id, key=asked.key)) is None:
                await before()
            code, reply = await self._db.write(partial(self._run, asked=asked, verb=verb))
        return web.Response(status=code, text=reply, content_type="application/json")

    @asynccontextmanager
    async def _in_turn(self, owned: Owned) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience_s):
                while owned in self._under_way:
                    await self._under_way[owned].wait()
        except TimeoutError:
            raise _in_flight() from None
        done = self._under_way[owned] = asyncio.Event()
        try:
            yield
        finally:
            del self._under_way[owned]
            done.set()

    def _run(self, conn: Connection, asked: _Asked, verb: Verb) -> tuple[int, str]:
        if not is_sqlite(conn):  # SQLite has one writer at a time already
            query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
            if not conn.execute(query, {"key": f"{asked.person_id} {asked.key}"}).scalar_one():
                raise _in_flight()
        found = _kept(conn, asked.person_id, asked.key)
        if found is not None:
            if found[0] != asked.sum:
                raise Problem(422, "This Idempotency-Key was used for another request.", kind="key-used")
            return found[1], found[2]
        said = verb(conn)
        shown, kept = (said.reply, said.kept) if isinstance(said, ShownOnce) else (said, said)
        row = IdempotencyKey(
            person_id=asked.person_id,
            key=asked.key,
            request_hash=asked.sum,
            status=asked.status,
            body=json.dumps(kept),
            at=self._clock.now(),
        )
        conn.execute(insert(IdempotencyKey).values(**row.model_dump()))
        return asked.status, json.dumps(shown)


def _in_flight() -> Problem:
    sentence = "The same request is still being worked on. Ask again with the same key: you will get its answer."
    problem = Problem(409, "This is under way.", [sentence], "in-flight")
    problem.headers["Retry-After"] = str(COME_AGAIN_S)
    return problem


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        sentence = "Send one of 1 to 255 ASCII characters, new for each new act."
        raise Problem(400, "An Idempotency-Key is needed.", [sentence], "no-key")
    return key


def _sum(request: web.Request, body: bytes) -> str:
    return hashlib.sha256(b"\0".join([request.method.encode(), request.path.encode(), body])).hexdigest()


def _kept(conn: Connection, person_id: str, key: str) -> tuple[str, int, str] | None:
    """What was answered under this key before: sum of the request, status and body."""
    query = select(col(IdempotencyKey.request_hash), col(IdempotencyKey.status), col(IdempotencyKey.body)).where(
        col(IdempotencyKey.person_id) == person_id, col(IdempotencyKey.key) == key
    )
    found = conn.execute(query).first()
    return (found[0], found[1], found[2]) if found else None
