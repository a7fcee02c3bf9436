"""Counting an event's rows gives the same numbers whichever way the database reads them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from notify.alerts import after_action
from notify.alerts.alert import Wording
from notify.clock import ManualClock
from notify.db import Database, is_sqlite
from notify.sending import ledger, statements
from notify.sending.statements import DENSE, rows_of
from tests.notify.ledger_factory import add_event, add_people, an_event_row

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST, SECOND = "K7Q2-1", "K7Q2-2"
STATES = ("planned", "handed", "delivered", "unknown")
# Whose rows follow each other in the ledger: one event alone, two in turn, one with few rows far apart.
ORDERS = {
    "one after another": [FIRST] * 12,
    "two in turn": [FIRST, SECOND] * 6,
    "few among many": [FIRST, *[SECOND] * (2 * DENSE), FIRST],
}


def written(conn: Connection, order: Sequence[str]) -> None:
    """A row for each, in this order, in every state."""
    for number, event_id in enumerate(sorted(set(order))):
        add_event(conn, an_event_row(NOW, event_id=event_id, alert_id=event_id, identifier=f"id-{number}"), NOW)
    conn.execute(text("UPDATE alert SET approved_by = 'approver'"))
    people = add_people(conn, len(order), NOW)
    for number, (event_id, address_id) in enumerate(zip(order, people, strict=True)):
        wording = (Wording.FIRST, Wording.UPDATE)[number % 2]
        event = an_event_row(NOW, event_id=event_id)
        ledger.plan(conn, event, [ledger.pack(address_id, wording)], NOW)
        changed = "UPDATE delivery SET state = :state, handed_at = :at WHERE event_id = :event AND address_id = :address"
        state = STATES[number % len(STATES)]
        at = number if state in ("handed", "delivered") else None
        conn.execute(text(changed), {"state": state, "at": at, "event": event_id, "address": address_id})


def plainly(conn: Connection, event_id: str) -> Mapping[tuple[str, str, str, str], int]:
    rows = conn.execute(text("SELECT event_id, channel, language, wording, state FROM delivery"))
    return Counter((row[1], row[2], row[3], row[4]) for row in rows if row[0] == event_id)


@pytest.mark.parametrize("part", [1, 5, statements.PART], ids=["a row at a time", "five at a time", "at once"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_an_event_is_counted_as_if_each_row_were_looked_at(
    db: Database, order: Sequence[str], part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "PART", part)
    db.write_now(lambda conn: written(conn, order))
    for event_id in (FIRST, SECOND, "K7Q2-3"):
        counted = db.read_now(lambda conn, event_id=event_id: ledger.tally(conn, event_id))
        flat = {(*kind, str(state)): count for kind, tally in counted.items() for state, count in tally.counts.items() if count}
        assert flat == db.read_now(lambda conn, event_id=event_id: plainly(conn, event_id))


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_report_counts_every_message_that_left(db: Database, order: Sequence[str]) -> None:
    db.write_now(lambda conn: written(conn, order))
    found = db.read_now(lambda conn: after_action.report(conn, "K7Q2", ManualClock(NOW)))
    left = sum(number % len(STATES) in (1, 2) for number, event_id in enumerate(order) if event_id == FIRST)
    assert sum(one.people for one in found.said if one.event.event_id == FIRST) == left


def test_only_rows_that_stand_together_are_read_in_their_order(db: Database) -> None:
    def ways(conn: Connection) -> list[bool]:
        written(conn, ORDERS["few among many"])
        return ["BETWEEN" in rows_of(conn, event_id) for event_id in (FIRST, SECOND, "K7Q2-3")]

    assert db.write_now(ways) == ([False, True, False] if db.read_now(is_sqlite) else [False] * 3)
