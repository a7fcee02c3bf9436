"""What the API answers about messages that are held after a restore."""

from typing import Any, Final

from notify.web.schemas import COUNT, MAYBE_MOMENT, MOMENT, TEXT, YES_NO, several, whole

# still: whether what was asked is about exactly what is held now; else nobody can agree to it.
ASKED: Final = whole(at=MOMENT, by=TEXT, reason=TEXT, drop=several(TEXT), digest=TEXT, still=YES_NO)
HOLDS: Final[dict[str, Any]] = {
    "Held": whole(
        held=YES_NO,
        since=MAYBE_MOMENT,
        why=TEXT,
        alerts=several(
            whole(
                alert_id=TEXT,
                incident_id=TEXT,
                hazard=TEXT,
                stage=TEXT,
                status=TEXT,
                approved_at=MOMENT,
                waiting=COUNT,
                in_doubt=COUNT,
            )
        ),
        asked={"anyOf": [ASKED, {"type": "null"}]},
    ),
}
