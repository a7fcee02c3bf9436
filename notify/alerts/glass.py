"""Breaking the glass: what one person alone may send when nobody else can be reached. Pure.

Only words approved beforehand, for areas approved beforehand: the city's policy names them. It takes a reason, is the loudest
line of the audit log, and every deputy is called in the same second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ConfigDict

from notify.alerts.alert import Stage
from notify.alerts.draft import Draft

ANY_AREA: Final = "*"  # any area the city has a name for; never a drawn one
SHORTEST_REASON: Final = 10  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """One thing that may be sent alone. slots: what stands in the words, exactly; typed: slots that may be filled in."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    hazard: str
    areas: tuple[str, ...]
    slots: Mapping[str, Any] = field(default_factory=dict)
    typed: tuple[str, ...] = ()


def problems(glasses: Sequence[Glass], draft: Draft, reason: str) -> list[str]:
    """Why this draft may not be sent by one person alone, as sentences; empty when it may."""
    found = []
    if len(reason.strip()) < SHORTEST_REASON:
        found.append(f"Say in at least {SHORTEST_REASON} characters why nobody else can decide: it stands in the record.")
    if draft.stage is not Stage.FIRST:
        found.append("Only a first alert may be sent by one person alone.")
    fitting = [glass for glass in glasses if glass.hazard == draft.hazard]
    if not fitting:
        return [*found, f"The policy has no words about '{draft.hazard}' that one person alone may send."]
    if not any(_fits(glass, draft) for glass in fitting):
        found.append("The policy lets one person alone send other areas, or other words, than these.")
    return found


def _fits(glass: Glass, draft: Draft) -> bool:
    names = frozenset(draft.area.names)
    there = bool(names) and (ANY_AREA in glass.areas or names <= frozenset(glass.areas))
    fixed = {name: value for name, value in draft.slots.items() if name not in glass.typed}
    return there and fixed == dict(glass.slots)
