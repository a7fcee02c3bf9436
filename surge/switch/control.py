"""Surge mode in a running service: what a verb sets going once it is on disk, and what is looked at every few seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from notify.alerts.life import Staff
from notify.db import Database
from surge.switch import store
from surge.switch.activate import Switch
from surge.switch.activation import SERVING, Activation, Status
from surge.switch.publish import Publishing, Recalled
from surge.tables import ActivationRow

logger = logging.getLogger(__name__)

T = TypeVar("T")
Heading = tuple[str, int, int]  # an activation, its rev, the version of its script


async def _nothing(_: object = None) -> None:
    """Where nobody follows."""


async def _no_calls(_contacts: Sequence[str], _why: str) -> None:
    """Where nobody is called back."""


def _nobody() -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What surge mode sets going outside its tables. switched: the floor follows; None when nothing is on. staffed: how many
    are at the desks. call_in: sends the pages that wait to be sent. call_back: these contacts were told something wrong."""

    switched: Callable[[Activation | None], Awaitable[None]] = _nothing
    staffed: Callable[[], int] = _nobody
    call_in: Callable[[], Awaitable[None]] = _nothing
    call_back: Callable[[Sequence[str], str], Awaitable[None]] = _no_calls


@dataclass(slots=True, kw_only=True)
class Control:
    db: Database
    publishing: Publishing
    outside: Outside = field(default_factory=Outside)
    remind_every: timedelta | None = None  # of a surge that is left on: surge.switch.reminder
    _told: Heading | None = None
    _begun: bool = False
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def switch(self) -> Switch:
        return self.publishing.switch

    @property
    def nobody(self) -> bool:
        """Whether nobody is at the desks."""
        return self.outside.staffed() == 0

    async def do(self, verb: Callable[[Connection], T]) -> T:
        """Runs a verb in a transaction; then everybody who follows is told."""
        found = await self.db.write(verb)
        await self.tell()
        return found

    async def tell(self) -> None:
        """Tells the floor how things stand, if it was not told so already, and sends what waits to be sent."""
        row, version = await self.db.read(_standing)
        now = (row.activation_id, row.rev, version) if row is not None else None
        if now != self._told or not self._begun:
            await self.outside.switched(store.value(row) if row is not None else None)
            self._told, self._begun = now, True
        if row is not None and Status(row.status) in SERVING:
            await self.outside.call_in()

    def again(self) -> None:
        """Somebody else follows from now on: they are told at the next look, whatever was told before."""
        self._begun = False

    def tell_soon(self) -> None:
        """As `tell`, for whoever must not wait for it; what fails is done by the next tick."""
        task = asyncio.create_task(self.tell(), name="who follows surge mode")
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s could not be told at once; the next look does it", task.get_name(), exc_info=error)

    async def recall(self, staff: Staff, activation_id: str, fact_id: int, why: str) -> Recalled:
        """Takes a fact back; whoever may have heard it is called back."""
        found = await self.db.write(
            partial(self.publishing.recall_fact, staff=staff, activation_id=activation_id, fact_id=fact_id, why=why)
        )
        await self.call_back(found, why)
        return found

    async def call_back(self, found: Recalled, why: str) -> None:
        await self.tell()
        if found.contacts:
            await self.outside.call_back(found.contacts, why)

    async def tick(self) -> None:
        """Scripts follow the alert and the clock; whoever was not told is told; pages that were not sent are sent."""
        row = await self.db.read(store.current)
        if row is not None and await self.db.read(partial(self.publishing.behind, activation_id=row.activation_id)):
            await self.db.write(partial(self.publishing.follow, activation_id=row.activation_id))
        await self.tell()


def _standing(conn: Connection) -> tuple[ActivationRow | None, int]:
    row = store.current(conn)
    last = store.script(conn, row.activation_id) if row is not None else None
    return row, last.version if last is not None else 0
