"""Several at the same moment on PostgreSQL, where what one has not yet written is not seen by the others."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, text

from notify import audit
from notify.db import Database, thinks

T = TypeVar("T")
WAIT_S: Final = 120
WAITING: Final = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def at_once(db: Database, *acts: Callable[[], Coroutine[Any, Any, T]]) -> list[T | BaseException]:
    """Begins acts one after the other, each in a transaction of its own, and lets none write to the log before all of them
    wait. What each gave or raised."""
    begun: list[asyncio.Task[T]] = []
    with db.writer.begin() as held:
        thinks(held)
        audit.lock(held)
        for act in acts:
            begun.append(task := asyncio.create_task(act()))
            async with asyncio.timeout(WAIT_S):
                while not task.done() and await db.read(_waiting) < len(begun):
                    await asyncio.sleep(0.02)
    return await asyncio.gather(*begun, return_exceptions=True)


def _waiting(conn: Connection) -> int:
    return int(conn.execute(WAITING).scalar_one())
