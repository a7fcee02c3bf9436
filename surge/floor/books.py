"""All the board knows, and what has changed in it since it was last asked: contacts, seats, reservations, callbacks, partners
and the waiting line. Nothing here decides."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from surge import contact as contacts
from surge.contact import Moved, Standing
from surge.floor.callback import WAITS, Callback, State
from surge.floor.line import Line
from surge.floor.orders import Happened, Order, Turn
from surge.floor.overflow import Use
from surge.floor.records import Record, Rules, Surge
from surge.floor.seats import AgentState, Reservation, Seat
from surge.floor.summons import Summons

HANDLE = timedelta(minutes=5)  # mean talk and wrap, until enough contacts say better
ENOUGH: Final = 10
LATELY: Final = 100
KINDS: Final = ("surge", "record", "callback", "seat", "reservation", "summons", "use")  # in the order they refer to each other
IN_LINE: Final = WAITS | {State.WAITING_AGENT}


class Books:
    """Entities are replaced, never changed; every replacement is noted until `turn` is asked for."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.surge: Surge | None = None
        self.records: dict[str, Record] = {}
        self.seats: dict[str, Seat] = {}
        self.reservations: dict[str, Reservation] = {}
        self.callbacks: dict[str, Callback] = {}
        self.summons: dict[str, Summons] = {}  # by contact
        self.uses: dict[str, Use] = {}
        self.line = Line()
        self.last_seq = 0  # of places given
        self.next_dial: datetime | None = None
        self.ready = 0  # how many seats are ready: mostly none while it storms
        self.stirred = True  # somebody came into the line or became ready since agents and callers were last matched
        self._of_contact: dict[str, str] = {}  # contact -> its callback
        self._held: dict[str, str] = {}  # contact -> its reservation
        self._promised: dict[str, str] = {}  # caller -> the callback they wait for
        self._live: set[str] = set()  # contacts whose call waits in the line
        self._waiting_caller: dict[str, str] = {}  # caller -> such a contact of theirs
        self._lately: list[timedelta] = []
        self._events: list[Happened] = []
        self._orders: list[Order] = []
        self._changed: dict[str, dict[str, object]] = {}

    def turn(self) -> Turn:
        """What has come of it since the last time."""
        turn = Turn(events=tuple(self._events), orders=tuple(self._orders), changed=self._changed)
        self._events, self._orders, self._changed = [], [], {}
        return turn

    def order(self, order: Order) -> None:
        self._orders.append(order)

    def record(self, record: Record) -> Record:
        self.records[record.contact_id] = record
        self._note("record", record.contact_id, record)
        self._line_up(record)
        return record

    def seat(self, seat: Seat) -> Seat:
        before = self.seats.get(seat.agent_id)
        if before is not None:
            seat = replace(seat, turns=before.turns + (before.state is not seat.state))
        self.ready += (seat.state is AgentState.READY) - (before is not None and before.state is AgentState.READY)
        self.stirred = self.stirred or seat.state is AgentState.READY
        self.seats[seat.agent_id] = seat
        self._note("seat", seat.agent_id, seat)
        return seat

    def reserve(self, reservation: Reservation) -> Reservation:
        self.reservations[reservation.reservation_id] = reservation
        self._held[reservation.contact_id] = reservation.reservation_id
        self._note("reservation", reservation.reservation_id, reservation)
        self._line_up(self.records[reservation.contact_id])
        return reservation

    def unreserve(self, reservation: Reservation) -> None:
        if self.reservations.pop(reservation.reservation_id, None) is not None:
            del self._held[reservation.contact_id]
            self._note("reservation", reservation.reservation_id, None)
            self._line_up(self.records[reservation.contact_id])

    def callback(self, callback: Callback) -> Callback:
        self.callbacks[callback.callback_id] = callback
        self._of_contact[callback.contact_id] = callback.callback_id
        self._note("callback", callback.callback_id, callback)
        record = self.records[callback.contact_id]
        caller = record.contact.caller
        if callback.state in WAITS and caller:
            self._promised[caller] = callback.callback_id
        elif self._promised.get(caller) == callback.callback_id:
            del self._promised[caller]
        self._line_up(record)
        return callback

    def summon(self, summons: Summons) -> None:
        self.summons[summons.contact_id] = summons
        self._note("summons", summons.contact_id, summons)

    def use(self, use: Use) -> None:
        self.uses[use.name] = use
        self._note("use", use.name, use)

    def activate(self, surge: Surge | None) -> None:
        self.surge = surge
        self._note("surge", "", surge)

    def move(self, record: Record, to: Standing, now: datetime, why: str = "", actor: str = "service") -> Record:
        """One event. Raises contact.NotThere for a step that cannot follow."""
        seq = record.contact.seq + 1
        moved = contacts.moved(record.contact, Moved(seq=seq, at=now, to=to))
        self._events.append(Happened(contact_id=record.contact_id, seq=seq, at=now, stands=to, actor=actor, why=why))
        ended_at = now if to in contacts.TERMINAL else None
        if to is Standing.DONE:
            self._lately = [*self._lately[-LATELY:], moved.talked + moved.wrapped]
        return self.record(replace(record, contact=moved, ended_at=ended_at))

    def restore(self, kept: Mapping[str, Mapping[str, object]]) -> None:
        """Entities as they were noted: kind -> key -> entity, of empty books."""
        everything = [entity for kind in KINDS for entity in kept.get(kind, {}).values()]
        for entity in everything:
            match entity:
                case Record():
                    self.record(entity)
                    self.last_seq = max(self.last_seq, entity.place.seq if entity.place else 0)
                case Callback():
                    self.callback(entity)
                case Seat():
                    self.seat(entity)
                case Reservation():
                    self.reserve(entity)
                case Summons():
                    self.summon(entity)
                case Use():
                    self.use(entity)
                case Surge():
                    self.activate(entity)

    def forget(self, record: Record) -> None:
        """Leaves nothing of an ended contact."""
        callback = self.callback_of(record.contact_id)
        if callback is not None:
            del self.callbacks[callback.callback_id], self._of_contact[record.contact_id]
            self._note("callback", callback.callback_id, None)
        if self.summons.pop(record.contact_id, None) is not None:
            self._note("summons", record.contact_id, None)
        del self.records[record.contact_id]
        self._note("record", record.contact_id, None)

    def callback_of(self, contact_id: str) -> Callback | None:
        return self.callbacks.get(self._of_contact.get(contact_id, ""))

    def promised_to(self, caller: str) -> Callback | None:
        """The callback that somebody who calls again still waits for."""
        return self.callbacks.get(self._promised.get(caller, "")) if caller else None

    def waiting_for(self, caller: str) -> Record | None:
        """The contact of this caller that stands in the line as a live call."""
        return self.records.get(self._waiting_caller.get(caller, "")) if caller else None

    def held_for(self, contact_id: str) -> Reservation | None:
        return self.reservations.get(self._held.get(contact_id, ""))

    def held_by(self, agent_id: str) -> Reservation | None:
        return next((one for one in self.reservations.values() if one.agent_id == agent_id), None)

    def new_seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    def handle(self) -> timedelta:
        """Mean talk and wrap of the last contacts."""
        return sum(self._lately, timedelta()) / len(self._lately) if len(self._lately) >= ENOUGH else HANDLE

    def callers_waiting(self) -> int:
        """Live calls in the line."""
        return len(self._live)

    def _note(self, kind: str, key: str, entity: object) -> None:
        self._changed.setdefault(kind, {})[key] = entity

    def _line_up(self, record: Record) -> None:
        """Whoever waits stands in the line, nobody else does."""
        callback = self.callback_of(record.contact_id)
        standing = record.contact.standing
        waits = standing is Standing.QUEUEING and not record.partner
        _keep(self._live, self._waiting_caller, record, there=waits and record.is_call)
        if callback is not None and standing is Standing.CALLBACK:
            waits = callback.state in IN_LINE and record.contact_id not in self._held
        if waits and record.place is not None:
            self.line.stand(record.contact_id, record.place)
            self.stirred = True
        else:
            self.line.leave(record.contact_id)


def _keep(live: set[str], callers: dict[str, str], record: Record, *, there: bool) -> None:
    """live: contacts whose call waits now; callers: by whom."""
    caller = record.contact.caller
    if there:
        live.add(record.contact_id)
        if caller:
            callers[caller] = record.contact_id
        return
    live.discard(record.contact_id)
    if callers.get(caller) == record.contact_id:
        del callers[caller]
