"""What lies within somebody's limits: an alert as it is written, and the incident it speaks in."""

from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.draft import Draft
from notify.alerts.life import Matter, Staff, may_write
from notify.tables import AlertRow

DRAWN = "a drawn area"  # no area of the city's list: nobody who is limited to some of them may use it


def matter(conn: Connection, draft: Draft, row: AlertRow | None, writer: str = "") -> Matter:
    """What somebody wants to write or approve. row: the alert as it is kept; without one, `writer` begins it."""
    earlier = register.all_alerts(conn, row.incident_id if row else draft.incident) if row or draft.incident else []
    people = {name for other in earlier if other.approved_by for name in (other.author, other.approved_by) if name}
    return _matter(draft, row, writer, frozenset(people))


def _matter(draft: Draft, row: AlertRow | None, writer: str, original_people: frozenset[str]) -> Matter:
    return Matter(
        stage=draft.stage,
        hazard=draft.hazard,
        areas=frozenset(draft.area.names or ([DRAWN] if draft.area.geojson or draft.area.circle else [])),
        channels=frozenset(draft.channels),
        author=row.author if row else writer,
        last_editor=row.last_editor if row else writer,
        original_people=original_people,
    )


def narrowed(draft: Draft, staff: Staff) -> Draft:
    """The same draft, begun where somebody who is limited may write: in the areas and on the channels that are theirs."""
    given = draft.model_dump(mode="json")
    if staff.areas:
        kept = [name for name in draft.area.names if name in staff.areas]
        given["area"] = {"names": kept or sorted(staff.areas)}
    if staff.channels:
        given["channels"] = [channel for channel in draft.channels if channel in staff.channels]
    return Draft.model_validate(given)


def beyond(conn: Connection, staff: Staff, incident_id: str) -> list[str]:
    """Why somebody may say nothing in an incident, as sentences; empty when they may.

    The next word reaches all who were told, and an all clear ends it for all, however small its own area is. So it takes leave
    to write every alert that was approved there.
    """
    said = [other for other in register.all_alerts(conn, incident_id) if other.approved_by] if incident_id else []
    drafts = [Draft.model_validate_json(other.content) for other in said]
    return [problem for draft in drafts for problem in may_write(staff, _matter(draft, None, "", frozenset()))]
