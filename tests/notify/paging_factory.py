"""An office that pages its staff: a newsroom on a database, people with phones, and lines that answer as they are told to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from channels.base import Handed, Outbound, Outcome, Receipt
from notify import due
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.clock import ManualClock
from notify.db import Database
from notify.staff import paging_rows as rows
from notify.staff import people, staff_contacts
from notify.staff.paging import ASK, Links, Pace
from notify.staff.paging_delivery import Delivery
from notify.staff.paging_desk import Paging
from notify.staff.paging_lane import Lane
from tests.notify.newsroom_factory import AUTHOR, Room, a_draft
from tests.notify.subjects import the_words
from tests.subscribers.factories import a_keyring

NEXT, AGAIN = timedelta(minutes=3), timedelta(minutes=10)
ROLES = {"author": "author", "approver": "approver", "deputy": "approver", "third": "approver", "admin": "admin"}


@dataclass(slots=True)
class Line:
    """A channel that keeps what it was given and gives the answers put into `answers`, then takes everything."""

    name: str
    answers: list[Outcome] = field(default_factory=list)
    sent: list[Outbound] = field(default_factory=list)

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        for outbound in batch:
            self.sent.append(outbound)
            yield Receipt(outbound.delivery_id, self.answers.pop(0) if self.answers else Handed(f"SM{len(self.sent)}"))

    @property
    def told(self) -> list[str]:
        return [outbound.address for outbound in self.sent]


def a_dispatcher(line: Line, *, below: int = 100, rate: float = 100.0, trouble: str = "") -> Any:
    sender = SimpleNamespace(channel=line, below=below, rate=rate, units=lambda content: 1)
    return SimpleNamespace(sender=sender, light=SimpleNamespace(trouble=trouble), works=not trouble, reserve=lambda units: 0.0)


@dataclass(slots=True)
class Office:
    """`calls`: what the duty officer's own pager was told."""

    room: Room
    clock: ManualClock
    paging: Paging
    texts: Line
    mails: Line
    calls: list[str]

    @classmethod
    def on(cls, db: Database, clock: ManualClock) -> "Office":
        room, texts, mails, calls = Room.on(db, clock), Line("sms"), Line("email"), list[str]()
        now = clock.now()
        for name, role in ROLES.items():
            db.write_now(lambda conn, name=name, role=role: people.add(conn, name, [role], {}, now))  # type: ignore[misc]
        lane = Lane([a_dispatcher(texts), a_dispatcher(mails)], Mode.DEMO, exercise.marks(the_words()))
        links = Links(b"k" * 32, "https://console.example.gov")
        paging = Paging(
            delivery=Delivery(db=db, clock=clock, keys=a_keyring(), lane=lane, links=links),
            newsroom=room.newsroom,
            hazards=room.newsroom.assembler.hazards,  # type: ignore[attr-defined]
            call=calls.append,
            pace=Pace(next_after=NEXT, again_after=AGAIN),
        )
        return cls(room, clock, paging, texts, mails, calls)

    @property
    def db(self) -> Database:
        return self.room.db

    def contact(self, person_id: str, typed: str) -> None:
        """The person gives an address and types the code that came to it."""
        ring, now = self.paging.delivery.keys, self.clock.now()
        given = staff_contacts.normal(typed, Mode.DEMO)
        made = self.db.write_now(lambda conn: staff_contacts.claim(conn, (person_id, person_id), given, ring, now))
        assert self.db.write_now(lambda conn: staff_contacts.confirm(conn, person_id, made.channel, made.code, ring, now))

    def on_call(self, person_id: str, hours: int = 8) -> None:
        self.db.write_now(lambda conn: staff_contacts.put_on_call(conn, person_id, hours, person_id, self.clock.now()))

    def submitted(self) -> str:
        alert_id, _ = self.room.submitted(a_draft())
        return alert_id

    def returned(self, alert_id: str) -> None:
        self.room.do("send_back", AUTHOR, alert_id, "Once more.")

    async def turn(self) -> list[str]:
        """Does every step of paging that is due, as the ticker does; returns the steps."""
        now = self.clock.now()
        tasks = await self.db.write(lambda conn: due.claim(conn, now))
        for task in tasks:
            if task.kind == ASK:
                await self.paging.ask(task.ref)
            await self.db.write(lambda conn, task=task: due.done(conn, task, now))  # type: ignore[misc]
        return [task.ref for task in tasks if task.kind == ASK]

    def pages(self, alert_id: str) -> list[tuple[str, str, int, str]]:
        found = self.db.read_now(lambda conn: rows.history(conn, alert_id))
        return [(one.person_id, one.channel, one.step, one.state) for one in found]

    def waiting_steps(self) -> int:
        query = text("SELECT COUNT(*) FROM due WHERE kind = :kind AND done_at IS NULL")
        return int(self.db.read_now(lambda conn: conn.execute(query, {"kind": ASK}).scalar_one()))
