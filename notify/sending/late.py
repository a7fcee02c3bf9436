"""Latecomers: whoever signs up, comes back or adds a place inside an alert in force gets it at once, in their language, once.

The transaction that keeps a place also notes that somebody is to be looked at, so that no crash between the two loses them.
What they are told follows from what the incident has told them so far (`next_words`), and from nothing else.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection, text

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Stage, Wording
from notify.alerts.life import REACHING
from notify.clock import Clock
from notify.db import Database
from notify.sending import ledger
from notify.sending.deliveries import TOLD, State
from notify.sending.ledger import Again, Manner
from notify.sending.outbox import Tampered
from notify.tables import EventRow
from subscribers import contacts

logger = logging.getLogger(__name__)

KIND: Final = "latecomer"  # of the due row; its ref is the address_id
LOOK_AGAIN: Final = timedelta(seconds=2)  # after a call under way kept us from deciding
MOST_WORDS: Final = 3  # of one event to one address, whatever happens to them
WHOLE: Final = {  # what somebody reads who does not know that the incident concerns them; the other stages speak to the told
    Stage.FIRST: Wording.FIRST,
    Stage.RENEWAL: Wording.FIRST,
    Stage.UPDATE: Wording.FIRST,
    Stage.CORRECTION: Wording.CORRECTION,  # it says what holds, and no other text says it
}
NEWS: Final = {  # what somebody reads who knows, wherever they have moved since; the other stages say nothing new
    Stage.CORRECTION: Wording.CORRECTION,
    Stage.ALL_CLEAR: Wording.ALL_CLEAR,
    Stage.FALSE_ALARM: Wording.FALSE_ALARM,
}


class Reaching(Protocol):
    async def reached(self, event: Event, address_ids: Sequence[int]) -> list[int]:
        """Those of these addresses that the event is for, as of the last commit; erased ones are passed over."""


def note(conn: Connection, address_ids: Iterable[int], now: datetime) -> None:
    """To be called in the transaction that gives these addresses a place, their consent or their start back."""
    for address_id in address_ids:
        register.due(conn, KIND, str(address_id), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One row of an incident to one address. own: of the event in question, not of an earlier one."""

    own: bool
    wording: str
    state: State
    ambiguous: bool = False

    @property
    def is_told(self) -> bool:
        return self.state in TOLD or self.ambiguous

    @property
    def concerns_them(self) -> bool:
        return self.wording != Wording.OUTSIDE


Words = Callable[[Sequence[Said]], Wording | None]


class Undecided(Exception):
    """A call to this address is under way: what they know is seen when it has ended."""


def next_words(stage: Stage, said: Sequence[Said], *, reached: bool, doubted: bool = False) -> Wording | None:
    """What an event of this stage still has to tell somebody of whom the incident's rows are `said`, oldest first; None when
    nothing. reached: the event is for one of their places. doubted: the number may have a new owner, who is told nothing new,
    as by planning. Raises Undecided.

    A row of an earlier event that waits never leaves any more. Nobody is told here that they are outside: what they know then
    is more than they need, until the all clear, and never less.
    """
    own = [one for one in said if one.own]
    if own and own[-1].concerns_them and (own[-1].is_told or own[-1].state in (State.PLANNED, State.CLAIMED)):
        return None
    if any(one.state is State.CLAIMED for one in said):
        raise Undecided
    told = [one for one in said if one.is_told]
    if told and stage in NEWS:
        return NEWS[stage]
    if not reached:
        return None
    if told and told[-1].concerns_them:
        return Wording.UPDATE if stage is Stage.UPDATE else None
    return WHOLE.get(stage) if not doubted else None


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
        (event, address) pairs it planned. Whoever cannot be decided about yet is noted anew."""
        now = self.clock.now()
        told: list[tuple[str, int]] = []
        for row in await self.db.read(partial(register.standing, statuses=REACHING)):
            if (row.stage not in WHOLE and row.stage not in NEWS) or row.expires_at <= now:
                continue
            try:
                event = await self._read(row.event_id)
            except Tampered as error:  # nothing of it is sent to anybody; other alerts are
                logger.error("a latecomer is told nothing of an alert: %s (docs/operations.md#held)", error)
                continue
            reached = frozenset(await self.crowd.reached(event, address_ids))
            work = partial(plan, event=event, address_ids=address_ids, reached=reached, now=self.clock.now())
            told += [(row.event_id, address_id) for address_id in await self.db.write(work)]
        if told:
            self.wake()
        return told

    async def _read(self, event_id: str) -> Event:
        """From memory after the first time; then from the database, off the loop."""
        return await self.db.read(lambda _conn: self.event(event_id))


def plan(conn: Connection, event: Event, address_ids: Sequence[int], reached: Collection[int], now: datetime) -> list[int]:
    """Plans what these addresses are still to be told, unless the event has ended meanwhile; returns for whom. An event that
    had handed everything over has work again."""
    register.alert(conn, event.event_id, lock=True)
    row = register.event(conn, event.event_id, lock=True)
    if row.status not in REACHING or row.expires_at <= now:
        return []
    doubted = frozenset(contacts.suspects(conn) if event.severity is not Severity.EXTREME else ())
    added = []
    for one in address_ids:
        look = partial(next_words, Stage(row.stage), reached=one in reached, doubted=one in doubted)
        if _told(conn, row, event, one, now, look):
            added.append(one)
    if added and row.done_at is not None:
        register.change_event(conn, row.event_id, done_at=None)
    return added


@dataclass(frozen=True, slots=True)
class Kept:
    """A row as it stands in the ledger."""

    delivery_id: int
    fence: int
    word: int
    said: Said

    @property
    def never_left(self) -> bool:
        waits = self.said.state is State.PLANNED
        return waits or (self.said.state in (State.WITHDRAWN, State.REFUSED) and not self.said.ambiguous)


def _told(conn: Connection, row: EventRow, event: Event, address_id: int, now: datetime, words: Words) -> bool:
    """Plans what one address is still to be told. An own row that never left is planned again; one that did stays what it is,
    and a further word goes beside it. words: `next_words` for it."""
    kept = _kept(conn, row, address_id)
    try:
        wording = words([one.said for one in kept])
    except Undecided:
        note(conn, [address_id], now + LOOK_AGAIN)
        return False
    if wording is None:
        return False
    wording = Wording.SHORT if event.short and wording is Wording.FIRST else wording
    own = [one for one in kept if one.said.own]
    if own and own[-1].never_left:
        again = Again(delivery_id=own[-1].delivery_id, fence=own[-1].fence, wording=wording)
        return ledger.plan_again(conn, row, again, now)
    if len(own) >= MOST_WORDS:
        return False
    manner = Manner(first=True, word=own[-1].word + 1 if own else 1)
    return ledger.plan(conn, row, [ledger.pack(address_id, wording)], now, manner) == 1


def _kept(conn: Connection, row: EventRow, address_id: int) -> list[Kept]:
    """The incident's rows to this address, oldest first."""
    found = conn.execute(
        text("""
        SELECT d.delivery_id, d.fence, d.word, d.event_id, d.wording, d.state, d.ambiguous FROM event e JOIN delivery d
          ON d.event_id = e.event_id AND d.channel IN ('sms', 'email') AND d.address_id = :address_id
        WHERE e.incident_id = :incident_id
        ORDER BY e.started_at, d.word, d.delivery_id"""),
        {"address_id": address_id, "incident_id": row.incident_id},
    )
    return [
        Kept(
            delivery_id=one.delivery_id,
            fence=one.fence,
            word=one.word,
            said=Said(
                own=one.event_id == row.event_id,
                wording=one.wording,
                state=State(one.state),
                ambiguous=bool(one.ambiguous),
            ),
        )
        for one in found
    ]
