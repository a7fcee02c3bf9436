"""From an event to its ledger rows: who was told what before, who is matched now, and the rows in the order they are sent.

Planning is repeatable: a second pass, after a crash or because calls about an earlier text were still open, adds only what is
missing. The first rows are committed at once, so that sending starts while the rest is being planned.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from notify import ledger, register
from notify.alert import Event, Wording
from notify.audience import Ids, Told, interleaved, wordings
from notify.clock import Clock
from notify.db import Database
from notify.tables import EventRow

FIRST_CHUNK: Final = 1_000
CHUNK: Final = 20_000
SETTLE_S: Final = 0.2  # how often a plan looks whether calls of an earlier event have ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who an event reaches. `groups` says, for each address, which language on which channel: equal numbers, equal group.
    skipped counts addresses left out, by (channel, reason)."""

    address_ids: Ids
    groups: NDArray[np.int64]
    skipped: Mapping[tuple[str, str], int]


class Choosing(Protocol):
    async def choose(self, event: Event) -> Audience:
        """Matches the event's areas against everybody's places. Raises ValueError rather than match nobody or everybody."""

    def group(self, channel: str, language: str) -> int:
        """The number of a language on a channel, as in Audience.groups."""


@dataclass(slots=True)
class Planner:
    db: Database
    clock: Clock
    choosing: Choosing

    async def plan(self, row: EventRow, event: Event) -> None:
        """Adds every row of the event; returns when all exist. Safe to repeat, and to run again after a crash."""
        chosen = await self.choosing.choose(event)
        told, groups = await self.db.read(partial(told_so_far, row=row, choosing=self.choosing))
        waiting = await self._add(row, event, chosen, told, groups, only=None)
        while len(waiting):
            await asyncio.sleep(SETTLE_S)
            told, groups = await self.db.read(partial(told_so_far, row=row, choosing=self.choosing))
            waiting = await self._add(row, event, chosen, told, groups, only=waiting)
        await self.db.write(partial(_finish, row=row, chosen=chosen, at=self.clock.now()))

    async def _add(
        self, row: EventRow, event: Event, chosen: Audience, told: Told, groups: Mapping[int, int], *, only: Ids | None
    ) -> Ids:
        """Adds the rows that can be decided now (of `only` these people); returns those who cannot be decided yet."""
        split = wordings(event.stage, chosen.address_ids, told, short=event.short)
        if only is not None:
            split = {wording: np.intersect1d(ids, only) for wording, ids in split.items()}
        packed = in_sending_order(split, chosen, groups)
        sizes = chain([FIRST_CHUNK], iter(lambda: CHUNK, None))
        start = 0
        while start < len(packed):
            end = start + next(sizes)
            await self.db.write(partial(ledger.plan, event=row, packed=packed[start:end].tolist(), now=self.clock.now()))
            start = end
        concerned = chosen.address_ids if only is None else only
        return np.intersect1d(told.open, np.union1d(concerned, told.open) if only is None else concerned)


def in_sending_order(split: Mapping[Wording, Ids], chosen: Audience, groups: Mapping[int, int]) -> Ids:
    """Everybody of the split, packed with their wording, languages interleaved."""
    packed = np.concatenate([(ids << ledger.WORDING_BITS) | ledger.WORDINGS.index(wording) for wording, ids in split.items()])
    people = packed >> ledger.WORDING_BITS
    known = np.argsort(chosen.address_ids)
    place = np.searchsorted(chosen.address_ids, people, sorter=known)
    place[place == len(known)] = 0
    group = np.full(len(people), -1, np.int64)
    if len(known):
        matched = chosen.address_ids[known[place]] == people
        group[matched] = chosen.groups[known[place[matched]]]
    elsewhere = np.flatnonzero(group < 0)
    group[elsewhere] = [groups.get(int(people[number]), -1) for number in elsewhere]
    ordered: Ids = packed[interleaved(group)]
    return ordered


def told_so_far(conn: Connection, row: EventRow, choosing: Choosing) -> tuple[Told, dict[int, int]]:
    """How everybody stands in the incident before this event, and the group of each of them."""
    earlier = [other for other in register.events(conn, row.incident_id) if other.event_id != row.event_id]
    earlier = [other for other in earlier if other.approved_at <= row.approved_at]
    inside: set[int] = set()
    outside: set[int] = set()
    waiting: set[int] = set()
    groups: dict[int, int] = {}
    for other in earlier:
        found = conn.execute(
            text(f"""
            SELECT address_id, channel, language, wording = 'outside', state = 'claimed' FROM delivery
            WHERE event_id = :event_id AND (state = 'claimed' OR {ledger.TOLD})"""),
            {"event_id": other.event_id},
        )
        for address_id, channel, language, is_outside, is_open in found:
            groups[address_id] = choosing.group(channel, language)
            if is_open:
                waiting.add(address_id)
                continue
            (outside if is_outside else inside).add(address_id)
            (inside if is_outside else outside).discard(address_id)
    told = Told(inside=_array(inside - waiting), outside=_array(outside - waiting), open=_array(waiting))
    return told, groups


def _array(people: set[int]) -> Ids:
    return np.fromiter(sorted(people), np.int64, len(people))


def _finish(conn: Connection, row: EventRow, chosen: Audience, at: datetime) -> None:
    for (channel, reason), people in chosen.skipped.items():
        conn.execute(
            text("""
            INSERT INTO skip (event_id, channel, reason, people) VALUES (:event_id, :channel, :reason, :people)
            ON CONFLICT (event_id, channel, reason) DO NOTHING"""),
            {"event_id": row.event_id, "channel": channel, "reason": reason, "people": people},
        )
    register.change_event(conn, row.event_id, planned_at=at)
