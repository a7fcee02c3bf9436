"""What stands in a snapshot finds the very people that the service would."""

import base64
import io
import tracemalloc
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from shapely.geometry import box

from notify.db import Database
from notify.snapshot import contents, making, sealed_stream
from notify.snapshot.columns import Person
from notify.snapshot.making import Heading
from notify.snapshot.sealed_stream import Unreadable
from subscribers.place import Point
from tests.stories.town import numbers
from tests.subscribers.factories import NOON, a_keyring, a_person

HERE = box(-122.70, 45.50, -122.66, 45.53)
NEAR = (45.515, -122.6585)  # 117 m east of it
HEADING = Heading(made_at=NOON, city="Portland", mode="training", senders=())
MANY = 20_000
# Sealed by the program of November 2026, before people were read into columns, and the key of that one file.
KEPT_KEY: Final = base64.b64decode("gIiQbi2hriEpqVSCMXycQSIfZpjJf21egUdVVc3HqWQ=")
KEPT: Final = base64.b64decode("""
VE9DU0lOLVNFQUxFRC0xCok5nwH8H2gFAkghugqtadOoJqaQC0bYuSKMlmNYtJx2N+ugNrOv9OjlwNSeaVTyarbeiTDMS1I6Yl0NDanwN58uTMDYuDhr
QBlFScLcUrGeh6tIutgocaCO1jhIBXNyFD+oRdaa1xPy4/tK1253H4s8x0Wzz5o5E9DtNDTwQvRm71QOelezX9DctZnSaKIAKIZ9OQ9JKQso1YWQXQPd
cs05DHoWsN0iFMPtwPrQcrNzEQFcm3zogyuMenScorvG06BhA9exLI7H666fEEGnJMsoCQOSVgPKBfIy63ayA7QYP7p/jGIZ0Yd/0QKHfJGqJeCqMivS
PuZDlHg5gE8vJ5FFXJEZ2raienSCzE/bWJrXXhrxbiwDujmyniV0a/r0VmojIYpofWVq8z8KOK6MVKlVdw66HTJXepu2HD51MlzdTB7Wtqri2OWINJ+P
Ro10akIdvlrcSHTmZc/AgDtgOFIAu99FGknzt4XayaxzVrAutzTN4q07B5ThZMrkAadqkf5xXA/WDUFzG7IyYQg3HQlNbQiNvfbWsE5Czurj58P+zLzc
3r2X7Gdg0Btkv8C3bzConaU=
""")


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


def test_a_snapshot_that_an_older_program_sealed_still_opens_and_finds_the_same_people() -> None:
    sealed, key = io.BytesIO(KEPT), X25519PrivateKey.from_private_bytes(KEPT_KEY)
    found = contents.read(sealed_stream.opened(sealed, key))
    assert (found.city, found.mode, found.senders) == ("Portland", "training", ("+15035550100",))
    assert f"{found.made_at}" == "2026-05-23 19:00:00+00:00"
    assert {name: citywide for name, (_, citywide) in found.areas.items()} == {"Río": False}
    assert list(found.addresses) == [3, 5, 6, 7, 9, 11] and len(found.addresses) == 6
    assert found.addresses[3] == Person(
        address_id=3, channel="email", address="Zoë@example.gov", language="en", basis="emergency", standing="open"
    )
    assert found.addresses[9] == Person(
        address_id=9, channel="sms", address="+15035550104", language="vi", basis="opt-in", standing="unreachable"
    )
    assert [(one.address, one.standing) for one in found.addresses.values()] == [
        ("Zoë@example.gov", "open"),
        ("+15035550102", "suspect"),
        ("+15035550103", "stopped"),
        ("+15035550101", "open"),
        ("+15035550104", "unreachable"),
        ("+15035550105", "open"),
    ]
    assert found.addresses.tally() == {
        ("email", "open"): 1,
        ("sms", "open"): 2,
        ("sms", "suspect"): 1,
        ("sms", "stopped"): 1,
        ("sms", "unreachable"): 1,
    }
    assert 4 not in found.addresses and 12 not in found.addresses
    matched = found.index.match(HERE, citywide=False, bases=["opt-in", "emergency"])
    assert sorted(matched.address_id.tolist()) == [3, 5, 7, 11]


def test_everybody_of_a_snapshot_is_held_in_numbers_and_not_as_a_million_objects() -> None:
    head = {"format": 2, "made_at": NOON.isoformat(), "city": "Portland", "mode": "training", "senders": []}
    people = [
        {"who": [[one, "sms", number, "en", "opt-in", "open"]], "at": [[-122.68, 45.51, False]]}
        for one, number in enumerate(numbers(MANY), 1)
    ]
    chunks = list(contents.packed([head, *people, {"end": {"areas": 0, "people": MANY, "addresses": MANY}}]))
    contents.read(chunks)  # what is loaded once counts for nobody
    tracemalloc.start()
    try:
        found = contents.read(chunks)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.addresses) == MANY
    assert held / MANY < 200 and most / MANY < 400, f"{held / MANY:.0f} bytes for each of them, {most / MANY:.0f} at most"
