"""What is going on, for callers: the alert in force of the incident that a surge is for, as it was approved. Asked often, read
once: an event never changes, so only a new one is compared with the city's ZIP codes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import shapely
from sqlalchemy import Connection, select
from sqlmodel import col

from notify.alerts import affected, register
from notify.alerts.affected import Touched
from notify.alerts.alert import Event, from_json
from notify.alerts.life import Status
from notify.tables import EventRow
from subscribers import atlas
from surge.switch.activation import Activation
from surge.voice import spoken
from surge.voice.prompts import Prompt, Speech
from surge.voice.voice_call import Zips

logger = logging.getLogger(__name__)

# Somebody is told it now. What is approved and has not left is told to nobody; what was stopped may be wrong.
TOLD: Final = (Status.COUNTDOWN, Status.PUBLISHING, Status.SENDING, Status.ACTIVE, Status.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """event_id: "" where nothing is said: no incident, or no alert of it in force."""

    event_id: str = ""
    messages: Mapping[str, Prompt] = field(default_factory=dict)
    zips: Zips | None = None


class Situations:
    """The last answer is kept: asking again costs one small query. speech: what can be said; to be replaced when it changes."""

    def __init__(self, speech: Speech) -> None:
        self.speech = speech
        self._kept = Situation()
        self._as_of: tuple[str, object, Speech] = ("", None, speech)

    def __call__(self, conn: Connection, activation: Activation) -> Situation:
        """What callers hear while this activation is open."""
        event_id = _in_force(conn, activation.incident_id) if activation.incident_id is not None else ""
        as_of = (event_id, atlas.version(conn), self.speech)
        if as_of[:2] != self._as_of[:2] or as_of[2] is not self._as_of[2]:
            self._kept = self._read(conn, event_id) if event_id else Situation()
            self._as_of = as_of
        return self._kept

    def _read(self, conn: Connection, event_id: str) -> Situation:
        event = from_json(register.event(conn, event_id).content)
        touched = _touched(conn, event)
        return Situation(event_id=event_id, messages=spoken.messages(event, self.speech), zips=spoken.zips(event, touched))


def _in_force(conn: Connection, incident_id: str) -> str:
    """The event that was approved last of those that somebody is told; what has ended counts where it says that all is over."""
    mine = (
        select(col(EventRow.event_id), col(EventRow.stage), col(EventRow.status))
        .where(col(EventRow.incident_id) == incident_id, col(EventRow.status).in_(TOLD))
        .order_by(col(EventRow.approved_at).desc(), col(EventRow.event_id).desc())
    )
    return next((row.event_id for row in conn.execute(mine) if row.status != Status.ENDED or row.stage in spoken.OVER), "")


def _touched(conn: Connection, event: Event) -> Touched:
    try:
        return affected.touched(event.areas, atlas.areas(conn))
    except shapely.errors.GEOSException:  # a message without ZIP codes is better than none
        logger.exception("the named areas of the city cannot be compared with those of %s", event.event_id)
        return Touched()
