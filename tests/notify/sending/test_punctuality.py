"""What the ledger says of each route's delivery reports, looked up by an index and in bounds."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from notify.clock import ManualClock, micros
from notify.db import Database, is_sqlite
from notify.sending import lateness
from notify.sending.lateness import NOTHING, Lot
from notify.sending.punctuality import Punctuality, lots
from notify.sending.route import Routes
from notify.tables import WATCHED
from tests.notify.sending.test_query_plans import heard, rows_read

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
COLUMNS: Final = (
    "event_id, address_id, channel, language, wording, priority, state, fence, attempts, ambiguous, planned_at,"
    " route, handed_at, final_at"
)
SHOWN: Final = timedelta(hours=2)


def hand(conn: Connection, route: str, count: int, ago: timedelta, took: timedelta | None, **given: Any) -> None:
    """Texts handed over at one moment; `took` until their report, None for none so far."""
    first = conn.execute(text("SELECT COUNT(*) FROM delivery")).scalar_one() + 1
    at = micros(NOW - ago)
    bound = {"first": first, "last": first + count - 1, "route": route, "at": at, "channel": "sms"}
    bound |= {"final": None if took is None else at + micros(NOW + took) - micros(NOW)}
    bound |= {"state": "handed" if took is None else "delivered"} | given
    numbers = "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
    made = f"INSERT INTO delivery (delivery_id, {COLUMNS})"
    row = "SELECT i, 'K7Q2-1', i, :channel, 'en', 'first', 3, :state, 0, 1, false, 0, :route, :at, :final FROM n"
    conn.execute(text(f"{made} {numbers} {row}" if is_sqlite(conn) else f"{numbers} {made} {row}"), bound)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def parts(lot: Lot) -> tuple[float, float]:
    return lot.reported / lot.texts, lot.in_time / lot.texts


def test_of_each_route_the_ledger_says_what_was_reported_and_what_in_time(db: Database) -> None:
    def work(conn: Connection) -> dict[str, tuple[Lot, Lot]]:
        hand(conn, "one", 2_000, minutes(10), minutes(1))
        hand(conn, "two", 1_000, minutes(14), minutes(7))
        hand(conn, "two", 1_000, minutes(8), None)
        hand(conn, "two", 2_000, SHOWN, minutes(20))
        return lots(conn, ["one", "two", "three"], NOW)

    found = db.write_now(work)
    assert parts(found["one"][0]) == (1.0, 1.0) and found["one"][1] == NOTHING
    reported, in_time = parts(found["two"][0])
    assert reported == pytest.approx(0.5, abs=0.05) and in_time == 0.0
    assert parts(found["two"][1]) == (1.0, 0.0)
    assert found["three"] == (NOTHING, NOTHING)
    assert 2_000 / 16 * 0.9 < found["one"][0].texts < 2_000 / 16 * 1.1, "about every sixteenth"


def test_texts_too_young_for_a_report_too_old_mails_and_failures_at_hand_over_say_nothing(db: Database) -> None:
    def work(conn: Connection) -> Lot:
        hand(conn, "one", 1_000, minutes(4.9), None)
        hand(conn, "one", 1_000, minutes(16), None)
        hand(conn, "one", 1_000, minutes(10), None, channel="email")
        hand(conn, "one", 1_000, minutes(10), None, at=None, state="refused")
        hand(conn, "other", 1_000, minutes(10), None)
        return lots(conn, ["one"], NOW)["one"][0]

    assert db.write_now(work) == NOTHING


def test_a_text_reported_as_not_delivered_is_a_report(db: Database) -> None:
    def work(conn: Connection) -> Lot:
        hand(conn, "one", 500, minutes(10), minutes(1), state="undelivered")
        return lots(conn, ["one"], NOW)["one"][0]

    assert parts(db.write_now(work)) == (1.0, 1.0)


@pytest.mark.parametrize("turns", [1, 2, 8, 16, 100])
def test_routes_that_take_rows_in_turn_are_watched_alike(db: Database, turns: int) -> None:
    """Of every sixteenth row by its number, one of two routes might have all."""

    def work(conn: Connection) -> list[int]:
        hand(conn, "one", 4_000, minutes(10), minutes(1))
        conn.execute(text(f"UPDATE delivery SET route = 'two' WHERE (delivery_id / {turns}) % 2 = 1"))
        return [lots(conn, ["one", "two"], NOW)[name][0].texts for name in ("one", "two")]

    assert all(100 < watched < 150 for watched in db.write_now(work))


def test_a_look_reads_few_rows_by_the_index_however_many_have_left(db: Database) -> None:
    def work(conn: Connection) -> tuple[list[int], list[bool], Lot]:
        for route in ("one", "two"):
            hand(conn, route, 40_000, minutes(8), None)
            hand(conn, route, 40_000, SHOWN, minutes(1))
        conn.execute(text("ANALYZE delivery"))
        with heard(conn) as statements:
            found = lots(conn, ["one", "two"], NOW)
        plans = [
            "\n".join(str(row[-1]) for row in conn.exec_driver_sql(explain(conn) + statement, bound))
            for statement, bound in statements
        ]
        return [rows_read(conn, *one) for one in statements], ["ix_delivery_watched" in plan for plan in plans], found["one"][0]

    read, by_index, lot = db.write_now(work)
    assert lot.texts == lateness.MOST
    assert by_index == [True] * 4
    assert max(read) <= 2 * lateness.MOST


def explain(conn: Connection) -> str:
    return "EXPLAIN QUERY PLAN " if is_sqlite(conn) else "EXPLAIN "


def test_the_index_is_the_one_that_the_tables_and_the_look_name(db: Database) -> None:
    def work(conn: Connection) -> str:
        if is_sqlite(conn):
            return str(conn.execute(text("SELECT sql FROM sqlite_master WHERE name = 'ix_delivery_watched'")).scalar_one())
        return str(conn.execute(text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_delivery_watched'")).scalar_one())

    written = db.read_now(work)
    assert "40503" in written and "4096" in written and WATCHED.count("40503") == 1


async def test_only_routes_of_texts_that_have_another_beside_them_are_asked_about(db: Database) -> None:
    alone, mails, several = Routes("sms"), Routes("email"), Routes("sms")
    ways = [alone.route("twilio"), mails.route("relay"), mails.route("relay2"), several.route("one"), several.route("two")]

    def work(conn: Connection) -> None:
        hand(conn, "one", 600, minutes(10), None)
        hand(conn, "one", 600, SHOWN, minutes(1))
        for route in ("two", "twilio", "relay"):
            hand(conn, route, 600, minutes(10), minutes(1))

    db.write_now(work)
    clock = ManualClock(NOW)
    await Punctuality(db, clock, ways).tick()
    seen = {way.name: way.seen(clock.monotonic()) for way in ways}
    assert {name for name, one in seen.items() if one.due} == {"one", "two"}
    assert seen["one"].late == seen["one"].due and seen["two"].late == 0


async def test_processes_that_share_a_database_come_to_one_answer(db: Database) -> None:
    """Neither has made a call, nor taken a report."""
    db.write_now(lambda conn: hand(conn, "one", 600, minutes(10), minutes(9)))
    db.write_now(lambda conn: hand(conn, "two", 600, minutes(10), minutes(1)))
    said = []
    for _ in range(2):
        routes, clock = Routes("sms"), ManualClock(NOW)
        ways = [routes.route("one"), routes.route("two")]
        await Punctuality(db, clock, ways).tick()
        routes.look(clock.monotonic())
        said.append({name: (one.share, one.why.value) for name, one in routes.standings.items()})
    assert said == [{"one": (8, "reports come late"), "two": (10, "")}] * 2
