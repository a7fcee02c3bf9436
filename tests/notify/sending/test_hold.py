"""After a restore nothing of an older incident leaves until two people say so; a new alert leaves as ever."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from notify import audit
from notify.audit import Act
from notify.clock import ManualClock, micros
from notify.db import Database
from notify.sending import hold, leases
from notify.tables import Delivery
from tests.notify.ledger_factory import add_event, add_people, an_event_row
from tests.notify.service_factory import install, started

HOUR = timedelta(hours=1)


def planned(conn: Connection, event_id: str, incident_id: str, clock: ManualClock) -> None:
    """An event being sent, with two messages that have not left."""
    row = an_event_row(clock.now(), event_id=event_id, alert_id=event_id, incident_id=incident_id, identifier=event_id)
    add_event(conn, row, clock.now())
    for address_id in add_people(conn, 2, clock.now()):
        given: dict[str, Any] = {"event_id": event_id, "address_id": address_id, "channel": "sms", "language": "en"}
        given |= {"wording": "first", "priority": 3, "state": "planned", "planned_at": micros(clock.now()), "word": 1}
        conn.execute(insert(Delivery).values(**given, fence=0, attempts=0, ambiguous=False))


def leaves(conn: Connection, clock: ManualClock, owner: str) -> list[str]:
    """The events of the messages that a sender may take now, and claims."""
    now = clock.now()
    found = leases.lease(conn, owner, "sms", limit=100, below=100, now=now, until=now + HOUR)
    claimed = leases.claim(conn, owner, [one.delivery_id for one in found], now=now)
    return sorted(one.event_id for one in found if one.delivery_id in claimed)


def test_what_was_leaving_waits_for_a_person_and_a_new_incident_does_not(db: Database, clock: ManualClock) -> None:
    db.write_now(lambda conn: planned(conn, "OLD-1", "OLD", clock))
    clock.forward(timedelta(minutes=1))
    db.write_now(lambda conn: hold.begin(conn, "it was restored.", "command line", clock.now()))
    clock.forward(timedelta(minutes=1))
    db.write_now(lambda conn: planned(conn, "NEW-1", "NEW", clock))
    db.write_now(lambda conn: planned(conn, "OLD-2", "OLD", clock))  # an update, or a renewal by the clock
    assert db.write_now(lambda conn: leaves(conn, clock, "a")) == ["NEW-1", "NEW-1"]
    assert db.write_now(lambda conn: leaves(conn, clock, "b")) == []
    assert db.write_now(lambda conn: hold.release(conn, "approver", {"reason": "read"}, clock.now()))
    assert db.write_now(lambda conn: leaves(conn, clock, "c")) == ["OLD-1", "OLD-1", "OLD-2", "OLD-2"]
    assert not db.write_now(lambda conn: hold.release(conn, "approver", {"reason": "again"}, clock.now()))
    said = [(line.actor, line.action) for line in db.read_now(audit.lines)]
    assert said == [("command line", "held"), ("approver", "released")]


def test_a_lease_taken_before_a_hold_claims_nothing_under_it(db: Database, clock: ManualClock) -> None:
    db.write_now(lambda conn: planned(conn, "OLD-1", "OLD", clock))
    now = clock.now()
    taken = db.write_now(lambda conn: leases.lease(conn, "a", "sms", limit=9, below=100, now=now, until=now + HOUR))
    assert len(taken) == 2
    db.write_now(lambda conn: hold.begin(conn, "it was restored.", "tocsin", clock.now()))
    assert db.write_now(lambda conn: leases.claim(conn, "a", [one.delivery_id for one in taken], now=clock.now())) == set()


def test_a_database_put_back_by_other_means_is_known_by_its_log(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    def act(what: str) -> None:
        db.write_now(lambda conn: audit.append(conn, Act(actor="a", action=what, subject="s", detail={}), clock.now()))

    assert db.read_now(lambda conn: hold.went_back(conn, tmp_path)) == ""
    act("one")
    db.read_now(lambda conn: hold.mark(conn, tmp_path))
    assert db.read_now(lambda conn: hold.went_back(conn, tmp_path)) == ""
    act("two")
    assert db.read_now(lambda conn: hold.went_back(conn, tmp_path)) == ""
    (tmp_path / hold.MARK).write_text('{"line": 2, "head": "' + "0" * 64 + '"}')
    assert "older copy" in db.read_now(lambda conn: hold.went_back(conn, tmp_path))
    (tmp_path / hold.MARK).write_text("torn")
    assert db.read_now(lambda conn: hold.went_back(conn, tmp_path)) == ""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "var"


async def test_a_service_on_an_older_copy_holds_pages_and_is_released_by_two_people(home: Path, migrated_sqlite: Path) -> None:
    tokens = install(home, migrated_sqlite)
    (home / hold.MARK).write_text('{"line": 7, "head": "' + "a" * 64 + '"}')
    async with started(home, tokens) as served:
        (paged,) = served.running.service.pager.recent
        assert "older copy" in paged and "tocsin release" in paged
        assert (await served.call("viewer", "GET", "/hold"))[1]["held"] is True
        assert "older copy" in (await served.call("viewer", "GET", "/status"))[1]["problems"][0]
        assert (await served.call("author", "POST", "/release", {"reason": "x"}))[0] == 403
        assert (await served.call("approver", "POST", "/release", {"reason": " "}))[0] == 422
        _, seen = await served.call("approver", "POST", "/release", {"reason": "read the log"})
        agreed = {"digest": seen["asked"]["digest"]}
        assert (await served.call("approver", "POST", "/release/agree", agreed))[0] == 409
        assert (await served.call("admin", "POST", "/release/agree", agreed))[0] == 200
        assert (await served.call("approver", "POST", "/release", {"reason": "read the log"}))[0] == 409
    async with started(home, tokens) as served:  # the mark is right again
        assert not served.running.service.pager.recent
