"""Surge mode beside an alert, on both databases: the alert's own, or got ready for its hazard; a drill is never made real."""

import pytest
from sqlalchemy import Connection

from notify import audit
from notify.alerts import register
from notify.alerts.broadcast import Unfit
from notify.clock import ManualClock
from notify.db import Database
from notify.tables import AlertRow
from surge.switch import store
from surge.switch.control import Control
from surge.switch.offer import Offers
from tests.surge.incident_factory import APPROVER, AUTHOR, LEAD, Desk


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


def offers(desk: Desk) -> Offers:
    return Offers(Control(db=desk.db, publishing=desk.publishing))


def an_alert(desk: Desk, hazard: str = "boil_water") -> AlertRow:
    """A row of it; nothing here reads what it says."""
    now = desk.clock.now()

    def work(conn: Connection) -> AlertRow:
        incident_id = register.new_incident(conn, hazard, now)
        row = AlertRow(
            alert_id=f"{incident_id}-1",
            incident_id=incident_id,
            stage="first",
            hazard=hazard,
            status="pending",
            content="{}",
            author="author",
            last_editor="author",
            created_at=now,
            changed_at=now,
        )
        register.add(conn, row)
        return row

    return desk.db.write_now(work)


def opened(desk: Desk, alert: AlertRow) -> list[str]:
    return desk.db.write_now(lambda conn: offers(desk).open_with(conn, APPROVER, alert, nobody=False))


def test_a_drill_is_never_opened_with_a_real_alert(desk: Desk) -> None:
    row = desk.ready(drill=True)
    desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    alert = an_alert(desk)
    assert opened(desk, alert) == ["Surge mode was not armed for this incident."]
    assert desk.db.read_now(lambda conn: desk.switch.row(conn, row.activation_id)).status == "armed"
    made = desk.db.write_now(lambda conn: offers(desk).chosen(conn, LEAD, alert))
    assert (made.drill, made.incident_id) == (False, alert.incident_id)
    assert desk.db.read_now(lambda conn: desk.switch.row(conn, row.activation_id)).status == "closed"


def test_what_was_got_ready_becomes_the_first_alerts_of_its_hazard_and_no_others(desk: Desk) -> None:
    row = desk.ready()
    desk.db.write_now(lambda conn: desk.switch.arm(conn, AUTHOR, row.activation_id))
    assert opened(desk, an_alert(desk, "flood")) == ["Surge mode was not armed for this incident."]
    alert = an_alert(desk)
    assert opened(desk, alert) == []
    kept = desk.db.read_now(store.current)
    assert kept is not None and (kept.status, kept.incident_id) == ("open", alert.incident_id)
    assert opened(desk, an_alert(desk)) == ["Surge mode was not armed for this incident."]


def test_whoever_armed_it_sends_the_alert_and_leaves_the_opening_to_somebody_else(desk: Desk) -> None:
    row = desk.ready()
    desk.db.write_now(lambda conn: desk.switch.arm(conn, APPROVER, row.activation_id))
    alert = an_alert(desk)
    assert opened(desk, alert) == ["approver armed surge mode; somebody else must open it."]
    kept = desk.db.read_now(store.current)
    assert kept is not None and (kept.status, kept.incident_id) == ("armed", None), "what went wrong undid itself alone"
    told = [line for line in desk.db.read_now(audit.lines) if line.action == "could not open surge mode"]
    assert [line.subject for line in told] == [alert.alert_id]


def test_a_hazard_without_a_runbook_has_no_surge(desk: Desk) -> None:
    with pytest.raises(Unfit, match="There is no runbook for flood"):
        desk.db.write_now(lambda conn: offers(desk).chosen(conn, LEAD, an_alert_of(conn, desk)))


def an_alert_of(conn: Connection, desk: Desk) -> AlertRow:
    now = desk.clock.now()
    given = {"stage": "first", "hazard": "flood", "status": "pending", "content": "{}", "author": "a", "last_editor": "a"}
    return AlertRow(alert_id="ZZZZZ-1", incident_id="ZZZZZ", created_at=now, changed_at=now, **given)
