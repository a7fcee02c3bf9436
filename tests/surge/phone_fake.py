"""A telephone network in memory, and a floor on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from channels.base import Inbound
from channels.calls import LiveCall, Lost, NotPlaced, Outcome, Placed, Ring
from notify.clock import Clock
from notify.db import Database
from notify.staff.staff_tables import Person
from subscribers.sealing import Keyring
from surge.contact import Standing
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.floor.air import Air
from surge.floor.callback import Promise
from surge.floor.floor import Parts
from surge.floor.floor_desk import DeskFloor
from surge.floor.orders import Word
from surge.floor.seats import AgentState
from surge.voice.conversation import Conversation
from surge.voice.prompts import Prompt
from tests.surge.voice_factory import NOON, ZIPS, portland, speech

RING = Keyring(current="k1", keys={"k1": b"1" * 32}, blind_key=b"2" * 32)
AIR = Air(
    speech=speech(),
    messages={"en": Prompt(language="en", words="Boil tap water for 1 minute before you drink it.")},
    zips=ZIPS,
)

LINES = {"a1": "+15035550111", "a2": "sip:desk2@example.gov", "desk": ""}  # of the agents


@dataclass(slots=True)
class FakePhone:
    """Takes every call; what is live is what a test says."""

    rung: list[Ring] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    known: list[LiveCall] = field(default_factory=list)
    unheard: list[Lost] = field(default_factory=list)
    asked_since: list[datetime] = field(default_factory=list)
    refuses: bool = False
    away: bool = False
    opened: int = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened -= 1

    async def ring(self, ring: Ring) -> Outcome:
        self.rung.append(ring)
        return NotPlaced("the fake takes none") if self.refuses else Placed(f"CAout{len(self.rung)}")

    async def redirect(self, call_sid: str, url: str) -> bool:
        if self.away:
            raise ConnectionError("away")
        self.sent.append((call_sid, url))
        return call_sid not in self.hung_up

    async def hang_up(self, call_sid: str) -> bool:
        self.hung_up.append(call_sid)
        return True

    async def calls(self, since: datetime) -> Sequence[LiveCall]:
        self.asked_since.append(since)
        if self.away:
            raise ConnectionError("away")
        return self.known

    async def lost(self, since: datetime) -> Sequence[Lost]:
        return [one for one in self.unheard if one.at >= since]

    def read(self, request: Inbound) -> dict[str, str]:
        return dict(request.form)


@dataclass(slots=True)
class Written:
    """Texts to callers."""

    sent: list[tuple[str, str, Word]] = field(default_factory=list)

    async def __call__(self, number: str, language: str, what: Word, promise: Promise | None) -> None:
        self.sent.append((number, language, what))


@dataclass(slots=True)
class House:
    floor: DeskFloor
    talk: Conversation
    phone: FakePhone
    texts: Written

    def ring(self, call_sid: str, number: str = "+15035550142") -> bytes:
        return self.talk.ring({"CallSid": call_sid, "From": number, "To": portland().number})

    def press(self, call_sid: str, step: str, digits: str = "") -> bytes:
        return self.talk.said(step, {"CallSid": call_sid, "Digits": digits})

    def wait_in_line(self, call_sid: str, number: str = "+15035550142") -> str:
        self.ring(call_sid, number)
        self.press(call_sid, "greeting", "0")
        return self.floor.calls[call_sid].contact_id

    async def settled(self) -> None:
        await self.floor.settled()


@asynccontextmanager
async def a_floor(db: Database, clock: Clock, journal: Path, phone: FakePhone | None = None) -> AsyncIterator[House]:
    phone, texts = phone or FakePhone(), Written()
    parts = Parts(
        db=db,
        clock=clock,
        ring=RING,
        pack=portland(),
        journal=journal,
        public_url="https://city.example.gov",
        telephone=phone,
        texts=texts,
    )
    floor = DeskFloor(parts, AIR)
    await floor.start()
    try:
        yield House(floor, Conversation(floor), phone, texts)
    finally:
        await floor.stop()


async def crash(floor: DeskFloor) -> None:
    """As kill -9 leaves it: nothing is carried out or written any more; the journal's lock goes with the process."""
    for task in [*floor._loops, *floor._orders]:
        task.cancel()
    await asyncio.gather(*floor._loops, *floor._orders, return_exceptions=True)
    floor._scribe._journal.abandon()


def staff(conn: Connection) -> None:
    for person_id, line in LINES.items():
        person = Person(person_id=person_id, roles="agent311", token_hash=person_id, created_at=NOON)
        conn.execute(Person.__table__.insert(), person.model_dump())  # type: ignore[attr-defined]
        agent_rows.put(conn, person_id, Given(languages=["en"], line=line), RING)


def standing(house: House, contact_id: str) -> Standing:
    record = house.floor.record(contact_id)
    assert record is not None
    return record.contact.standing


async def talk(house: House, call_sid: str, agent: str) -> str:
    """From the ring to the conference, with an agent who is there already: where nobody is, nobody waits."""
    await house.floor.set_state(agent, AgentState.READY)
    contact_id = house.wait_in_line(call_sid)
    await house.settled()
    reservation = house.phone.rung[-1].url.rpartition("/")[2]
    house.talk.agent(reservation, {"CallSid": "CAa"})
    house.talk.agent_said(reservation, {"CallSid": "CAa", "Digits": "1"})
    await house.settled()
    house.press(call_sid, "bridge")
    return contact_id
