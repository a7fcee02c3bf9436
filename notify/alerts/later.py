"""Whom a text reaches later than others: what an author and an approver have to know before they say yes."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from notify.alerts import period
from notify.alerts.assembly import Prepared
from notify.city import City, Limit
from notify.sending import enough, night


def warnings(conn: Connection, prepared: Prepared, city: City, now: datetime) -> list[str]:
    """A sentence when its texts would wait for morning, and one when phones that have had many would wait for room."""
    draft, hazard = prepared.draft, prepared.hazard
    if "sms" not in draft.channels:
        return []
    begins = max(now, draft.not_before or now)
    kind = draft.stage, draft.urgency or hazard.urgency, prepared.severity
    ends = period.expires(draft, hazard, draft.effective or now)
    at_night = night.warning(*kind, expires=ends, now=begins, zone=city.pack.zone)
    crowded = night.may_wait(*kind) and _crowded(conn, city.policy.texts_to_a_phone, now)
    return [said for said in (at_night, crowded) if said]


def _crowded(conn: Connection, limits: Collection[Limit], now: datetime) -> str:
    """Said of the first limit that somebody may have reached; "" when nobody can have."""
    for limit in sorted(limits, key=lambda one: one.texts):
        if len(enough.lately(conn, now - timedelta(minutes=limit.minutes))) >= limit.texts:
            return (
                f"Phones that have had {limit.texts} texts within {limit.minutes} minutes get this one when there is room. "
                "Page, feeds and e-mail do not wait."
            )
    return ""
