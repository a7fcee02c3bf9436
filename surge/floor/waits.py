"""Callers in the line and out of it: the cap, the longest wait, partners, and who hangs up."""

from dataclasses import replace
from datetime import datetime

from surge.contact import ALLOWED, IN_QUEUE, Standing
from surge.floor import overflow, queue, recalling, ringing
from surge.floor.books import Books
from surge.floor.orders import Redirect, Step
from surge.floor.overflow import Use
from surge.floor.queue import Head
from surge.floor.records import Record
from surge.floor.seats import AgentState
from surge.pack import Partner


def enter(books: Books, record: Record, now: datetime) -> None:
    """Into the line: at the place they were promised, if they had called before; not where it is full."""
    if record.contact.standing not in {Standing.OFFERED, Standing.GREETED}:
        return
    callback = books.promised_to(record.contact.caller) if record.is_call else None
    if callback is not None:
        record = recalling.merge(books, callback, record, now)
    elif record.is_call and record.head is not Head.FROM_911 and books.callers_waiting() >= books.rules.most_waiting:
        books.move(record, Standing.BLOCKED, now, "the queue is full")
        redirect(books, record, Step.FULL)
        return
    books.move(_placed(books, record, now), Standing.QUEUEING, now, actor="caller")


def leave(books: Books, record: Record, to: Standing, now: datetime, why: str) -> None:
    """To any step of the recording, or an end of it. An agent being rung is free; one who talked notes what it was."""
    if to is Standing.BLOCKED and record.contact.standing in IN_QUEUE:
        to = Standing.TIMED_OUT  # they had stood in the line
    if to not in ALLOWED[record.contact.standing] and to in ALLOWED[Standing.QUEUEING]:
        record = books.records[unring(books, record, now)]
    if to not in ALLOWED[record.contact.standing]:
        return
    reservation = books.held_for(record.contact_id)
    if reservation is not None and record.contact.standing is Standing.TALKING:
        books.unreserve(reservation)
        books.seat(replace(books.seats[reservation.agent_id], state=AgentState.WRAP, since=now))
    elif reservation is not None:
        ringing.release(books, reservation, now, str(to))
    unforward(books, record, now, answered=to is Standing.OVERFLOWED)
    books.move(books.records[record.contact_id], to, now, why, "caller")


def hung_up(books: Books, record: Record, now: datetime, why: str) -> None:
    """Whoever waits and ends the call. Somebody who had been promised a call, and called again, has the promise still."""
    if record.contact.standing not in IN_QUEUE:
        return
    record = books.records[unring(books, record, now)]
    unforward(books, record, now, answered=False)
    record = books.records[record.contact_id]
    if record.promise is not None:
        recalling.book(books, record, record.promise, now)
    else:
        books.move(record, Standing.ABANDONED, now, why, "caller")


def unring(books: Books, record: Record, now: datetime) -> str:
    """The agent being rung for this contact, if one is, is free; it stands in the line again. Returns its id."""
    if record.contact.standing is Standing.RESERVED:
        reservation = books.held_for(record.contact_id)
        if reservation is not None:
            ringing.release(books, reservation, now, "the caller has gone")
        books.move(books.records[record.contact_id], Standing.QUEUEING, now, "the agent is not needed")
    return record.contact_id


def partner_for(books: Books, record: Record, now: datetime) -> Partner | None:
    """Who else may be asked to answer: nobody for a call that has been with a partner already."""
    if record.forwards or record.returned or not record.is_call:
        return None
    return overflow.chosen(books.rules.partners, books.uses, record.contact.language, now)


def forward(books: Books, record: Record, name: str, now: datetime) -> bool:
    """Their call is put through to this partner, if it may be; until that has answered their place is kept."""
    partner = partner_for(books, record, now)
    if partner is None or partner.name != name or record.partner:
        return False
    if record.contact.standing is Standing.GREETED:
        record = books.move(_placed(books, record, now), Standing.QUEUEING, now)
    books.use(overflow.given(books.uses.get(name, Use(name=name)), record.contact_id, now))
    books.record(replace(record, partner=name, forwards=record.forwards + 1))
    return True


def unforward(books: Books, record: Record, now: datetime, *, answered: bool) -> None:
    partner = next((one for one in books.rules.partners if one.name == record.partner), None)
    if partner is not None:
        use = books.uses.get(partner.name, Use(name=partner.name))
        books.use(overflow.ended(partner, use, record.contact_id, now, answered=answered))
    if record.partner:
        books.record(replace(record, partner=""))


def look(books: Books, now: datetime) -> None:
    """Who has waited for long is given to a partner, or is told so; who then chooses nothing has timed out."""
    rules = books.rules
    for contact_id in books.line:
        record = books.records[contact_id]
        since = record.contact.enqueued_at
        if since is None or not record.is_call or record.contact.standing is not Standing.QUEUEING:
            continue
        if now - since < min(rules.overflow_after, rules.longest_wait):
            continue
        partner = partner_for(books, record, now)
        if partner is not None and record.call_sid is not None:
            forward(books, record, partner.name, now)
            redirect(books, record, Step.PARTNER, partner.name)
        elif now - since >= rules.longest_wait:
            _treat(books, record, now)


def redirect(books: Books, record: Record, step: Step, partner: str = "") -> None:
    if record.call_sid is not None:
        books.order(Redirect(contact_id=record.contact_id, call_sid=record.call_sid, step=step, partner=partner))


def _treat(books: Books, record: Record, now: datetime) -> None:
    if record.treated_at is None:
        books.record(replace(record, treated_at=now))
        redirect(books, record, Step.LONGEST)
    elif now - record.treated_at >= books.rules.treated:
        if record.promise is not None:
            recalling.book(books, record, record.promise, now)
        else:
            books.move(record, Standing.TIMED_OUT, now, "waited as long as anybody may")


def _placed(books: Books, record: Record, now: datetime) -> Record:
    return record if record.place else replace(record, place=queue.place(now, record.head, books.new_seq()))
