"""Latecomers: whoever signs up, or adds a place, inside an alert in force gets that alert at once, in their language, once.

The transaction that keeps a place also notes that somebody is to be looked at, so that no crash between the two loses them. The
ledger's own rule (one event, one address, one row) makes it once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection, text

from notify import ledger, register
from notify.alert import Event, Stage, Wording
from notify.clock import Clock
from notify.db import Database
from notify.life import Status
from notify.tables import EventRow

KIND: Final = "latecomer"  # of the due row; its ref is the address_id
REACHING: Final = (Status.PUBLISHING, Status.SENDING, Status.ACTIVE)  # an event not begun yet finds them when it begins
WHOLE: Final = {  # what somebody reads who has heard nothing of the incident yet; the other stages speak only to the told
    Stage.FIRST: Wording.FIRST,
    Stage.RENEWAL: Wording.FIRST,
    Stage.UPDATE: Wording.FIRST,
    Stage.CORRECTION: Wording.CORRECTION,  # it says what holds, and no other text says it
}


class Reaching(Protocol):
    async def reached(self, event: Event, address_ids: Sequence[int]) -> list[int]:
        """Those of these addresses that the event is for, as of the last commit; erased ones are passed over."""


def note(conn: Connection, address_ids: Iterable[int], now: datetime) -> None:
    """To be called in the transaction that gives these addresses a place, their consent or their start back."""
    for address_id in address_ids:
        register.due(conn, KIND, str(address_id), now)


@dataclass(frozen=True, slots=True)
class Latecomers:
    """Looks at whoever was noted, some at a time. event: a frozen event by its id. wake: tells the senders there is work."""

    db: Database
    clock: Clock
    crowd: Reaching
    event: Callable[[str], Event]
    wake: Callable[[], None]

    async def tell(self, address_ids: Sequence[int]) -> list[tuple[str, int]]:
        """Plans every alert in force that is for these addresses and that they have not been told of; returns the
        (event, address) pairs it planned."""
        now = self.clock.now()
        told: list[tuple[str, int]] = []
        for row in await self.db.read(partial(register.standing, statuses=REACHING)):
            wording = WHOLE.get(Stage(row.stage))
            if wording is None or row.expires_at <= now:
                continue
            event = await self._read(row.event_id)
            wording = Wording.SHORT if event.short and wording is Wording.FIRST else wording
            reached = await self.crowd.reached(event, address_ids)
            if reached:
                work = partial(plan, event_id=row.event_id, address_ids=reached, wording=wording, now=self.clock.now())
                told += [(row.event_id, address_id) for address_id in await self.db.write(work)]
        if told:
            self.wake()
        return told

    async def _read(self, event_id: str) -> Event:
        """From memory after the first time; then from the database, off the loop."""
        return await self.db.read(lambda _conn: self.event(event_id))


def plan(conn: Connection, event_id: str, address_ids: Sequence[int], wording: Wording, now: datetime) -> list[int]:
    """Adds their rows, unless the event has ended meanwhile; returns for whom. Whoever already knows that the incident concerns
    them is left out. An event that had handed everything over has work again."""
    register.alert(conn, event_id, lock=True)
    row = register.event(conn, event_id, lock=True)
    if row.status not in REACHING or row.expires_at <= now:
        return []
    fresh = [address_id for address_id in address_ids if not _knows(conn, row, address_id)]
    added = [one for one in fresh if ledger.plan(conn, row, [ledger.pack(one, wording)], now, first=True)]
    if added and row.done_at is not None:
        register.change_event(conn, event_id, done_at=None)
    return added


def _knows(conn: Connection, row: EventRow, address_id: int) -> bool:
    """Whether the last word of the incident to this address says, or may be about to say, that it concerns them."""
    last = conn.execute(
        text(f"""
        SELECT wording FROM event e JOIN delivery d
          ON d.event_id = e.event_id AND d.channel IN ('sms', 'email') AND d.address_id = :address_id
        WHERE e.incident_id = :incident_id AND (state IN ('planned', 'claimed') OR {ledger.TOLD})
        ORDER BY e.started_at DESC, d.delivery_id DESC LIMIT 1"""),
        {"address_id": address_id, "incident_id": row.incident_id},
    ).scalar()
    return last is not None and last != Wording.OUTSIDE
