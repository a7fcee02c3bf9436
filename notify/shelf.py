"""Everything published so far, as feeds and pages want it. An event is read and parsed once: it never changes."""

from sqlalchemy import Connection

from notify import register
from notify.alert import Event, from_json
from notify.bulletin import Bulletin


class Shelf:
    """Call it with a connection for every bulletin there ever was, oldest first."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Event, bytes]] = {}

    def __call__(self, conn: Connection) -> list[Bulletin]:
        found = []
        for row in register.standing(conn):
            if row.started_at is None:
                continue
            if row.event_id not in self._kept:
                whole = register.event(conn, row.event_id)
                self._kept[row.event_id] = (from_json(whole.content), whole.cap)
            event, cap = self._kept[row.event_id]
            bulletin = Bulletin(
                event=event,
                cap=cap,
                published_at=row.started_at,
                ended_at=row.ended_at,
                ended_why=row.ended_why.replace(" ", "_"),
                replaced_by=row.replaced_by,
            )
            found.append(bulletin)
        return sorted(found, key=lambda bulletin: bulletin.published_at)
