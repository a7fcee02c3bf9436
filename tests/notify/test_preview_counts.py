"""What a preview says of how many are told is what is true at that moment, whatever was counted for the look before it."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from shapely import unary_union
from shapely.geometry import box
from sqlalchemy import Connection

from subscribers import atlas, reach, store
from subscribers.areas import NamedShape
from subscribers.importing import import_file, into
from subscribers.index import Index
from subscribers.place import Point, ZipArea
from subscribers.sheet import COLUMNS
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.service_factory import Served, serving
from tests.subscribers.factories import DOWNTOWN, NOON, a_keyring, a_person, said
from tests.subscribers.test_entry import RULES

Told = dict[tuple[str, str], int]  # (channel, language) -> people
HERE, FURTHER = box(-122.70, 45.50, -122.66, 45.53), box(-122.62, 45.50, -122.58, 45.53)
ACROSS = Point(45.5152, -122.60)
DRAFT: dict[str, Any] = BOIL_WATER | {"area": {"names": ["Here"]}, "channels": ["sms", "email"]}
DRAWN = {"circle": {"lat": DOWNTOWN.lat, "lon": DOWNTOWN.lon, "radius_m": 500}, "words": "Downtown"}


def draw(conn: Connection, here: Any) -> None:
    shapes = [NamedShape(name="Here", kind="district", shape=here), NamedShape(name="97204", kind="zip", shape=HERE)]
    atlas.keep(conn, shapes, "test", NOON)


async def previewed(served: Served, **changes: Any) -> Told:
    status, reply = await served.call("author", "POST", "/preview", DRAFT | changes)
    assert (status, reply["problems"]) == (200, [])
    return counted(reply)


def counted(reply: dict[str, Any]) -> Told:
    return {(row["channel"], row["language"]): row["people"] for row in reply["texts"]}


@pytest.fixture
async def served(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "home", migrated_sqlite) as found:
        await found.running.service.db.write(lambda conn: draw(conn, HERE))
        yield found


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each time that anybody is counted one by one."""
    made: list[Any] = []
    match = Index.match
    monkeypatch.setattr(Index, "match", lambda *given, **more: made.append(given) or match(*given, **more))
    return made


async def test_every_change_is_in_the_next_preview(served: Served, tmp_path: Path) -> None:
    db = served.running.service.db
    person, phone = await db.write(lambda conn: a_person(conn, "+15035550101", HOME=DOWNTOWN))
    assert await previewed(served) == await previewed(served) == {("sms", "en"): 1}
    changes: list[tuple[Callable[[Connection], object], Told]] = [
        (lambda conn: store.stop(conn, phone, said()), {}),
        (lambda conn: store.start(conn, phone, "opt-in", said()), {("sms", "en"): 1}),
        (lambda conn: store.set_language(conn, phone, "es"), {("sms", "es"): 1}),
        (lambda conn: store.move_place(conn, person, "HOME", ACROSS), {}),
        (lambda conn: store.add_place(conn, person, "WORK", ZipArea("97204")), {("sms", "es"): 1}),
        (lambda conn: a_person(conn, "one@example.gov", HOME=DOWNTOWN), {("sms", "es"): 1, ("email", "en"): 1}),
        (lambda conn: store.mark_unreachable(conn, [phone], NOON), {("email", "en"): 1}),
        (lambda conn: reach.try_again(conn, [phone]), {("sms", "es"): 1, ("email", "en"): 1}),
        (lambda conn: store.remove_place(conn, person, "WORK"), {("email", "en"): 1}),
        (lambda conn: draw(conn, unary_union([HERE, FURTHER])), {("sms", "es"): 1, ("email", "en"): 1}),
        (lambda conn: store.erase(conn, person), {("email", "en"): 1}),
    ]
    for number, (change, told) in enumerate(changes):
        await db.write(change)
        assert await previewed(served) == await previewed(served) == told, f"change {number}"
    table = tmp_path / "list.csv"
    row = f",en,HOME,{DOWNTOWN.lat},{DOWNTOWN.lon},,,opt-in,2014-05-01,form 7"
    table.write_text("\n".join([",".join(COLUMNS), f"5035550102,{row}", f"5035550103,{row}"]))
    import_file(table, into(db.writer.begin), RULES, a_keyring(), lambda _step: None)
    assert await previewed(served) == {("sms", "en"): 2, ("email", "en"): 1}


async def test_what_is_submitted_is_counted_where_it_was_frozen_whatever_its_area_has_become(served: Served) -> None:
    db = served.running.service.db
    await db.write(lambda conn: a_person(conn, "+15035550101", HOME=DOWNTOWN))
    alert_id = (await served.call("author", "POST", "/alerts", DRAFT))[1]["alert_id"]
    status, reply = await served.call("author", "POST", f"/alerts/{alert_id}/submit")
    assert status == 200, reply
    for shape in (HERE, FURTHER):
        await db.write(partial(draw, here=shape))
        _, reply = await served.call("approver", "GET", f"/alerts/{alert_id}/preview")
        assert (reply["problems"], counted(reply)) == ([], {("sms", "en"): 1})


async def test_an_author_who_types_has_nobody_counted_again_until_somebody_changes(served: Served, looks: list[Any]) -> None:
    db = served.running.service.db
    _, phone = await db.write(lambda conn: a_person(conn, "+15035550101", HOME=DOWNTOWN))
    for samples in range(1, 6):
        assert await previewed(served, slots=DRAFT["slots"] | {"samples": samples}) == {("sms", "en"): 1}
    assert len(looks) == 1
    assert await previewed(served, area=DRAWN, expected_people=1) == {("sms", "en"): 1}
    assert await previewed(served, area=DRAWN | {"words": "The centre"}, expected_people=1) == {("sms", "en"): 1}
    assert len(looks) == 2, "another area is another question; its name is not"
    await db.write(lambda conn: store.stop(conn, phone, said()))
    assert await previewed(served) == {}
    assert await previewed(served, area=DRAWN) == {}
    assert len(looks) == 4
