"""How long an alert holds: its end, whether it holds until we say that it is over, and what is wrong with its times. Pure."""

from datetime import datetime, timedelta
from typing import Final

from notify.alerts.alert import Stage
from notify.alerts.draft import Draft
from notify.alerts.hazards import Hazard, renews

SHOWN_AFTER_ALL_CLEAR: Final = timedelta(hours=24)  # an all clear stays in force this long, so that pollers see it
LONGEST: Final = timedelta(days=7)


def expires(draft: Draft, hazard: Hazard, effective: datetime) -> datetime:
    if draft.expires is not None:
        return draft.expires
    return effective + (SHOWN_AFTER_ALL_CLEAR if draft.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM) else hazard.expires)


def until_cleared(draft: Draft, hazard: Hazard) -> bool:
    """Whether the alert holds, and says that it holds, until we say that it is over. One that is renewed at its expiry always
    does: words that name an end would be repeated after it, and read as an all clear. `expires` is then CAP's alone."""
    if draft.stage not in (Stage.FIRST, Stage.UPDATE, Stage.CORRECTION):
        return False
    return draft.until == "cleared" or renews(hazard, draft.severity or hazard.severity)


def problems(draft: Draft, hazard: Hazard, now: datetime) -> list[str]:
    """What is wrong with a draft's times, as sentences."""
    found = []
    end = expires(draft, hazard, draft.effective or now)
    if draft.not_before and end <= draft.not_before:
        found.append("expires: lies before not_before, so this would never be sent.")
    if end <= now:
        found.append(f"expires: {end:%Y-%m-%d %H:%M} UTC has passed.")
    if end > now + LONGEST:
        found.append("expires: an alert lasts seven days at most; renew it instead.")
    if draft.learned_at and draft.learned_at > now:
        found.append("learned_at: lies in the future.")
    if draft.next_update_by and draft.next_update_by <= now:
        found.append("next_update_by: has passed; promise a later time.")
    elif draft.next_update_by and draft.not_before and draft.next_update_by <= draft.not_before:
        found.append("next_update_by: lies before not_before, so people would read it when it has passed.")
    if draft.not_after and draft.not_after <= now:
        found.append("not_after: has passed.")
    return found
