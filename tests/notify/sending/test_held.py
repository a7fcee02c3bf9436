"""What one person asks of held messages is done when another agrees, while exactly that is held; on both databases."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from notify.alerts import register
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import held, hold, leases
from tests.notify.ledger_factory import add_event, an_event_row
from tests.notify.sending.test_hold import planned

HOUR = timedelta(hours=1)


def states(conn: Connection) -> dict[tuple[str, str], int]:
    found = conn.execute(text("SELECT event_id, state, COUNT(*) FROM delivery GROUP BY event_id, state"))
    return {(event_id, state): count for event_id, state, count in found}


def asked_and_agreed(conn: Connection, clock: ManualClock, between: Callable[[Connection], object]) -> None:
    held.ask(conn, "a", "looked", ["OLD-1"], clock.now())
    between(conn)
    found = held.look(conn, clock.now())
    assert found is not None and found.asked is not None
    held.agree(conn, "b", found.asked.digest, lambda *_: None, clock.now())


def test_nobody_agrees_to_what_has_changed_since(db: Database, clock: ManualClock) -> None:
    """An update that was waiting for its countdown, another hold: what was looked at is not what is held now."""

    def another(conn: Connection) -> None:
        row = an_event_row(clock.now(), event_id="OLD-2", alert_id="OLD-2", incident_id="OLD", identifier="OLD-2")
        add_event(conn, row, clock.now())

    def restored_again(conn: Connection) -> None:
        hold.begin(conn, "Again.", "command line", clock.now() + timedelta(seconds=1))

    db.write_now(lambda conn: planned(conn, "OLD-1", "OLD", clock))
    clock.forward(timedelta(minutes=1))
    db.write_now(lambda conn: hold.begin(conn, "It was restored.", "command line", clock.now()))
    with pytest.raises(register.Conflict, match="has changed since"):
        db.write_now(lambda conn: asked_and_agreed(conn, clock, another))
    with pytest.raises(AssertionError):  # what was asked before the second restore is not asked any more
        db.write_now(lambda conn: asked_and_agreed(conn, clock, restored_again))
    assert db.read_now(states) == {("OLD-1", "planned"): 2}
    assert db.read_now(hold.standing) is not None


def test_what_is_dropped_never_leaves_and_the_rest_does(db: Database, clock: ManualClock) -> None:
    """On both databases; an alert in force whose send was over loses what waits for latecomers, and stays in force."""
    db.write_now(lambda conn: planned(conn, "OLD-1", "OLD", clock))
    db.write_now(lambda conn: planned(conn, "FIRE-1", "FIRE", clock))
    db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = 'active' WHERE event_id = 'OLD-1'")))
    clock.forward(timedelta(minutes=1))
    db.write_now(lambda conn: hold.begin(conn, "It was restored.", "command line", clock.now()))
    db.write_now(lambda conn: asked_and_agreed(conn, clock, lambda _: None))
    now = clock.now()
    taken = db.write_now(lambda conn: leases.lease(conn, "s", "sms", limit=9, below=100, now=now, until=now + HOUR))
    assert [one.event_id for one in taken] == ["FIRE-1", "FIRE-1"]
    assert db.read_now(states) == {("OLD-1", "withdrawn"): 2, ("FIRE-1", "planned"): 2}
