"""311's floor, running: the board, its journal, the telephone and the clock.

    webhook or desk -> board (in memory, one thing at a time) -> journal (on its way to disk) -> answer
                                    `-> orders -> telephone, texts        `-> database, in batches

Answers come from memory: a slow database makes nobody wait. After a crash the journal gives the books back, leases free whoever
was being rung, and the provider says which calls have ended meanwhile.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from channels.base import Misconfigured
from notify.clock import Clock
from notify.db import Database
from subscribers.sealing import Keyring, Unopenable
from surge.contact import Contact, Way
from surge.desk import agent_rows
from surge.floor import reconciliation
from surge.floor.air import Air
from surge.floor.board import Arrival, Board
from surge.floor.carrier import Carrier, Texts, no_texts
from surge.floor.journal import Journal
from surge.floor.orders import Order, Turn
from surge.floor.queue import Told, told_wait
from surge.floor.records import Record, Surge, rules_of
from surge.floor.scribe import Scribe
from surge.floor.telephone import Telephone
from surge.numbers.chain import Habits
from surge.pack import Pack
from surge.switch.activation import Activation, Status
from surge.tables import AgentRow
from surge.voice.voice_call import Call

logger = logging.getLogger(__name__)

PURPOSE: Final = "voice"  # what callers' numbers are sealed for
BEAT_S: Final = 1.0
RECONCILE_S: Final = 30.0
GOODBYE_S: Final = 5.0
LEAST_PAUSE_S: Final = 0.05
LOOKING: Final = 0.1  # of the time is spent on the provider's list of calls at most, however long it is and fast the clock
REMEMBERED: Final = timedelta(hours=24)  # an ended contact stays in memory so long
PATIENCE: Final = timedelta(minutes=30)  # a wait is told as if nobody gave up sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a floor is made of. telephone: None where calls stay elsewhere. tell: a sentence for staff. speed: how many seconds
    of the clock pass in one, where a day is replayed. may_act: whether this process surely has the line still, where another
    one might; superseded: called when another one has gone on with it."""

    db: Database
    clock: Clock
    ring: Keyring
    pack: Pack
    journal: Path
    public_url: str = ""
    telephone: Telephone | None = None
    texts: Texts = no_texts
    tell: Callable[[str], None] = field(default=logger.info)
    speed: float = 1.0
    may_act: Callable[[], bool] = lambda: True
    superseded: Callable[[], None] = lambda: None

    @property
    def shared(self) -> bool:
        """Whether other processes use the database, and may go on with the floor."""
        return not self.db.sqlite


class Floor:
    """`start` before anything else, `stop` at the end. What is asked of it by desks is in surge.floor.floor_desk."""

    def __init__(self, parts: Parts, air: Air) -> None:
        self.parts, self.air = parts, air
        self.board = Board(rules_of(parts.pack))
        self.calls: dict[str, Call] = {}  # by CallSid
        self.crew: dict[str, AgentRow] = {}  # who may answer
        self.centre = parts.pack.emergency_line
        self.watched_from = self.looked_to = parts.clock.now()
        self.unsure: set[str] = set()  # calls of before a restart, until the provider has said what became of them meanwhile
        self.unsure_until = parts.clock.now()
        self._scribe = Scribe(Journal(parts.journal), parts.db, shared=parts.shared, superseded=parts.superseded)
        self._carrier = Carrier(
            floor=self, telephone=parts.telephone, texts=parts.texts, public_url=parts.public_url.rstrip("/"), tell=parts.tell
        )
        self._is_open = False  # the telephone
        self._orders: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Rebuilds the books, and goes on. Raises journal.Held. A telephone that does not work is tried again; desks go on."""
        path = self.parts.journal
        before = datetime.fromtimestamp(path.stat().st_mtime, self.now().tzinfo) if path.exists() else None
        kept = await self._scribe.open()
        self.board.load(kept.entities)
        for call in kept.entities.get("call", {}).values():
            if isinstance(call, Call):
                record = self.board.books.records.get(call.contact_id)
                self.calls[call.call_sid] = replace(call, caller=self.number_of(record) if record is not None else "")
        self.watched_from = self.looked_to = reconciliation.last_alive(self, before)
        if self.parts.telephone is not None:
            self.unsure = {record.call_sid for record in self.board.books.records.values() if record.call_sid is not None}
            self.unsure_until = self.now() + reconciliation.PATIENCE
        await self._open_telephone()
        self.forget()
        self._scribe.renew(self.everything())
        try:
            await self.look_up_agents()
        except SQLAlchemyError:
            logger.exception("agents cannot be looked up; it is tried again")
        self._loops = [
            asyncio.create_task(self._scribe.run(self.everything), name="the floor's scribe"),
            asyncio.create_task(self._every(BEAT_S, self._beat), name="the floor's clock"),
            asyncio.create_task(self._every(RECONCILE_S, self._reconcile, LOOKING), name="the floor's look at the provider"),
        ]

    async def stop(self) -> None:
        """What was ordered is carried out, for as long as that takes no longer than GOODBYE_S; what happened is written."""
        for loop in self._loops[1:]:
            loop.cancel()
        await asyncio.gather(*self._loops[1:], return_exceptions=True)
        if self._orders:
            _, late = await asyncio.wait(self._orders, timeout=GOODBYE_S)
            for order in late:
                order.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._scribe.close()
        await asyncio.gather(*self._loops[:1], return_exceptions=True)
        if self.parts.telephone is not None and self._is_open:
            await self.parts.telephone.close()

    async def _open_telephone(self) -> None:
        if self.parts.telephone is None or self._is_open:
            return
        try:
            await self.parts.telephone.open()
            self._is_open = True
        except Misconfigured as error:
            logger.error("311's telephone does not work: %s (docs/surge.md#how-it-is-put-together)", error)

    def now(self) -> datetime:
        return self.parts.clock.now()

    def say(self, turn: Turn, call: Call | None = None) -> None:
        """Writes down what the board did, then has it carried out. call: how a call stands now."""
        calls = {call.call_sid: replace(call, caller="")} if call is not None else None
        if call is not None:
            self.calls[call.call_sid] = call
        self._scribe.write(turn, calls)
        for order in turn.orders:
            task = asyncio.create_task(self._carry(order), name=type(order).__name__)
            self._orders.add(task)
            task.add_done_callback(self._orders.discard)

    async def _carry(self, order: Order) -> None:
        try:
            await self._carrier.carry(order)
        except Exception:  # the floor's own boundary: leases and the reconciliation mend what an order left undone
            logger.exception("an order of the floor was not carried out")

    async def settled(self) -> None:
        """Every order given so far has been carried out."""
        while self._orders:
            await asyncio.gather(*self._orders, return_exceptions=True)

    async def flush(self) -> None:
        """What happened so far is in the database."""
        await self._scribe.flush()

    # -- who is who --

    def number_of(self, record: Record) -> str:
        if record.sealed is None:
            return ""
        try:
            return self.parts.ring.open(PURPOSE, record.key_id, record.sealed)
        except Unopenable as error:
            logger.error("%s", error)
            return ""

    def line_of(self, agent_id: str) -> str:
        row = self.crew.get(agent_id)
        return agent_rows.line_of(row, self.parts.ring) if row is not None else ""

    async def look_up_agents(self) -> None:
        """Who may answer, and how many that are: what is promised for hours when nobody is there yet goes by it."""
        rows = await self.parts.db.read(agent_rows.everybody)
        now = self.now()
        self.crew = {row.person_id: row for row in rows}
        crew = sum(row.until is None or row.until > now for row in rows)
        self.board.books.rules = replace(self.board.books.rules, crew=crew)

    def arrival(self, way: Way, provider_id: str, address: str, **more: Any) -> Arrival:
        """Somebody new, known by a keyed hash of their number or address, which itself is sealed."""
        channel = "email" if "@" in address else "sms"
        sealed = self.parts.ring.seal(PURPOSE, address) if address else None
        return Arrival(
            contact_id=contact_id_of(way, provider_id),
            way=way,
            provider_id=provider_id,
            caller=self.parts.ring.blind(channel, address).hex() if address else "",
            sealed=sealed.data if sealed else None,
            key_id=sealed.key_id if sealed else "",
            **more,
        )

    # -- what is on --

    async def activate(self, activation: Activation | None) -> None:
        """Follows the switch: what is open, armed does not count, and whether it stands down."""
        wanted = None
        if activation is not None and activation.status in (Status.OPEN, Status.STANDING_DOWN):
            draining = activation.status is Status.STANDING_DOWN
            wanted = Surge(activation_id=activation.activation_id, drill=activation.drill, draining=draining)
        was = self.board.books.surge
        if wanted != was:
            self.say(self.board.activate(wanted, self.now()))
        if wanted is None and was is not None:
            self.say(self.board.lift(self.now()))

    def contacts(self) -> Sequence[Contact]:
        """Of the open activation, and all of the last day."""
        return [record.contact for record in self.board.books.records.values()]

    def wait_of(self, before: int) -> Told | None:
        """The wait of somebody with so many ahead, as they may be told it."""
        rules = self.board.books.rules
        return _told(before, self.board.on_duty, self.board.books.handle().total_seconds(), rules.most_waiting)

    def everything(self) -> Mapping[str, Mapping[str, Any]]:
        """All that a new journal begins with."""
        books = self.board.books
        open_calls = {sid: replace(call, caller="") for sid, call in self.calls.items()}
        kept: dict[str, Mapping[str, Any]] = {
            "record": books.records,
            "callback": books.callbacks,
            "seat": books.seats,
            "reservation": books.reservations,
            "use": books.uses,
            "call": open_calls,
        }
        return kept | ({"surge": {"": books.surge}} if books.surge is not None else {})

    def forget(self) -> None:
        """What ended long ago is the database's alone."""
        self.say(self.board.forget(self.now() - REMEMBERED))
        known = self.board.books.records
        self.calls = {sid: call for sid, call in self.calls.items() if call.contact_id in known}

    # -- by itself --

    async def _beat(self) -> None:
        self.say(self.board.tick(self.now()))

    async def _reconcile(self) -> None:
        await self._open_telephone()
        if self.parts.telephone is not None and self._is_open:
            await reconciliation.look(self, self.parts.telephone)
        self.forget()
        await self.look_up_agents()

    async def _every(self, seconds: float, do: Callable[[], Any], share: float = 1.0) -> None:
        """share: of the time, that is spent on it at most; then it is done less often."""
        while True:
            began = time.monotonic()
            try:
                if self.parts.may_act():
                    await do()
            except Exception:  # the loop's own boundary: the next time may go well
                logger.exception("the floor could not look after itself")
            rest_s = (time.monotonic() - began) * (1 / share - 1)
            await asyncio.sleep(max(LEAST_PAUSE_S, seconds / self.parts.speed, rest_s))


def contact_id_of(way: Way, provider_id: str) -> str:
    """The same call, text or letter is the same contact, whatever has been forgotten meanwhile."""
    return hashlib.blake2b(f"{way} {provider_id}".encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=4_096)
def _told(before: int, agents: int, handling_s: float, most_waiting: int) -> Told | None:
    """The same for everybody at this place, until somebody has ended."""
    return told_wait(
        before, agents, Habits(handling_s=handling_s, patience_s=PATIENCE.total_seconds(), most_waiting=most_waiting)
    )
