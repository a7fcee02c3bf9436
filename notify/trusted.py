"""What stands in the database is sent and published only if it still is what was approved, and in the mode of this instance."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection

from notify.alerts import exercise, register
from notify.alerts.alert import Event, Mode, from_json
from notify.alerts.digest import digest
from notify.db import Database
from notify.publishing.bulletin import Bulletin
from notify.publishing.shelf import Shelf
from notify.sending.outbox import Tampered

logger = logging.getLogger(__name__)


def fitting(db: Database, mode: Mode, page: Callable[[str], None]) -> Callable[[], Awaitable[Sequence[Bulletin]]]:
    """Every bulletin that may be published in this mode. About any other the duty officer is paged, once."""
    shelf, told = Shelf(), set[str]()

    async def bulletins() -> Sequence[Bulletin]:
        found = await db.read(shelf)
        faults = [(one, exercise.unpublishable(one, mode)) for one in found]
        for _, fault in faults:
            if fault and fault not in told:
                told.add(fault)
                logger.error("%s (docs/operations.md#held)", fault)
                page(fault)
        return [one for one, fault in faults if not fault]

    return bulletins


def untampered(conn: Connection, event_id: str) -> Event:
    """The event, if it still is what was approved. Raises Tampered."""
    row = register.event(conn, event_id)
    try:
        event = from_json(row.content)
    except ValueError as error:  # what was approved could be read
        raise Tampered(f"{event_id} is not what was approved: it cannot even be read. Nothing of it is sent.") from error
    if not row.digest == event.digest == digest(event):
        raise Tampered(f"{event_id} is not what was approved: its digest differs. Nothing of it is sent.")
    return event
