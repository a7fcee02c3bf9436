"""What may follow what in an incident: when a draft is written, and again when what was approved is to leave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Stage, from_json
from notify.alerts.draft import Draft
from notify.alerts.life import Status
from notify.tables import AlertRow, EventRow

FOLLOWS: Final = frozenset({Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM})
OPENING: Final = frozenset({Stage.FIRST, Stage.TEST})  # stages that are the first message of an incident of their own


def problems(conn: Connection, draft: Draft, row: AlertRow | None) -> list[str]:
    """A follow-up follows something people were told; a first alert opens an incident of its own."""
    incident_id = row.incident_id if row else draft.incident
    sent = [event for event in register.standing(conn, incident_id=incident_id) if event.started_at] if incident_id else []
    if draft.stage in FOLLOWS and not sent:
        return [f"stage: there is nothing to {draft.stage.replace('_', ' ')}: no alert of this incident has been sent."]
    if draft.stage is Stage.FIRST and sent:
        return ["stage: this incident has a first alert already; write an update."]
    if draft.stage is Stage.TEST and sent:
        return ["stage: a test is an incident of its own; in this one it would end what people were told."]
    over = [event.stage for event in sent if event.stage not in (Stage.TEST, Stage.RENEWAL)][-1:]
    if draft.stage in (Stage.UPDATE, Stage.ALL_CLEAR) and set(over) & {Stage.ALL_CLEAR, Stage.FALSE_ALARM}:
        return ["stage: this incident is over; a new danger is a new alert."]
    return []


def untold(stage: Stage, earlier: Sequence[EventRow]) -> list[str]:
    """What the author of a correction must know while the alert still leaves, as sentences."""
    if stage is not Stage.CORRECTION or not any(row.status in (Status.PUBLISHING, Status.SENDING) for row in earlier):
        return []
    return [
        "The alert is still leaving, and a correction takes it back and goes to those alone who had it. Whoever has not been "
        "told yet hears nothing: if the danger goes on, send an update afterwards."
    ]


def too_late(conn: Connection, row: EventRow, start: datetime) -> list[str]:
    """Why an approved event must not leave at `start` any more, as sentences; empty when it may.

    Besides its own clock it is too late when a later alert of the incident has left: what was approved before an all clear or a
    correction was written without knowing of it. A renewal says nothing new, so it makes nobody late, and is late only when
    the incident is over. What opens an incident is too late for one that is open: it would end what people were told there.
    """
    found = []
    if row.not_after and start > row.not_after:
        found.append(f"{row.event_id} was not to be sent after {row.not_after:%Y-%m-%d %H:%M} UTC. Write it anew.")
    if row.expires_at <= start:
        found.append(f"{row.event_id} would already have expired at {row.expires_at:%Y-%m-%d %H:%M} UTC. Write it anew.")
    others = register.standing(conn, incident_id=row.incident_id)
    left = [other for other in others if other.started_at and other.event_id != row.event_id]
    if left and row.stage in OPENING:
        return [*found, f"{left[-1].event_id} has left, and {row.event_id} is no message of its incident. Write it anew."]
    spoken = [other for other in left if other.stage != Stage.RENEWAL]
    later = [other for other in spoken if other.approved_at > row.approved_at]
    if row.stage == Stage.RENEWAL:
        later = [other for other in spoken[-1:] if other.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM)]
    return found + [
        f"{other.event_id} ({other.stage}) has left since {row.event_id} was approved. Write it anew." for other in later
    ]


def broken_promise(row: EventRow, start: datetime) -> list[str]:
    """Why words that name the next update must not begin to leave at `start`; asked while somebody is there to write them anew.
    What waits already leaves all the same: an alert without its promise is worth more than none."""
    promised = from_json(row.content).next_update_by
    if promised is None or promised > start:
        return []
    return [f"{row.event_id} promises an update by {promised:%Y-%m-%d %H:%M} UTC and leaves no earlier. Write it anew."]
