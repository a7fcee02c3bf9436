"""The next alert of an incident as a draft: an update, a correction, an all clear or a false alarm of what was sent. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from notify.alerts.alert import Stage
from notify.alerts.draft import BadDraft, Draft, read

STAGES: Final = {
    "update": Stage.UPDATE,
    "correct": Stage.CORRECTION,
    "clear": Stage.ALL_CLEAR,
    "cancel": Stage.FALSE_ALARM,
}
# What a follow-up does not take over from the alert before it: its times, its schedule and what was said for that moment.
_ANEW: Final = frozenset(
    {"stage", "incident", "effective", "expires", "next_update_by", "not_before", "not_after", "note", "slots", "slows"}
    | {"asl_video"}
)


# What belongs to the danger, and not to the incident.
_OF_THE_HAZARD: Final = frozenset({"short", "source", "urgency", "severity", "certainty"})


def draft(verb: str, earlier: Draft, incident_id: str, changes: Mapping[str, Any]) -> Draft:
    """The follow-up of `earlier`, with the author's changes over what it takes from there. Raises BadDraft.

    Slots are merged one by one, so that only what is new has to be said; a slot set to null is left out. Where the danger has
    become another one, none is taken over, nor how grave it was: what was said of the one is not true of the other.
    """
    same = changes.get("hazard", earlier.hazard) == earlier.hazard
    anew = _ANEW if same else _ANEW | _OF_THE_HAZARD
    kept = {name: value for name, value in earlier.model_dump(mode="json").items() if name not in anew}
    before = earlier.slots if same else {}
    slots = {**before, **changes.get("slots", {})} if isinstance(changes.get("slots", {}), Mapping) else changes["slots"]
    if isinstance(slots, dict):
        slots = {name: value for name, value in slots.items() if value is not None}
    fixed = {"stage": STAGES[verb], "incident": incident_id, "hazard": changes.get("hazard", earlier.hazard), "slots": slots}
    if (named := set(changes) & {"stage", "incident"}) != set():
        raise BadDraft([f"{name}: is given by what you follow up, so it cannot be set" for name in sorted(named)])
    return read({**kept, **changes, **fixed})
