"""The public page of an alert that nobody has approved yet: as people would read it, and said to be a preview."""

import pytest

from notify.alerts import register
from tests.console.staff_factory import House
from tests.console.test_sixty_seconds import begun, form, submitted

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_draft_is_seen_as_its_public_page_in_every_language_before_anybody_else_can(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    await author.post(f"/alerts/{alert_id}/edit", form(version, "save"))
    page = await author.get(f"/alerts/{alert_id}/page/en")
    assert page.status == 200 and "PREVIEW. Nobody else sees this page yet" in page.words and "IN EFFECT NOW" in page.words
    spanish = await author.get(f"/alerts/{alert_id}/page/es")
    assert 'lang="es"' in spanish.text and "PREVIEW" in spanish.words
    sheet = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "color" in (await author.get(sheet)).text
    incident = alert_id.partition("-")[0]
    assert await house.served.running.service.db.read(lambda conn: register.events(conn, incident)) == []


async def test_an_approver_sees_what_was_frozen_and_a_page_that_is_out_is_read_where_it_is_public(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    assert "PREVIEW" in (await approver.get(f"/alerts/{alert_id}/page/en")).words
    assert (await approver.get(f"/alerts/{alert_id}/page/xx")).status == 422


async def test_what_cannot_be_sent_has_no_page_and_says_why(house: House) -> None:
    author = await house.signed_in("author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": "wildfire_leave_now"})
    refused = await author.get(page.url.path.replace("/edit", "/page/en"))
    assert refused.status == 422 and "." in refused.words
