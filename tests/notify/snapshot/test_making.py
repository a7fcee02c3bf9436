"""A snapshot is made of everybody, a few at a time, and has its name only when every line of it has been read again."""

import base64
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, CursorResult, TextClause, insert, text

from notify.db import Database, is_sqlite
from notify.snapshot import contents, making, sealed_stream
from notify.snapshot.making import Heading, Unproven
from notify.snapshot.sealed_stream import Unreadable
from subscribers import store
from subscribers.place import NamedPlace, Point
from subscribers.sealing import Keyring, Unopenable
from tests.stories.town import numbers
from tests.subscribers.factories import NOON, a_keyring, a_person

HEADING = Heading(made_at=NOON, city="Portland", mode="training", senders=())
PRIVATE = X25519PrivateKey.generate()
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()
MANY = 20_000
MOST_BYTES = 6_000_000  # 300 for each of them; a page of 1,000 takes four million, everybody at once nineteen

Line = dict[str, Any]


def settle(conn: Connection, count: int) -> None:
    """People with one address and one home each."""
    made = insert(store.SUBSCRIBER).returning(store.SUBSCRIBER.c.subscriber_id, sort_by_parameter_order=True)
    people = conn.scalars(made, [{"created_at": NOON, "source": "test"}] * count).all()
    ring = a_keyring()
    fixed = {"channel": "sms", "key_id": ring.current, "language": "en", "basis": "opt-in"}
    addresses = [
        {"subscriber_id": one, "sealed": ring.seal("sms", number).data, "blind": ring.blind("sms", number), **fixed}
        for one, number in zip(people, numbers(count), strict=True)
    ]
    conn.execute(insert(store.ADDRESS), addresses)
    home = {"label": "HOME", "kind": "point", "lon": -122.6784, "lat": 45.5152}
    conn.execute(insert(store.PLACE), [{"subscriber_id": one, **home} for one in people])


def lines(db: Database) -> list[Line]:
    return db.read_now(lambda conn: list(making.lines(conn, a_keyring(), HEADING)))


def test_a_snapshot_of_twenty_thousand_takes_the_memory_of_some_of_them(db: Database, tmp_path: Path) -> None:
    db.write_now(lambda conn: settle(conn, MANY))
    making.make(db, a_keyring(), HEADING, PUBLIC, tmp_path / "first.sealed")  # what is loaded once counts for nobody
    tracemalloc.start()
    try:
        made = making.make(db, a_keyring(), HEADING, PUBLIC, tmp_path / "all.sealed")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.counts["people"] == made.counts["addresses"] == MANY
    assert most < MOST_BYTES, f"{most / MANY:.0f} bytes for each of them"


def test_the_rows_of_a_snapshot_wait_in_the_database_until_they_are_written(db: Database) -> None:
    """PostgreSQL's driver would take all of them into a memory that Python does not count; SQLite has no other way."""
    db.write_now(lambda conn: settle(conn, 3))

    def waiting(conn: Connection) -> int:
        with closing(making.lines(conn, a_keyring(), HEADING)) as found:
            assert "who" in list(islice(found, 2))[1]
            return 2 if is_sqlite(conn) else int(conn.scalar(text("SELECT count(*) FROM pg_cursors")) or 0)

    assert db.read_now(waiting) == 2


def test_everybody_has_their_own_places_and_no_one_elses(db: Database) -> None:
    here, there, block = Point(45.51, -122.67), Point(45.52, -122.60), Point(45.53, -122.61, block="1100 block SE Water Ave")

    def people(conn: Connection) -> None:
        a_person(conn, HOME=here)  # nobody can be told
        a_person(conn, "+15035550101")
        a_person(conn, "+15035550102", "resident@example.gov", HOME=there, WORK=block)
        a_person(conn, WORK=here)
        a_person(conn, "+15035550103", HOME=NamedPlace("Lents"))
        a_person(conn, HOME=there)
        a_person(conn, "+15035550104")
        a_person(conn, WORK=here)

    db.write_now(people)
    found = {tuple(one[2] for one in line["who"]): line["at"] for line in lines(db) if "who" in line}
    assert found == {
        ("+15035550101",): [],
        ("+15035550102", "resident@example.gov"): [[-122.60, 45.52, False], [-122.61, 45.53, True]],
        ("+15035550103",): ["Lents"],
        ("+15035550104",): [],
    }
    assert lines(db)[-1] == {"end": {"areas": 0, "people": 4, "addresses": 5}}


def test_whoever_moves_meanwhile_stands_in_it_as_at_one_moment(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses and places are two questions; between them somebody gets a new number, and goes to live elsewhere."""
    person, _ = db.write_now(lambda conn: a_person(conn, "+15035550101", HOME=NamedPlace("Lents")))
    ask = making._streamed

    def meanwhile(conn: Connection, query: TextClause) -> CursorResult[Any]:
        if query is making.PLACES:
            db.write_now(lambda conn: store.move_place(conn, person, "HOME", NamedPlace("Kenton")))
        return ask(conn, query)

    monkeypatch.setattr(making, "_streamed", meanwhile)
    path = tmp_path / "all.sealed"
    making.make(db, a_keyring(), HEADING, PUBLIC, path)
    with path.open("rb") as file:
        found = contents.lines_of(sealed_stream.opened(file, PRIVATE))
        assert [line["at"] for line in found if "who" in line] == [["Lents"]]


def test_where_somebody_cannot_be_read_there_is_no_snapshot(db: Database, tmp_path: Path) -> None:
    db.write_now(lambda conn: settle(conn, 3))
    other = Keyring(current="2014", keys={"2014": b"o" * 32}, blind_key=b"b" * 32)
    with pytest.raises(Unopenable):
        making.make(db, other, HEADING, PUBLIC, tmp_path / "all.sealed")
    assert list(tmp_path.glob("all*")) == []


def spoilt(line: Line, **changes: Any) -> Line:
    return {**json.loads(json.dumps(line)), **changes}


def of_another_standing(whole: list[Line]) -> list[Line]:
    return [whole[0], spoilt(whole[1], who=[[*whole[1]["who"][0][:5], "asleep"]]), *whole[2:]]


def without_a_language(whole: list[Line]) -> list[Line]:
    return [whole[0], spoilt(whole[1], who=[whole[1]["who"][0][:5]]), *whole[2:]]


def at_half_a_point(whole: list[Line]) -> list[Line]:
    return [whole[0], spoilt(whole[1], at=[[-122.6]]), *whole[2:]]


def at_a_word(whole: list[Line]) -> list[Line]:
    return [whole[0], spoilt(whole[1], at=[["west", "north"]]), *whole[2:]]


def an_address_twice(whole: list[Line]) -> list[Line]:
    return [*whole[:2], whole[1], *whole[3:]]


def somebody_missing(whole: list[Line]) -> list[Line]:
    return [whole[0], *whole[2:]]


def no_end(whole: list[Line]) -> list[Line]:
    return whole[:-1]


def more_after_the_end(whole: list[Line]) -> list[Line]:
    return [*whole, whole[1]]


def an_area_without_a_shape(whole: list[Line]) -> list[Line]:
    return [whole[0], {"area": "Lents", "citywide": False, "shape": {"type": "Polygon"}}, *whole[1:]]


def a_line_of_another_kind(whole: list[Line]) -> list[Line]:
    return [whole[0], {"whom": 1}, *whole[1:]]


def no_moment(whole: list[Line]) -> list[Line]:
    return [spoilt(whole[0], made_at="noon"), *whole[1:]]


SPOILT = [
    of_another_standing,
    without_a_language,
    at_half_a_point,
    at_a_word,
    an_address_twice,
    somebody_missing,
    no_end,
    more_after_the_end,
    an_area_without_a_shape,
    a_line_of_another_kind,
    no_moment,
]


@pytest.fixture
def whole(store: Database) -> Iterator[list[Line]]:
    store.write_now(lambda conn: settle(conn, 3))
    yield lines(store)


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_could_not_be_read_on_the_day_is_not_proven(
    whole: list[Line], tmp_path: Path, spoil: Callable[[list[Line]], list[Line]]
) -> None:
    file = tmp_path / "all.sealed"
    assert making.proven(file, *making.write(whole, PUBLIC, file)) == {"areas": 0, "people": 3, "addresses": 3}
    file.unlink()
    written = making.write(spoil(whole), PUBLIC, file)
    with pytest.raises(Unreadable):
        making.proven(file, *written)
    with pytest.raises(Unreadable), file.open("rb") as sealed:
        contents.read(sealed_stream.opened(sealed, PRIVATE))


def test_what_is_read_from_the_disk_is_what_was_meant_or_not_proven(whole: list[Line], tmp_path: Path) -> None:
    key, _ = making.write(whole, PUBLIC, tmp_path / "all.sealed")
    _, meant = making.write([whole[0], *whole[2:]], PUBLIC, tmp_path / "other.sealed")
    with pytest.raises(Unproven):
        making.proven(tmp_path / "all.sealed", key, meant)
