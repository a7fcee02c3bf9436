"""Writes down what the board did: into the journal at once, into the database in batches behind it, exactly once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from notify.db import Database, went_away
from surge.floor import contacts
from surge.floor.contacts import Superseded
from surge.floor.journal import Journal, Kept, Line, read
from surge.floor.orders import Turn
from surge.voice.voice_call import Call

logger = logging.getLogger(__name__)

WRITTEN: Final = frozenset({"record", "callback", "seat"})  # what the database is told of a turn
BATCH: Final = 500  # turns a transaction
EVERY_S: Final = 0.25
AGAIN_S: Final = 2.0  # after a database that is away
RENEW_EVERY_S: Final = 24 * 3600.0  # nothing of a contact stays in the journal much longer than that
RENEW_AT: Final = 256 * 1024 * 1024  # bytes; a day of 20,000 calls takes about a third


class Scribe:
    """`open` first; then `write` for every turn, and `run` beside it. The database may be away: the journal goes on.

    shared: other processes use the database; it gets the journal's lines as well, so that any of them can go on with the floor.
    superseded: called once, when one of them has."""

    def __init__(self, journal: Journal, db: Database, *, shared: bool, superseded: Callable[[], None]) -> None:
        self._journal, self._db, self._shared, self._superseded = journal, db, shared, superseded
        self._behind: list[Line] = []
        self._after: str | None = None  # where it is shared, the journal that this one follows
        self._end = asyncio.Event()
        self._begun = time.monotonic()

    async def open(self) -> Kept:
        """What the journal says; what the database has not got of it waits to be written. Raises journal.Held.

        Where another machine's process had the floor last, what stands in the database counts, and a journal here is begun
        with it: ours is of before."""
        kept = self._journal.open()
        try:
            name, done = await self._db.read(contacts.position)
        except SQLAlchemyError:
            logger.exception("the database cannot say how far it has got; the whole journal is written again")
            name, done = "", 0
        self._after = name if self._shared else None
        if self._shared and name not in ("", kept.name, kept.after):
            return await self._db.write(partial(self._taken_over, name=name))
        start = done if name == kept.name else 0
        self._behind = list(read(self._journal.path, Kept(), start))
        return kept

    def _taken_over(self, conn: Connection, name: str) -> Kept:
        kept = Kept(name=name)
        for line in contacts.copied(conn, name):
            kept.take(line.changed)
        self._journal.name = name
        first = self._journal.renew({kind: entities for kind, entities in kept.entities.items() if entities})
        contacts.write(conn, self._journal.name, [first], name)  # from here on whoever had it is superseded
        logger.warning("the floor goes on from what the database has of %s", name)
        return kept

    def write(self, turn: Turn, calls: Mapping[str, Call | None] | None = None) -> None:
        """On its way to the disk when this returns: a killed process loses nothing."""
        raw = self._journal.append(turn, calls)
        if raw and (self._shared or turn.events or turn.changed.keys() & WRITTEN):
            self._behind.append(Line(events=turn.events, changed=turn.changed, ends=self._journal.ends, raw=raw))

    @property
    def behind(self) -> int:
        """Turns that the database has not got."""
        return len(self._behind)

    async def run(self, everything: Callable[[], Mapping[str, Mapping[str, Any]]]) -> None:
        """Until `close`. everything: what a new journal begins with, once the old one has grown too long."""
        pause_s = EVERY_S
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), pause_s)
            try:
                await self.flush()
                if self._is_old() and not self._behind:
                    self.renew(everything())
                pause_s = EVERY_S
            except (SQLAlchemyError, OSError):
                logger.exception("contacts cannot be written now; the journal keeps them")
                pause_s = AGAIN_S
            except Superseded as error:
                logger.error("311's floor ends here: %s", error)
                self._behind.clear()
                self._superseded()
                return

    async def flush(self) -> None:
        """The journal onto the disk for good, then into the database. Raises what the database raises."""
        await asyncio.to_thread(self._journal.sync)
        while self._behind:
            batch = self._behind[:BATCH]
            try:
                await self._write(batch)
            except DBAPIError as error:
                if went_away(error):
                    raise
                await self._one_by_one(batch)
            del self._behind[: len(batch)]

    async def _write(self, batch: Sequence[Line]) -> None:
        await self._db.write(partial(contacts.write, name=self._journal.name, lines=batch, after=self._after))

    async def _one_by_one(self, batch: Sequence[Line]) -> None:
        """One turn that no database takes must not cost its neighbours theirs. It stays in the journal."""
        for line in batch:
            try:
                await self._write([line])
            except DBAPIError as error:
                if went_away(error):
                    raise
                logger.exception("a turn at byte %s of the journal cannot be written", line.ends)

    def _is_old(self) -> bool:
        return self._journal.ends > RENEW_AT or time.monotonic() - self._begun > RENEW_EVERY_S

    def renew(self, everything: Mapping[str, Mapping[str, Any]]) -> None:
        """A new journal, if the database has the whole old one."""
        if not self._behind:
            before = self._journal.name
            first = self._journal.renew(everything)
            if self._shared:
                self._behind, self._after = [first], before
            self._begun = time.monotonic()

    async def close(self) -> None:
        self._end.set()
        try:
            await self.flush()
        except (SQLAlchemyError, OSError, Superseded):
            logger.exception("the last contacts are in the journal alone; they are written at the next start")
        self._journal.close()
