"""kill -9 of 311's floor while callers wait, talk, press keys and ring. The judge reads the tables and the provider's record.

    CALLERS=200 PYTHONPATH=$PWD .venv/bin/python -m pytest tests/nemesis/test_floor_kill.py -n 0 -s

is the same with 200 callers at a time; for LOAD_S seconds before the kill more call, and a second client asks for them what the
floor knows, so that there are PER_SECOND webhooks in each, before, while nobody answers, and after.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection
from sqlmodel import col, select

from notify.db import Database
from surge.contact import IN_QUEUE, TERMINAL, Contact, Moved, Standing, replayed
from surge.floor.records import Record
from surge.numbers import happenings, measures
from surge.tables import CallbackRow, ContactEventRow, ContactRow
from tests.nemesis.floor_exchange import Exchange, Pressure, ProvidersRecord, line_of, prepare, until
from tests.surge.voice_factory import portland

CALLERS: Final = int(os.environ.get("CALLERS", "14"))  # on the telephone at a time
LARGE: Final = CALLERS >= 100
LOAD_S: Final = float(os.environ.get("LOAD_S", "30" if LARGE else "0"))
PER_SECOND: Final = int(os.environ.get("PER_SECOND", "1000" if LARGE else "0"))
AGENTS: Final = max(3, CALLERS // 20)
STREAM: Final = max(8, CALLERS // 2)  # who go on calling, before the kill, while nobody is there, and afterwards
DEAD: Final = max(4, CALLERS // 10)  # who call when it is dead for sure
TALK_S: Final = 40.0 if LARGE else 20.0
SPEED: Final = 20 if LARGE else 60  # where many call, the simulated network is dearer than the floor
DRAINED_S: Final = 900.0


def callers(first: int, count: int, every_s: float) -> list[dict[str, Any]]:
    return [
        {"number": f"+1503555{first + at:04}", "at_s": at * every_s, "presses": ["0"], "talk_s": TALK_S + 5 * (at % 4)}
        for at in range(count)
    ]


def agents(count: int) -> list[dict[str, Any]]:
    return [{"number": line_of(number), "presses_called": ["1"], "rings_s": 2} for number in range(count)]


def crowd() -> dict[str, Any]:
    """Agents of whom a third answers, callers who wait and talk, one who hangs up, one who wants to be called back."""
    silent = [{"number": line_of(number), "becomes": "no-answer"} for number in range(AGENTS // 3, AGENTS)]
    leaves = {"number": "+15035559001", "at_s": 8.0, "presses": ["0"], "hangs_up_s": 30.0}
    later = {"number": "+15035559002", "at_s": 9.0, "presses": ["0", "3"], "talk_s": 10.0}
    desk = [{"number": number} for number in (portland().forward, portland().second) if number]
    return {"people": [*agents(AGENTS // 3), *silent, *desk, *callers(3000, CALLERS, 28.0 / CALLERS), leaves, later]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the database has afterwards. reserved: when each contact was first given to an agent after the kill."""

    contacts: Mapping[str, Contact]  # by the provider's id of the call
    reserved: Mapping[str, datetime]
    callbacks: Sequence[str]


def kept(conn: Connection, killed_at: datetime) -> Kept:
    """Every contact's events lead to where it stands."""
    contacts, reserved = {}, {}
    rows = [ContactRow(**row._mapping) for row in conn.execute(select(ContactRow))]
    for row in rows:
        contact = happenings.as_contact(row)
        mine = select(ContactEventRow).where(col(ContactEventRow.contact_id) == row.contact_id)
        events = [ContactEventRow(**one._mapping) for one in conn.execute(mine.order_by(col(ContactEventRow.seq)))]
        assert [event.seq for event in events] == list(range(1, row.seq + 1))
        moves = [Moved(seq=event.seq, at=event.at, to=Standing(event.stands)) for event in events]
        again = replayed(Contact(contact_id=row.contact_id, offered_at=row.offered_at), moves)
        assert again.standing is contact.standing
        assert row.provider_id is not None and row.provider_id not in contacts
        contacts[row.provider_id] = contact
        given = [move.at for move in moves if move.to is Standing.RESERVED and move.at > killed_at]
        reserved |= {row.contact_id: given[0]} if given else {}
    return Kept(contacts=contacts, reserved=reserved, callbacks=list(conn.scalars(select(CallbackRow.state))))


def fair(before: Mapping[str, Record], found: Kept) -> None:
    """Who waited at the kill is served in the order in which they waited."""
    waited = [one for one in before.values() if one.contact.standing is Standing.QUEUEING and one.place is not None]
    served = [one for one in sorted(waited, key=lambda one: one.place) if one.contact_id in found.reserved]  # type: ignore[arg-type,return-value]
    given = [found.reserved[one.contact_id] for one in served]
    assert given == sorted(given), "somebody was overtaken"


async def test_kill_9_of_the_floor_loses_no_caller_answers_nobody_twice_and_counts_who_heard_the_fallback(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"
    prepare(tmp_path, url, AGENTS)
    exchange, pressure = Exchange(tmp_path, url, SPEED), Pressure()
    pressing = asyncio.create_task(asyncio.sleep(0))
    carrier = await exchange.carrier()
    floor = await exchange.floor()
    try:
        await exchange.ask("/control/crowd", crowd())

        def is_busy() -> bool:
            found = exchange.stand()
            enough = found[Standing.QUEUEING] + found[Standing.RESERVED] >= CALLERS // 2
            return enough and found[Standing.TALKING] + found[Standing.DONE] >= 1 and found[Standing.CALLBACK] >= 1

        await until(is_busy, "some wait, some talk, one is called back later")
        waiting = [one.provider_id or "" for one in exchange.books().values() if one.contact.standing in IN_QUEUE]
        pressing = asyncio.create_task(pressure.last(f"http://127.0.0.1:{exchange.port}", waiting, PER_SECOND))
        await exchange.ask("/control/crowd", {"people": callers(5000, STREAM, (LOAD_S + 4) * SPEED / STREAM)})
        rang = len(exchange.record().inbound)
        await asyncio.sleep(LOAD_S)
        await until(lambda: len(exchange.record().inbound) > rang, "more call")
        await floor.kill()
        before, heard = exchange.books(), exchange.record()
        await exchange.ask("/control/crowd", {"people": callers(7000, DEAD, 1.0)})
        await until(lambda: len(exchange.record().fell) >= len(heard.fell) + DEAD, "nobody is there for them")
        floor = await exchange.floor()
        await exchange.ask("/control/crowd", {"people": [*agents(AGENTS), *callers(8000, DEAD, 1.0)]})
        done = sum(one.contact.standing is Standing.DONE for one in before.values())
        await until(lambda: exchange.stand()[Standing.DONE] > done, "they talk again")
        await asyncio.sleep(LOAD_S)
        pressing.cancel()
        async with asyncio.timeout(DRAINED_S):
            while not (await exchange.ask("/control/calls"))["quiet"]:
                await asyncio.sleep(0.5)
        record = exchange.record()
        await until(lambda: len(exchange.books()) >= len(record.inbound), "every call is known")
        await until(lambda: set(exchange.stand()) <= TERMINAL, "everybody has an end")
        after = exchange.books()
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
        await floor.end()
        await carrier.end()
    killed_at = max(one.contact.since or one.contact.offered_at for one in before.values())
    with closing(Database(url)) as db:
        found = db.read_now(lambda conn: kept(conn, killed_at))
    print(line(before, found, record, pressure))
    assert found.contacts.keys() == record.inbound
    counted = measures.counts(list(found.contacts.values()))
    assert counted.problems() == [] and counted.failed_over + counted.left_otherwise == len(fallen(found))
    for key, one in before.items():
        if one.contact.standing in TERMINAL:
            assert after[key].contact.standing is one.contact.standing
        assert after[key].place == one.place or one.place is None
    fair(before, found)
    assert max(record.met.values()) == 1, "somebody was answered twice"
    assert fallen(found) == heard_the_fallback(found, record)
    assert len(fallen(found)) >= DEAD
    ends = Counter(one.standing for one in found.contacts.values())
    assert ends[Standing.DONE] >= 3 and ends[Standing.CALLBACK] == 1
    assert found.callbacks in (["holding"], ["done"]), "it is called back when its turn comes, in a long play before the end"


def fallen(found: Kept) -> set[str]:
    return {sid for sid, one in found.contacts.items() if one.standing is Standing.FAILED_OVER}


def heard_the_fallback(found: Kept, record: ProvidersRecord) -> set[str]:
    """By the provider's record; who talked with an agent of ours all the same, or has a promise, is counted as that."""
    return {sid for sid in record.fell if not record.met[sid] and found.contacts[sid].standing is not Standing.CALLBACK}


def line(before: Mapping[str, Record], found: Kept, record: ProvidersRecord, pressure: Pressure) -> str:
    waited = {key: one for key, one in before.items() if one.contact.standing in IN_QUEUE}
    placed = sum(one.contact_id in waited for one in found.contacts.values())
    asked = [(datetime.fromisoformat(one["at"]).timestamp(), float(one["ms"])) for one in record.asked()]
    pressed = [at for at, _ in pressure.answers] or [at for at, _ in asked]
    began, ended = min(pressed), max(pressed)
    answers = [(at, ms) for at, ms in asked + pressure.answers if began <= at <= ended]
    seconds = Counter(int(at) for at, _ in answers)
    usual, p99 = np.median(list(seconds.values())), np.percentile([ms for _, ms in answers], 99)
    ours, theirs = fallen(found), heard_the_fallback(found, record)
    return (
        f"{len(record.inbound)} calls; {len(waited)} waited at the kill, {placed} of them rebuilt; failed over {len(ours)} by "
        f"our books, {len(theirs)} by the provider's; {len(answers)} webhooks answered in {ended - began:.0f} s "
        f"with the kill, {usual:.0f} in a usual second, up to {max(seconds.values())}, 99 % within {p99:.0f} ms; "
        f"lost {len(record.inbound - found.contacts.keys())}, answered twice {sum(n > 1 for n in record.met.values())}"
    )
