"""kill -9 of 311's floor while callers wait, talk and are rung for. The judge reads the tables and the provider's record."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection, insert
from sqlmodel import col, select

from notify import keys, schema
from notify.db import Database, engine_for
from notify.staff.staff_tables import Person
from surge.contact import TERMINAL, Contact, Moved, Standing, replayed
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.journal import Kept, read
from surge.floor.records import Record
from surge.numbers import happenings, measures
from surge.tables import CallbackRow, ContactEventRow, ContactRow
from tests.nemesis.floor_process import AGENTS, at_noon
from tests.ports import free_port
from tests.stories.town import ACCOUNT, TOKEN, Process, start

CALLERS = int(os.environ.get("CALLERS", "14"))
SPEED = 60
DEADLINE_S = 120.0


class Exchange:
    """The telephone network, the floor and what both have written."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.port, self.carrier_port, self.smtp_port = free_port(), free_port(), free_port()

    async def carrier(self) -> Process:
        here = f"http://127.0.0.1:{self.port}"
        arguments = ["-m", "channels.simulator", "--log", str(self.home / "carrier"), "--sms-port", str(self.carrier_port)]
        arguments += ["--smtp-port", str(self.smtp_port), "--account", ACCOUNT, "--token", TOKEN, "--speed", str(SPEED)]
        arguments += ["--voice-number", f"{at_noon().number}={here}/voice/ring", "--calls-per-second", "50"]
        return await start([*arguments, "--voice-status-url", f"{here}/voice/status"], {}, self.home / "carrier.log")

    async def floor(self) -> Process:
        arguments = ["-m", "tests.nemesis.floor_process", str(self.home), self.url, str(self.port), str(self.carrier_port)]
        return await start(arguments, {}, self.home / "floor.log")

    async def ask(self, path: str, document: Mapping[str, Any] | None = None) -> Any:
        url = f"http://127.0.0.1:{self.carrier_port}{path}"
        async with aiohttp.ClientSession() as session, session.request("POST" if document else "GET", url, json=document) as it:
            assert it.status < 300, await it.text()
            return await it.json()

    def events(self) -> list[dict[str, Any]]:
        path = self.home / "carrier" / "voice.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def books(self) -> dict[str, Record]:
        """The contacts as the journal has them now."""
        kept = Kept()
        for line in read(self.home / "floor.journal", kept):
            kept.take(line.changed)
        return {key: one for key, one in kept.entities.get("record", {}).items() if isinstance(one, Record)}


def prepare(home: Path, url: str) -> None:
    ring = keys.create(home / "keys.toml")
    engine = engine_for(url)
    schema.migrate(engine)
    engine.dispose()

    def staff(conn: Connection) -> None:
        for number, agent in enumerate(AGENTS):
            row = {"person_id": agent, "roles": "agent311", "scope": "{}", "token_hash": agent, "created_at": datetime.now(UTC)}
            conn.execute(insert(Person), [row])
            agent_rows.put(conn, agent, Given(languages=["en"], line=f"+1503555200{number}"), ring)

    with closing(Database(url)) as db:
        db.write_now(staff)


def crowd() -> dict[str, Any]:
    """Agents who answer, callers who wait and talk, one who hangs up, one who wants to be called back."""
    agents = [{"number": f"+1503555200{number}", "presses_called": ["1"], "rings_s": 2} for number in range(len(AGENTS))]
    callers = [
        {"number": f"+1503555{3000 + number}", "at_s": number * 2.0, "presses": ["0"], "talk_s": 40.0 + 5 * (number % 4)}
        for number in range(CALLERS)
    ]
    leaves = {"number": "+15035554001", "at_s": 8.0, "presses": ["0"], "hangs_up_s": 30.0}
    later = {"number": "+15035554002", "at_s": 9.0, "presses": ["0", "3"], "talk_s": 10.0}
    return {"people": [*agents, *callers, leaves, later]}


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}") from None


def standings(books: Mapping[str, Record]) -> Counter[Standing]:
    return Counter(one.contact.standing for one in books.values())


def judge(conn: Connection, inbound: set[str]) -> tuple[list[Contact], list[str]]:
    """Every call is one contact, whose events lead to where it stands; returns contacts and states of callbacks."""
    rows = [ContactRow(**row._mapping) for row in conn.execute(select(ContactRow))]
    assert {row.provider_id for row in rows} == inbound and len(rows) == len(inbound)
    contacts = [happenings.as_contact(row) for row in rows]
    for row, contact in zip(rows, contacts, strict=True):
        mine = select(ContactEventRow).where(col(ContactEventRow.contact_id) == row.contact_id)
        events = [ContactEventRow(**one._mapping) for one in conn.execute(mine.order_by(col(ContactEventRow.seq)))]
        assert [event.seq for event in events] == list(range(1, row.seq + 1))
        moves = [Moved(seq=event.seq, at=event.at, to=Standing(event.stands)) for event in events]
        again = replayed(Contact(contact_id=row.contact_id, offered_at=row.offered_at), moves)
        assert again.standing is contact.standing
    return contacts, list(conn.scalars(select(CallbackRow.state)))


async def test_kill_9_of_the_floor_loses_no_caller_and_answers_nobody_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"
    prepare(tmp_path, url)
    exchange = Exchange(tmp_path, url)
    carrier = await exchange.carrier()
    floor = await exchange.floor()
    try:
        await exchange.ask("/control/crowd", crowd())

        def is_busy() -> bool:
            found = standings(exchange.books())
            return found[Standing.QUEUEING] >= 3 and found[Standing.TALKING] >= 1 and found[Standing.CALLBACK] >= 1

        await until(is_busy, "some wait, some talk, one is called back later")
        await floor.kill()
        before = exchange.books()
        floor = await exchange.floor()
        await until(lambda: standings(exchange.books())[Standing.DONE] > standings(before)[Standing.DONE], "they talk again")
        await exchange.ask("/control/calls/settled?timeout_s=100")
        await until(lambda: all(one.contact.standing in TERMINAL for one in exchange.books().values()), "everybody has an end")
        after = exchange.books()
    finally:
        await floor.end()
        await carrier.end()
    assert set(before) <= set(after)
    for key, one in before.items():
        if one.contact.standing in TERMINAL:
            assert after[key].contact.standing is one.contact.standing
        assert after[key].place == one.place or one.place is None
    inbound = {event["sid"] for event in exchange.events() if event["event"] == "ring" and event["direction"] == "inbound"}
    with closing(Database(url)) as db:
        contacts, callbacks = db.read_now(lambda conn: judge(conn, inbound))
    assert measures.counts(contacts).problems() == [] and len(contacts) == CALLERS + 2
    ends = Counter(one.standing for one in contacts)
    assert ends[Standing.DONE] >= 3 and ends[Standing.CALLBACK] == 1 and callbacks == ["holding"]
