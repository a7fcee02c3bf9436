"""The shelf: what was published, with the city's named areas compared."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from channels.base import Content
from notify.alerts.affected import Verdict
from notify.alerts.alert import to_json
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing.shelf import Shelf
from subscribers import atlas
from subscribers.areas import NamedShape
from tests.notify.feed_factory import EAST, WEST, an_event
from tests.notify.ledger_factory import add_event, an_event_row


def an_alert(conn: Connection, clock: ManualClock, **given: object) -> None:
    now = clock.now()
    row = an_event_row(now, **({"started_at": now, "content": to_json(an_event(areas=(EAST,)))} | given))
    add_event(conn, row, now)


def keep(conn: Connection, clock: ManualClock, *areas: NamedShape) -> None:
    atlas.keep(conn, areas, "test", clock.now())


def test_the_citys_zips_are_compared_with_an_alerts_area_and_again_when_they_change(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    db.write_now(lambda conn: an_alert(conn, clock))
    assert db.read_now(shelf)[0].touched.zips == ()
    db.write_now(lambda conn: keep(conn, clock, NamedShape(name="97201", kind="zip", shape=EAST.shape)))
    assert db.read_now(shelf)[0].touched.codes(Verdict.INSIDE) == ("97201",)
    clock.forward(timedelta(days=1))
    db.write_now(lambda conn: keep(conn, clock, NamedShape(name="97201", kind="zip", shape=WEST.shape)))
    assert db.read_now(shelf)[0].touched.codes(Verdict.OUTSIDE) == ("97201",)


def test_what_has_ended_is_compared_with_nothing(db: Database, clock: ManualClock) -> None:
    db.write_now(lambda conn: keep(conn, clock, NamedShape(name="97201", kind="zip", shape=EAST.shape)))
    db.write_now(lambda conn: an_alert(conn, clock, ended_at=clock.now(), ended_why="cleared", done_at=clock.now()))
    (bulletin,) = db.read_now(Shelf())
    assert bulletin.touched.zips == () and bulletin.done_at == clock.now()


def test_words_that_nobody_publishes_take_no_memory(db: Database, clock: ManualClock) -> None:
    said = an_event(areas=(EAST,), contents={"email/first/en": Content(key="email/first/en", language="en", body="Boil it.")})
    db.write_now(lambda conn: an_alert(conn, clock, content=to_json(said)))
    (bulletin,) = db.read_now(Shelf())
    assert bulletin.event == replace(said, contents={})


def test_sentences_that_two_messages_share_are_in_memory_once(db: Database, clock: ManualClock) -> None:
    def two(conn: Connection) -> None:
        for number, name in ((1, "K7Q2-1"), (2, "K7Q2-2")):
            words = to_json(an_event(number, areas=(EAST,)))
            an_alert(conn, clock, event_id=name, alert_id=name, identifier=name, content=words)

    db.write_now(two)
    first, second = (one.event for one in db.read_now(Shelf()))
    assert (first, second) == (an_event(1, areas=(EAST,)), an_event(2, areas=(EAST,)))
    assert first.pages is second.pages and first.infos is second.infos
