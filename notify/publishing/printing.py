"""Who writes page and feeds where several processes run: on each machine one process that listens, and all of them at once."""

import asyncio
import fcntl
import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Final

from channels.feed_folder import Written
from notify.alerts import conductor
from notify.clock import Clock
from notify.db import Database
from notify.processes.posts import Crew, Kind
from notify.publishing.publish import Publisher

logger = logging.getLogger(__name__)

ELSEWHERE: Final = Written(written=("elsewhere",))  # another process of this machine, or of another one, writes
LOOK_S: Final = 0.05
PATIENCE_S: Final = 15.0  # for page and feeds from another process; texts wait less long (TOCSIN_PUBLISH_WAIT_S)


class Unanswered(OSError):
    """No process that writes page and feeds has said that they are out."""


@dataclass(slots=True, kw_only=True)
class Printing:
    """lock: a file beside the public folder, locked by its one writer. None: this process never writes."""

    db: Database
    clock: Clock
    publisher: Publisher
    crew: Crew
    lock: Path | None
    _held: IO[str] | None = field(default=None)

    def ours(self) -> bool:
        """Whether this process writes the public folder of its machine. (The lock goes with the process, however it dies.)"""
        if self._held is None and self.lock is not None:
            self.lock.parent.mkdir(parents=True, exist_ok=True)
            file = self.lock.open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                self._held = file
        return self._held is not None

    async def publish(self, now: datetime) -> Written:
        """Brings our folder up to date, or tells those who write to do so. Raises as Publisher.publish does."""
        if self.ours():
            return await self.publisher.publish(now)
        self.crew.tell(Kind.PUBLISH)
        return ELSEWHERE

    async def everywhere(self) -> None:
        """For the conductor: returns when page and feeds are out, here or with a process that writes them. Raises OSError."""
        self.crew.tell(Kind.PUBLISH)
        if self.ours():
            await self.publisher.publish(self.clock.now())
            return
        waiting = await self.db.read(conductor.unpublished)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while set(waiting) & set(await self.db.read(conductor.unpublished)):
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise Unanswered("no web process has written page and feeds") from None

    async def asked(self) -> None:
        """Another process says that something has changed."""
        if not self.ours():
            return
        waiting = await self.db.read(conductor.unpublished)
        try:
            await self.publisher.publish(self.clock.now())
        except OSError as error:
            logger.error("page and feeds cannot be written: %s (docs/operations.md#publishing)", error)
            return
        for event_id in waiting:
            note = partial(conductor.note_published, event_id=event_id, now=self.clock.now())
            await self.db.write(note)

    def close(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
