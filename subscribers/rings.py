"""What can be wrong with a polygon's rings, as sentences; and the circle somebody means by a point and a radius."""

import math
import re
from typing import Any

import shapely

from subscribers.place import Envelope

CIRCLE_POINTS = 128
CIRCLE_MARGIN = (
    1e-4  # sides are straight on the map, not on the earth: at 200 km and 60 degrees north that is under 1 in 10,000
)
RADIUS_MAX_M = 200_000.0

WGS84_A_M = 6_378_137.0
WGS84_F = 1 / 298.257223563

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


def circle(lat: float, lon: float, radius_m: float, envelope: Envelope) -> Any:
    """A polygon that covers everything within radius_m metres of a point on the ellipsoid, and at most 0.05 % more.

    Raises ValueError when the centre lies outside the envelope or the radius is not between 0 and 200 km.
    """
    problem = envelope.problem(lat, lon)
    if problem:
        raise ValueError(problem)
    if not 0 < radius_m <= RADIUS_MAX_M:
        raise ValueError(f"The radius must be more than 0 and at most {RADIUS_MAX_M / 1000:.0f} km; it is {radius_m:g} m.")
    reach_m = radius_m / math.cos(math.pi / CIRCLE_POINTS) * (1 + CIRCLE_MARGIN)  # so that the sides, not the corners, touch
    corners = [travelled(lat, lon, 360 * corner / CIRCLE_POINTS, reach_m) for corner in range(CIRCLE_POINTS)]
    if max(abs(corner[0] - lon) for corner in corners) > 90:
        raise ValueError("The circle reaches over a pole or the antimeridian.")
    return shapely.Polygon(corners)


def travelled(lat: float, lon: float, bearing: float, distance_m: float) -> tuple[float, float]:
    """(lon, lat) reached from a point by going straight ahead on WGS 84; bearing in degrees clockwise from north.

    Vincenty's direct formula (Survey Review 23, 1975), exact to a millimetre.
    """
    minor = WGS84_A_M * (1 - WGS84_F)
    ahead = math.radians(bearing)
    reduced = math.atan((1 - WGS84_F) * math.tan(math.radians(lat)))
    sigma_1 = math.atan2(math.tan(reduced), math.cos(ahead))
    sin_alpha = math.cos(reduced) * math.sin(ahead)
    cos2_alpha = 1 - sin_alpha**2
    u2 = cos2_alpha * (WGS84_A_M**2 - minor**2) / minor**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sigma, before = distance_m / (minor * a), math.inf
    while abs(sigma - before) > 1e-13:
        mid = math.cos(2 * sigma_1 + sigma)
        turn = math.cos(sigma) * (2 * mid**2 - 1) - b / 6 * mid * (4 * math.sin(sigma) ** 2 - 3) * (4 * mid**2 - 3)
        sigma, before = distance_m / (minor * a) + b * math.sin(sigma) * (mid + b / 4 * turn), sigma
    sin_r, cos_r, sin_s, cos_s = math.sin(reduced), math.cos(reduced), math.sin(sigma), math.cos(sigma)
    new_lat = math.atan2(
        sin_r * cos_s + cos_r * sin_s * math.cos(ahead),
        (1 - WGS84_F) * math.hypot(sin_alpha, sin_r * sin_s - cos_r * cos_s * math.cos(ahead)),
    )
    on_sphere = math.atan2(sin_s * math.sin(ahead), cos_r * cos_s - sin_r * sin_s * math.cos(ahead))
    c = WGS84_F / 16 * cos2_alpha * (4 + WGS84_F * (4 - 3 * cos2_alpha))
    mid = math.cos(2 * sigma_1 + sigma)
    drift = sigma + c * sin_s * (mid + c * cos_s * (2 * mid**2 - 1))
    return lon + math.degrees(on_sphere - (1 - c) * WGS84_F * sin_alpha * drift), math.degrees(new_lat)


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
