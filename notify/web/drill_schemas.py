"""What the API answers about drills, as JSON Schema: components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from notify.web.schemas import COUNT, MAYBE_MOMENT, MOMENT, NUMBER, SECONDS, TEXT, YES_NO, named, several, whole

DRILL: Final = {
    **dict.fromkeys(("drill_id", "script", "title", "started_by"), TEXT),
    "minutes": COUNT,
    "started_at": MOMENT,
    "ended_at": MAYBE_MOMENT,
}
FIT: Final = whole(
    alert_id=TEXT,
    **dict.fromkeys(("right", "hazard_right"), YES_NO),
    **dict.fromkeys(("people_missed", "people_in_vain"), COUNT),
    **dict.fromkeys(("area_missed", "area_in_vain"), NUMBER),
)
DRILLS: Final[Mapping[str, Any]] = {
    "Drill": whole(**DRILL),
    "Drills": whole(
        drills=several(named("Drill")), scripts=several(whole(script=TEXT, title=TEXT, minutes=COUNT, people=COUNT))
    ),
    "DrillNow": whole(**DRILL, elapsed_s=NUMBER, over=YES_NO, come=several(whole(minute=NUMBER, words=TEXT, **{"from": TEXT}))),
    "Scorecard": whole(
        drill=named("Drill"),
        operators=several(
            whole(
                person_id=TEXT,
                **dict.fromkeys(("draft_s", "submit_s", "approve_s", "correct_s"), SECONDS),
                refused=COUNT,
                audience={"type": ["boolean", "null"]},
                alerts=several(FIT),
            )
        ),
    ),
}
