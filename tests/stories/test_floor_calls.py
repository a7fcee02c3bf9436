"""311's floor on the simulated telephone: callers, agents and the provider's log, a day's minutes in seconds."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import Connection

from channels.simulator import Running, SimulatorConfig, TelephoneConfig, VoiceNumber, running
from channels.simulator.journal import entries
from channels.simulator.telephone.characters import Person as Character
from channels.simulator.telephone.crowd import Crowd
from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.voice import TwilioVoice
from notify.clock import HurriedClock
from notify.db import Database
from notify.staff.staff_tables import Person
from surge.contact import TERMINAL, Standing
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.floor import Parts
from surge.floor.floor_desk import DeskFloor
from surge.floor.seats import AgentState
from surge.floor.summons import State
from surge.voice.conversation import Conversation
from surge.voice.webhooks import VoiceWebhooks
from tests.ports import free_port
from tests.stories import webhooks
from tests.surge.phone_fake import AIR, RING, Written
from tests.surge.voice_factory import NOON, portland

SPEED = 30.0
PATIENCE_S = 90.0
AGENTS = {"a1": "+15035552001", "a2": "+15035552002", "a3": "+15035552003"}


@pytest.fixture
def store(store: Database) -> Database:
    store.write_now(_staff)
    return store


def _staff(conn: Connection) -> None:
    for person_id, line in AGENTS.items():
        person = Person(person_id=person_id, roles="agent311", token_hash=person_id, created_at=NOON)
        conn.execute(Person.__table__.insert(), person.model_dump())  # type: ignore[attr-defined]
        agent_rows.put(conn, person_id, Given(languages=["en"], line=line), RING)


@asynccontextmanager
async def a_city(db: Database, folder: Path, speed: float = SPEED) -> AsyncIterator[tuple[DeskFloor, Running]]:
    """The floor behind its webhooks, and the network they speak with; both at the same hour of the same day."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    number = VoiceNumber(number=portland().number, url=f"{url}/voice/ring", status_url=f"{url}/voice/status")
    telephone = TelephoneConfig(numbers=(number,), speed=speed, calls_per_s=5.0, begins_at=NOON.timestamp())
    config = SimulatorConfig(log=folder / "log", telephone=telephone)
    async with running(config) as simulator:
        account = TwilioAccount(
            account_sid=config.account_sid, auth_token=config.auth_token, public_url=url, base_url=simulator.sms_url
        )
        voice = TwilioVoice(TwilioGateway(account), portland().number, per_s=50.0)
        floor = DeskFloor(
            Parts(
                db=db,
                clock=HurriedClock(NOON, speed),
                ring=RING,
                pack=portland(),
                journal=folder / "floor.journal",
                public_url=url,
                telephone=voice,
                texts=Written(),
                speed=speed,
            ),
            AIR,
        )
        await floor.start()
        async with served(VoiceWebhooks(Conversation(floor), voice, url), port):
            yield floor, simulator
            await simulator.telephone.until_quiet()
        await floor.stop()


@asynccontextmanager
async def served(webhooks: VoiceWebhooks, port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.add_routes(webhooks.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def _number(at: int) -> str:
    return f"+1503555{1_001 + at}"


async def test_callers_are_served_and_the_network_and_the_floor_tell_the_same_story(store: Database, tmp_path: Path) -> None:
    callers = [Character(number=_number(at), at_s=at * 4.0, presses=("0",), talk_s=20.0, patience_s=900.0) for at in range(5)]
    agents = [Character(number=number, presses_called=("1",), rings_s=3.0) for number in AGENTS.values()]
    async with a_city(store, tmp_path) as (floor, simulator):
        for agent in AGENTS:
            await floor.set_state(agent, AgentState.READY)
        tally: Counter[str] = Counter()
        simulator.telephone.touch()
        Crowd(simulator.telephone.board, portland().number, [*callers, *agents], "tocsin", tally).begin()
        await _all_done(simulator, floor, len(callers))
        contacts = floor.contacts()
    lines = list(entries(tmp_path / "log" / "voice.jsonl"))
    assert [line for line in lines if line["event"] == "error"] == []
    inbound = {line["sid"] for line in lines if line["event"] == "ring" and line["direction"] == "inbound"}
    met = {line["sid"] for line in lines if line["event"] == "bridge"} & inbound
    assert len(inbound) == len(contacts) == len(callers)
    assert {contact.standing for contact in contacts} <= TERMINAL
    assert len(met) == sum(contact.standing is Standing.DONE for contact in contacts) == len(callers)
    ended = Counter(line["sid"] for line in lines if line["event"] == "end")
    assert set(ended.values()) == {1}


SLOWLY = 10.0  # 15 seconds are one and a half


@pytest.mark.parametrize(("centre", "state"), [("human", State.THERE), ("no-answer", State.MISSED)])
async def test_an_agent_brings_the_emergency_centre_into_the_call(
    store: Database, tmp_path: Path, centre: str, state: State
) -> None:
    line = portland().emergency_line
    people = [
        Character(number=_number(0), at_s=0.0, presses=("0",), talk_s=90.0, patience_s=900.0),
        Character(number=AGENTS["a1"], rings_s=3.0),
        Character(number=line, rings_s=2.0, becomes=centre),
    ]
    seen: set[State] = set()

    async def bring() -> bool:
        for record in list(floor.board.books.records.values()):
            handed = floor.handed(record.contact_id)
            if handed is not None:
                seen.add(handed.state)
            elif record.contact.standing is Standing.TALKING:
                await floor.summon("a1", record.contact_id)
        return await _noted(floor, 1)

    async with a_city(store, tmp_path, SLOWLY) as (floor, simulator):
        await floor.set_state("a1", AgentState.READY)
        simulator.telephone.touch()
        Crowd(simulator.telephone.board, portland().number, people, "tocsin", Counter()).begin()
        await webhooks.until(simulator, bring)
        (contact,) = floor.contacts()
    assert state in seen
    assert contact.standing is (Standing.DONE if state is State.THERE else Standing.EMERGENCY_OUT)
    lines = list(entries(tmp_path / "log" / "voice.jsonl"))
    assert [one for one in lines if one["event"] == "error"] == []
    assert [one["to"] for one in lines if one["event"] == "ring"].count(line) == 1
    joined = {one["to"] for one in lines if one["event"] == "conference"}
    assert (line in joined) is (state is State.THERE)


async def _all_done(simulator: Running, floor: DeskFloor, count: int) -> None:
    """Agents write down what it was as soon as a caller has gone."""
    await webhooks.until(simulator, partial(_noted, floor, count))


async def _noted(floor: DeskFloor, count: int) -> bool:
    for record in list(floor.board.books.records.values()):
        if record.contact.standing is Standing.WRAP:
            await floor.finish(str(record.agent), record.contact.contact_id, "answered")
    await floor.settled()
    return len(floor.contacts()) >= count and all(contact.standing in TERMINAL for contact in floor.contacts())
