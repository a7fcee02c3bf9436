"""A call centre's own figures by the API, and the report for programs."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert

from notify import keys
from notify.web.openapi import document
from surge.desk import need_rows
from surge.desk.need_rows import Asked
from surge.numbers import number_rows
from surge.numbers.forecast import Span
from surge.numbers.number_tables import IntervalRow
from surge.tables import ActivationRow
from tests.notify.api_factory import Desk, a_desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
INTERVALS, REPORT, OPEN311 = "/api/v1/surge/intervals", "/api/v1/surge/report", "/api/v1/open311/v2"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("numbers") / "home", migrated_sqlite) as found:
        yield found


@pytest.fixture(autouse=True)
def gone_after(desk: Desk) -> Iterator[None]:
    """The figures that a test hands in are its own."""
    yield
    desk.served.running.service.db.write_now(lambda conn: conn.execute(delete(IntervalRow)))


def an_interval(desk: Desk, **more: Any) -> dict[str, Any]:
    now = desk.served.running.service.clock.now()
    begins = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    figures = {"minutes": 15, "queue": "general", "offered": 120, "answered": 40, "abandoned": 61, "mean_wait_s": 380.5}
    return {"begins": begins.isoformat(), **figures} | more


async def test_intervals_are_taken_once_and_a_later_figure_replaces_an_earlier_one(desk: Desk) -> None:
    given = {"intervals": [an_interval(desk), an_interval(desk, queue="water")]}
    first = await desk.ask("everything", "POST", INTERVALS, given, "one")
    assert (first.status, first.reply) == (201, {"new": 2, "changed": 0, "same": 0})
    again = await desk.ask("everything", "POST", INTERVALS, given, "one")
    assert again.reply == first.reply  # the same request
    same = await desk.ask("everything", "POST", INTERVALS, given, "two")
    assert same.reply == {"new": 0, "changed": 0, "same": 2}
    other = await desk.ask("everything", "POST", INTERVALS, {"intervals": [an_interval(desk, offered=121)]}, "three")
    assert other.reply == {"new": 0, "changed": 1, "same": 0}
    service = desk.served.running.service
    now = service.clock.now()
    rows = service.db.read_now(lambda conn: number_rows.intervals(conn, Span(start=now - timedelta(days=1), end=now)))
    assert [(row.queue, row.offered, row.source, row.mean_wait_s) for row in rows] == [
        ("general", 121, "api", 380.5),
        ("water", 120, "api", 380.5),
    ]


async def test_one_bad_interval_keeps_all_of_them_out_and_every_problem_is_said(desk: Desk) -> None:
    bad = an_interval(desk, queue="", minutes=7, within=9)
    answer = await desk.ask("everything", "POST", INTERVALS, {"intervals": [an_interval(desk, queue="new"), bad]}, "bad")
    assert answer.status == 422 and len(answer.reply["problems"]) == 3
    assert all(one.startswith("Interval 2: ") for one in answer.reply["problems"])
    twice = {"intervals": [an_interval(desk, queue="new"), an_interval(desk, queue="new", offered=1)]}
    answer = await desk.ask("everything", "POST", INTERVALS, twice, "twice")
    assert answer.status == 422 and "an earlier one says something else" in answer.text
    assert (await desk.ask("everything", "POST", INTERVALS, {"intervals": [an_interval(desk)]}, "kept")).reply["new"] == 1
    answer = await desk.ask("everything", "POST", INTERVALS, {"intervals": [an_interval(desk, minutes=30)]}, "length")
    assert answer.status == 422 and "would count twice" in answer.text
    assert (await desk.ask("viewer", "POST", INTERVALS, twice, "viewer")).status == 403


async def test_the_report_for_programs_is_as_the_document_says(desk: Desk) -> None:
    answer = await desk.ask("viewer", "GET", REPORT)
    assert answer.status == 404 and "Surge mode has never been open." in answer.text
    service = desk.served.running.service
    at = service.clock.now() - timedelta(hours=1)
    row = ActivationRow(
        activation_id="a1", runbook="boil-water", title="Boil water", status="open", made_by="x", made_at=at, opened_at=at
    )
    service.db.write_now(lambda conn: conn.execute(insert(ActivationRow), [row.model_dump()]))
    found = (await desk.ask("viewer", "GET", f"{REPORT}?of=a1")).reply
    schemas = document(desk.endpoints)["components"]["schemas"]
    assert set(found) == set(schemas["SurgeReport"]["required"])
    figure = schemas["SurgeReport"]["properties"]["sections"]["items"]["properties"]["lines"]["items"]
    for section in found["sections"]:
        for line in section["lines"]:
            assert set(figure["required"]) <= set(line) <= set(figure["properties"]), line


async def test_needs_are_read_as_georeport_by_whoever_works_on_them(desk: Desk) -> None:
    service = desk.served.running.service
    ring, now = keys.load(desk.served.home / "keys.toml"), service.clock.now()
    asked = Asked(
        code="WATER_DELIVERY", people=3, lat=45.5231, lon=-122.6765, area="97204", address="1 Main St", routed_to="Water"
    )
    need_id = service.db.write_now(lambda conn: need_rows.log(conn, asked, "lead", ring, now))
    found = await desk.ask("everything", "GET", f"{OPEN311}/requests.json?status=open")
    assert found.status == 200 and [one["service_request_id"] for one in found.reply] == [need_id]
    assert found.reply[0]["zipcode"] == "97204" and "Main" not in found.text
    xml = await desk.ask("everything", "GET", f"{OPEN311}/requests.xml?service_request_id={need_id}")
    assert xml.kind == "text/xml" and f"<service_request_id>{need_id}</service_request_id>" in xml.text
    services = await desk.ask("everything", "GET", f"{OPEN311}/services.json")
    assert {"WATER_DELIVERY", "INTERPRETER"} <= {one["service_code"] for one in services.reply}
    wrong = await desk.ask("everything", "GET", f"{OPEN311}/requests.json?status=lost&start_date=now")
    assert wrong.status == 400 and [one["code"] for one in wrong.reply] == ["400", "400"]
    assert (await desk.ask("viewer", "GET", f"{OPEN311}/requests.json")).status == 403
