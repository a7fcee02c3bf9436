"""What the API answers about alerts of other agencies, as JSON Schema: components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from notify.received.sources import Kind
from notify.received.standing import Standing
from notify.web.schemas import ANYTHING, MAYBE_MOMENT, MOMENT, TEXT, YES_NO, several, whole, widened

RECEIVED_ONE: Final = whole(
    received_id=TEXT,
    sources=several(TEXT),
    identifier=TEXT,
    sender=TEXT,
    sent=MOMENT,
    status=TEXT,
    actual=YES_NO,
    msg_type=TEXT,
    standing={"enum": sorted(Standing)},
    by=TEXT,
    event=TEXT,
    headline=TEXT,
    area_desc=TEXT,
    severity=TEXT,
    ends_at=MOMENT,
    signer=TEXT,
    draft_id=TEXT,
)
RECEIVED: Final[Mapping[str, Any]] = {
    "ReceivedAlerts": whole(
        alerts=several(RECEIVED_ONE),
        sources=several(
            whole(
                name=TEXT,
                title=TEXT,
                kind={"enum": sorted(Kind)},
                silent=YES_NO,
                heard_at=MAYBE_MOMENT,
                tried_at=MAYBE_MOMENT,
                problem=TEXT,
            )
        ),
    ),
    "ReceivedAlert": widened(RECEIVED_ONE, message=ANYTHING, hindrances=several(TEXT)),
    "CapDocument": whole(alert_id=TEXT, profile={"enum": ["cap", "ipaws", "edxl"]}, document=TEXT, note=TEXT),
    "Handed": whole(received_id=TEXT, new=YES_NO),
}
