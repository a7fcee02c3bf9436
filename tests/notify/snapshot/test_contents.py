"""What stands in a snapshot finds the very people that the service would."""

from typing import Any

import pytest
from shapely.geometry import box

from notify.db import Database
from notify.snapshot import contents, making
from notify.snapshot.making import Heading
from notify.snapshot.sealed_stream import Unreadable
from subscribers.place import Point
from tests.subscribers.factories import NOON, a_keyring, a_person

HERE = box(-122.70, 45.50, -122.66, 45.53)
NEAR = (45.515, -122.6585)  # 117 m east of it
HEADING = Heading(made_at=NOON, city="Portland", mode="training", senders=())


def told(lines: list[dict[str, Any]]) -> int:
    return len(contents.read(contents.packed(lines)).index.match(HERE, citywide=False, bases=["opt-in"]))


@pytest.fixture
def lines(db: Database) -> list[dict[str, Any]]:
    """Two who are not inside: of one of them only the block is known."""
    db.write_now(lambda conn: a_person(conn, "+15035550101", HOME=Point(*NEAR, block="1100 block SE Water Ave")))
    db.write_now(lambda conn: a_person(conn, "+15035550102", HOME=Point(*NEAR)))
    return db.read_now(lambda conn: list(making.lines(conn, a_keyring(), HEADING)))


def test_whoever_may_live_inside_is_told_where_only_the_block_is_known(lines: list[dict[str, Any]]) -> None:
    assert told(lines) == 1


def test_points_of_an_older_snapshot_may_be_blocks(lines: list[dict[str, Any]]) -> None:
    older = [{**line, "at": [spot[:2] for spot in line["at"]]} if "at" in line else line for line in lines]
    assert told([{**older[0], "format": 1}, *older[1:]]) == 2


def test_a_snapshot_of_a_newer_program_is_refused(lines: list[dict[str, Any]]) -> None:
    with pytest.raises(Unreadable, match="of format 3; this program reads 2 and older"):
        told([{**lines[0], "format": 3}, *lines[1:]])
