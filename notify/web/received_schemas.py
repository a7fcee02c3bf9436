"""What the API answers about alerts of other agencies, as JSON Schema: components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from notify.received.sources import Kind
from notify.received.standing import Standing
from notify.web.schemas import ANYTHING, MAYBE_MOMENT, MOMENT, TEXT, YES_NO, _all, _list, _with

RECEIVED_ONE: Final = _all(
    received_id=TEXT,
    sources=_list(TEXT),
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
    "ReceivedAlerts": _all(
        alerts=_list(RECEIVED_ONE),
        sources=_list(
            _all(
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
    "ReceivedAlert": _with(RECEIVED_ONE, message=ANYTHING, hindrances=_list(TEXT)),
    "CapDocument": _all(alert_id=TEXT, profile={"enum": ["cap", "ipaws"]}, document=TEXT, note=TEXT),
    "Handed": _all(received_id=TEXT, new=YES_NO),
}
