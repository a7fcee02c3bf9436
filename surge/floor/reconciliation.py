"""What the provider knows of our calls, against what we think: the truth about who is still on the line is there."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from channels.calls import LiveCall, Lost
from surge.contact import TERMINAL, Standing, Way
from surge.floor.board import Arrival, Board
from surge.floor.orders import Turn
from surge.floor.telephone import Telephone
from surge.voice.voice_call import Call

logger = logging.getLogger(__name__)

LONGEST: Final = timedelta(hours=6)  # no call lasts longer
PATIENCE: Final = timedelta(minutes=15)  # with a provider that, after a restart, cannot say what it got no answer to
BEFORE_THE_LINE: Final = frozenset({Standing.OFFERED, Standing.GREETED})
# Asked only while the caller is there to hear the answer; our address may begin with a path of its own.
ON_THE_LINE: Final = ("/voice/ring", "/voice/said/")
A_MINUTE: Final = timedelta(minutes=1)
FRESH: Final = timedelta(seconds=60)  # a webhook may be on its way so long


class Floor(Protocol):
    board: Board
    calls: dict[str, Call]
    watched_from: datetime
    looked_to: datetime
    unsure: set[str]
    unsure_until: datetime

    def now(self) -> datetime: ...

    def say(self, turn: Turn) -> None: ...

    @property
    def arrival(self) -> Callable[..., Arrival]: ...


def last_alive(floor: Floor, written: datetime | None) -> datetime:
    """From when on calls may have reached nobody. written: when the journal was, None for none: then another machine's process
    may have had the line, and the last move in the books is the last that is known of it."""
    moved = [one.contact.since or one.contact.offered_at for one in floor.board.books.records.values()]
    last = written or max(moved, default=None)
    return floor.now() if last is None else last - A_MINUTE


async def look(floor: Floor, telephone: Telephone) -> None:
    """Asks the provider for every call since the oldest one that is open here, and since the last look. Calls that have ended
    are ended here; calls to our number that never came to us, or whose next word got no answer, have its fallback."""
    asked_at = floor.now()
    since = _since(floor, asked_at)
    lost = await _lost(telephone, since)
    try:
        found = await telephone.calls(since)
    except ConnectionError as error:
        logger.warning("the provider cannot be asked about live calls: %s", error)
        return
    calls = {one.call_sid: one for one in found}
    _note_lost(floor, lost or ())
    if lost is not None or asked_at >= floor.unsure_until:
        floor.unsure.clear()
    else:
        floor.unsure &= _in_the_recording(floor)
    _end_what_has_ended(floor, calls, asked_at - FRESH)
    _note_failed_over(floor, calls.values(), asked_at - FRESH)
    floor.looked_to = asked_at - 2 * FRESH  # twice: what it lists a little late is looked at all the same


def _since(floor: Floor, now: datetime) -> datetime:
    began = [one.contact.offered_at for one in floor.board.books.records.values() if one.call_sid is not None]
    return max(min([floor.looked_to, *began]), now - LONGEST)


async def _lost(telephone: Telephone, since: datetime) -> Sequence[Lost] | None:
    """None when it cannot be asked now."""
    try:
        return await telephone.lost(since)
    except ConnectionError as error:
        logger.warning("the provider cannot be asked what it got no answer to: %s", error)
        return None


def _in_the_recording(floor: Floor) -> set[str]:
    """Calls that no agent waits for: their end can be told later, when it is known who answered them."""
    records = floor.board.books.records.values()
    return {one.call_sid for one in records if one.call_sid is not None and one.contact.standing in BEFORE_THE_LINE}


def _note_lost(floor: Floor, lost: Iterable[Lost]) -> None:
    """Callers whom we know and whose next word reached nobody. Who has talked to an agent all the same was answered here."""
    for one in lost:
        call = floor.calls.get(one.call_sid)
        record = floor.board.books.records.get(call.contact_id) if call is not None else None
        if record is None or record.call_sid != one.call_sid or not any(path in one.path for path in ON_THE_LINE):
            continue
        if record.contact.answered_at is None and not record.partner:
            floor.say(floor.board.failed_over(record.contact_id, floor.now()))


def _end_what_has_ended(floor: Floor, calls: Mapping[str, LiveCall], before: datetime) -> None:
    board = floor.board
    for held in list(board.books.reservations.values()):
        call = calls.get(held.call_sid or "")
        if call is not None and not call.is_live and held.made_at < before:
            floor.say(board.agent_left(held.reservation_id, floor.now()))
    for record in list(board.books.records.values()):
        call = calls.get(record.call_sid or "")
        if call is None or call.is_live or record.contact.offered_at >= before or call.call_sid in floor.unsure:
            continue
        callback = board.books.callback_of(record.contact_id)
        if record.contact.standing not in TERMINAL:
            floor.say(board.ended(record.contact_id, floor.now(), "the provider says the call has ended"))
        elif record.contact.standing is Standing.CALLBACK and callback is not None and call.call_sid != record.provider_id:
            floor.say(board.callback_ended(callback.callback_id, call.status, floor.now()))


def _note_failed_over(floor: Floor, calls: Iterable[LiveCall], before: datetime) -> None:
    for call in calls:
        began = call.began_at
        if not call.is_inbound or began is None or not floor.watched_from <= began < before:
            continue
        arrival = floor.arrival(Way.VOICE, call.call_sid, call.from_, at=began)
        if arrival.contact_id not in floor.board.books.records:
            floor.say(floor.board.arrive(arrival, floor.now()))
            floor.say(floor.board.failed_over(arrival.contact_id, floor.now()))
