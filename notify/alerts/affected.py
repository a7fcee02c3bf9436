"""Whether a place lies in an alert's area, by the rule that decides who is sent the alert. Pure.

Points inside or on the boundary are in, and so are blocks so near that a home along them may be. Areas (ZIPs, neighborhoods)
that share more than a boundary with it are in, at least partly.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

import shapely

from notify.alerts import locator
from notify.alerts.alert import Area
from subscribers.areas import NamedShape
from subscribers.dialog.saving import clear
from subscribers.dialog.turn import Sight
from subscribers.gazetteer.search import MOST
from subscribers.nearness import Nearness
from subscribers.place import NamedPlace, Point, Spot, ZipArea

SLIVER: Final = 1e-6  # share of a ZIP that may lie outside by rounding alone
CERTAIN: Final = 0.9  # a letter changed or a house past the last known one costs that much (subscribers/gazetteer/merits.py)


class Verdict(StrEnum):
    INSIDE = "inside"
    EDGE = "edge"  # a block outside, but so near that nobody can be sure: who lives there is sent the alert
    PART = "part"  # of an area of which only a part is inside
    OUTSIDE = "outside"
    UNKNOWN = "unknown"  # not found: says nothing about danger
    WHICH = "which"  # it may be several places, and they differ
    BUSY = "busy"  # cannot be looked up now


WORDS: Final = {
    Verdict.INSIDE: "YES. This place is inside the area. Do what this page says.",
    Verdict.EDGE: "VERY CLOSE. This place is at the edge of the area. Do what this page says.",
    Verdict.PART: "PARTLY. Some of this place is inside the area. If you are not sure, do what this page says.",
    Verdict.OUTSIDE: "NO. This place is outside the area. The area can change: look again later.",
    Verdict.UNKNOWN: (
        "WE DO NOT KNOW. We did not find this place. That does not mean it is safe. Try your ZIP code, or call {phone}."
    ),
    Verdict.WHICH: "WE DO NOT KNOW. More than one place fits. Write your ZIP code, or the whole address.",
    Verdict.BUSY: "WE DO NOT KNOW. We cannot look up addresses now. Try your ZIP code, or call {phone}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """How every named area of the city stands to one alert's area: name and verdict (inside, part or outside), by name.
    maps: the area drawn among them, SVG; nothing where it was not drawn."""

    zips: tuple[tuple[str, Verdict], ...] = ()
    others: tuple[tuple[str, Verdict], ...] = ()
    maps: tuple[str, ...] = ()

    def codes(self, verdict: Verdict) -> tuple[str, ...]:
        return tuple(code for code, one in self.zips if one is verdict)


def touched(areas: Sequence[Area], named: Sequence[NamedShape]) -> Touched:
    """The verdict on each named area."""
    shape = shapely.union_all([area.shape for area in areas])
    shapely.prepare(shape)
    found = sorted((area.kind != "zip", area.name, of_area(shape, area.shape)) for area in named)
    return Touched(
        zips=tuple((name, verdict) for other, name, verdict in found if not other),
        others=tuple((name, verdict) for other, name, verdict in found if other),
    )


def shown(areas: Sequence[Area], named: Sequence[NamedShape]) -> Touched:
    """The same with its maps."""
    return replace(touched(areas, named), maps=locator.maps(areas, named))


def of_area(shape: Any, place: Any) -> Verdict:
    """Whether an area of which we know no more than its shape is inside, outside, or partly inside."""
    if not shape.intersects(place) or shape.touches(place):
        return Verdict.OUTSIDE
    if shape.covers(place) or place.difference(shape).area <= SLIVER * place.area:
        return Verdict.INSIDE
    return Verdict.PART


def of_block(shape: Any, nearness: Nearness, lat: float, lon: float) -> Verdict:
    """Whether an address is inside, of which no more than the block is known. nearness: of the shape."""
    if shapely.intersects_xy(shape, lon, lat):
        return Verdict.INSIDE
    return Verdict.EDGE if nearness.of_block(lon, lat) else Verdict.OUTSIDE


NOT_COMPARED: Final = Touched()


@dataclass(frozen=True, slots=True)
class Map:
    """An alert's area as it was published: enough to answer about any place, whatever else is down."""

    shape: Any
    nearness: Nearness  # of the shape
    verdicts: Mapping[str, Verdict]  # on each named area, ZIPs among them
    phone: str

    @classmethod
    def drawn(cls, shape: Any, verdicts: Mapping[str, Verdict], phone: str) -> Self:
        return cls(shape, Nearness.of(shape), verdicts, phone)

    @classmethod
    def read(cls, document: bytes) -> Self:
        """What `document` wrote."""
        read = json.loads(document)
        shape = shapely.union_all([shapely.from_geojson(json.dumps(one["geometry"])) for one in read["features"]])
        verdicts = {name: Verdict(one) for name, one in (read["zips"] | read["places"]).items()}
        return cls.drawn(shape, verdicts, read["phone"])

    def of(self, spot: Spot) -> Verdict:
        match spot:
            case Point(lat=lat, lon=lon):
                return of_block(self.shape, self.nearness, lat, lon)
            case ZipArea(code=name) | NamedPlace(area=name):
                return self.verdicts.get(name, Verdict.UNKNOWN)

    def of_sights(self, sights: Sequence[Sight]) -> Verdict:
        """One answer for what a gazetteer found. Where it may be several places and they differ, none is taken for the one that
        was meant; and nothing is outside by a find that contradicts what was typed, or by a list that may be cut off."""
        found = {self.of(sight.spot) for sight in meant(sights)}
        if len(found) == 1 and (found != {Verdict.OUTSIDE} or _all_told(sights)):
            return found.pop()
        return Verdict.WHICH if found else Verdict.UNKNOWN


def certain(sights: Sequence[Sight]) -> bool:
    """Whether the first find is all that was typed, and no other comes near it."""
    return clear(sights) and sights[0].score > CERTAIN


def _all_told(sights: Sequence[Sight]) -> bool:
    """Whether the place that was typed is surely among them."""
    return certain(sights) or (sights[0].score > CERTAIN and len(sights) < MOST)


def meant(sights: Sequence[Sight]) -> Sequence[Sight]:
    """What may be meant: the first find alone where it is certain."""
    return sights[:1] if certain(sights) else sights


def document(areas: Sequence[Area], known: Touched, phone: str) -> bytes:
    """The areas as GeoJSON (RFC 7946), with the verdict on each named area of the city beside them."""
    features = [
        {"type": "Feature", "properties": {"name": area.name}, "geometry": shapely.geometry.mapping(area.shape)}
        for area in areas
    ]
    whole = {"type": "FeatureCollection", "features": features, "zips": dict(known.zips), "places": dict(known.others)}
    return (json.dumps(whole | {"phone": phone}, ensure_ascii=False) + "\n").encode()
