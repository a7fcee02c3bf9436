"""What the earlier messages of an incident said, as far as the next one speaks of it."""

from collections.abc import Sequence

from notify.alerts import territory
from notify.alerts.alert import Stage, from_json
from notify.tables import EventRow
from notify.wording.subject import Told


def told(earlier: Sequence[EventRow], tags: Sequence[str]) -> Told | None:
    """What people were told last: when, and which area it named. A renewal went to hardly anybody, and a test told nothing."""
    if not earlier:
        return None
    last = ([row for row in earlier if row.stage not in (Stage.RENEWAL, Stage.TEST)] or earlier)[-1]
    return Told(at=last.started_at or last.approved_at, place=territory.place_words(from_json(last.content).areas, tags))


def hazard(earlier: Sequence[EventRow]) -> str:
    """What the last message was about; empty when there was none, or only tests."""
    said = (from_json(row.content) for row in reversed(earlier))
    return next((event.hazard for event in said if event.stage is not Stage.TEST), "")
