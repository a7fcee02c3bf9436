"""The surge half of the after-action report in the console, and a call centre's figures typed in."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from sqlmodel import SQLModel, delete

from notify.tables import Incident
from surge.numbers.number_tables import IntervalRow
from surge.numbers.sections import COLUMNS
from surge.tables import ActivationRow, ContactRow
from tests.console.staff_factory import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEPT: tuple[type[SQLModel], ...] = (ContactRow, ActivationRow, IntervalRow, Incident)


@pytest.fixture(autouse=True)
def gone_after(house: House) -> Iterator[None]:
    """What a test keeps of surges is its own."""
    yield
    house.served.running.service.db.write_now(lambda conn: [conn.execute(delete(one)) for one in KEPT])


def a_surge(house: House, activation_id: str, **more: Any) -> None:
    """Opened two hours ago, with eleven contacts in Spanish, one of them handed over by 911 and one hung up."""
    now = house.clock.now()
    opened_at = now - timedelta(hours=2)
    row: dict[str, Any] = {
        "activation_id": activation_id,
        "runbook": "boil-water",
        "title": "Boil water",
        "status": "open",
        "made_by": "lead",
        "made_at": opened_at,
        "opened_at": opened_at,
    }
    contacts = [
        ContactRow(
            contact_id=f"{activation_id}-{n}", activation_id=activation_id, way="voice", language="es",
            standing="abandoned" if n == 10 else "done", head="from 911" if n == 0 else "none", caller=bytes([n]),
            offered_at=opened_at, enqueued_at=opened_at, left_queue_at=opened_at + timedelta(seconds=30 + n),
            answered_at=None if n == 10 else opened_at + timedelta(seconds=30 + n), talked_s=60.0,
        ).model_dump()
        for n in range(11)
    ]  # fmt: skip

    def made(conn: Connection) -> None:
        conn.execute(insert(ActivationRow), [ActivationRow(**row | more).model_dump()])
        conn.execute(insert(ContactRow), contacts)

    house.served.running.service.db.write_now(made)


async def test_before_any_surge_the_report_says_that_there_is_none(house: House) -> None:
    viewer = await house.signed_in("viewer")
    page = await viewer.get("/surge/report")
    assert page.status == 200 and "Surge mode has never been open." in page.words
    assert (await viewer.get("/surge/report.csv")).status == 404
    assert (await viewer.get("/surge/report?of=nothing")).status == 404


async def test_the_report_is_counts_with_their_wholes_on_page_table_and_json(house: House) -> None:
    a_surge(house, "surge-1")
    viewer = await house.signed_in("viewer")
    page = await viewer.get("/surge/report")
    assert "People who got an answer by any means all 10 of 11 people (90.9 %)" in page.words
    assert "R1: handed over by 911 all 1" in page.words and "Not measured: No minutes of 911 were imported." in page.words
    assert "Spanish" in page.words and "surge-1-3" not in page.text
    rows = list(csv.reader(io.StringIO((await viewer.get("/surge/report.csv?of=surge-1")).text)))
    assert tuple(rows[0]) == COLUMNS and ["contacts", "offered_total", "", "11"] == rows[1][:4]
    found = json.loads((await viewer.get("/surge/report.json")).text)
    assert found["activation"] == "surge-1" and found["closed"] is False
    sections = {one["section"]: one["lines"] for one in found["sections"]}
    assert {"name": "access", "about": "", "count": 10, "of": 11, "of_what": "callers", "percent": 90.9} in sections["people"]


async def test_the_report_reads_in_arabic_as_well(house: House) -> None:
    a_surge(house, "surge-ar")
    viewer = await house.signed_in("viewer")
    page = await viewer.post("/language", {"language": "ar", "next": "/surge/report"})
    assert 'dir="rtl"' in page.text and "حسب اللغة" in page.words and "الإسبانية" in page.words


async def test_the_incident_s_own_report_leads_to_its_surges(house: House) -> None:
    db, now = house.served.running.service.db, house.clock.now()
    db.write_now(
        lambda conn: conn.execute(insert(Incident), [{"incident_id": "I-77", "hazard": "boil_water", "opened_at": now}])
    )
    a_surge(house, "surge-1")
    a_surge(house, "surge-2", incident_id="I-77", title="The second one")
    viewer = await house.signed_in("viewer")
    page = await viewer.get("/surge/report?of=surge-2")
    assert "/incidents/I-77/report" in page.text and "The second one" in page.words and "Other surges" in page.words


async def test_an_interval_is_typed_once_replaced_and_refused_with_every_reason(house: House) -> None:
    lead, local = await house.signed_in("admin"), house.served.running.service.assembly.site.time_zone
    begins = (house.clock.now() - timedelta(hours=1)).astimezone(local).strftime("%Y-%m-%dT%H:00")
    figures = {"queue": "general", "begins": begins, "minutes": "15", "offered": "120", "answered": "40", "abandoned": "61"}
    assert "Nothing yet." in (await lead.get("/surge/intervals")).words
    page = await lead.post("/surge/intervals", figures | {"within": "12", "threshold_s": "20"})
    assert "The interval is kept." in page.words and "general 15 120 40 61 12 within 20 s" in page.words
    page = await lead.post("/surge/intervals", figures | {"offered": "121"})
    assert "The interval was replaced." in page.words and "general 15 121 40 61" in page.words
    page = await lead.post("/surge/intervals", figures | {"minutes": "7", "answered": "many", "within": "3"})
    assert page.status == 422
    for said in ("minutes is 5, 10, 15", "answered is a whole number", "within and threshold_s belong together"):
        assert said in page.words
    page = await lead.post("/surge/intervals", figures | {"minutes": "30"})
    assert page.status == 422 and "calls would count twice" in page.words
    viewer = await house.signed_in("viewer")
    assert (await viewer.get("/surge/intervals")).status == 403
