"""How far sends have come, counted once for everybody who looks: counting a million rows takes a second."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from notify import ledger
from notify.db import Database
from notify.deliveries import Tally

logger = logging.getLogger(__name__)

FRESH_S: Final = 0.9
SHARE: Final = 5  # counting takes a fifth of the time at most
WATCHED_S: Final = 5.0  # whoever looks again within this after a count has aged sees it, and does not wait for the next

Kinds = Mapping[tuple[str, str, str], Tally]


@dataclass(slots=True)
class _Counted:
    kinds: Kinds
    good_until: float


@dataclass(slots=True)
class Tallies:
    db: Database
    _counted: dict[str, _Counted] = field(default_factory=dict)
    _counting: dict[str, asyncio.Task[Kinds]] = field(default_factory=dict)

    async def of(self, event_id: str, *, exact: bool = False) -> Kinds:
        """Counts by (channel, language, wording), a few seconds old at most (older where counting itself takes long); as of now
        when they must be exact. Raises what the database raises."""
        if exact:
            return await self._count(event_id)
        known, asked = self._counted.get(event_id), time.monotonic()
        if known is not None and asked < known.good_until:
            return known.kinds
        counting = self._counting.get(event_id) or self._begin(event_id)
        if known is not None and asked < known.good_until + WATCHED_S:
            return known.kinds
        return await asyncio.shield(counting)  # somebody else may wait for it, too

    def _begin(self, event_id: str) -> asyncio.Task[Kinds]:
        def done(task: asyncio.Task[Kinds]) -> None:
            del self._counting[event_id]
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.warning("the messages of %s could not be counted", event_id, exc_info=error)

        self._counting[event_id] = task = asyncio.create_task(self._count(event_id), name=f"counting {event_id}")
        task.add_done_callback(done)
        return task

    async def _count(self, event_id: str) -> Kinds:
        begun = time.monotonic()
        kinds = await self.db.read(lambda conn: ledger.tally(conn, event_id))
        ended = time.monotonic()
        self._counted[event_id] = _Counted(kinds, ended + max(FRESH_S, SHARE * (ended - begun)))
        return kinds
