"""Who is told: the index against a plain reading of the rules, person by person."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from subscribers.index import KEPT, Index, index
from subscribers.matched import How, Left, Matched
from subscribers.nearness import Nearness
from subscribers.rows import AT_A_POINT, NO_ROWS, Rows, Standing, Vocabulary
from tests.subscribers.shapes import on_lattice, shapes

BASES = ("opt-in", "utility-account", "emergency")
AREAS = {
    "97214": box(*on_lattice(0, 0), *on_lattice(20, 20)),
    "Lents": Polygon([on_lattice(20, 0), on_lattice(60, 0), on_lattice(40, 30)]),
    "Islands": MultiPolygon([box(*on_lattice(2, 40), *on_lattice(10, 50)), box(*on_lattice(50, 50), *on_lattice(60, 60))]),
}
HERE = box(*on_lattice(10, 10), *on_lattice(30, 30))


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as a test sees them. Places: (place_id, (lon, lat)), (place_id, (lon, lat, "block")) or (place_id, a name)."""

    subscriber_id: int
    addresses: tuple[int, ...] = ()
    standing: Standing = Standing.OPEN
    basis: str = "opt-in"
    language: str = "en"
    places: tuple[tuple[int, Any], ...] = field(default=())


def rows_of(people: list[Person], vocabulary: Vocabulary) -> Rows:
    reached = [(person, address) for person in people for address in person.addresses]
    places = [(person, place, spot) for person in people for place, spot in person.places]
    named = [isinstance(spot, str) for _, _, spot in places]
    return Rows(
        address_id=np.array([address for _, address in reached], np.int64),
        address_subscriber=np.array([person.subscriber_id for person, _ in reached], np.int64),
        language=np.array([vocabulary.languages.code(person.language) for person, _ in reached], np.int16),
        channel=np.array([vocabulary.channels.code("sms") for _ in reached], np.int16),
        basis=np.array([vocabulary.bases.code(person.basis) for person, _ in reached], np.int16),
        standing=np.array([person.standing for person, _ in reached], np.int16),
        place_id=np.array([place for _, place, _ in places], np.int64),
        place_subscriber=np.array([person.subscriber_id for person, _, _ in places], np.int64),
        place_area=np.array(
            [vocabulary.areas.code(spot) if isinstance(spot, str) else AT_A_POINT for _, _, spot in places], np.int32
        ),
        lon=np.array([np.nan if is_named else spot[0] for is_named, (_, _, spot) in zip(named, places, strict=True)], float),
        lat=np.array([np.nan if is_named else spot[1] for is_named, (_, _, spot) in zip(named, places, strict=True)], float),
        rough=np.array([not is_named and len(spot) > 2 for is_named, (_, _, spot) in zip(named, places, strict=True)], bool),
    )


def index_of(*people: Person) -> Index:
    vocabulary = Vocabulary()
    return index(rows_of(list(people), vocabulary), AREAS, vocabulary)


def may_lie_in(shape: Any, lon: float, lat: float, block: str = "") -> bool:
    return Nearness.of(shape).of_block(lon, lat) if block else bool(shape.intersects(Point(lon, lat)))


def by_the_rules(people: list[Person], shape: Any, citywide: bool, bases: tuple[str, ...]) -> dict[int, tuple[Any, int]]:
    """For each address: (How, place_id) or (Left, 0)."""
    answers: dict[int, tuple[Any, int]] = {}
    for person in people:
        usable = [(place, spot) for place, spot in person.places if not isinstance(spot, str) or spot in AREAS]
        points = [place for place, spot in usable if not isinstance(spot, str) and may_lie_in(shape, *spot)]
        overlaps = [
            place for place, spot in usable if isinstance(spot, str) and shape.relate(AREAS[spot])[0] == "2"
        ]  # the interiors share an area
        answer: tuple[Any, int] = (Left.OUTSIDE if usable else Left.NO_PLACE, 0)
        if points:
            answer = (How.POINT, min(points))
        elif overlaps:
            answer = (How.OVERLAP, min(overlaps))
        elif citywide and not usable:
            answer = (How.NO_PLACE, 0)
        if person.basis not in bases:
            answer = (Left.BASIS, 0)
        if person.standing != Standing.OPEN:
            answer = (Left[person.standing.name], 0)
        answers.update(dict.fromkeys(person.addresses, answer))
    return answers


def answers_of(matched: Matched) -> dict[int, tuple[Any, int]]:
    assert len(set(matched.address_id.tolist())) == len(matched), "one copy per address"
    return {
        int(address): (How(how), int(place))
        for address, how, place in zip(matched.address_id, matched.how, matched.place_id, strict=True)
    }


def assert_counted(asked: Index, matched: Matched, shape: Any, *, citywide: bool, bases: tuple[str, ...]) -> None:
    """What an index says at the first look and at the second is what its answer holds, one by one."""
    words = asked.vocabulary
    channels, languages, known = words.channels.all(), words.languages.all(), words.bases.all()
    kinds = Counter((channels[one], languages[other]) for one, other in zip(matched.channel, matched.language, strict=True))
    by_basis = Counter(known[basis] for basis in matched.basis)
    for _ in ("first", "second"):
        counts = asked.counts(shape, citywide=citywide, bases=bases)
        assert (counts.people, counts.by_kind, counts.by_basis) == (len(matched), kinds, by_basis)


@st.composite
def crowds(draw: st.DrawFn) -> list[Person]:
    corners = st.tuples(st.integers(0, 64), st.integers(0, 64)).map(lambda xy: on_lattice(*xy))
    spots = st.one_of(
        corners,
        corners.map(lambda spot: (*spot, "block")),
        st.sampled_from([*AREAS, "Nowhere"]),
    )
    people = []
    for subscriber in sorted(draw(st.sets(st.integers(1, 40), max_size=30))):
        person = Person(
            subscriber_id=subscriber,
            addresses=tuple(subscriber + 1000 * extra for extra in range(draw(st.integers(0, 2)))),
            standing=draw(st.sampled_from([Standing.OPEN, Standing.OPEN, Standing.OPEN, *Standing])),
            basis=draw(st.sampled_from(BASES)),
            places=tuple((subscriber * 10 + number, spot) for number, spot in enumerate(draw(st.lists(spots, max_size=3)))),
        )
        people.append(person)
    return people


allowed = st.sets(st.sampled_from([*BASES, "hearsay"]), min_size=1).map(lambda bases: tuple(sorted(bases)))


@settings(max_examples=200, deadline=None)
@given(people=crowds(), shape=shapes(), citywide=st.booleans(), bases=allowed)
def test_the_index_decides_as_the_rules_do(people: list[Person], shape: Any, citywide: bool, bases: tuple[str, ...]) -> None:
    expected = by_the_rules(people, shape, citywide, bases)
    everybody = index_of(*people)
    matched = everybody.match(shape, citywide=citywide, bases=bases)
    assert answers_of(matched) == {address: answer for address, answer in expected.items() if isinstance(answer[0], How)}
    left = [answer[0] for answer in expected.values() if isinstance(answer[0], Left)]
    assert matched.left == {reason: left.count(reason) for reason in Left}
    assert len(matched) + sum(matched.left.values()) == len(everybody) == len(expected)
    anybody = by_the_rules([replace(person, standing=Standing.OPEN) for person in people], shape, citywide, BASES)
    within = sorted(address for address, answer in anybody.items() if isinstance(answer[0], How))
    assert everybody.within(shape, citywide=citywide).tolist() == within
    assert_counted(everybody, matched, shape, citywide=citywide, bases=bases)
    for address, (answer, _) in expected.items():
        why = everybody.why(address, shape, citywide=citywide, bases=bases)
        assert (why.how, why.left) == ((answer, None) if isinstance(answer, How) else (None, answer))


@settings(max_examples=150, deadline=None)
@given(people=crowds(), steps=st.lists(crowds(), min_size=1, max_size=4), shape=shapes(), citywide=st.booleans())
def test_an_index_kept_in_step_equals_a_fresh_one(
    people: list[Person], steps: list[list[Person]], shape: Any, citywide: bool
) -> None:
    stepped, now = index_of(*people), {person.subscriber_id: person for person in people}
    for number, step in enumerate(steps):
        counted = stepped.counts(shape, citywide=citywide, bases=BASES)  # what is kept now must not be said of the next
        gone = list(now)[number :: len(steps) + 1]
        for subscriber in gone:
            del now[subscriber]
        now |= {person.subscriber_id: person for person in step}
        changed = np.array([*gone, *(person.subscriber_id for person in step)], np.int64)
        rows = rows_of([now[subscriber] for subscriber in sorted(set(changed.tolist()) & set(now))], stepped.vocabulary)
        before, stepped = stepped, stepped.stepped(changed, rows)
        assert_counted(stepped, stepped.match(shape, citywide=citywide, bases=BASES), shape, citywide=citywide, bases=BASES)
        assert before.counts(shape, citywide=citywide, bases=BASES) is counted
    fresh = index_of(*now.values())
    ours, theirs = (each.match(shape, citywide=citywide, bases=BASES) for each in (stepped, fresh))
    assert answers_of(ours) == answers_of(theirs)
    assert ours.left == theirs.left
    assert (ours.by_language(), ours.by_basis(), len(stepped)) == (theirs.by_language(), theirs.by_basis(), len(fresh))
    for address in ours.address_id.tolist():
        assert stepped.why(address, shape, citywide=citywide, bases=BASES) == fresh.why(
            address, shape, citywide=citywide, bases=BASES
        )


def test_a_home_known_by_its_block_is_told_when_it_may_lie_inside_and_a_point_only_when_it_does() -> None:
    _, south, east, _ = HERE.bounds
    beside = {"156 m": east + 0.002, "172 m": east + 0.0022}
    for metres, told in (("156 m", 1), ("172 m", 0)):
        spot = (beside[metres], south + 0.01)
        block, point = Person(subscriber_id=1, addresses=(1,), places=((1, (*spot, "block")),)), (2, spot)
        both = index_of(block, Person(subscriber_id=2, addresses=(2,), places=(point,)))
        matched = both.match(HERE, citywide=False, bases=BASES)
        assert matched.address_id.tolist() == both.within(HERE, citywide=False).tolist() == [1][:told], metres
        assert (matched.lon.tolist(), matched.lat.tolist()) == ([spot[0]][:told], [spot[1]][:told])
        assert [both.why(one, HERE, citywide=False, bases=BASES).how for one in (1, 2)] == [How.POINT if told else None, None]


def test_an_older_index_is_untouched_by_later_changes() -> None:
    person = Person(subscriber_id=1, addresses=(1,), places=((1, on_lattice(20, 20)),))
    before = index_of(person)
    after = before.stepped(np.array([1]), rows_of([replace(person, standing=Standing.STOPPED)], before.vocabulary))
    assert len(before.match(HERE, citywide=False, bases=BASES)) == 1
    assert len(after.match(HERE, citywide=False, bases=BASES)) == 0


def test_one_person_gets_one_copy_however_many_places_match() -> None:
    person = Person(
        subscriber_id=1,
        addresses=(7,),
        places=((4, "97214"), (9, on_lattice(12, 12)), (8, on_lattice(13, 13)), (2, (0.0, 0.0))),
    )
    matched = index_of(person).match(HERE, citywide=True, bases=BASES)
    assert answers_of(matched) == {7: (How.POINT, 8)}
    assert (matched.lon[0], matched.lat[0]) == on_lattice(13, 13)
    assert index_of(person).why(7, HERE, citywide=True, bases=BASES).place_ids == (4, 8, 9)


def test_an_area_that_only_touches_is_not_told() -> None:
    person = Person(subscriber_id=1, addresses=(1,), places=((1, "97214"),))
    beside = box(*on_lattice(20, 0), *on_lattice(30, 20))
    assert index_of(person).match(beside, citywide=False, bases=BASES).left[Left.OUTSIDE] == 1
    within = box(*on_lattice(3, 3), *on_lattice(4, 4))
    assert index_of(person).match(within, citywide=False, bases=BASES).count(How.OVERLAP) == 1


def test_a_person_in_an_area_without_a_shape_still_gets_citywide_alerts() -> None:
    person = Person(subscriber_id=1, addresses=(1,), places=((1, "97999"),))
    assert index_of(person).match(HERE, citywide=True, bases=BASES).count(How.NO_PLACE) == 1
    assert index_of(person).match(HERE, citywide=False, bases=BASES).left[Left.NO_PLACE] == 1


def test_counts_are_by_word() -> None:
    people = [
        Person(subscriber_id=1, addresses=(1, 2), language="es", places=((1, on_lattice(20, 20)),)),
        Person(subscriber_id=2, addresses=(3,), basis="emergency", places=((2, on_lattice(20, 20)),)),
    ]
    matched = index_of(*people).match(HERE, citywide=False, bases=BASES)
    assert matched.by_language() == {"es": 2, "en": 1}
    assert matched.by_basis() == {"opt-in": 2, "emergency": 1}
    assert matched.by_channel() == {"sms": 3}


def test_each_question_is_counted_once_and_no_other_is_answered_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [
        Person(subscriber_id=1, addresses=(1, 2), language="es", places=((1, on_lattice(20, 20)),)),
        Person(subscriber_id=2, addresses=(3,), basis="emergency", places=((2, on_lattice(40, 20)),)),
        Person(subscriber_id=3, addresses=(4,)),
    ]
    everybody, looks = index_of(*people), []
    match = Index.match
    monkeypatch.setattr(Index, "match", lambda *given, **more: looks.append(given) or match(*given, **more))
    wider = box(*on_lattice(10, 10), *on_lattice(50, 30))
    shifted = box(*on_lattice(10, 10), HERE.bounds[2] + 1e-12, HERE.bounds[3])
    asked = [(HERE, False, BASES, 2), (HERE, True, BASES, 3), (wider, False, BASES, 3), (wider, False, ("opt-in",), 2)]
    for shape, citywide, bases, told in [*asked, (shifted, False, BASES, 2)]:
        assert everybody.counts(shape, citywide=citywide, bases=bases).people == told
    assert len(looks) == 5
    for shape, citywide, bases, told in asked:
        again = Polygon(list(shape.exterior.coords))
        assert everybody.counts(again, citywide=citywide, bases=tuple(reversed(bases))).people == told
    assert len(looks) == 5


def test_an_index_forgets_what_it_counted_before_that_grows_without_an_end() -> None:
    everybody = index_of(Person(subscriber_id=1, addresses=(1,), places=((1, on_lattice(20, 20)),)))
    for east in range(3 * KEPT):
        shape = box(*on_lattice(10, 10), *on_lattice(30 + east, 30))
        assert everybody.counts(shape, citywide=False, bases=BASES).people == 1
    assert 0 < len(everybody.counted) <= KEPT


def test_counts_cannot_be_changed_by_who_looks_at_them() -> None:
    counts = index_of(Person(subscriber_id=1, addresses=(1,))).counts(HERE, citywide=True, bases=BASES)
    for mapping in (counts.by_kind, counts.by_basis):
        with pytest.raises(TypeError):
            cast("dict[Any, int]", mapping)["sms"] = 0


def test_many_people_are_told_each_at_their_own_place() -> None:
    people = [
        Person(subscriber_id=number, addresses=(5000 - number,), places=((number, on_lattice(number % 64, number % 61)),))
        for number in range(1, 4000)
    ]
    matched = index_of(*people).match(box(-123, 45, -122, 46), citywide=False, bases=BASES)
    told = zip(*(column.tolist() for column in (matched.address_id, matched.subscriber_id, matched.place_id)), strict=True)
    assert sorted(told) == [(5000 - number, number, number) for number in range(3999, 0, -1)]
    for lon, lat, place in zip(matched.lon, matched.lat, matched.place_id.tolist(), strict=True):
        assert (lon, lat) == on_lattice(place % 64, place % 61)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (None, "has no area"),
        (Point(0, 0), "has no area"),
        (LineString([(0, 0), (1, 1)]), "has no area"),
        (GeometryCollection([HERE]), "has no area"),
        (Polygon(), "is empty"),
        (MultiPolygon(), "is empty"),
        (Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "not a valid polygon"),
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "not a valid polygon"),
        (Polygon([(0, 0), (2, 1), (1, 0), (0, 1)]), "not a valid polygon"),
        (Polygon([(45.5, -122.6), (45.6, -122.6), (45.6, -122.5)]), "not in degrees"),
    ],
)
def test_a_broken_area_chooses_nobody_and_says_so(shape: Any, sentence: str) -> None:
    everybody = index_of(Person(subscriber_id=1, addresses=(1,)))
    with pytest.raises(ValueError, match=sentence):
        everybody.match(shape, citywide=True, bases=BASES)
    with pytest.raises(ValueError, match=sentence):
        everybody.why(1, shape, citywide=True, bases=BASES)
    with pytest.raises(ValueError, match=sentence):
        everybody.counts(shape, citywide=True, bases=BASES)


def test_an_area_with_a_corner_that_is_no_number_is_refused() -> None:
    with np.errstate(invalid="ignore"):
        shape = from_wkt("POLYGON ((0 0, NaN 1, 1 0, 0 0))")
        with pytest.raises(ValueError, match="area"):
            index_of().match(shape, citywide=True, bases=BASES)


def test_no_basis_is_an_error_and_not_an_empty_audience() -> None:
    with pytest.raises(ValueError, match="No basis"):
        index_of().match(HERE, citywide=True, bases=())
    with pytest.raises(ValueError, match="No basis"):
        index_of().counts(HERE, citywide=True, bases=())


def test_an_address_nobody_has_cannot_be_explained() -> None:
    everybody = index_of(Person(subscriber_id=1, addresses=(1,)))
    for some in (everybody, everybody.stepped(np.array([1]), NO_ROWS)):
        with pytest.raises(LookupError, match="no address 2"):
            some.why(2, HERE, citywide=False, bases=BASES)
    with pytest.raises(LookupError, match="no address 1"):
        everybody.stepped(np.array([1]), NO_ROWS).why(1, HERE, citywide=False, bases=BASES)


def test_an_empty_city_is_told_nothing() -> None:
    matched = index_of().match(HERE, citywide=True, bases=BASES)
    assert len(matched) == 0
    assert sum(matched.left.values()) == 0
