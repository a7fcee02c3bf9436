"""Areas from GeoJSON or a circle: a city's named ones, or one alert's own. What is wrong is named and refused; for somebody who
asks for it and looks at it, subscribers.mending mends a shape.

A repair has to guess where somebody meant to warn people. Coordinates are WGS 84 degrees, longitude first (RFC 7946).
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import shapely

from subscribers.geodesy import travelled
from subscribers.place import Envelope, zip_code
from subscribers.rings import problem_of_shape, problems_of_polygon

KINDS = ("city", "service-area", "district", "neighborhood", "water-zone", "zip")
CIRCLE_POINTS = 128
CIRCLE_MARGIN = (
    1e-4  # sides are straight on the map, not on the earth: at 200 km and 60 degrees north that is under 1 in 10,000
)
RADIUS_MAX_M = 200_000.0
DEGREES = ("CRS84", "EPSG::4326", "EPSG:4326", "WGS84")  # what an old-style "crs" member may name


class BadArea(ValueError):
    """An area cannot be used; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedShape:
    """An area staff and residents can name. `shape` is a valid Polygon or MultiPolygon; `names` are endonyms by language."""

    name: str
    kind: str
    shape: Any
    citywide: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file gave: the areas that can be used, and a sentence for each that cannot."""

    areas: tuple[NamedShape, ...]
    problems: tuple[str, ...]


def read_areas(data: str | bytes, envelope: Envelope) -> Reading:
    """Reads a FeatureCollection of named areas. Every feature stands alone: the faulty ones are refused, the others given."""
    try:
        document = parsed(data)
        features = _features(document)
    except BadArea as error:
        return Reading(areas=(), problems=error.problems)
    problems = problems_of_crs(document)
    if problems:
        return Reading(areas=(), problems=tuple(problems))
    areas: dict[str, NamedShape] = {}
    first_seen: dict[str, int] = {}
    for number, feature in enumerate(features, 1):
        label = _label(number, feature)
        faults = _problems_of_names(feature, number, first_seen)
        shape, crooked = _shape_of(_member(feature, "geometry"), envelope)
        problems += [f"{label}: {fault}" for fault in faults + crooked]
        if shape is not None and not faults:
            area = _named(feature["properties"], shape)
            areas[area.name] = area
    if not features:
        problems.append("The file holds no features.")
    return Reading(areas=tuple(areas.values()), problems=tuple(problems))


def read_geometry(geojson: str | bytes | Mapping[str, Any], envelope: Envelope) -> Any:
    """The one shape of a Polygon, MultiPolygon, Feature or FeatureCollection (joined). Raises BadArea with all problems."""
    document = geojson if isinstance(geojson, Mapping) else parsed(geojson)
    problems = problems_of_crs(document)
    shapes = []
    for label, geometry in geometries(document):
        shape, faults = _shape_of(geometry, envelope)
        problems += [f"{label}{fault}" for fault in faults]
        shapes.append(shape)
    if not shapes:
        problems.append("The file holds no features.")
    if problems:
        raise BadArea(problems)
    return shapely.union_all(shapes) if len(shapes) > 1 else shapes[0]


def circle(lat: float, lon: float, radius_m: float, envelope: Envelope | None = None) -> Any:
    """A polygon that covers everything within radius_m metres of a point on the ellipsoid, and at most 0.05 % more.

    Raises BadArea when the centre lies outside the envelope or the radius is not between 0 and 200 km.
    """
    problems = [envelope.problem(lat, lon) if envelope else ""]
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        problems.append("The centre is not in degrees of latitude and longitude.")
    if not 0 < radius_m <= RADIUS_MAX_M:
        problems.append(f"The radius must be more than 0 and at most {RADIUS_MAX_M / 1000:.0f} km; it is {radius_m:g} m.")
    if any(problems):
        raise BadArea([problem for problem in problems if problem])
    reach_m = radius_m / math.cos(math.pi / CIRCLE_POINTS) * (1 + CIRCLE_MARGIN)  # so that the sides, not the corners, touch
    corners = [travelled(lat, lon, 360 * corner / CIRCLE_POINTS, reach_m) for corner in range(CIRCLE_POINTS)]
    if any(abs(corner[0] - lon) > 90 or abs(corner[0]) > 180 for corner in corners):
        raise BadArea(["The circle reaches over a pole or the antimeridian."])
    return shapely.Polygon(corners)


def to_geojson(shape: Any) -> str:
    """The shape as GeoJSON text; reading it again gives an equal shape."""
    return str(shapely.to_geojson(shape))


def parsed(data: str | bytes) -> Mapping[str, Any]:
    """The document as JSON. Raises BadArea."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadArea([f"The file is not JSON: {error}."]) from error
    if not isinstance(document, dict):
        raise BadArea(["The file is not GeoJSON: it must be an object with a type."])
    return document


def _features(document: Mapping[str, Any]) -> list[Any]:
    if document.get("type") != "FeatureCollection":
        raise BadArea([f"Named areas come as a FeatureCollection; this is {_type_of(document)}."])
    features = document.get("features")
    if not isinstance(features, list):
        raise BadArea(["The FeatureCollection has no list of features."])
    return features


def geometries(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each geometry of a document, with the words that lead its problems."""
    match document.get("type"):
        case "FeatureCollection":
            for number, feature in enumerate(_features(document), 1):
                yield f"{_label(number, feature)}: ", _member(feature, "geometry")
        case "Feature":
            yield "", document.get("geometry")
        case _:
            yield "", document


def problems_of_crs(document: Mapping[str, Any]) -> list[str]:
    """Files from mapping software sometimes keep feet of a state plane and say so in a member older than RFC 7946."""
    crs = document.get("crs")
    if crs is None or any(name in json.dumps(crs) for name in DEGREES):
        return []
    return [f"The coordinates are in another reference system ({json.dumps(crs)[:120]}); save the file as WGS 84."]


def _problems_of_names(feature: Any, number: int, first_seen: dict[str, int]) -> list[str]:
    if _type_of(feature) != "Feature":
        return ["this is not a Feature."]
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        return ["it has no properties; name and kind are needed."]
    problems = _problems_of_name(properties.get("name"), properties.get("kind"))
    name = properties.get("name")
    if isinstance(name, str) and name.strip():
        earlier = first_seen.setdefault(name.strip().casefold(), number)
        if earlier != number:
            problems.append(f"feature {earlier} has the same name.")
    if not isinstance(properties.get("citywide", False), bool):
        problems.append("citywide must be true or false.")
    names = properties.get("names", {})
    if not (isinstance(names, dict) and all(isinstance(endonym, str) for endonym in names.values())):
        problems.append("names must be an object: language to name.")
    return problems


def _problems_of_name(name: Any, kind: Any) -> list[str]:
    problems = []
    if not (isinstance(name, str) and name.strip()):
        problems.append("it has no name.")
    elif not name.isprintable():
        problems.append("the name has a control character in it.")
    if kind not in KINDS:
        problems.append(f"the kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
    if kind == "zip" and isinstance(name, str):
        try:
            zip_code(name)
        except ValueError as error:
            problems.append(str(error))
    return problems


def _named(properties: Mapping[str, Any], shape: Any) -> NamedShape:
    return NamedShape(
        name=properties["name"].strip(),
        kind=properties["kind"],
        shape=shape,
        citywide=properties.get("citywide", False),
        names=dict(properties.get("names", {})),
    )


def _shape_of(geometry: Any, envelope: Envelope) -> tuple[Any, list[str]]:
    """A valid shape and no problems, or None and every problem."""
    kind = _type_of(geometry)
    if kind not in ("Polygon", "MultiPolygon"):
        return None, [f"it has no polygon; its geometry is {kind}."]
    parts = geometry.get("coordinates")
    parts = [parts] if kind == "Polygon" else parts
    if not (isinstance(parts, list) and all(isinstance(part, list) for part in parts)):
        return None, ["its coordinates are not lists of rings."]
    if not any(parts):
        return None, ["it is empty: there are no coordinates."]
    problems = []
    for number, part in enumerate(parts, 1):
        where = f"part {number}, " if len(parts) > 1 else ""
        problems += [f"{where}{problem}" for problem in problems_of_polygon(part, envelope)]
    if problems:
        return None, problems
    polygons = [shapely.Polygon(*_rings(part)) for part in parts]
    shape = polygons[0] if kind == "Polygon" else shapely.MultiPolygon(polygons)
    problem = problem_of_shape(shape)
    return (None, [problem]) if problem else (shape, [])


def _rings(part: list[Any]) -> tuple[list[Any], list[Any]]:
    outer, *holes = [[position[:2] for position in ring] for ring in part]
    return outer, holes


def _label(number: int, feature: Any) -> str:
    properties = _member(feature, "properties")
    name = _member(properties, "name")
    return f'Feature {number} ("{name}")' if isinstance(name, str) and name.strip() else f"Feature {number}"


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _type_of(value: Any) -> str:
    kind = _member(value, "type")
    return kind if isinstance(kind, str) else "missing"
