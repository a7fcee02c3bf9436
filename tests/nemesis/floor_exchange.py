"""A telephone network, 311's floor as a process of its own, and what both have written: for tests that kill the floor."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import Connection, insert

from channels.twilio_signature import signature
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
from tests.stories.town import ACCOUNT, TOKEN, Process, read_log, start
from tests.surge.voice_factory import speech

DEADLINE_S: Final = 120.0
AT_ONCE: Final = 100  # connections of the pressure


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
    that a city lays down with its provider. speed: how many seconds of theirs pass in one."""

    def __init__(self, home: Path, url: str, speed: int = 60) -> None:
        self.home, self.url, self.speed = home, url, speed
        self.port, self.carrier_port, self.smtp_port = free_port(), free_port(), free_port()
        self._kept, self._name = Kept(), ""

    async def carrier(self) -> Process:
        here, fallback = f"http://127.0.0.1:{self.port}", self.home / "fallback.xml"
        fallback.write_bytes(voice_fallback.document(at_noon(), speech()))
        arguments = ["-m", "channels.simulator", "--log", str(self.home / "carrier"), "--sms-port", str(self.carrier_port)]
        arguments += ["--smtp-port", str(self.smtp_port), "--account", ACCOUNT, "--token", TOKEN, "--speed", str(self.speed)]
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
        return ProvidersRecord(read_log(self.home / "carrier" / "voice.jsonl"))

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


class Pressure:
    """More webhooks than the provider makes: a client asks what callers who wait are to hear, at so many a second, whether or
    not anybody answers. That moves no contact. answers: when each good one came, and after how many milliseconds."""

    def __init__(self) -> None:
        self.answers: list[tuple[float, float]] = []

    async def last(self, url: str, call_sids: Sequence[str], per_s: int) -> None:
        """Until cancelled."""
        if not per_s:
            return
        timeout, connector = aiohttp.ClientTimeout(total=15), aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                mine = call_sids[number % len(call_sids)]
                group.create_task(self._ask_again(session, url + "/voice/wait", mine, AT_ONCE / per_s, number / per_s))

    async def _ask_again(self, session: aiohttp.ClientSession, url: str, call_sid: str, every_s: float, after_s: float) -> None:
        form = [("AccountSid", ACCOUNT), ("CallSid", call_sid), ("From", "+15035559000"), ("To", at_noon().number)]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature(TOKEN, url, form)}
        body, due = urlencode(form), time.monotonic() + after_s
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            due = max(due + every_s, began)  # what could not be asked in time is not made up for
            try:
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                    if answer.status == 200:
                        self.answers.append((time.time(), (time.monotonic() - began) * 1_000))
            except (aiohttp.ClientError, TimeoutError):
                continue


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}") from None
