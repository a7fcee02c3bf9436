"""Where a person wants to be warned: a point, a ZIP area or another named area, under a label of their own."""

import re
from dataclasses import dataclass, field
from math import isfinite

from subscribers.tables import PlaceKind

HOME = "HOME"  # the label of a first place when none is given
LABEL_MAX = 12  # letters; several labels have to fit one text message
PLACES_MAX = 5  # a person; an import may not pass it either

_LABEL = re.compile(r"[^\W_]+(?:[ '-][^\W_]+)*")
_ZIP = re.compile(r"(\d{5})(?:-\d{4})?", re.ASCII)


class BadPlace(ValueError):
    """A sentence that says why a place cannot be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The box around everything the city ever warns about, in degrees (WGS 84). It may not cross the antimeridian.

    Raises ValueError when a side is not a number, out of the earth's range or not beyond its opposite.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        if not (-90 <= self.south < self.north <= 90 and -180 <= self.west < self.east <= 180):
            raise ValueError(
                f"The envelope (south {self.south}, west {self.west}, north {self.north}, east {self.east}) is not a box: "
                "it needs south < north within 90 degrees and west < east within 180."
            )

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a point lies inside or on the side; never for something that is not a number."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east

    def problem(self, lat: float, lon: float) -> str:
        """What is wrong with a point as a sentence, empty when nothing is."""
        if not (isfinite(lat) and isfinite(lon)):
            return "Latitude and longitude must be numbers."
        if self.holds(lat, lon):
            return ""
        written = f"latitude {lat:g}, longitude {lon:g}"
        if self.holds(lon, lat):
            return f"Latitude and longitude look swapped: {written} lies outside the city, the other way round inside."
        if lon > 0 and self.holds(lat, -lon):
            return f"The minus sign of the longitude is missing: {written} lies outside the city."
        return f"The point ({written}) lies outside the city's envelope: {self}."

    def __str__(self) -> str:
        return f"latitude {self.south:g} to {self.north:g}, longitude {self.west:g} to {self.east:g}"


@dataclass(frozen=True, slots=True)
class Point:
    """A spot on the map, in degrees (WGS 84). block: where it is in words, never closer than the block."""

    lat: float
    lon: float
    block: str = field(default="", compare=False)

    @property
    def kind(self) -> PlaceKind:
        return PlaceKind.POINT


@dataclass(frozen=True, slots=True)
class ZipArea:
    """All we know is the five-digit ZIP: matched by overlap with its area, and flagged so."""

    code: str

    @property
    def kind(self) -> PlaceKind:
        return PlaceKind.ZIP


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """All we know is a named area, such as a neighbourhood: matched by overlap, and flagged so."""

    area: str

    @property
    def kind(self) -> PlaceKind:
        return PlaceKind.AREA


Spot = Point | ZipArea | NamedPlace


def in_words(spot: Spot) -> str:
    """Where a place is, never closer than the block: "97214", "Lents", "1100 block SW 5th Ave"."""
    match spot:
        case Point(block=block):
            return block or "map point"
        case ZipArea(code=name) | NamedPlace(area=name):
            return name


def normal_label(text: str) -> str:
    """A place's label: upper case, inner space single. Raises BadPlace when empty, too long or not made of words."""
    label = " ".join(text.upper().split())
    if not label:
        raise BadPlace("A place needs a label such as HOME or WORK.")
    if len(label) > LABEL_MAX:
        raise BadPlace(f"The label {label!r} has {len(label)} letters; the most is {LABEL_MAX}.")
    if not _LABEL.fullmatch(label):
        raise BadPlace(f"The label {label!r} may hold only letters, digits, single spaces, hyphens and apostrophes.")
    return label


def zip_code(text: str) -> str:
    """The five digits of a ZIP or ZIP+4. Raises BadPlace."""
    found = _ZIP.fullmatch(text.strip())
    if not found:
        raise BadPlace(f"{text.strip()!r} is not a five-digit ZIP code.")
    return found[1]


def point(lat: str, lon: str, envelope: Envelope) -> Point:
    """A point from two decimal numbers as written. Raises BadPlace when they are no numbers or outside the envelope."""
    try:
        spot = Point(float(lat), float(lon))
    except ValueError as error:
        raise BadPlace(
            f"Latitude {lat!r} and longitude {lon!r} must be decimal degrees, like 45.5152 and -122.6784."
        ) from error
    problem = envelope.problem(spot.lat, spot.lon)
    if problem:
        raise BadPlace(problem)
    return spot
