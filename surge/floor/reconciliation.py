"""What the provider knows of our calls, against what we think: the truth about who is still on the line is there."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from channels.calls import LiveCall
from surge.contact import TERMINAL, Standing, Way
from surge.floor.board import Arrival, Board
from surge.floor.orders import Turn
from surge.floor.telephone import Telephone

logger = logging.getLogger(__name__)

LONGEST: Final = timedelta(hours=6)  # no call lasts longer
FRESH: Final = timedelta(seconds=60)  # a webhook may be on its way so long


class Floor(Protocol):
    board: Board
    watched_from: datetime
    looked_to: datetime

    def now(self) -> datetime: ...

    def say(self, turn: Turn) -> None: ...

    @property
    def arrival(self) -> Callable[..., Arrival]: ...


async def look(floor: Floor, telephone: Telephone) -> None:
    """Asks the provider for every call since the oldest one that is open here, and since the last look. Calls that have ended
    are ended here; calls to our number that never came to us were answered by its fallback."""
    asked_at = floor.now()
    try:
        found = await telephone.calls(_since(floor, asked_at))
    except ConnectionError as error:
        logger.warning("the provider cannot be asked about live calls: %s", error)
        return
    calls = {one.call_sid: one for one in found}
    _end_what_has_ended(floor, calls, asked_at - FRESH)
    _note_failed_over(floor, calls.values(), asked_at - FRESH)
    floor.looked_to = asked_at - 2 * FRESH  # twice: what it lists a little late is looked at all the same


def _since(floor: Floor, now: datetime) -> datetime:
    began = [one.contact.offered_at for one in floor.board.books.records.values() if one.call_sid is not None]
    return max(min([floor.looked_to, *began]), now - LONGEST)


def _end_what_has_ended(floor: Floor, calls: Mapping[str, LiveCall], before: datetime) -> None:
    board = floor.board
    for held in list(board.books.reservations.values()):
        call = calls.get(held.call_sid or "")
        if call is not None and not call.is_live and held.made_at < before:
            floor.say(board.agent_left(held.reservation_id, floor.now()))
    for record in list(board.books.records.values()):
        call = calls.get(record.call_sid or "")
        if call is None or call.is_live or record.contact.offered_at >= before:
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
