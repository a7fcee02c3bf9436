"""Agents and the line: who is rung for whom, what an answer or none does, and how a contact ends at an agent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from surge.contact import Standing
from surge.floor import queue
from surge.floor.books import Books
from surge.floor.callback import Callback, State, may_dial, stands
from surge.floor.orders import HangUp, Redirect, Ring, Step
from surge.floor.queue import Waiting
from surge.floor.records import Record
from surge.floor.seats import BUSY, AgentState, Reservation, Seat

FRONT: Final = 200  # whom the free agents are matched with first; the whole line only if that leaves one of them free


def pair(books: Books, now: datetime) -> None:
    """Free agents get whoever has the smallest place among those they can serve. Who has no telephone goes first: they can take
    what is written alone. Not while nothing has changed: whom they could not serve then they cannot now."""
    if not books.stirred or not books.ready or not len(books.line):
        return
    books.stirred = False
    free = [seat for seat in books.seats.values() if seat.state is AgentState.READY]
    for lined in (False, True):
        seats = [seat for seat in free if seat.profile.has_line is lined]
        if seats:
            _pair(books, seats, now, written=not lined)


def _pair(books: Books, seats: Sequence[Seat], now: datetime, *, written: bool) -> None:
    agents = [seat.as_agent() for seat in seats]
    found: list[tuple[Waiting, queue.Agent]] = []
    for most in (FRONT, len(books.line)):
        line = list(_waiting(books, now, most, written=written))
        found = queue.pairs(line, agents, now, books.rules.patience)
        if len(found) == len(agents) or len(books.line) <= most:
            break
    for waiting, agent in found:
        reserve(books, books.records[waiting.contact_id], books.seats[agent.agent_id], now)


def _waiting(books: Books, now: datetime, most: int, *, written: bool) -> Iterator[Waiting]:
    """The front of the line that may be served now. written: only what needs no telephone."""
    for number, contact_id in enumerate(books.line):
        if number >= most:
            return
        record = books.records[contact_id]
        callback = books.callback_of(contact_id) if record.contact.standing is Standing.CALLBACK else None
        if written and (record.is_call or callback is not None):
            continue
        if callback is not None and callback.state is not State.WAITING_AGENT and not may_dial(callback, now, books.rules.zone):
            continue
        if record.place is not None:
            came = record.contact.enqueued_at or (callback.asked_at if callback is not None else now)
            language, skill = record.contact.language, record.skill
            yield Waiting(contact_id=contact_id, place=record.place, enqueued_at=came, language=language, skill=skill)


def reserve(books: Books, record: Record, seat: Seat, now: datetime) -> None:
    callback = books.callback_of(record.contact_id) if record.contact.standing is Standing.CALLBACK else None
    by_phone = record.is_call or callback is not None
    seat = books.seat(replace(seat, state=AgentState.RESERVED, since=now, contact_id=record.contact_id))
    if callback is None:
        record = books.move(record, Standing.RESERVED, now, actor=seat.agent_id)
    elif callback.state is State.HOLDING:
        callback = books.callback(stands(callback, State.DUE, now))
    turn = record.contact.seq if callback is None else callback.rev
    reservation = Reservation(
        reservation_id=f"{record.contact_id}-{'c' if callback else ''}{turn}",
        agent_id=seat.agent_id,
        contact_id=record.contact_id,
        made_at=now,
        until=now + (books.rules.placing if by_phone else books.rules.reads),
        callback_id=callback.callback_id if callback else None,
    )
    books.reserve(reservation)
    if by_phone:
        books.order(
            Ring(reservation_id=reservation.reservation_id, agent_id=seat.agent_id, contact_id=record.contact_id),
        )


def accept(books: Books, reservation: Reservation, now: datetime) -> None:
    """The agent is there. A caller is brought to them, and talks once that is done; the resident of a callback is called."""
    seat = books.seats[reservation.agent_id]
    books.seat(replace(seat, state=AgentState.TALKING, since=now, misses=0))
    books.reserve(replace(reservation, until=None))
    record = books.records[reservation.contact_id]
    callback = _callback(books, reservation)
    if callback is None:
        record = books.record(replace(record, agent=seat.agent_id))
        if not record.is_call:
            books.move(record, Standing.TALKING, now, actor=seat.agent_id)
            return
    elif callback.state is State.WAITING_AGENT:
        books.callback(stands(callback, State.CONNECTED, now))
        books.record(replace(record, agent=seat.agent_id))
    else:
        return
    if record.call_sid is not None:
        books.order(Redirect(contact_id=record.contact_id, call_sid=record.call_sid, step=Step.BRIDGE))


def miss(books: Books, reservation: Reservation, now: datetime, why: str, *, fault: bool = True) -> None:
    """Nobody answered: the contact is back at its place, and after two misses in a row the agent has a break."""
    books.unreserve(reservation)
    if reservation.call_sid is not None:
        books.order(HangUp(call_sid=reservation.call_sid))
    seat = books.seats[reservation.agent_id]
    misses = seat.misses + fault
    pause = misses >= books.rules.most_misses
    free(books, replace(seat, misses=0 if pause else misses), now, AgentState.BREAK if pause else None, why)
    record, callback = books.records[reservation.contact_id], _callback(books, reservation)
    if callback is not None and callback.state is State.DUE:
        books.callback(stands(callback, State.HOLDING, now, why))
    elif record.contact.standing in {Standing.RESERVED, Standing.TALKING}:
        books.move(replace(record, agent=None), Standing.QUEUEING, now, why)


def release(books: Books, reservation: Reservation, now: datetime, why: str) -> None:
    """The contact is gone: its agent is free, through no fault of theirs."""
    books.unreserve(reservation)
    if reservation.call_sid is not None:
        books.order(HangUp(call_sid=reservation.call_sid))
    free(books, books.seats[reservation.agent_id], now, why=why)


def free(books: Books, seat: Seat, now: datetime, state: AgentState | None = None, why: str = "") -> None:
    to = state or seat.wanted or AgentState.READY
    books.seat(replace(seat, state=to, since=now, contact_id=None, wanted=None, why=why))


def agent_left(books: Books, reservation: Reservation, now: datetime) -> None:
    """The agent's call has ended: before an answer it was a miss; before both had heard each other the caller waits on."""
    record, callback = books.records[reservation.contact_id], _callback(books, reservation)
    if not reservation.is_accepted or (callback is not None and callback.state is State.DUE):
        miss(books, reservation, now, "did not answer")
    elif callback is not None and callback.state in {State.DIALING, State.ANSWERED_HUMAN}:
        release(books, reservation, now, "hung up before the resident answered")
    elif callback is not None:
        books.callback(stands(callback, State.DONE, now))
        wrap(books, reservation, now)
    elif record.contact.standing is Standing.RESERVED:
        miss(books, reservation, now, "hung up before the caller was there")
        if record.call_sid is not None:
            books.order(Redirect(contact_id=record.contact_id, call_sid=record.call_sid, step=Step.WAIT))
    else:
        wrap(books, reservation, now)


def wrap(books: Books, reservation: Reservation, now: datetime) -> None:
    """The talk is over; the agent notes what it was, for as long as the rules allow."""
    books.unreserve(reservation)
    seat = books.seats[reservation.agent_id]
    books.seat(replace(seat, state=AgentState.WRAP, since=now))
    record = books.records[reservation.contact_id]
    if record.contact.standing is Standing.TALKING:
        books.move(record, Standing.WRAP, now, actor=seat.agent_id)


def take(books: Books, agent_id: str, contact_id: str, now: datetime) -> None:
    seat, record = books.seats.get(agent_id), books.records.get(contact_id)
    if seat is None or record is None or record.is_call:
        return
    if seat.state is AgentState.WRAP:
        end_wrap(books, replace(seat, wanted=AgentState.READY), now)
    held, theirs = books.held_by(agent_id), books.held_for(contact_id)
    if held is not None and not held.is_accepted and held is not theirs:
        miss(books, held, now, "took somebody else first", fault=False)
    if theirs is not None and not theirs.is_accepted and theirs.agent_id != agent_id:
        miss(books, theirs, now, "taken by somebody else", fault=False)
    seat, record = books.seats[agent_id], books.records[contact_id]
    if seat.state is AgentState.READY and record.contact.standing is Standing.QUEUEING:
        reserve(books, record, seat, now)
    reservation = books.held_for(contact_id)
    if reservation is not None and reservation.agent_id == agent_id and not reservation.is_accepted:
        accept(books, reservation, now)


def finish(books: Books, agent_id: str, contact_id: str, now: datetime) -> None:
    """The agent says it is over. A telephone call that goes on is hung up on both ends."""
    seat = books.seats.get(agent_id)
    if seat is None or seat.contact_id != contact_id or seat.state not in {AgentState.TALKING, AgentState.WRAP}:
        return
    reservation = books.held_for(contact_id)
    if seat.state is AgentState.TALKING and reservation is not None:
        callback = _callback(books, reservation)
        unheard = callback is not None and callback.state is not State.CONNECTED
        if unheard or books.records[contact_id].contact.standing is Standing.RESERVED:
            return  # nobody has been talked to yet
        if callback is not None:
            books.callback(stands(callback, State.DONE, now))
        wrap(books, reservation, now)
        for call_sid in (books.records[contact_id].call_sid, reservation.call_sid):
            if call_sid is not None:
                books.order(HangUp(call_sid=call_sid))
    end_wrap(books, books.seats[agent_id], now)


def end_wrap(books: Books, seat: Seat, now: datetime, why: str = "") -> None:
    record = books.records[seat.contact_id or ""]
    if record.contact.standing is Standing.WRAP:
        books.move(record, Standing.DONE, now, why, seat.agent_id)
    free(books, seat, now)


def choose(books: Books, seat: Seat, state: AgentState, now: datetime) -> None:
    """What an agent asks to be. One who talks is it afterwards; one who is being rung is not rung any more."""
    reservation = books.held_by(seat.agent_id)
    if seat.state is AgentState.WRAP:
        end_wrap(books, replace(seat, wanted=state), now)
    elif seat.state is AgentState.TALKING and reservation is not None:
        written = books.records[reservation.contact_id].is_call is False and reservation.callback_id is None
        books.seat(replace(seat, wanted=state))
        if written and state is not AgentState.READY:
            miss(books, reservation, now, "handed back", fault=False)
    elif seat.state is AgentState.RESERVED and reservation is not None:
        if state is not AgentState.READY:
            books.seat(replace(seat, wanted=state))
            miss(books, reservation, now, f"went {state}", fault=False)
    elif seat.state not in BUSY:
        books.seat(replace(seat, state=state, since=now, misses=0, why=""))


def _callback(books: Books, reservation: Reservation) -> Callback | None:
    return books.callbacks.get(reservation.callback_id or "")
