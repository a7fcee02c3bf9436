"""The alerts in force as the text dialog sees them: in memory, read anew when something changed, matched to places."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Self

import shapely
from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Stage, Wording
from notify.alerts.hazards import Hazard
from notify.alerts.life import Status
from notify.clock import Clock
from notify.db import Database
from notify.sending.outbox import Tampered, content_for
from notify.tables import EventRow
from subscribers import atlas
from subscribers.nearness import Nearness
from subscribers.place import NamedPlace, Point, Spot, ZipArea

logger = logging.getLogger(__name__)

IN_FORCE: Final = (Status.PUBLISHING, Status.SENDING, Status.STOPPED, Status.ACTIVE)
ANSWERED_FOR: Final = timedelta(days=7)  # after an all clear its topic words still tell that it is over
WORST_FIRST: Final = tuple(Severity)
WHOLE: Final = {  # the text that answers for an event of each stage
    Stage.FIRST: Wording.FIRST,
    Stage.RENEWAL: Wording.FIRST,
    Stage.UPDATE: Wording.UPDATE,
    Stage.CORRECTION: Wording.CORRECTION,
    Stage.ALL_CLEAR: Wording.ALL_CLEAR,
    Stage.FALSE_ALARM: Wording.FALSE_ALARM,
    Stage.TEST: Wording.TEST,
}


@dataclass(frozen=True, slots=True)
class Live:
    """One event that still says something: in force, or the end of an incident not long ago."""

    event: Event
    since: datetime  # when the incident's first alert left
    over: bool
    shape: Any  # of all its areas, prepared
    nearness: Nearness  # of the shape

    @classmethod
    def within(cls, event: Event, since: datetime, over: bool, shape: Any) -> Self:
        """shape: of all its areas; it is prepared."""
        shapely.prepare(shape)
        return cls(event, since, over, shape, Nearness.of(shape))


@dataclass(slots=True)
class LiveAlerts:
    """`refresh` before the first question and whenever something may have changed; questions are answered from memory.

    event: a frozen event by its id, its digest checked.
    """

    db: Database
    clock: Clock
    hazards: Mapping[str, Hazard]
    event: Callable[[str], Event]
    standing: tuple[Live, ...] = ()
    shapes: Mapping[str, Any] = field(default_factory=dict)  # the city's named areas
    zips: frozenset[str] = frozenset()
    _refused: set[str] = field(default_factory=set)
    _areas_as_of: object = None

    async def refresh(self) -> None:
        now = self.clock.now()
        rows = await self.db.read(partial(register.standing, since=now - ANSWERED_FOR))
        wanted = [row for row in rows if row.started_at is not None and _still_says(row, now)]
        known = {live.event.event_id: live for live in self.standing}
        looked = [known.get(row.event_id) or await self.db.read(partial(self._live, row=row)) for row in wanted]
        found = [live for live in looked if live is not None]
        self.standing = tuple(sorted(found, key=lambda live: (live.over, WORST_FIRST.index(live.event.severity), live.since)))
        await self.db.read(self._read_areas)

    def _live(self, conn: Connection, row: EventRow) -> Live | None:
        """None for an event that is not what was approved: nothing of it is told, and it hides no other."""
        if row.event_id in self._refused:
            return None
        try:
            event = self.event(row.event_id)
        except Tampered as error:
            logger.error("texts are not answered from an alert: %s (docs/operations.md#held)", error)
            self._refused.add(row.event_id)
            return None
        over = Stage(row.stage) in (Stage.ALL_CLEAR, Stage.FALSE_ALARM)
        shape = shapely.union_all([area.shape for area in event.areas])
        return Live.within(_answers(event), register.began(conn, row.incident_id) or row.approved_at, over, shape)

    def _read_areas(self, conn: Connection) -> None:
        as_of = atlas.version(conn)
        if as_of != self._areas_as_of:
            areas = atlas.areas(conn)
            self.shapes = {area.name: area.shape for area in areas}
            self.zips = frozenset(area.name for area in areas if area.kind == "zip")
            self._areas_as_of = as_of

    def reaching(self, places: Sequence[Spot]) -> list[Live]:
        """What is in force for any of these places, worst first. Without a place: what is for the whole city."""
        in_force = [live for live in self.standing if not live.over]
        if not places:
            return [live for live in in_force if any(area.citywide for area in live.event.areas)]
        return [live for live in in_force if any(self._reaches(live, place) for place in places)]

    def _reaches(self, live: Live, place: Spot) -> bool:
        """The rule of the audience index: points inside or on the boundary, blocks that may be, areas that share more than a
        boundary."""
        match place:
            case Point(lat=lat, lon=lon, block=block):
                return live.nearness.of_block(lon, lat) if block else bool(shapely.intersects_xy(live.shape, lon, lat))
            case ZipArea(code=name) | NamedPlace(area=name):
                shape = self.shapes.get(name)
                return shape is not None and bool(live.shape.intersects(shape)) and not live.shape.touches(shape)

    def about(self, word: str, places: Sequence[Spot]) -> list[Live]:
        """What is in force, or was cleared not long ago, that this topic word (English, upper case) asks about: what is for one
        of these places before what is for others."""
        found = [live for live in self.standing if word in self.hazards[live.event.hazard].topics]
        return sorted(found, key=lambda live: not any(self._reaches(live, place) for place in places))

    def topic(self, word: str, page: int, language: str, places: Sequence[Spot]) -> tuple[str, ...] | None:
        """One page of what an alert's record says to a topic word, from 1 on; () when it has no such page, None when there is
        no alert to ask about. An incident that is over answers with the text that says so; a hazard without pages of its own
        with its alert's newest text. All of them were approved with the alert."""
        for live in self.about(word, places):
            pages = () if live.over else topic_pages(live.event, word, language)
            if not pages:
                pages = (content_for(live.event, "sms", WHOLE[live.event.stage], language).body,)
            return pages[page - 1 : page]
        return None


def topic_pages(event: Event, word: str, language: str) -> tuple[str, ...]:
    """The pages the event's record has for a topic in this language, in order; () when it has none."""
    keys = [key for key in event.contents if key.startswith(f"topic/{word}/") and key.endswith(f"/{language}")]
    return tuple(event.contents[key].body for key in sorted(keys, key=lambda key: int(key.split("/")[2])))


def _answers(event: Event) -> Event:
    """The event with those of its texts that a text is answered with: mails are most of what it takes in memory."""
    return replace(event, contents={key: one for key, one in event.contents.items() if not key.startswith("email/")})


def _still_says(row: EventRow, now: datetime) -> bool:
    if row.status in IN_FORCE and row.ended_at is None:
        return Stage(row.stage) in (Stage.ALL_CLEAR, Stage.FALSE_ALARM) or row.expires_at > now
    is_end = Stage(row.stage) in (Stage.ALL_CLEAR, Stage.FALSE_ALARM)
    return is_end and not row.replaced_by and row.started_at is not None and now - row.started_at < ANSWERED_FOR
