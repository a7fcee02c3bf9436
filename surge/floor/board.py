"""The single writer of every contact: what is said to it, one thing at a time, moves contacts, agents and callbacks, and gives
orders to the telephone. It is deterministic: no clock, nothing awaited, the same things said give the same books.

What comes twice, late or out of order changes nothing: a step that cannot follow from where a contact stands is left out.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from surge.contact import ALLOWED, Contact, Standing, Way
from surge.floor import handing, recalling, ringing, waits
from surge.floor.callback import TERMINAL as CALLBACK_ENDS
from surge.floor.callback import Promise
from surge.floor.orders import HangUp, Text, Turn, Word
from surge.floor.overflow import Use
from surge.floor.queue import Head
from surge.floor.records import Record, Surge
from surge.floor.seats import AgentState
from surge.floor.switchboard import Switchboard
from surge.pack import Partner

# Where nobody comes by what they press: the first four are an agent's, the fifth has a promise.
NOT_CALLERS: Final = frozenset({Standing.RESERVED, Standing.TALKING, Standing.WRAP, Standing.DONE, Standing.CALLBACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who turns to the city. caller, sealed, words: see records.Record. returned: a partner sent them back to us."""

    contact_id: str
    way: Way = Way.VOICE
    provider_id: str | None = None
    caller: str = ""
    language: str = "en"
    area: str | None = None
    head: Head = Head.NONE
    skill: str = ""
    sealed: bytes | None = None
    words: bytes | None = None
    key_id: str = ""
    returned: bool = False
    ours: str = ""
    danger: bool = False
    at: datetime | None = None  # when, where that is not now


class Board(Switchboard):
    """Every method that changes something takes the moment and returns a Turn: events, orders, and what has changed."""

    # -- contacts --

    def arrive(self, arrival: Arrival, now: datetime) -> Turn:
        """A new contact; one that is known already changes nothing. What is written stands in the line at once."""
        if arrival.contact_id not in self.books.records:
            record = self._met(arrival, now)
            if arrival.way is not Way.VOICE:
                waits.enter(self.books, record, now)
        return self._settled(now)

    def recall(self, arrival: Arrival, why: str, now: datetime, promise: Promise | None = None) -> Turn:
        """Somebody whom we call of our own accord: they get a promise, or, where none could be kept, the guide by text.
        promise: one that was spoken already."""
        if arrival.contact_id not in self.books.records:
            record = self.books.record(replace(self._met(arrival, now), call_sid=None))
            record = self.books.move(record, Standing.GREETED, now, why)
            promise = promise or self.promise(now)
            if promise is not None:
                recalling.book(self.books, record, promise, now)
            else:
                self.books.move(record, Standing.DEFLECTED, now, why)
                self.books.order(Text(contact_id=record.contact_id, what=Word.GUIDE))
        return self._settled(now)

    def _met(self, arrival: Arrival, now: datetime) -> Record:
        surge = self.books.surge
        contact = Contact(
            contact_id=arrival.contact_id,
            offered_at=arrival.at or now,
            caller=arrival.caller,
            language=arrival.language,
            area=arrival.area,
            way=arrival.way,
            activation_id=surge.activation_id if surge else None,
        )
        return self.books.record(
            Record(
                contact=contact,
                provider_id=arrival.provider_id,
                call_sid=arrival.provider_id if arrival.way is Way.VOICE else None,
                sealed=arrival.sealed,
                words=arrival.words,
                key_id=arrival.key_id,
                ours=arrival.ours,
                danger=arrival.danger,
                head=arrival.head,
                skill=arrival.skill,
                returned=arrival.returned,
            )
        )

    def speaks(self, contact_id: str, language: str, area: str | None, now: datetime) -> Turn:
        """What they said of themselves; None leaves the area as it is."""
        record = self.books.records.get(contact_id)
        if record is not None and (record.contact.language != language or (area and record.contact.area != area)):
            contact = replace(record.contact, language=language, area=area or record.contact.area)
            self.books.record(replace(record, contact=contact))
        return self._settled(now)

    def move(self, contact_id: str, to: Standing, now: datetime, why: str = "") -> Turn:
        """A step that the caller took in the recording. Into the line: see waits.enter. Out of it: who is rung is free."""
        record = self.books.records.get(contact_id)
        if record is not None:
            if to is Standing.QUEUEING:
                waits.enter(self.books, record, now)
            elif to is Standing.ABANDONED:
                waits.hung_up(self.books, record, now, why)
            elif to not in NOT_CALLERS:
                waits.leave(self.books, record, to, now, why)
        return self._settled(now)

    def book(self, contact_id: str, promise: Promise, now: datetime) -> Turn:
        """A callback instead of waiting. Whoever waits for one already keeps the older place, and what they were told last."""
        record = self.books.records.get(contact_id)
        if record is not None:
            record = self.books.records[waits.unring(self.books, record, now)]
        if record is not None and Standing.CALLBACK in ALLOWED[record.contact.standing]:
            waits.unforward(self.books, record, now, answered=False)
            before = self.books.promised_to(record.contact.caller)
            if before is not None:
                recalling.merge(self.books, before, self.books.records[contact_id], now)
            recalling.book(self.books, self.books.records[contact_id], promise, now)
        return self._settled(now)

    def ended(self, contact_id: str, now: datetime, why: str = "hung up") -> Turn:
        """The caller's call is over, however it came to be known."""
        record = self.books.records.get(contact_id)
        if record is None:
            return self._settled(now)
        record = self.books.record(replace(record, call_sid=None))
        match record.contact.standing:
            case Standing.OFFERED | Standing.GREETED:
                if record.contact.standing is Standing.OFFERED:
                    record = self.books.move(record, Standing.GREETED, now)
                self.books.move(record, Standing.SELF_SERVED, now, why, "caller")
            case Standing.QUEUEING | Standing.RESERVED if record.is_call:
                waits.hung_up(self.books, record, now, why)
            case Standing.TALKING if (reservation := self.books.held_for(contact_id)) is not None:
                ringing.wrap(self.books, reservation, now)
                if reservation.call_sid is not None:
                    self.books.order(HangUp(call_sid=reservation.call_sid))
        return self._settled(now)

    def failed_over(self, contact_id: str, now: datetime) -> Turn:
        """The number's fallback has answered them: the provider says so, later."""
        record = self.books.records.get(contact_id)
        if record is not None:
            waits.leave(self.books, record, Standing.FAILED_OVER, now, "answered by the number's fallback")
        return self._settled(now)

    def bridged(self, contact_id: str, now: datetime) -> Turn:
        """Caller and agent are in one conference."""
        record = self.books.records.get(contact_id)
        reservation = self.books.held_for(contact_id)
        if record is not None and reservation is not None and reservation.is_accepted:
            if record.contact.standing is Standing.RESERVED:
                self.books.move(record, Standing.TALKING, now, actor=reservation.agent_id)
        return self._settled(now)

    # -- partners --

    def partner_for(self, contact_id: str, now: datetime) -> Partner | None:
        """Who else may be asked to answer now; None for nobody."""
        record = self.books.records.get(contact_id)
        return waits.partner_for(self.books, record, now) if record is not None else None

    def forward(self, contact_id: str, name: str, now: datetime) -> Turn:
        """Their call is put through to a partner; until that has answered their place is kept."""
        record = self.books.records.get(contact_id)
        if record is not None and record.contact.standing in {Standing.GREETED, Standing.QUEUEING}:
            waits.forward(self.books, record, name, now)
        return self._settled(now)

    def partner_ended(self, contact_id: str, talked: timedelta | None, now: datetime) -> Turn:
        """talked: how long they spoke; None when nobody answered, and then they are back at their place."""
        record = self.books.records.get(contact_id)
        if record is None or not record.partner:
            return self._settled(now)
        name = record.partner
        waits.unforward(self.books, record, now, answered=talked is not None)
        record = self.books.records[contact_id]
        if talked is not None and record.contact.standing is Standing.QUEUEING:
            at = max(now - talked, record.contact.since or record.contact.offered_at)
            self.books.move(record, Standing.OVERFLOWED, at, name, name)
        return self._settled(now)

    # -- what the board does by itself --

    def tick(self, now: datetime) -> Turn:
        """Everything that time brings: leases, wraps, the longest wait, partners, promises; and who may be served by now."""
        books = self.books
        books.stirred = True
        for reservation in list(books.reservations.values()):
            if reservation.until is not None and now >= reservation.until:
                ringing.miss(books, reservation, now, "did not answer")
        for seat in list(books.seats.values()):
            if seat.state is AgentState.WRAP and now >= seat.since + books.rules.wrap:
                ringing.end_wrap(books, seat, now, "the time for it was over")
        recalling.look_after(books, now)
        handing.look(books, now)
        waits.look(books, now)
        return self._settled(now)

    def activate(self, surge: Surge | None, now: datetime) -> Turn:
        """What is open from now on. Another activation begins its partners' quotas anew."""
        books = self.books
        before = books.surge
        books.activate(surge)
        if surge is not None and (before is None or before.activation_id != surge.activation_id):
            for use in list(books.uses.values()):
                books.use(Use(name=use.name, under_way=use.under_way, rests_until=use.rests_until))
        self._was_empty = False
        return self._settled(now)

    def lift(self, now: datetime) -> Turn:
        """Surge is closed: callbacks that wait end with a text."""
        recalling.lift(self.books, now)
        return self._settled(now)

    def forget(self, before: datetime) -> Turn:
        """Ended contacts from before then leave the books; the database has them."""
        books = self.books
        for record in list(books.records.values()):
            callback = books.callback_of(record.contact_id)
            over = record.ended_at is not None and record.ended_at < before
            if over and (callback is None or callback.state in CALLBACK_ENDS) and books.held_for(record.contact_id) is None:
                books.forget(record)
        return books.turn()

    def promise(self, now: datetime) -> Promise | None:
        return recalling.promise(self.books, now, self.on_duty)

    def before(self, contact_id: str) -> int:
        """How many are served before this contact."""
        record = self.books.records.get(contact_id)
        place = record.place if record is not None else None
        return self.books.line.before(place) if place is not None else len(self.books.line)
