"""Expiry: an alert ends by its clock; one that must not end in silence is renewed, as a CAP Update with the same words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts import hazards, register
from notify.alerts.alert import Event, Stage, from_json, to_json
from notify.alerts.assembly import Assembly
from notify.alerts.broadcast import RENEWAL_WARNING
from notify.alerts.digest import digest
from notify.alerts.hazards import Hazard
from notify.alerts.life import EXPIRY_LEAD, EndedWhy, Status
from notify.audit import Act
from notify.tables import AlertRow, EventRow

SYSTEM: Final = "tocsin"
OPENS: Final = frozenset({Stage.FIRST, Stage.UPDATE, Stage.CORRECTION, Stage.RENEWAL})  # stages of a danger that goes on


def expire(conn: Connection, assembly: Assembly, event_id: str, now: datetime) -> str | None:
    """What happens at an event's expiry (EXPIRY_LEAD before it at the earliest), in one transaction. Returns the id of the
    renewal, if there is one.

    Severe and Extreme dangers (and hazards whose catalogue says so) are never over because a clock says so. An event that was
    stopped is not renewed: stop is final, and a renewal would reach those whom the stop kept from it.
    """
    register.lock_incident_of(conn, event_id)
    row = register.event(conn, event_id, lock=True)
    if row.ended_at is not None:
        return None
    if row.started_at is not None and may_renew(assembly.hazards, row):
        return _renew(conn, assembly, from_json(row.content), now)
    if now < row.expires_at:  # only a renewal has to be early; and what has not begun may begin until then
        register.due(conn, "expire", event_id, row.expires_at)
        return None
    if row.started_at is None:  # nor will it: a conductor starts nothing that has expired
        return None
    if row.status not in (Status.ACTIVE, Status.STOPPED):
        register.set_status(conn, event_id, Status.ENDED, now)
    register.end(conn, event_id, EndedWhy.EXPIRED, now)
    _log(conn, "expired", event_id, now)
    return None


def may_renew(catalogue: Mapping[str, Hazard], row: EventRow) -> bool:
    """Whether an event in force is renewed at its expiry instead of ending. Never one whose words name that end: repeated after
    it they would say that the danger is over. (None that must be renewed is written so: see period.until_cleared.)"""
    event = from_json(row.content)
    if event.stage not in OPENS or not event.until_cleared or row.stopped_at is not None:
        return False
    return hazards.renews(catalogue[event.hazard], event.severity)


def _renew(conn: Connection, assembly: Assembly, event: Event, now: datetime) -> str:
    """The same words, areas and channels under a new identity: whoever was not told yet still gets them. A promise whose time
    has passed is not made again."""
    old = register.alert(conn, event.alert_id)
    new_id = register.next_alert_id(conn, event.incident_id)
    stated = replace(
        event,
        event_id=new_id,
        alert_id=new_id,
        stage=Stage.RENEWAL,
        effective=now,
        expires=now + max(event.expires - event.effective, timedelta(hours=1)),
        next_update_by=event.next_update_by if event.next_update_by and event.next_update_by > now else None,
        slows=False,
        digest="",
    )
    bound = digest(stated)
    sealed, cap = assembly.seal(conn, replace(stated, digest=bound), now)
    alert = AlertRow(
        **old.model_dump(exclude={"alert_id", "stage", "status", "digest", "frozen", "created_at", "changed_at", "version"}),
        alert_id=new_id,
        stage=Stage.RENEWAL,
        status=Status.COUNTDOWN,
        digest=bound,
        created_at=now,
        changed_at=now,
    )
    row = EventRow(
        event_id=new_id,
        alert_id=new_id,
        incident_id=event.incident_id,
        stage=Stage.RENEWAL,
        content=to_json(sealed),
        digest=bound,
        identifier=sealed.identifier,
        cap=cap,
        status=Status.COUNTDOWN,
        priority=sealed.priority,
        approved_at=now,
        expires_at=sealed.expires,
        send_by=SYSTEM,
        countdown_until=now,
    )
    register.add(conn, alert)
    register.add(conn, row)
    register.due(conn, "send", new_id, now)
    register.due(conn, "renewal warning", new_id, sealed.expires - RENEWAL_WARNING)
    register.due(conn, "expire", new_id, sealed.expires - EXPIRY_LEAD)
    _log(conn, "renewed", event.event_id, now, renewal=new_id)
    return new_id


def _log(conn: Connection, action: str, subject: str, now: datetime, **detail: str) -> None:
    audit.append(conn, Act(actor=SYSTEM, action=action, subject=subject, detail=detail), now)
