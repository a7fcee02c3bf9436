"""The table of agents on the wallboard: worked out beside the service once a minute while somebody looks, from one reading of
the line for all who do."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from notify.clock import Clock
from notify.db import Database
from surge.desk.desk_line import DeskLine
from surge.numbers import number_rows, staffing
from surge.numbers.forecast import Span
from surge.numbers.staffing import Basis, Missing, Table
from surge.pack import Pack, Shape
from surge.tables import ActivationRow

logger = logging.getLogger(__name__)

EVERY_S: Final = 60.0
KEPT: Final = timedelta(minutes=5)  # an older table is not shown any more
LOOKED_BACK: Final = timedelta(hours=2)


@dataclass(slots=True, kw_only=True)
class Staffing:
    """What `look` gives: a table, why there is none, or None while the first is worked out."""

    db: Database
    clock: Clock
    line: DeskLine | None
    pack: Pack | None
    _found: Table | Sequence[Missing] | None = None
    _of: str | None = None
    _begun: float | None = None
    _working: "asyncio.Task[None] | None" = field(default=None)

    async def look(self, row: ActivationRow | None) -> Table | Sequence[Missing] | None:
        """As it was worked out last; begins the next when that is old, or of another surge, and waits for none."""
        of, moment = row.activation_id if row is not None else None, self.clock.monotonic()
        if self._of != of:
            self._found, self._begun, self._of = None, None, of
        idle = self._working is None or self._working.done()
        if idle and (self._begun is None or moment - self._begun >= EVERY_S):
            self._begun = moment
            self._working = asyncio.create_task(self._work_out(of), name="agents of the next hour")
            self._working.add_done_callback(_note)
        if isinstance(self._found, Table) and self.clock.now() - self._found.at > KEPT:
            self._found = None
        return self._found

    async def settled(self) -> None:
        """When what is being worked out is there."""
        if self._working is not None:
            await asyncio.wait([self._working])

    async def _work_out(self, of: str | None) -> None:
        now = self.clock.now()
        basis = await self._basis(of, now)
        found = await asyncio.to_thread(staffing.table, basis, now) if isinstance(basis, Basis) else basis
        if of == self._of:
            self._found = found

    async def _basis(self, of: str | None, now: datetime) -> Basis | list[Missing]:
        """From the line where callers wait here, else from what the city's call centre has sent."""
        if self.line is not None and self.pack is not None and self.pack.shape is Shape.FULL_QUEUE:
            contacts = [one for one in self.line.contacts() if of is None or one.activation_id == of]
            return staffing.of_line(contacts, self.line.figures().agents, self.pack.most_waiting, now)
        span = Span(start=now - LOOKED_BACK, end=now)
        return staffing.of_intervals(await self.db.read(partial(number_rows.intervals, span=span)), now)


def _note(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s could not be worked out; it is tried again in a minute", task.get_name(), exc_info=error)
