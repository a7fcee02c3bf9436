"""An agent brings the emergency centre into their call, and stays on. Nobody is left waiting for it: where it has not answered
within `Rules.centre` the caller is told so at once, and what to do."""

from dataclasses import replace
from datetime import datetime

from surge.contact import Standing
from surge.floor.books import Books
from surge.floor.callback import State as Called
from surge.floor.orders import HangUp, Redirect, Step, Summon
from surge.floor.records import Record
from surge.floor.seats import AgentState
from surge.floor.summons import State, Summons
from surge.scripts.runbook import Ending


def may_summon(books: Books, agent_id: str, contact_id: str) -> bool:
    """Whether this agent talks to this caller now, and the centre is not on its way already."""
    seat, record, before = books.seats.get(agent_id), books.records.get(contact_id), books.summons.get(contact_id)
    if seat is None or record is None or record.call_sid is None:
        return False
    theirs = seat.contact_id == contact_id and seat.state is AgentState.TALKING
    return theirs and _is_talking(books, record) and (before is None or before.state in {State.MISSED, State.OVER})


def summon(books: Books, agent_id: str, contact_id: str, now: datetime) -> None:
    if may_summon(books, agent_id, contact_id):
        until = now + books.rules.centre
        books.summon(Summons(contact_id=contact_id, agent_id=agent_id, state=State.RINGING, until=until))
        books.record(replace(books.records[contact_id], disposition=Ending.EMERGENCY))
        books.order(Summon(contact_id=contact_id))


def placed(books: Books, contact_id: str, call_sid: str) -> None:
    """The provider has taken the call to the centre. It may be too late."""
    summons = books.summons.get(contact_id)
    if summons is not None and summons.state in {State.RINGING, State.THERE}:
        books.summon(replace(summons, call_sid=call_sid))
    else:
        books.order(HangUp(call_sid=call_sid))


def there(books: Books, contact_id: str) -> None:
    """The centre has answered."""
    summons = books.summons.get(contact_id)
    if summons is not None and summons.state is State.RINGING and books.records[contact_id].call_sid is not None:
        books.summon(replace(summons, state=State.THERE))


def gone(books: Books, contact_id: str) -> None:
    """The call to the centre is over, or was never taken: unanswered, the caller is told to dial 911 themselves."""
    summons, record = books.summons.get(contact_id), books.records.get(contact_id)
    if summons is None or record is None or summons.state in {State.MISSED, State.OVER}:
        return
    missed = summons.state is State.RINGING and record.call_sid is not None
    books.summon(replace(summons, state=State.MISSED if missed else State.OVER))
    if summons.call_sid is not None:
        books.order(HangUp(call_sid=summons.call_sid))
    if missed and record.call_sid is not None:
        books.order(Redirect(contact_id=contact_id, call_sid=record.call_sid, step=Step.NO_CENTRE))


def look(books: Books, now: datetime) -> None:
    """Whoever has not answered by now does not; a centre that is rung for a caller who has gone is rung no more."""
    for summons in list(books.summons.values()):
        left = books.records[summons.contact_id].call_sid is None
        if (summons.state is State.RINGING and (left or now >= summons.until)) or (summons.state is State.THERE and left):
            gone(books, summons.contact_id)


def _is_talking(books: Books, record: Record) -> bool:
    callback = books.callback_of(record.contact_id)
    called = callback is not None and callback.state is Called.CONNECTED
    return called or record.contact.standing is Standing.TALKING
