"""Everything published so far, as feeds and pages want it. An event is read and parsed once: it never changes. Its texts and
mails, which nobody publishes, are left out, and sentences that other events say as well are there once: they are most of what
years of events would take in memory."""

import logging
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import shapely
from sqlalchemy import Connection

from notify.alerts import affected, register
from notify.alerts.affected import NOT_COMPARED, Touched
from notify.alerts.alert import Event, from_json
from notify.publishing.bulletin import Bulletin
from subscribers import atlas
from subscribers.areas import NamedShape

logger = logging.getLogger(__name__)


class Shelf:
    """Call it with a connection for every bulletin there ever was, oldest first."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Event, bytes]] = {}
        self._areas: Sequence[NamedShape] = ()
        self._areas_as_of: object = None
        self._touched: dict[str, Touched] = {}
        self._said: dict[Any, Any] = {}

    def __call__(self, conn: Connection) -> list[Bulletin]:
        self._follow(conn)
        found = []
        for row in register.standing(conn):
            if row.started_at is None:
                continue
            if row.event_id not in self._kept:
                whole = register.event(conn, row.event_id)
                self._kept[row.event_id] = (self._thin(from_json(whole.content)), whole.cap)
            event, cap = self._kept[row.event_id]
            bulletin = Bulletin(
                event=event,
                cap=cap,
                published_at=row.started_at,
                ended_at=row.ended_at,
                ended_why=row.ended_why.replace(" ", "_"),
                replaced_by=row.replaced_by,
                touched=self._of(event) if row.ended_at is None else NOT_COMPARED,
                done_at=row.done_at,
            )
            found.append(bulletin)
        return sorted(found, key=lambda bulletin: bulletin.published_at)

    def _thin(self, event: Event) -> Event:
        return replace(event, contents={}, infos=self._once(event.infos), pages=self._once(event.pages))

    def _once(self, words: Any) -> Any:
        """Words that are equal to these; the same object for equal ones. words: texts, in tuples and dataclasses."""
        if words in self._said:
            return self._said[words]
        if isinstance(words, tuple):
            words = tuple(map(self._once, words))
        elif is_dataclass(words) and not isinstance(words, type):
            words = replace(words, **{one.name: self._once(getattr(words, one.name)) for one in fields(words)})
        return self._said.setdefault(words, words)

    def _follow(self, conn: Connection) -> None:
        as_of = atlas.version(conn)
        if as_of != self._areas_as_of:
            self._areas, self._areas_as_of = atlas.areas(conn), as_of
            self._touched.clear()

    def _of(self, event: Event) -> Touched:
        if event.event_id not in self._touched:
            try:
                self._touched[event.event_id] = affected.shown(event.areas, self._areas)
            except shapely.errors.GEOSException:  # a page without its ZIPs is better than none
                logger.exception("the named areas of the city cannot be compared with those of %s", event.event_id)
                self._touched[event.event_id] = NOT_COMPARED
        return self._touched[event.event_id]
