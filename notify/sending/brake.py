"""Which of the alerts that leave now are slowed while 311's callers wait, and by how much. Each change is in the log first.

Fails open: where nothing was looked at for a while, nothing is slowed.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts import register
from notify.alerts.alert import from_json
from notify.alerts.hazards import Hazard
from notify.alerts.life import Status
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.sending import coupling
from notify.sending.coupling import Queue, State
from notify.tables import EventRow

SYSTEM: Final = "tocsin"
EVERY_S: Final = 5.0
LAPSES_S: Final = 30.0  # what was decided longer ago than this slows nothing


async def unmeasured(_now: datetime) -> Queue | None:
    """Where 311 measures nothing."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one coupled alert leaves. wait_s: what callers waited when it was looked at last, None where nobody knows. since:
    of its last change, None while there was none."""

    share: float = 1.0
    wait_s: float | None = None
    since: datetime | None = None

    @property
    def slowed(self) -> bool:
        return self.share < 1.0


@dataclass(slots=True, kw_only=True)
class Brake:
    """measure: what callers of 311 wait now; a running floor puts its own in. lapses_s: after so long without a look nothing
    is slowed."""

    db: Database
    clock: Clock
    hazards: Mapping[str, Hazard]
    measure: Callable[[datetime], Awaitable[Queue | None]] = unmeasured
    lapses_s: float = LAPSES_S
    _state: State = field(default_factory=State)
    _standing: dict[str, Standing] = field(default_factory=dict)
    _logged: dict[str, float] = field(default_factory=dict)
    _coupled: dict[str, bool] = field(default_factory=dict)
    _looked_at: float = -math.inf

    def shares(self) -> Mapping[str, float]:
        """Of the rate, for each alert that is slowed now."""
        return {} if self._lapsed() else {name: one.share for name, one in self._standing.items() if one.slowed}

    def heard(self, shares: Mapping[str, float]) -> None:
        """What the process that looks at the line has decided."""
        self._standing = {name: Standing(share=share) for name, share in shares.items()}
        self._looked_at = self.clock.monotonic()

    def decided(self) -> Mapping[str, float]:
        """The share of every coupled alert that leaves now: what other processes are told."""
        return {} if self._lapsed() else {name: one.share for name, one in self._standing.items()}

    def standing(self, event_id: str) -> Standing | None:
        """None for an alert that is not coupled, or does not leave now."""
        found = self._standing.get(event_id)
        return Standing() if found is not None and self._lapsed() else found

    def _lapsed(self) -> bool:
        return self.clock.monotonic() - self._looked_at > self.lapses_s

    async def tick(self) -> None:
        """Looks at the line and at what leaves. Faster at once; slower when that is written down."""
        now = self.clock.now()
        leaving = await self.db.read(self._leaving)
        if not leaving:
            self._state, self._standing, self._logged = State(), {}, {}
            return
        queue = await self.measure(now)
        queue = queue if coupling.usable(queue, now) else None
        state = coupling.step(self._state, queue, now)
        before = {row.event_id: self._standing.get(row.event_id, Standing()) for row in leaving}
        after = {row.event_id: _next(before[row.event_id], row, state, queue, now) for row in leaving}
        lapsed = {name: Standing() for name, share in self._logged.items() if share < 1.0 and name in after and self._lapsed()}
        self._standing = {name: one if one.share >= before[name].share else before[name] for name, one in after.items()}
        logged = self._logged | {name: one.share for name, one in lapsed.items()}
        changed = {name: one for name, one in after.items() if one.share != logged.get(name, 1.0)}
        if lapsed or changed:
            await self.db.write(partial(_note, lapsed=lapsed, changed=changed, now=now))
        self._logged = {name: one.share for name, one in after.items()}
        self._state, self._standing, self._looked_at = state, after, self.clock.monotonic()

    def _leaving(self, conn: Connection) -> list[EventRow]:
        """The coupled alerts whose texts leave now. Each is read whole once: it never changes."""
        rows = register.standing(conn, [Status.SENDING.value])
        self._coupled = {row.event_id: self._is_coupled(conn, row.event_id) for row in rows}
        return [row for row in rows if self._coupled[row.event_id]]

    def _is_coupled(self, conn: Connection, event_id: str) -> bool:
        if event_id in self._coupled:
            return self._coupled[event_id]
        event = from_json(register.event(conn, event_id).content)
        hazard = self.hazards.get(event.hazard)
        return hazard is not None and coupling.is_coupled(event, hazard)


def _next(before: Standing, row: EventRow, state: State, queue: Queue | None, now: datetime) -> Standing:
    share = coupling.share(state, row.started_at, row.expires_at, now)
    since = before.since if share == before.share else now
    return Standing(share=share, wait_s=queue.wait_s if queue is not None else None, since=since)


def _note(conn: Connection, lapsed: Mapping[str, Standing], changed: Mapping[str, Standing], now: datetime) -> None:
    """lapsed: what went at the full rate meanwhile because nothing was looked at."""
    for name, one in [*lapsed.items(), *changed.items()]:
        detail = {"share": one.share, "callers_wait_s": None if one.wait_s is None else round(one.wait_s)}
        audit.append(conn, Act(actor=SYSTEM, action="changed the send rate", subject=name, detail=detail), now)
