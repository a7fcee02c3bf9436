"""A telephone network, 311's floor as a process of its own, and what both have written: for tests that kill the floor."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from sqlalchemy import Connection, insert

from notify import keys, schema
from notify.db import Database, engine_for
from notify.staff.staff_tables import Person
from surge.contact import Standing
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.journal import Kept, read
from surge.floor.records import Record
from surge.voice import voice_fallback
from tests.nemesis.floor_process import at_noon
from tests.ports import free_port
from tests.stories.town import ACCOUNT, TOKEN, Process, start
from tests.surge.voice_factory import speech

SPEED: Final = 60
DEADLINE_S: Final = 120.0


def line_of(agent: int) -> str:
    return f"+1503555{2000 + agent}"


def prepare(home: Path, url: str, agents: int = 3) -> None:
    """Keys, an empty database, and agents with a telephone each."""
    ring = keys.create(home / "keys.toml")
    engine = engine_for(url)
    schema.migrate(engine)
    engine.dispose()

    def staff(conn: Connection) -> None:
        for number in range(agents):
            agent = f"agent {number}"
            row = {"person_id": agent, "roles": "agent311", "scope": "{}", "token_hash": agent, "created_at": datetime.now(UTC)}
            conn.execute(insert(Person), [row])
            agent_rows.put(conn, agent, Given(languages=["en"], line=line_of(number)), ring)

    with closing(Database(url)) as db:
        db.write_now(staff)


class Exchange:
    """The telephone network, the floor and what both have written. Callers whom the floor does not answer hear the document
    that a city lays down with its provider."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.port, self.carrier_port, self.smtp_port = free_port(), free_port(), free_port()
        self._kept, self._name = Kept(), ""

    async def carrier(self) -> Process:
        here, fallback = f"http://127.0.0.1:{self.port}", self.home / "fallback.xml"
        fallback.write_bytes(voice_fallback.document(at_noon(), speech()))
        arguments = ["-m", "channels.simulator", "--log", str(self.home / "carrier"), "--sms-port", str(self.carrier_port)]
        arguments += ["--smtp-port", str(self.smtp_port), "--account", ACCOUNT, "--token", TOKEN, "--speed", str(SPEED)]
        arguments += ["--voice-number", f"{at_noon().number}={here}/voice/ring", "--calls-per-second", "50"]
        arguments += ["--voice-status-url", f"{here}/voice/status", "--voice-fallback", str(fallback)]
        return await start(arguments, {}, self.home / "carrier.log")

    async def floor(self) -> Process:
        arguments = ["-m", "tests.nemesis.floor_process", str(self.home), self.url, str(self.port), str(self.carrier_port)]
        return await start(arguments, {}, self.home / "floor.log")

    async def ask(self, path: str, document: Mapping[str, Any] | None = None) -> Any:
        url = f"http://127.0.0.1:{self.carrier_port}{path}"
        async with aiohttp.ClientSession() as session, session.request("POST" if document else "GET", url, json=document) as it:
            assert it.status < 300, await it.text()
            return await it.json()

    def record(self) -> "ProvidersRecord":
        path = self.home / "carrier" / "voice.jsonl"
        return ProvidersRecord([json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else [])

    def books(self) -> dict[str, Record]:
        """The contacts as the journal has them now. Reads on from where it was, or a new journal from its beginning."""
        path, kept = self.home / "floor.journal", self._kept
        lines = list(read(path, kept, kept.ends))
        if kept.name != self._name:  # another journal than the one it had read so far
            self._kept = kept = Kept()
            lines = list(read(path, kept))
            self._name = kept.name
        for one in lines:
            kept.take(one.changed)
            kept.ends = one.ends
        found = self._kept.entities.get("record", {})
        return {key: one for key, one in found.items() if isinstance(one, Record)}

    def stand(self) -> Counter[Standing]:
        return Counter(one.contact.standing for one in self.books().values())


@dataclass(frozen=True, slots=True)
class ProvidersRecord:
    """What the provider has written of its calls."""

    events: list[dict[str, Any]]
    inbound: frozenset[str] = field(init=False)  # calls to the city's number
    fell: frozenset[str] = field(init=False)  # those that its fallback document was followed for
    met: Counter[str] = field(init=False)  # how often each of them came into a conference

    def __post_init__(self) -> None:
        rang = [event["sid"] for event in self.events if event["event"] == "ring" and event["direction"] == "inbound"]
        assert len(rang) == len(set(rang))
        fell = [event["sid"] for event in self.events if event["event"] == "verb" and event["what"] == "fallback document"]
        joined = [event for event in self.events if event["event"] == "conference" and event["cause"] == "join"]
        for name, value in (
            ("inbound", frozenset(rang)),
            ("fell", frozenset(fell)),
            ("met", Counter(event["sid"] for event in joined if event["direction"] == "inbound")),
        ):
            object.__setattr__(self, name, value)

    def asked(self) -> list[dict[str, Any]]:
        """Webhooks that the floor has answered."""
        return [event for event in self.events if event["event"] in ("webhook", "callback") and event["code"] in (200, 204)]


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}") from None
