"""The log as people read it, and what is held of one resident."""

import csv
import io

import pytest
from sqlalchemy import text

from tests.console.staff_factory import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_log_says_whether_it_holds_together(house: House) -> None:
    admin = await house.signed_in("admin")
    page = await admin.get("/records")
    assert "The log holds together" in page.words and "signed in" in page.words
    db = house.served.running.service.db
    db.write_now(lambda conn: conn.execute(text("UPDATE audit SET actor = actor || 'x' WHERE seq = 1")))
    assert "The log does not hold together. Line 1" in (await admin.get("/records")).words
    db.write_now(lambda conn: conn.execute(text("UPDATE audit SET actor = substr(actor, 1, length(actor) - 1) WHERE seq = 1")))
    assert "The log holds together" in (await admin.get("/records")).words


async def test_the_log_is_searched_and_paged(house: House) -> None:
    admin = await house.signed_in("admin")
    assert "invited" not in (await admin.get("/records?q=no+such+thing")).words
    page = await admin.get("/records?q=signed+in&before=999999")
    assert "signed in" in page.words and "set a password" not in page.words
    assert (await admin.get("/records?before=x")).status == 200


async def test_the_log_is_a_table_for_a_records_request(house: House) -> None:
    admin = await house.signed_in("admin")
    page = await admin.get("/records.csv")
    rows = list(csv.DictReader(io.StringIO(page.text)))
    assert [int(row["line"]) for row in rows] == list(range(1, len(rows) + 1))


async def test_a_resident_is_looked_up_with_a_reason_that_stands_in_the_log_without_the_number(house: House) -> None:
    admin = await house.signed_in("admin")
    await admin.get("/residents")
    page = await admin.post("/residents", {"address": "+15035550123"})
    assert page.status == 422 and "Say why you look" in page.words
    page = await admin.post("/residents", {"address": "not a number", "reason": "asked by phone"})
    assert page.status == 422
    page = await admin.post("/residents", {"address": "+15035550123", "reason": "asked by phone"})
    assert page.status == 200 and "Nothing is held of this address." in page.words
    page = await admin.get("/records?q=looked+up")
    assert "asked by phone" in page.words and "5550123" not in page.text
