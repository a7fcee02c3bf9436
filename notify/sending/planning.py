"""From an event to its ledger rows: who was told what before, who is matched now, and the rows in the order they are sent.

Planning is repeatable: a second pass, after a crash or because calls about an earlier text were still open, adds only what is
missing. The first rows are committed at once, so that sending starts while the rest is being planned.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Wording
from notify.alerts.audience import NOBODY, Concerned, Ids, Told, interleaved, wordings
from notify.alerts.life import Status
from notify.clock import Clock
from notify.db import Database, is_sqlite
from notify.sending import ledger
from notify.sending.ledger import Manner
from notify.sending.statements import OPEN
from notify.tables import EventRow
from subscribers import contacts
from subscribers.id_sets import common, minus, union

Full = Callable[[Connection, Event, Sequence[int], datetime], frozenset[int]]
FIRST_CHUNK: Final = 1_000
CHUNK: Final = 20_000
SETTLE_S: Final = 0.2  # how often a plan looks whether calls of an earlier event have ended
NEWLY: Final = frozenset({Wording.FIRST, Wording.SHORT, Wording.TEST})  # words to somebody the incident has told nothing yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who an event reaches. `groups` says, for each address, which language on which channel: equal numbers, equal group.
    skipped counts addresses left out, by (channel, reason). concerned: for an update, who else is where it is about."""

    address_ids: Ids
    groups: NDArray[np.int64]
    skipped: Mapping[tuple[str, str], int]
    concerned: Concerned = NOBODY


class Choosing(Protocol):
    async def choose(self, event: Event) -> Audience:
        """Matches the event's areas against everybody's places. Raises ValueError rather than match nobody or everybody."""

    def group(self, channel: str, language: str) -> int:
        """The number of a language on a channel, as in Audience.groups."""


class NoLongerSending(Exception):
    """The event was stopped, replaced or has ended while it was being planned."""


class Groups(Mapping[int, int]):
    """The group of each of many addresses, in two arrays: a dict of a million would take seconds and 100 MB."""

    def __init__(self, addresses: Ids, groups: NDArray[np.int64]) -> None:
        """`addresses` ascending, each once."""
        self._addresses, self._groups = addresses, groups

    def of(self, people: Ids, default: NDArray[np.int64]) -> NDArray[np.int64]:
        """The groups of these people, in their order; `default` for whoever is not known."""
        if not len(self._addresses):
            return default
        place = np.searchsorted(self._addresses, people)
        np.minimum(place, len(self._addresses) - 1, out=place)
        return np.where(self._addresses[place] == people, self._groups[place], default)

    def __getitem__(self, address_id: int) -> int:
        found = int(self.of(np.array([address_id]), np.array([-1]))[0])
        if found == -1:
            raise KeyError(address_id)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(self._addresses.tolist())

    def __len__(self) -> int:
        return len(self._addresses)


@dataclass(frozen=True, slots=True)
class Limits:
    """Whom a pass of planning is about. only: nobody else. suspects: numbers that may have a new owner."""

    only: Ids | None
    suspects: Ids


@dataclass(slots=True)
class Planner:
    """waits: whether texts of an event, planned at a moment, are held until morning. full: who of some addresses has had enough
    texts for now to wait for this one."""

    db: Database
    clock: Clock
    choosing: Choosing
    waits: Callable[[Event, datetime], bool] = lambda _event, _now: False
    full: Full = lambda _conn, _event, _ids, _now: frozenset()

    async def plan(self, row: EventRow, event: Event) -> None:
        """Adds every row of the event; returns when all exist, or when the event has been stopped or replaced meanwhile.

        Safe to repeat, and to run again after a crash.
        """
        chosen = await self.choosing.choose(event)
        suspects = np.array(await self.db.read(contacts.suspects) if event.severity is not Severity.EXTREME else [], np.int64)
        passed_over = common(chosen.address_ids, suspects)
        if len(passed_over):
            chosen = replace(chosen, skipped={**chosen.skipped, ("", "may have a new owner"): len(passed_over)})
        try:
            waiting = await self._add(row, event, chosen, Limits(None, suspects))
            while len(waiting):
                await asyncio.sleep(SETTLE_S)
                still = await self.db.read(partial(open_calls, row=row))
                if len(still) < len(waiting):  # only ever fewer: nothing of an earlier event is claimed any more
                    waiting = await self._add(row, event, chosen, Limits(waiting, suspects))
            await self.db.write(partial(_finish, row=row, chosen=chosen, at=self.clock.now()))
        except NoLongerSending:
            return

    async def _add(self, row: EventRow, event: Event, chosen: Audience, limits: Limits) -> Ids:
        """Adds the rows that can be decided now; returns those people who cannot be decided yet."""
        told, groups = await self.db.read(partial(told_so_far, row=row, choosing=self.choosing))
        packed = await asyncio.to_thread(_decided, event, chosen, (told, groups), limits)
        sizes = chain([FIRST_CHUNK], iter(lambda: CHUNK, None))
        start = 0
        while start < len(packed):
            end = start + next(sizes)
            chunk, now = packed[start:end].tolist(), self.clock.now()
            manner = Manner(waits=self.waits(event, now), full=await self._full(event, chunk, now))
            await self.db.write(partial(_add_rows, row=row, packed=chunk, now=now, manner=manner))
            start = end
        return told.open if limits.only is None else common(told.open, limits.only)

    async def _full(self, event: Event, packed: Sequence[int], now: datetime) -> frozenset[int]:
        people = [one >> ledger.WORDING_BITS for one in packed]
        return await self.db.read(lambda conn: self.full(conn, event, people, now))


def _decided(event: Event, chosen: Audience, so_far: tuple[Told, Groups], limits: Limits) -> Ids:
    """A number that may have a new owner is told nothing new; whoever has been told something hears the rest of it."""
    told, groups = so_far
    split = wordings(event.stage, chosen.address_ids, told, chosen.concerned, short=event.short)
    split = {wording: minus(ids, limits.suspects) if wording in NEWLY else ids for wording, ids in split.items()}
    if limits.only is not None:
        split = {wording: common(ids, limits.only) for wording, ids in split.items()}
    return in_sending_order(split, chosen, groups)


def in_sending_order(split: Mapping[Wording, Ids], chosen: Audience, groups: Groups) -> Ids:
    """Everybody of the split, packed with their wording, languages interleaved."""
    packed = np.concatenate([(ids << ledger.WORDING_BITS) | ledger.WORDINGS.index(wording) for wording, ids in split.items()])
    ordered: Ids = packed[interleaved(_groups_of(packed, chosen, groups))]
    return ordered


def _groups_of(packed: Ids, chosen: Audience, groups: Groups) -> NDArray[np.int32]:
    people = packed >> ledger.WORDING_BITS
    order = np.argsort(chosen.address_ids, kind="stable")
    matched = Groups(chosen.address_ids[order], chosen.groups[order])
    del order  # an array of a million is 8 MB
    elsewhere = groups.of(people, np.full(len(people), -1, np.int64))
    return matched.of(people, elsewhere).astype(np.int32)


def told_so_far(conn: Connection, row: EventRow, choosing: Choosing) -> tuple[Told, Groups]:
    """How everybody stands in the incident before this event, and the group of each of them."""
    parts = [_accounts(conn, other, choosing) for other in _earlier(conn, row)]
    said = _joined(parts) if parts else _NOTHING
    # Of several words to one address the last counts; addresses ascending.
    addresses, last = np.unique(said.addresses[::-1], return_index=True)
    groups = Groups(addresses, said.groups[::-1][last])
    waiting = union(said.addresses[said.open])
    settled = ~said.open
    known, place = np.unique(said.addresses[settled][::-1], return_index=True)
    outside = said.outside[settled][::-1][place]
    certain = ~np.isin(known, waiting)
    return Told(inside=known[certain & ~outside], outside=known[certain & outside], open=waiting), groups


def open_calls(conn: Connection, row: EventRow) -> Ids:
    """Whose call about an earlier text of the incident is still under way."""
    found = [conn.scalars(text(_OPEN), {"event_id": other}).all() for other in _earlier(conn, row)]
    return union(np.array([address for ids in found for address in ids], np.int64))


_OPEN: Final = f"SELECT address_id FROM delivery WHERE {OPEN} AND state = 'claimed' AND event_id || '' = :event_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accounts:
    """One entry for each address and word of an event that speaks of it, in the order they were said: the group of the address,
    whether it was told that it is outside, whether its call is under way."""

    addresses: Ids
    groups: NDArray[np.int64]
    outside: NDArray[np.bool_]
    open: NDArray[np.bool_]


_NOTHING: Final = _Accounts(
    addresses=np.empty(0, np.int64),
    groups=np.empty(0, np.int64),
    outside=np.empty(0, np.bool_),
    open=np.empty(0, np.bool_),
)


def _joined(parts: Sequence[_Accounts]) -> _Accounts:
    return _Accounts(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _Accounts.__slots__})


_FLAGS, _CHANNEL, _LANGUAGE = 2, 6, 12  # bits of a packed row: two flags, and where its channel and its language are listed
# A row of the ledger as one number, which begins with the address.
_PACKED: Final = f"""
    (address_id << {_CHANNEL + _LANGUAGE + _FLAGS}) | ({{place}}(:channels, channel) << {_LANGUAGE + _FLAGS})
    | ({{place}}(:languages, language) << {_FLAGS})
    | CASE WHEN wording = 'outside' THEN 2 ELSE 0 END | CASE WHEN state = 'claimed' THEN 1 ELSE 0 END"""


def _accounts(conn: Connection, event_id: str, choosing: Choosing) -> _Accounts:
    """What one event has said to whom. The database joins packed rows into one text: as rows they would take a second for
    every half million, and sorting them by language as long again."""
    kinds = conn.execute(text("SELECT DISTINCT channel, language FROM delivery WHERE event_id = :id"), {"id": event_id}).all()
    channels, languages = _listed({channel for channel, _ in kinds}), _listed({language for _, language in kinds})
    place, joined = ("instr", "group_concat({})") if is_sqlite(conn) else ("strpos", "string_agg(({})::text, ',')")
    packed = conn.execute(
        text(f"""
        SELECT {joined.format(_PACKED.format(place=place))} FROM delivery
        WHERE event_id = :event_id AND (state = 'claimed' OR {ledger.TOLD})"""),
        {"event_id": event_id, "channels": channels, "languages": languages},
    ).scalar()
    numbers = np.fromstring(packed or "", np.int64, sep=",")
    known = np.full((1 << _CHANNEL, 1 << _LANGUAGE), -1, np.int64)
    for channel, language in kinds:
        known[channels.index(channel) + 1, languages.index(language) + 1] = choosing.group(channel, language)
    groups = known.reshape(-1)[(numbers >> _FLAGS) & (known.size - 1)]
    if (groups == -1).any():  # somebody was told in a new language between the two questions
        return _accounts(conn, event_id, choosing)
    outside = (numbers & 2).astype(np.bool_)
    order = np.argsort(~outside, kind="stable")  # a second word to somebody told that they are outside comes after it
    return _Accounts(
        addresses=(numbers >> (_CHANNEL + _LANGUAGE + _FLAGS))[order],
        groups=groups[order],
        outside=outside[order],
        open=(numbers & 1).astype(np.bool_)[order],
    )


def _listed(words: Collection[str]) -> str:
    """A text in which each word is first found where it stands itself: none is a part of an earlier one, which is no longer."""
    return ",".join(sorted(words, key=len))


def _earlier(conn: Connection, row: EventRow) -> list[str]:
    """The incident's events that began before this one, in the order they began. (A renewal may begin between the approval
    of another and its start: the order of approval says nothing.)"""
    began = col(EventRow.started_at)
    query = select(col(EventRow.event_id)).where(col(EventRow.incident_id) == row.incident_id, began.is_not(None))
    query = query.where(col(EventRow.event_id) != row.event_id)
    if row.started_at is not None:
        query = query.where(began <= row.started_at)
    return list(conn.scalars(query.order_by(began, col(EventRow.approved_at), col(EventRow.event_id))))


def _add_rows(conn: Connection, row: EventRow, packed: list[int], now: datetime, manner: Manner) -> None:
    """Raises NoLongerSending: rows added after a stop would wait for ever."""
    status = select(col(EventRow.status)).where(col(EventRow.event_id) == row.event_id)
    if conn.scalars(status.with_for_update(read=True)).one() not in (Status.PUBLISHING, Status.SENDING):
        raise NoLongerSending(row.event_id)
    ledger.plan(conn, row, packed, now, manner)


def _finish(conn: Connection, row: EventRow, chosen: Audience, at: datetime) -> None:
    for (channel, reason), people in chosen.skipped.items():
        conn.execute(
            text("""
            INSERT INTO skip (event_id, channel, reason, people) VALUES (:event_id, :channel, :reason, :people)
            ON CONFLICT (event_id, channel, reason) DO NOTHING"""),
            {"event_id": row.event_id, "channel": channel, "reason": reason, "people": people},
        )
    register.change_event(conn, row.event_id, planned_at=at)
