"""The side of the board that faces agents and the calls we make: who sits where, whose telephone rings, what was said there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from surge.contact import Standing
from surge.floor import handing, recalling, ringing
from surge.floor.books import Books
from surge.floor.callback import ON_THE_LINE, State
from surge.floor.callback import TERMINAL as CALLBACK_ENDS
from surge.floor.orders import HangUp, Tell, Turn
from surge.floor.recalling import Answer
from surge.floor.records import Rules
from surge.floor.seats import CHOSEN, ON_DUTY, AgentState, Profile, Seat
from surge.scripts.runbook import Ending

EMPTY: Final = "The line is empty and every callback has ended: surge can be closed."


class Switchboard:
    """Every method that changes something takes the moment and returns a Turn: events, orders, and what has changed."""

    def __init__(self, rules: Rules) -> None:
        self.books = Books(rules)
        self._was_empty = True

    def load(self, kept: Mapping[str, Mapping[str, object]]) -> None:
        """The books as they were: kind -> key -> entity, of an empty board."""
        self.books.restore(kept)
        self.books.turn()

    # -- agents --

    def sit(self, profile: Profile, state: AgentState, now: datetime) -> Turn:
        """An agent is ready, has a break or goes. One who talks is it when they have ended."""
        if state not in CHOSEN:
            raise ValueError(f"An agent cannot choose to be {state}.")
        seat = self.books.seats.get(profile.agent_id)
        seat = replace(seat, profile=profile) if seat else Seat(profile=profile, state=AgentState.OFFLINE, since=now)
        ringing.choose(self.books, self.books.seat(seat), state, now)
        return self._settled(now)

    def rung(self, reservation_id: str, call_sid: str, now: datetime) -> Turn:
        """The provider has taken the call to an agent: the time to answer begins. Nobody may need it any more."""
        reservation = self.books.reservations.get(reservation_id)
        if reservation is None:
            self.books.order(HangUp(call_sid=call_sid))
        else:
            until = None if reservation.is_accepted else now + self.books.rules.ring
            self.books.reserve(replace(reservation, call_sid=call_sid, until=until))
        return self._settled(now)

    def not_rung(self, reservation_id: str, now: datetime, *, fault: bool) -> Turn:
        """The provider took no call to an agent. fault: because of their line; then they have a break until it is mended."""
        reservation = self.books.reservations.get(reservation_id)
        if reservation is not None and not reservation.is_accepted:
            ringing.miss(self.books, reservation, now, "the line could not be called", fault=fault)
        return self._settled(now)

    def accept(self, reservation_id: str, now: datetime) -> Turn:
        """The agent said they are there; see `holds` for whether the contact still is."""
        reservation = self.books.reservations.get(reservation_id)
        if reservation is not None and not reservation.is_accepted:
            ringing.accept(self.books, reservation, now)
        return self._settled(now)

    def agent_left(self, reservation_id: str, now: datetime) -> Turn:
        reservation = self.books.reservations.get(reservation_id)
        if reservation is not None:
            ringing.agent_left(self.books, reservation, now)
        return self._settled(now)

    def take_next(self, agent_id: str, now: datetime) -> Turn:
        """An agent at a desk opens the written contact that was given to them, if one was; a wrap ends with it."""
        seat = self.books.seats.get(agent_id)
        if seat is not None and seat.state is AgentState.WRAP:
            ringing.end_wrap(self.books, seat, now)
        ringing.pair(self.books, now)
        reservation = self.books.held_by(agent_id)
        if reservation is not None and not reservation.is_accepted and self._is_written(reservation.contact_id):
            ringing.accept(self.books, reservation, now)
        return self._settled(now)

    def take(self, agent_id: str, contact_id: str, now: datetime) -> Turn:
        """An agent opens this very contact, which is written and waits, before its turn: somebody may be in danger."""
        ringing.take(self.books, agent_id, contact_id, now)
        return self._settled(now)

    def finish(self, agent_id: str, contact_id: str, disposition: str, script: int | None, now: datetime) -> Turn:
        """The agent has ended with a contact; also words that come after the wrap are kept. A call that goes on is hung up."""
        seat = self.books.seats.get(agent_id)
        held = seat is not None and seat.contact_id == contact_id
        ringing.finish(self.books, agent_id, contact_id, now)
        record = self.books.records.get(contact_id)
        if record is not None and record.agent == agent_id:
            handed = contact_id in self.books.summons or (held and record.disposition == Ending.EMERGENCY)
            kept = Ending.EMERGENCY if handed else disposition  # the centre was called for them, whatever was noted after it
            self.books.record(replace(record, disposition=kept, script=script or record.script))
        return self._settled(now)

    def holds(self, reservation_id: str) -> str | None:
        """The contact that an agent is held for; None once it has gone."""
        reservation = self.books.reservations.get(reservation_id)
        return reservation.contact_id if reservation is not None else None

    # -- the emergency centre --

    def summon(self, agent_id: str, contact_id: str, now: datetime) -> Turn:
        """An agent calls it into their talk; see `handing.may_summon`."""
        handing.summon(self.books, agent_id, contact_id, now)
        return self._settled(now)

    def centre_placed(self, contact_id: str, call_sid: str, now: datetime) -> Turn:
        handing.placed(self.books, contact_id, call_sid)
        return self._settled(now)

    def centre_there(self, contact_id: str, now: datetime) -> Turn:
        handing.there(self.books, contact_id)
        return self._settled(now)

    def centre_gone(self, contact_id: str, now: datetime) -> Turn:
        handing.gone(self.books, contact_id)
        return self._settled(now)

    # -- callbacks --

    def dialled(self, callback_id: str, call_sid: str, now: datetime) -> Turn:
        callback = self.books.callbacks.get(callback_id)
        if callback is not None and callback.state in ON_THE_LINE:
            self.books.record(replace(self.books.records[callback.contact_id], call_sid=call_sid))
            if callback.state is State.DIALING:
                self.books.callback(replace(callback, next_at=now + self.books.rules.dialling))
        else:
            self.books.order(HangUp(call_sid=call_sid))
        return self._settled(now)

    def not_dialled(self, callback_id: str, now: datetime, *, again: bool) -> Turn:
        callback = self.books.callbacks.get(callback_id)
        if callback is not None:
            recalling.not_dialled(self.books, callback, now, again=again)
        return self._settled(now)

    def callback_answered(self, callback_id: str, heard: Answer, now: datetime) -> Turn:
        """What answered, or what the resident then said. After AGREED, `is_connected` says whether their agent is there."""
        callback = self.books.callbacks.get(callback_id)
        if callback is not None:
            recalling.heard(self.books, callback, heard, now)
        return self._settled(now)

    def callback_ended(self, callback_id: str, status: str, now: datetime) -> Turn:
        """The resident's call is over; status is the provider's word for how."""
        callback = self.books.callbacks.get(callback_id)
        if callback is not None:
            recalling.call_ended(self.books, callback, status, now)
        return self._settled(now)

    def is_connected(self, callback_id: str) -> bool:
        callback = self.books.callbacks.get(callback_id)
        return callback is not None and callback.state is State.CONNECTED

    def _is_written(self, contact_id: str) -> bool:
        record = self.books.records[contact_id]
        return not record.is_call and record.contact.standing is Standing.RESERVED

    @property
    def on_duty(self) -> int:
        return sum(seat.state in ON_DUTY for seat in self.books.seats.values())

    @property
    def is_empty(self) -> bool:
        """Nobody waits, nobody talks, no callback is open: a stand-down may close."""
        seated = any(seat.contact_id for seat in self.books.seats.values())
        return (
            not len(self.books.line) and not seated and all(one.state in CALLBACK_ENDS for one in self.books.callbacks.values())
        )

    def _settled(self, now: datetime) -> Turn:
        """Whoever can be served is; and once it drains it says when there is nobody left."""
        ringing.pair(self.books, now)
        recalling.dial_due(self.books, now)
        if self.books.surge is not None and self.books.surge.draining and self.is_empty and not self._was_empty:
            self._was_empty = True
            self.books.order(Tell(sentence=EMPTY))
        return self.books.turn()
