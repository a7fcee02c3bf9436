"""The parts that look after a service by themselves, on a real database, with a clock that moves when told."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from notify import duties
from notify.alerts.alert import Event
from notify.alerts.conductor import Conductor
from notify.clock import ManualClock
from notify.db import Database
from notify.processes.posts import Alone
from notify.sending.planning import Audience, Planner
from subscribers.tables import Address


@dataclass(slots=True)
class Everybody:
    """Chooses every address there is, all of one group."""

    db: Database

    async def choose(self, event: Event) -> Audience:
        table = Address.__table__  # type: ignore[attr-defined]
        ids = await self.db.read(lambda conn: conn.execute(table.select().order_by(table.c.address_id)).scalars().all())
        return Audience(address_ids=np.array(ids, np.int64), groups=np.zeros(len(ids), np.int64), skipped={})

    def group(self, channel: str, language: str) -> int:
        return 0


@dataclass(slots=True)
class Watch:
    """A service without senders: what is due is done when `turn` is called. `pages` holds what the duty officer was told."""

    built: Any
    conductor: Conductor
    pages: list[str] = field(default_factory=list)

    async def turn(self) -> None:
        """Does everything that is due now, and what follows from it."""
        for _ in range(3):
            await duties.look(self.built)
            for task in list(self.built._under_way.values()):
                await task
        await duties.look(self.built)


@asynccontextmanager
async def watching(
    db: Database, clock: ManualClock, assembly: Any, publish: Callable[[], Any] | None = None
) -> AsyncIterator[Watch]:
    pages: list[str] = []

    async def published() -> Sequence[str]:
        return []

    conductor = Conductor(
        db=db,
        clock=clock,
        planner=Planner(db, clock, Everybody(db)),
        publish=publish or published,  # type: ignore[arg-type]
        wake=lambda: None,
        halted=set(),
        page=pages.append,
        publish_wait_s=30,
        refer=assembly.refer,
    )
    service = SimpleNamespace(
        db=db,
        clock=clock,
        conductor=conductor,
        assembly=assembly,
        pager=pages.append,
        paging=SimpleNamespace(ask=_nothing, tell_of_glass=_nothing),  # staff without phones
        dispatchers=(),
        crew=Alone(),
    )

    async def publish_at(_: Any) -> None:
        await published()

    built = duties.Built(
        service=service,  # type: ignore[arg-type]
        reconciler=SimpleNamespace(),  # type: ignore[arg-type]
        publisher=SimpleNamespace(publish=publish_at),  # type: ignore[arg-type]
        callbacks=SimpleNamespace(),  # type: ignore[arg-type]
        residents=SimpleNamespace(live=SimpleNamespace(refresh=None)),  # type: ignore[arg-type]
        hub=SimpleNamespace(tick=None),  # type: ignore[arg-type]
        poster=SimpleNamespace(tick=None, wake=lambda: None),  # type: ignore[arg-type]
    )
    yield Watch(built, conductor, pages)


async def _nothing(_ref: str) -> None:
    """Pages nobody."""
