"""CAP polygons cover the area they stand for, whatever its shape; what they cover besides is small, and named."""

import itertools
import math
import random
import re

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from notify.alerts.alert import Area
from notify.publishing.cap_geometry import MOST_POINTS, Unmappable, exceptions, holes, polygons

TEXT = re.compile(r"-?\d+\.\d{5},-?\d+\.\d{5}( -?\d+\.\d{5},-?\d+\.\d{5}){3,}")
WEST, SOUTH = -122.7, 45.5


def drawn(text: str) -> Polygon:
    """The polygon a reader of CAP sees: latitude comes first."""
    pairs = [pair.split(",") for pair in text.split(" ")]
    return Polygon([(float(lon), float(lat)) for lat, lon in pairs])


HAIR = 1e-12  # degrees, a tenth of a micrometre: what joining polygons may lose where two of them meet


def union(texts: tuple[str, ...]) -> MultiPolygon | Polygon:
    return shapely.union_all([drawn(text) for text in texts])


def coast(points: int, seed: int) -> Polygon:
    """A ragged outline some 20 km across."""
    chance = random.Random(seed)
    waves = [(chance.random() * math.tau, chance.random() * 0.1 / (n + 1)) for n in range(40)]
    turns = [math.tau * n / points for n in range(points)]
    radii = [0.1 * (1 + sum(w * math.sin((n + 1) * turn + p) for n, (p, w) in enumerate(waves))) for turn in turns]
    ragged = [radius + chance.random() * 0.0003 for radius in radii]
    return Polygon([(WEST + r * math.cos(t), SOUTH + r * math.sin(t)) for r, t in zip(ragged, turns, strict=True)])


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """Any star-shaped ring, spikes and all, from a few metres to a degree across, at any number of decimals."""
    size = draw(st.sampled_from([0.0001, 0.003, 0.1, 1.0]))
    radii = draw(st.lists(st.floats(0.05, 1), min_size=3, max_size=250))
    turns = [math.tau * n / len(radii) for n in range(len(radii))]
    decimals = draw(st.sampled_from([4, 5, 7, 15]))
    points = [
        (round(WEST + size * r * math.cos(t), decimals), round(SOUTH + size * r * math.sin(t), decimals))
        for r, t in zip(radii, turns, strict=True)
    ]
    return Polygon(points)


@st.composite
def areas(draw: st.DrawFn) -> Polygon | MultiPolygon:
    """One to four stars, near or far or inside each other, some with a hole cut out."""
    whole = draw(stars().filter(lambda star: star.is_valid))
    for star in draw(st.lists(stars().filter(lambda star: star.is_valid), max_size=3)):
        moved = translate(star, draw(st.floats(-0.3, 0.3)), draw(st.floats(-0.3, 0.3)))
        whole = whole.difference(moved) if draw(st.booleans()) else whole.union(moved)
    parts = [part for part in shapely.get_parts(whole) if isinstance(part, Polygon)]
    return MultiPolygon(parts) if len(parts) != 1 else parts[0]


@settings(max_examples=150, deadline=None)
@given(areas().filter(lambda area: area.is_valid and not area.is_empty), st.sampled_from([12, 40, MOST_POINTS]))
def test_the_polygons_cover_every_point_of_the_area(area: Polygon | MultiPolygon, most: int) -> None:
    texts = polygons(area, most_points=most)
    assert union(texts).buffer(HAIR).covers(area)
    assert union(texts).buffer(HAIR).covers(area.boundary)
    for text in texts:
        assert TEXT.fullmatch(text)
        pairs = text.split(" ")
        assert pairs[0] == pairs[-1]
        assert 4 <= len(pairs) <= most
        assert all(one != other for one, other in itertools.pairwise(pairs))
        assert drawn(text).is_valid
        assert "-0.00000" not in text


@settings(max_examples=100, deadline=None)
@given(stars().filter(lambda star: star.is_valid))
def test_every_stored_corner_is_inside_the_rounded_polygon(star: Polygon) -> None:
    seen = union(polygons(star))
    assert all(seen.covers(Point(corner)) for corner in star.exterior.coords)


def test_a_polygon_that_cap_can_say_is_said_as_it_stands() -> None:
    area = Polygon([(-122.7, 45.5), (-122.6, 45.5), (-122.65, 45.61234)])
    assert polygons(area) == ("45.50000,-122.70000 45.50000,-122.60000 45.61234,-122.65000 45.50000,-122.70000",)


def test_rounding_never_leaves_a_corner_out() -> None:
    area = box(-122.700004, 45.500004, -122.600006, 45.600006)
    (text,) = polygons(area)
    assert drawn(text).covers(area)
    assert drawn(text).hausdorff_distance(area) < 5e-5


@pytest.mark.parametrize("points", [99, 150, 1_000, 10_000])
def test_a_ragged_city_grows_by_little(points: int) -> None:
    city = coast(points, seed=points)
    (text,) = polygons(city)
    assert len(text.split(" ")) <= MOST_POINTS
    assert drawn(text).covers(city)
    assert drawn(text).area < 1.02 * city.area


def test_the_same_area_gives_the_same_words() -> None:
    assert polygons(coast(500, seed=1)) == polygons(coast(500, seed=1))


def test_separate_parts_stay_separate() -> None:
    west, east = box(-122.7, 45.5, -122.69, 45.51), box(-122.6, 45.5, -122.59, 45.51)
    texts = polygons(MultiPolygon([west, east]))
    assert len(texts) == 2
    assert union(texts).equals(MultiPolygon([west, east]))


def test_many_parts_flow_together_with_their_neighbours() -> None:
    lots = [box(x, y, x + 0.001, y + 0.001) for x in (-122.7, -122.6) for y in [45.5 + 0.0015 * n for n in range(30)]]
    texts = polygons(MultiPolygon(lots))
    assert len(texts) == 2
    assert union(texts).covers(MultiPolygon(lots))
    assert union(texts).area < 3 * MultiPolygon(lots).area


def test_a_part_inside_anothers_hole_is_said_once() -> None:
    lake = box(-122.7, 45.5, -122.6, 45.6).difference(box(-122.68, 45.52, -122.62, 45.58))
    island = box(-122.66, 45.54, -122.64, 45.56)
    assert len(polygons(MultiPolygon([lake, island]))) == 1
    (water,) = holes(MultiPolygon([lake, island]))
    assert water.equals(box(-122.68, 45.52, -122.62, 45.58).difference(island))


def test_two_parts_that_touch_enclose_a_hole() -> None:
    left = LineString([(0, 0), (-1, 1), (0, 2)]).buffer(0.2, cap_style="flat")
    right = LineString([(0, 0), (1, 1), (0, 2)]).buffer(0.2, cap_style="flat")
    ring = MultiPolygon([part for part in shapely.get_parts(left.union(right)) if isinstance(part, Polygon)])
    assert len(holes(ring)) == 1
    assert union(polygons(ring)).covers(Point(0, 1))


def test_a_filled_hole_is_called_by_the_name_of_what_fills_it() -> None:
    park, pond = box(-122.68, 45.52, -122.66, 45.54), box(-122.64, 45.52, -122.63, 45.53)
    area = box(-122.7, 45.5, -122.6, 45.6).difference(park).difference(pond)
    known = [
        Area(name="Around the park", shape=park.buffer(0.02)),
        Area(name="Corner of the park", shape=box(-122.68, 45.52, -122.67, 45.53)),
        Area(name="Far away", shape=box(-121, 44, -120, 45)),
        Area(name="Park", shape=park.buffer(0.0001), names={"es": "Parque"}),
    ]
    named, unnamed = exceptions(area, known)
    assert named is not None
    assert named.name == "Park"
    assert unnamed is None
    assert len(polygons(area)) == 1
    assert union(polygons(area)).covers(pond)


def test_a_gap_between_two_surveyed_lines_is_no_place() -> None:
    area = box(-122.7, 45.5, -122.6, 45.6).difference(box(-122.65, 45.55, -122.64999, 45.55001))
    assert holes(area) == ()


@pytest.mark.parametrize(
    ("area", "words"),
    [
        (Polygon(), "is empty"),
        (MultiPolygon(), "is empty"),
        (Point(-122.7, 45.5), "is empty"),
        (LineString([(0, 0), (1, 1)]), "is empty"),
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "Self-intersection"),
        (Polygon([(0, 0), (float("inf"), 1), (1, 1)]), "not valid"),
        (Polygon([(179.9, 0), (180.1, 0), (180.1, 1)]), "outside longitude"),
        (Polygon([(0, 89.9), (1, 89.9), (1, 90.1)]), "outside longitude"),
        (Polygon([(-179.9, 0), (179.9, 0), (179.9, 1), (-179.9, 1)]), "crosses the antimeridian"),
        (Polygon([(179.9999999, 0), (180, 0.1234567), (180, 0.7654321)]), "reaches the antimeridian"),
    ],
)
def test_what_cannot_be_said_honestly_is_refused(area: object, words: str) -> None:
    with pytest.raises(Unmappable, match=words):
        polygons(area)


def test_both_sides_of_the_antimeridian_may_be_named_apart() -> None:
    area = MultiPolygon([box(179.5, -17, 179.75, -16), box(-179.75, -17, -179.5, -16)])
    assert len(polygons(area)) == 2
