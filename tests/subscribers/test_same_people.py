"""Both databases choose the same people: a thousand areas over six thousand places, against the rule asked place by place."""

import numpy as np
import shapely
from sqlalchemy import Connection, insert

from bench.geography import points_of, shapes_of
from subscribers import store
from subscribers.loading import load
from subscribers.nearness import Nearness
from tests.subscribers.factories import NOON

SEED = 2026
PLACES = 6_000
BASES = ("opt-in", "emergency")


def test_a_thousand_areas_choose_the_people_that_the_rule_does(conn: Connection) -> None:
    """Each database gives what the rule gives, and so what the other gives: the same seed makes the same city. A tenth of all
    have opted out, a tenth are listed on a basis that is not asked for; many live exactly on a border; of a third only the
    block is known."""
    rng = np.random.default_rng(SEED)
    shapes = [shape for _ in range(5) for shape in shapes_of(rng)[0]]
    points = points_of(rng, shapes[:: len(shapes) // 200], PLACES)
    settle(conn, points)
    index = load(conn).index
    numbers = np.arange(1, PLACES + 1)
    asked, rough = (numbers % 10 != 1) & (numbers % 10 != 2), numbers % 3 == 0
    told = 0
    shapely.prepare(shapes)
    for shape in shapes:
        inside, near = shapely.intersects_xy(shape, *points.T), Nearness.of(shape).of_blocks(*points.T)
        by_the_rule = numbers[np.where(rough, near, inside) & asked]
        chosen = np.sort(index.match(shape, citywide=False, bases=BASES).address_id)
        np.testing.assert_array_equal(chosen, by_the_rule)
        told += len(chosen)
    assert len(shapes) == 1_000
    assert told > 60_000


def settle(conn: Connection, points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    """Person, address and place number n have the same id, n."""
    numbers = range(1, len(points) + 1)
    conn.execute(insert(store.SUBSCRIBER), [{"subscriber_id": n, "created_at": NOON, "source": "test"} for n in numbers])
    address = {"channel": "sms", "sealed": b"sealed", "key_id": "k1", "language": "en"}
    conn.execute(
        insert(store.ADDRESS),
        [
            {"address_id": n, "subscriber_id": n, "blind": n.to_bytes(16, "big"), "stopped_at": NOON if n % 10 == 1 else None}
            | {"basis": "utility-account" if n % 10 == 2 else "opt-in"}
            | address
            for n in numbers
        ],
    )
    home = {"label": "HOME", "kind": "point"}
    places = [
        {"place_id": n, "subscriber_id": n, "lon": lon, "lat": lat, "block": "1100 block SW 5th Ave" if n % 3 == 0 else ""}
        | home
        for n, (lon, lat) in zip(numbers, points, strict=True)
    ]
    conn.execute(insert(store.PLACE), places)
