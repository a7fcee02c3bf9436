"""Callbacks on the board: booked, dialled when an agent has said they are there, tried again, merged when the resident calls
first, and owned up to when they come late."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from surge.contact import Standing
from surge.floor import queue, ringing
from surge.floor.books import Books
from surge.floor.callback import (
    ALLOWED,
    TERMINAL,
    Callback,
    Capacity,
    Promise,
    State,
    can_promise,
    is_broken,
    is_over,
    missed,
    stands,
)
from surge.floor.orders import Dial, Text, Word
from surge.floor.records import Record


class Answer(StrEnum):
    """What is heard on a line that we have dialled."""

    PERSON = "person"
    MACHINE = "machine"
    AGREED = "agreed"
    DECLINED = "declined"


REDIAL: Final = timedelta(minutes=1)  # after a call that the provider did not take
CALL_ENDS: Final = {"busy": State.BUSY, "no-answer": State.NO_ANSWER, "failed": State.NO_ANSWER, "canceled": State.NO_ANSWER}


def promise(books: Books, now: datetime, on_duty: int) -> Promise | None:
    """What somebody who asks now can be told; None while it drains, and where it could not be kept."""
    rules = books.rules
    if books.surge is not None and books.surge.draining:
        return None
    shift = rules.hours.shift(now)
    if shift is None:
        return None
    open_now = shift[0] <= now
    capacity = Capacity(
        before=len(books.line),
        callbacks=sum(one.state not in TERMINAL for one in books.callbacks.values()),
        agents=on_duty if open_now and on_duty else rules.crew,
        handle=books.handle(),
        dials_per_s=rules.dials_per_s,
    )
    return can_promise(now, capacity, Promise(begins=shift[0], ends=shift[1]), rules.zone)


def book(books: Books, record: Record, promise: Promise, now: datetime) -> None:
    """The caller may hang up: their place stays. From greeted or from the line."""
    place = record.place or queue.place(now, record.head, books.new_seq())
    record = books.move(replace(record, place=place), Standing.CALLBACK, now, actor="caller")
    callback = Callback(
        callback_id=f"b{record.contact_id}",
        contact_id=record.contact_id,
        place=place,
        asked_at=now,
        promise=promise,
        next_at=promise.begins,
    )
    books.callback(stands(callback, State.HOLDING, now))
    books.order(Text(contact_id=record.contact_id, what=Word.PROMISE))


def merge(books: Books, callback: Callback, record: Record, now: datetime) -> Record:
    """They called again before we did: the same place, and the promise stays in case they hang up."""
    books.callback(stands(callback, State.MERGED, now, "called again"))
    return books.record(replace(record, place=callback.place, promise=callback.promise))


def dial_due(books: Books, now: datetime) -> None:
    """Residents whose agent is there are called, no faster than the provider takes calls."""
    waiting = [one for one in books.reservations.values() if one.is_accepted and one.callback_id is not None]
    for reservation in sorted(waiting, key=lambda one: one.made_at):
        callback = books.callbacks[reservation.callback_id or ""]
        if callback.state is not State.DUE:
            continue
        if books.next_dial is not None and now < books.next_dial:
            return
        if now > callback.promise.ends and not callback.told:
            callback = own_up(books, callback)
        books.next_dial = now + timedelta(seconds=1 / books.rules.dials_per_s)
        dialled = stands(callback, State.DIALING, now)
        books.callback(replace(dialled, next_at=now + books.rules.dialling))
        books.order(Dial(callback_id=callback.callback_id, contact_id=callback.contact_id))


def not_dialled(books: Books, callback: Callback, now: datetime, *, again: bool) -> None:
    """The provider did not take the call. That is no try, unless the number can never be called."""
    if callback.state is not State.DIALING:
        return
    _let_agent_go(books, callback, now)
    if not again:
        tried = stands(callback, State.NO_ANSWER, now)
        _expire(books, stands(tried, State.EXPIRED, now, "this number cannot be called"), Word.EXPIRED)
        return
    held = stands(callback, State.HOLDING, now, "the provider took no call")
    books.callback(replace(held, attempts=callback.attempts - 1, next_at=now + REDIAL))


def heard(books: Books, callback: Callback, answer: Answer, now: datetime) -> None:
    """A person (or at least no machine) has answered, and says that they want to talk, or not any more."""
    match answer:
        case Answer.PERSON if callback.state is State.DIALING:
            books.callback(stands(callback, State.ANSWERED_HUMAN, now))
        case Answer.MACHINE if callback.state is State.DIALING:
            reached_nobody(books, callback, State.MACHINE, now)
        case Answer.AGREED:
            _agreed(books, callback, now)
        case Answer.DECLINED if State.DECLINED in ALLOWED[callback.state]:
            _let_agent_go(books, callback, now)
            books.callback(stands(callback, State.DECLINED, now))


def _agreed(books: Books, callback: Callback, now: datetime) -> None:
    """Their agent is in the conference, or has gone, and they wait at their place for another one."""
    if callback.state is State.DIALING:
        callback = books.callback(stands(callback, State.ANSWERED_HUMAN, now))
    if callback.state is not State.ANSWERED_HUMAN:
        return
    reservation = books.held_for(callback.contact_id)
    if reservation is None:
        books.callback(stands(callback, State.WAITING_AGENT, now, "the agent has gone"))
        return
    books.callback(stands(callback, State.CONNECTED, now))
    books.record(replace(books.records[callback.contact_id], agent=reservation.agent_id))


def call_ended(books: Books, callback: Callback, status: str, now: datetime) -> None:
    """The resident's leg is over; status is the provider's word for how."""
    match callback.state:
        case State.DIALING:
            reached_nobody(books, callback, CALL_ENDS.get(status, State.NO_ANSWER), now)
        case State.ANSWERED_HUMAN:
            reached_nobody(books, callback, State.NO_ANSWER, now)
        case State.WAITING_AGENT:
            _let_agent_go(books, callback, now)
            _expire(books, stands(callback, State.EXPIRED, now, "hung up while waiting again"), Word.EXPIRED)
        case State.CONNECTED:
            books.callback(stands(callback, State.DONE, now))
            reservation = books.held_for(callback.contact_id)
            if reservation is not None:
                ringing.wrap(books, reservation, now)
    books.record(replace(books.records[callback.contact_id], call_sid=None))


def reached_nobody(books: Books, callback: Callback, how: State, now: datetime) -> None:
    _let_agent_go(books, callback, now)
    tried, after = missed(callback, how, now)
    if after.state is State.EXPIRED:
        _expire(books, after, Word.EXPIRED)
        return
    own = books.waiting_for(books.records[callback.contact_id].contact.caller)
    if own is None:
        books.callback(after)
        return
    books.callback(stands(tried, State.MERGED, now, "called us meanwhile"))
    books.record(replace(own, place=min(callback.place, own.place or callback.place), promise=callback.promise))


def look_after(books: Books, now: datetime) -> None:
    """Promises that were not kept, dials that nobody told us the end of."""
    for callback in list(books.callbacks.values()):
        if callback.state in TERMINAL:
            continue
        if is_over(callback, now):
            _expire(books, stands(callback, State.EXPIRED, now, "too late"), Word.EXPIRED)
        elif is_broken(callback, now):
            own_up(books, callback)
        elif callback.state is State.DIALING and now >= callback.next_at:
            reached_nobody(books, callback, State.NO_ANSWER, now)


def own_up(books: Books, callback: Callback) -> Callback:
    books.order(Text(contact_id=callback.contact_id, what=Word.LATE))
    return books.callback(replace(callback, told=True, rev=callback.rev + 1))


def lift(books: Books, now: datetime) -> None:
    """Surge is closed: who still waits to be called is told so instead."""
    for callback in list(books.callbacks.values()):
        if callback.state in {State.REQUESTED, State.HOLDING}:
            _expire(books, stands(callback, State.EXPIRED, now, "lifted"), Word.LIFTED)


def _expire(books: Books, callback: Callback, word: Word) -> None:
    books.callback(callback)
    books.order(Text(contact_id=callback.contact_id, what=word))


def _let_agent_go(books: Books, callback: Callback, now: datetime) -> None:
    reservation = books.held_for(callback.contact_id)
    if reservation is not None:
        ringing.release(books, reservation, now, "the resident was not reached")
