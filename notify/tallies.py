"""What takes the database long is read once for everybody who looks: counting a million rows takes a second."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from notify.db import Database
from notify.sending import ledger
from notify.sending.deliveries import Tally

logger = logging.getLogger(__name__)

FRESH_S: Final = 0.9
SHARE: Final = 10  # reading takes a tenth of the time at most
WATCHED_S: Final = 5.0  # whoever looks again within this after it has aged sees it, and does not wait for the next
KEPT: Final = 32  # so many things are remembered, those read last

Kinds = Mapping[tuple[str, str, str], Tally]
V = TypeVar("V")


@dataclass(slots=True)
class _Read(Generic[V]):
    value: V
    good_until: float


class Shared(Generic[V]):
    """read: what is looked at, by its id."""

    def __init__(self, db: Database, read: Callable[[Connection, str], V]) -> None:
        self._db, self._reads = db, read
        self._known: dict[str, _Read[V]] = {}
        self._under_way: dict[str, asyncio.Task[V]] = {}

    async def of(self, about: str, *, exact: bool = False, watched_s: float | None = None) -> V:
        """As it was a few seconds ago at most (older where reading itself takes long); as of now when it must be exact.
        watched_s: how old somebody may be shown it rather than wait. Raises what the database raises."""
        if exact:
            return await self._read(about)
        known, asked = self._known.get(about), time.monotonic()
        if known is not None and asked < known.good_until:
            return known.value
        reading = self._under_way.get(about) or self._begin(about)
        if known is not None and asked < known.good_until + (WATCHED_S if watched_s is None else watched_s):
            return known.value
        return await asyncio.shield(reading)  # somebody else may wait for it, too

    async def soon(self, about: str, *, within_s: float, watched_s: float) -> V | None:
        """The same for somebody who would rather go without it for now than wait longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                return await self.of(about, watched_s=watched_s)
        return None

    def _begin(self, about: str) -> asyncio.Task[V]:
        def done(task: asyncio.Task[V]) -> None:
            del self._under_way[about]
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, LookupError):  # nothing of that name: whoever asked is told
                logger.warning("%s could not be counted", about, exc_info=error)

        self._under_way[about] = task = asyncio.create_task(self._read(about), name=f"counting {about}")
        task.add_done_callback(done)
        return task

    async def _read(self, about: str) -> V:
        begun = time.monotonic()
        value = await self._db.read(lambda conn: self._reads(conn, about))
        ended = time.monotonic()
        self._known.pop(about, None)
        self._known[about] = _Read(value, ended + max(FRESH_S, SHARE * (ended - begun)))
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return value


class Tallies(Shared[Kinds]):
    """How far a send has come, by (channel, language, wording)."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, ledger.tally)
