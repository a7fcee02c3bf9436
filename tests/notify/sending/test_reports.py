import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from channels.base import Delivered, Handed, Receipt, Undelivered
from notify.alerts.alert import Stage
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import reports
from notify.sending.reports import Intake
from tests.notify.incident_factory import Incident

STORM = 5_000


@pytest.fixture
async def incident(db: Database, clock: ManualClock) -> Incident:
    incident = Incident(db, clock)
    first = incident.countdown(1, Stage.FIRST, incident.people(20))
    await incident.start(first)
    incident.hand_over(first)
    return incident


def ids(incident: Incident) -> list[int]:
    query = text("SELECT delivery_id FROM delivery ORDER BY delivery_id")
    return list(incident.db.read_now(lambda conn: conn.execute(query).scalars().all()))


def number(incident: Incident, query: str) -> Any:
    return incident.db.read_now(lambda conn: conn.execute(text(query)).scalar_one())


async def test_a_storm_of_reports_is_applied_in_groups_and_none_is_lost(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = 0
    real = reports.apply

    def counted(*given: Any, **named: Any) -> None:
        nonlocal groups
        groups += 1
        real(*given, **named)

    monkeypatch.setattr(reports, "apply", counted)
    intake, rows = Intake(incident.db, incident.clock), ids(incident)
    receipts = [Receipt(rows[one % len(rows)], Delivered(), f"SM{one}") for one in range(STORM)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(intake.take([receipt]) for receipt in receipts))
    assert {state for _, state in incident.rows("K7Q2-1").values()} == {"delivered"}
    assert number(incident, "SELECT COUNT(*) FROM report") == STORM
    assert groups <= STORM // reports.GROUP + 2


async def test_a_report_replayed_a_thousand_times_in_any_order_ends_the_same(incident: Incident) -> None:
    intake, (row, *_) = Intake(incident.db, incident.clock), ids(incident)
    one = [Receipt(row, Delivered(), "SM1"), Receipt(row, Handed("SM1"), "SM1"), Receipt(row, Undelivered("30003"), "SM1")]
    for receipt in one:
        await intake.take([receipt])
    at = number(incident, f"SELECT final_at FROM delivery WHERE delivery_id = {row}")
    incident.clock.forward(timedelta(minutes=1))
    await asyncio.gather(*(intake.take([one[turn % 3]]) for turn in range(1_000)))
    assert number(incident, f"SELECT state FROM delivery WHERE delivery_id = {row}") == "delivered"
    assert number(incident, f"SELECT final_at FROM delivery WHERE delivery_id = {row}") == at


async def test_an_opt_out_that_the_carrier_repeats_is_one_wish(incident: Incident) -> None:
    intake, (row, *_) = Intake(incident.db, incident.clock), ids(incident)
    for _ in range(5):
        await intake.take([Receipt(row, Undelivered("21610", "stopped", opted_out=True), "SM1")])
    assert number(incident, "SELECT COUNT(*) FROM consent") == 1
    assert number(incident, "SELECT COUNT(stopped_at) FROM address") == 1


async def test_a_report_of_a_row_or_person_that_is_not_there_is_kept_and_harms_nobody(incident: Incident) -> None:
    intake, (row, *_) = Intake(incident.db, incident.clock), ids(incident)
    address = number(incident, f"SELECT address_id FROM delivery WHERE delivery_id = {row}")
    incident.db.write_now(lambda conn: conn.execute(text("DELETE FROM address WHERE address_id = :id"), {"id": address}))
    gone = Undelivered("21610", "stopped", opted_out=True)
    await intake.take([Receipt(10**15, Delivered(), "SM1"), Receipt(row, gone, "SM2"), Receipt(10**15, gone, "SM3")])
    assert number(incident, "SELECT COUNT(*) FROM report") == 3
    assert number(incident, f"SELECT state FROM delivery WHERE delivery_id = {row}") == "undelivered"


async def test_when_the_database_fails_every_waiting_request_is_told_and_the_next_one_works(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, rows = Intake(incident.db, incident.clock), ids(incident)

    async def fail(work: Any) -> Any:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with monkeypatch.context() as patched:
        patched.setattr(incident.db, "write", fail)
        ends = await asyncio.gather(*(intake.take([Receipt(row, Delivered(), "SM")]) for row in rows), return_exceptions=True)
    assert [type(end) for end in ends] == [OperationalError] * len(rows)
    await intake.take([Receipt(rows[0], Delivered(), "SM")])
    assert number(incident, f"SELECT state FROM delivery WHERE delivery_id = {rows[0]}") == "delivered"


async def test_a_report_that_no_database_takes_costs_its_neighbours_nothing(incident: Incident) -> None:
    intake, rows = Intake(incident.db, incident.clock), ids(incident)
    broken = Receipt(rows[0], Delivered(), "SM\ud800")
    ends = await asyncio.gather(
        intake.take([broken]), *(intake.take([Receipt(row, Delivered(), "SM")]) for row in rows[1:]), return_exceptions=True
    )
    assert isinstance(ends[0], Exception)
    assert ends[1:] == [None] * (len(rows) - 1)
    states = [state for _, state in incident.rows("K7Q2-1").values()]
    assert states.count("delivered") == len(rows) - 1
