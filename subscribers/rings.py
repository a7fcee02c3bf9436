"""What can be wrong with a polygon's rings, as sentences."""

import math
import re
from typing import Any

import shapely

from subscribers.place import Envelope

_REASON = re.compile(r"(?P<what>[^\[]+)\[(?P<lon>\S+) (?P<lat>\S+)\]")
_MEANING = {  # GEOS's words to ours
    "Self-intersection": "its boundary crosses itself",
    "Ring Self-intersection": "its boundary touches itself",
    "Hole lies outside shell": "a hole lies outside of it",
    "Holes are nested": "a hole lies inside another hole",
    "Interior is disconnected": "holes cut it into pieces",
    "Nested shells": "one part lies inside another",
    "Duplicate Rings": "two rings are the same",
}


def problems_of_polygon(rings: list[Any], envelope: Envelope) -> list[str]:
    """Every problem of one GeoJSON polygon's rings, each a sentence; none does not yet mean that it does not cross itself."""
    if not rings:
        return ["it is empty: there are no coordinates."]
    problems = []
    for number, ring in enumerate(rings):
        name = "the outer ring" if number == 0 else f"hole {number}"
        problems += [f"{name} {problem}" for problem in _problems_of_ring(ring, envelope)]
    return problems


def problem_of_shape(shape: Any) -> str:
    """Why a shape made of sound rings still cannot be used, with the place; empty when it can."""
    reason = shapely.is_valid_reason(shape)
    if reason != "Valid Geometry":
        found = _REASON.fullmatch(reason)
        if not found:
            return f"it is not a valid polygon: {reason}."
        meaning = _MEANING.get(found["what"], f"it is not a valid polygon ({found['what']})")
        return f"{meaning} at longitude {float(found['lon']):.6f}, latitude {float(found['lat']):.6f}."
    return "" if shape.area > 0 else "it is empty: it encloses no area."


def _problems_of_ring(ring: Any, envelope: Envelope) -> list[str]:
    if not (isinstance(ring, list) and all(_is_position(position) for position in ring)):
        return ["holds something that is not a position of two numbers."]
    if len(ring) < 4:
        return [f"has {len(ring)} positions; a ring needs 4, the last being the first again."]
    problems = [_problem_of_range(ring, envelope)]
    if ring[0][:2] != ring[-1][:2]:
        problems.append(f"is not closed: it begins at {_written(ring[0])} and ends at {_written(ring[-1])}.")
    return [problem for problem in problems if problem]


def _problem_of_range(ring: list[Any], envelope: Envelope) -> str:
    outside = [position for position in ring if not envelope.holds(position[1], position[0])]
    if not outside:
        return ""
    if all(envelope.holds(position[0], position[1]) for position in ring):
        return "has latitude and longitude swapped: GeoJSON wants longitude first."
    longitudes = [position[0] for position in ring]
    if max(longitudes) - min(longitudes) > 180:
        return "crosses the antimeridian, or has a longitude without its minus sign."
    if any(abs(position[0]) > 180 or abs(position[1]) > 90 for position in outside):
        return f"is not in degrees: {_written(outside[0])}."
    return f"lies outside the city's envelope ({envelope}) at {_written(outside[0])}, {len(outside)} of {len(ring)} positions."


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(_is_number(number) for number in value[:2])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _written(position: list[float]) -> str:
    return f"longitude {position[0]:.6f}, latitude {position[1]:.6f}"
