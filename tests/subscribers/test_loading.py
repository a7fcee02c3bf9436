"""The index read from the database, and kept in step with it."""

import random
from datetime import timedelta

import numpy as np
import pytest
from shapely.geometry import box
from sqlalchemy import Connection, Engine, insert

from subscribers import atlas, loading, store
from subscribers.areas import NamedShape
from subscribers.loading import Audience, caught_up, load
from subscribers.matched import Counts, How, Left, Matched
from subscribers.place import NamedPlace, Point, Spot, ZipArea
from tests.subscribers.factories import DOWNTOWN, LENTS, NOON, a_person, said

BASES = ("opt-in", "utility-account", "emergency")
WEST_HALF = box(-122.80, 45.40, -122.62, 45.66)
AREAS = [
    NamedShape(name="97204", kind="zip", shape=box(-122.69, 45.50, -122.66, 45.53)),
    NamedShape(name="Lents", kind="neighborhood", shape=box(-122.59, 45.46, -122.55, 45.49)),
]


def told(audience: Audience, citywide: bool = False) -> Matched:
    return audience.index.match(WEST_HALF, citywide=citywide, bases=BASES)


def counted(audience: Audience, citywide: bool = False) -> Counts:
    return audience.index.counts(WEST_HALF, citywide=citywide, bases=BASES)


def assert_same(ours: Audience, fresh: Audience) -> None:
    for citywide in (False, True):
        one, other = told(ours, citywide), told(fresh, citywide)
        assert counted(ours, citywide) == counted(fresh, citywide) == other.counts()
        order, other_order = np.argsort(one.address_id), np.argsort(other.address_id)
        for column in ("address_id", "subscriber_id", "how", "place_id", "lon", "lat"):
            np.testing.assert_array_equal(getattr(one, column)[order], getattr(other, column)[other_order])
        assert one.left == other.left
        assert (one.by_language(), one.by_basis(), one.by_channel()) == (
            other.by_language(),
            other.by_basis(),
            other.by_channel(),
        )


def test_an_empty_database_gives_an_empty_index(conn: Connection) -> None:
    audience = load(conn)
    assert len(audience.index) == 0
    assert len(told(audience, citywide=True)) == 0
    assert caught_up(conn, audience) is audience


def test_what_is_saved_is_found(conn: Connection) -> None:
    atlas.keep(conn, AREAS, "pack", NOON)
    _, west, mail = a_person(conn, "+15035550101", "resident1@example.gov", HOME=DOWNTOWN, language="es")
    _, _ = a_person(conn, "+15035550102", HOME=LENTS)
    _, by_zip = a_person(conn, "+15035550103", HOME=ZipArea("97204"), basis="utility-account")
    _, _ = a_person(conn, "+15035550104", HOME=NamedPlace("Lents"))
    _, nowhere = a_person(conn, "+15035550105")
    _, stopped = a_person(conn, "+15035550106", HOME=DOWNTOWN)
    store.stop(conn, stopped, said())
    _, dead = a_person(conn, "+15035550107", HOME=DOWNTOWN)
    store.mark_unreachable(conn, [dead], NOON)
    matched = told(load(conn), citywide=True)
    assert {int(a): How(h) for a, h in zip(matched.address_id, matched.how, strict=True)} == {
        west: How.POINT,
        mail: How.POINT,
        by_zip: How.OVERLAP,
        nowhere: How.NO_PLACE,
    }
    assert matched.left == {Left.STOPPED: 1, Left.UNREACHABLE: 1, Left.BASIS: 0, Left.NO_PLACE: 0, Left.OUTSIDE: 2}
    assert matched.by_language() == {"es": 2, "en": 2}
    assert matched.by_channel() == {"sms": 3, "email": 1}
    assert matched.by_basis() == {"opt-in": 3, "utility-account": 1}


def test_a_coordinate_is_read_back_exactly(conn: Connection) -> None:
    spot = Point(45.51234567890123, -122.67890123456789)
    a_person(conn, "+15035550101", HOME=spot)
    matched = told(load(conn))
    assert (matched.lat[0], matched.lon[0]) == (spot.lat, spot.lon)


def test_the_index_follows_every_kind_of_change(conn: Connection) -> None:
    atlas.keep(conn, AREAS, "pack", NOON)
    person, phone = a_person(conn, "+15035550101", HOME=DOWNTOWN)
    audience = load(conn)
    moved_in, new_phone = a_person(conn, "+15035550102", HOME=ZipArea("97204"), language="vi", basis="emergency")
    for act in (
        lambda: store.move_place(conn, person, "HOME", LENTS),
        lambda: store.add_place(conn, person, "WORK", DOWNTOWN),
        lambda: store.stop(conn, phone, said()),
        lambda: store.start(conn, phone, "opt-in", said()),
        lambda: store.set_language(conn, new_phone, "lo"),
        lambda: store.mark_unreachable(conn, [new_phone], NOON + timedelta(days=1)),
        lambda: store.remove_place(conn, person, "WORK"),
        lambda: store.erase(conn, moved_in),
        lambda: store.erase(conn, person),
    ):
        act()
        audience = caught_up(conn, audience)
        assert_same(audience, load(conn))
    assert len(audience.index) == 0
    assert len(audience.index.base.placed) == 1, "nothing was read anew"


def one_change(conn: Connection, chance: random.Random, number: int, people: list[tuple[int, ...]]) -> None:
    """Somebody signs up, saves, moves or removes a place, stops, starts or leaves."""
    spots: list[Spot] = [ZipArea("97204"), NamedPlace("Lents"), NamedPlace("Nowhere")]
    spot = chance.choice([*spots, Point(chance.uniform(45.43, 45.65), chance.uniform(-122.80, -122.45))])
    person, phone = chance.choice(people)
    label = chance.choice(["HOME", "WORK"])
    match chance.randrange(7):
        case 1 if label not in {place.label for place in store.places_of(conn, person)} and store.addresses_of(conn, person):
            store.add_place(conn, person, label, spot)
        case 2:
            store.move_place(conn, person, label, spot)
        case 3:
            store.remove_place(conn, person, label)
        case 4 if store.addresses(conn, [phone]):
            store.stop(conn, phone, said())
        case 5 if store.addresses(conn, [phone]):
            store.start(conn, phone, "opt-in", said())
        case 6:
            store.erase(conn, person)
        case _:
            language = chance.choice(["en", "es", "so"])
            people.append(a_person(conn, f"+1971555{number:04}", HOME=spot, language=language))


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_in_any_steps_the_index_equals_a_fresh_one(conn: Connection, seed: int) -> None:
    chance = random.Random(seed)
    atlas.keep(conn, AREAS, "pack", NOON)
    people = [a_person(conn, f"+1503555{number:04}", HOME=LENTS) for number in range(20)]
    audience = load(conn)
    for number in range(60):
        one_change(conn, chance, number, people)
        if chance.random() < 0.3:
            audience = caught_up(conn, audience)
            assert_same(audience, load(conn))
            if chance.random() < 0.3:  # a bulk import: everything is read anew
                people.append(a_person(conn, f"+1541555{number:04}", HOME=DOWNTOWN))
                store.note_change(conn, None)
    assert_same(caught_up(conn, audience), load(conn))


def test_new_areas_are_known_after_catching_up(conn: Connection) -> None:
    a_person(conn, "+15035550101", HOME=ZipArea("97204"))
    audience = load(conn)
    assert told(audience).left[Left.NO_PLACE] == 1
    atlas.keep(conn, AREAS, "pack", NOON)
    assert told(caught_up(conn, audience)).count(How.OVERLAP) == 1


def test_the_first_person_to_name_an_area_is_found_without_reading_anew(conn: Connection) -> None:
    atlas.keep(conn, AREAS, "pack", NOON)
    audience = load(conn)
    a_person(conn, "+15035550101", HOME=ZipArea("97204"))
    audience = caught_up(conn, audience)
    assert told(audience).count(How.OVERLAP) == 1
    assert len(audience.index.base.placed) == 0


def test_after_very_many_changes_everything_is_read_anew(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "STEP_MAX", 5)
    audience = load(conn)
    for number in range(6):
        a_person(conn, f"+1503555{number:04}", HOME=DOWNTOWN)
    audience = caught_up(conn, audience)
    assert len(audience.index.base.placed) == 6
    assert len(audience.index.changed) == 0


def test_a_change_that_becomes_visible_late_is_not_missed(engine: Engine) -> None:
    """On PostgreSQL a transaction may take a number and commit after a later one; here the number is simply written late."""
    with engine.begin() as conn:
        person, _ = a_person(conn, "+15035550101", HOME=LENTS)
        conn.execute(insert(store.CHANGE).values(change_id=50, subscriber_id=person))
        audience = load(conn)
    with engine.begin() as conn:
        conn.execute(store.PLACE.update().values(lat=DOWNTOWN.lat, lon=DOWNTOWN.lon))
        conn.execute(insert(store.CHANGE).values(change_id=40, subscriber_id=person))
    with engine.begin() as conn:
        audience = caught_up(conn, audience)
        assert len(told(audience)) == 1
        conn.execute(insert(store.CHANGE).values(change_id=60, subscriber_id=person))
        audience = caught_up(conn, audience)
        conn.execute(store.PLACE.update().values(lat=LENTS.lat, lon=LENTS.lon))
        conn.execute(insert(store.CHANGE).values(change_id=55, subscriber_id=person))
        audience = caught_up(conn, audience)
        assert len(told(audience)) == 0
        assert caught_up(conn, audience) is audience
