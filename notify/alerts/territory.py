"""Where an alert is: the areas a draft names or draws, whether they are the whole city, and how they are called in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapely import unary_union
from shapely.geometry import box
from sqlalchemy import Connection

from notify.alerts.alert import Area, Info
from notify.alerts.draft import AreaChoice
from notify.city import City
from notify.publishing import cap_geometry
from subscribers import areas as geography
from subscribers import atlas


class BadArea(ValueError):
    """The area cannot be used; `problems` holds every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def chosen(conn: Connection, city: City, choice: AreaChoice) -> tuple[Area, ...]:
    """The areas of a draft. Raises BadArea with every problem."""
    if choice.names:
        return _named(conn, city, choice.names)
    if not choice.geojson and not choice.circle:
        raise BadArea(["area: name at least one area, or draw one."])
    try:
        if choice.circle:
            shape = _in_the_city(geography.circle(choice.circle.lat, choice.circle.lon, choice.circle.radius_m), city)
        else:
            shape = geography.read_geometry(choice.geojson or {}, city.pack.box)
    except geography.BadArea as error:
        raise BadArea([f"area: {problem}" for problem in error.problems]) from None
    drawn = Area(name=choice.words.strip(), shape=shape, kind="custom")
    return (replace(drawn, citywide=_covers_the_city(conn, city, shape)),)


def _in_the_city(shape: Any, city: City) -> Any:
    """The shape, if it lies in the city's envelope. Raises subscribers' BadArea."""
    west, south, east, north = city.pack.envelope
    if not box(west, south, east, north).covers(shape):
        raise geography.BadArea([f"The circle reaches beyond the city's envelope ({west}, {south}, {east}, {north})."])
    return shape


def _named(conn: Connection, city: City, names: Sequence[str]) -> tuple[Area, ...]:
    known = {area.name: area for area in atlas.areas(conn)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadArea([f"area: there is no area '{name}'; 'tocsin areas list' names them." for name in unknown])
    found = [known[name] for name in dict.fromkeys(names)]
    whole = _covers_the_city(conn, city, unary_union([area.shape for area in found]))
    return tuple(
        Area(name=area.name, shape=area.shape, kind=area.kind, citywide=area.citywide or whole, names=area.names)
        for area in found
    )


def _covers_the_city(conn: Connection, city: City, shape: Any) -> bool:
    """Whether an area covers the share of the city from which on it counts as citywide (policy)."""
    policy = city.policy.citywide
    whole = next((area.shape for area in atlas.areas(conn) if area.name == policy["city_area"]), None)
    return whole is not None and shape.intersection(whole).area >= float(policy["share_of_city"]) * whole.area


def known(conn: Connection) -> list[Area]:
    """Every area the city has a name for."""
    return [Area(name=area.name, shape=area.shape, kind=area.kind, names=area.names) for area in atlas.areas(conn)]


def place_words(areas: Sequence[Area], tags: Sequence[str]) -> dict[str, str]:
    """The areas' names in each language, in the order given."""
    return {tag: ", ".join(area.names.get(tag, area.name) for area in areas) for tag in tags}


def excepting(areas: Sequence[Area], infos: Sequence[Info], known: Sequence[Area], tags: Mapping[str, str]) -> tuple[Info, ...]:
    """CAP cannot draw holes: its polygon covers what lies in one, so that has to be excepted in words. "≠" stands for "but not"
    in every language: "Portland (≠ Lents)". A hole that no known area fills is named by its middle, latitude and longitude.
    tags: the city's tag of each info's language."""
    union = unary_union([area.shape for area in areas])
    holes = [hole for area in areas for hole in _holes(area, known, union)]
    if not holes:
        return tuple(infos)
    said = []
    for info in infos:
        tag = tags.get(info.language, info.language)
        names = [hole.names.get(tag, hole.name) if hole else middle for hole, middle in holes]
        said.append(replace(info, area_desc=f"{info.area_desc} (≠ {', '.join(dict.fromkeys(names))})"))
    return tuple(said)


def _holes(area: Area, known: Sequence[Area], union: Any) -> Iterator[tuple[Area | None, str]]:
    """What fills each hole of an area, where it is known, and its middle; not where another area of the alert fills it."""
    for hole, place in zip(cap_geometry.holes(area.shape), cap_geometry.exceptions(area.shape, known), strict=True):
        if hole.difference(union).area > cap_geometry.SLIVER:
            middle = hole.representative_point()
            yield place, f"{middle.y:.4f},{middle.x:.4f}"
