"""Letting an alert slow down for 311: chosen where the hazard allows it, and read beside it while it leaves."""

import re
from datetime import datetime

import pytest

from notify.sending.coupling import Queue
from tests.console.staff_factory import Browser, House
from tests.console.test_sixty_seconds import begun, decision, form

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def sent(house: House, author: Browser, approver: Browser) -> str:
    """A coupled alert whose texts leave now, as if there were many."""
    alert_id, version = await begun(author)
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", slows="yes"))
    assert page.url.path == f"/alerts/{alert_id}", page.words
    await decision(approver, alert_id)
    await house.until(alert_id, "active")
    service = house.served.running.service
    change = "UPDATE {} SET status = 'sending' WHERE alert_id = '{}'"
    service.db.write_now(lambda conn: [conn.exec_driver_sql(change.format(table, alert_id)) for table in ("event", "alert")])
    return alert_id


async def test_only_a_hazard_that_may_be_slowed_offers_it_and_what_was_chosen_is_kept(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    page = await author.get(f"/alerts/{alert_id}/edit")
    assert 'name="slows" value="yes"' in page.text and 'name="slows" value="yes" checked' not in page.text
    await author.post(f"/alerts/{alert_id}/edit", form(version, "save", slows="yes"))
    assert 'name="slows" value="yes" checked' in (await author.get(f"/alerts/{alert_id}/edit")).text
    page = await author.post("/alerts/new", {"hazard": "gas_leak"})
    assert page.status == 200 and 'name="slows"' not in page.text


async def test_a_form_that_slows_what_is_extreme_is_refused_beside_its_field(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", slows="yes", severity="Extreme"))
    assert page.status == 422 and re.search(r'href="#slows">[^<]*Extreme severity is never slowed', page.text)


async def test_the_page_of_an_alert_says_how_fast_it_leaves_and_why(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await sent(house, author, approver)
    brake, path = house.served.running.service.brake, f"/alerts/{alert_id}"
    waits: list[float | None] = [720.0, None, 30.0]

    async def measure(now: datetime) -> Queue | None:
        return None if waits[0] is None else Queue(wait_s=waits[0], at=now)

    usual, brake.measure = brake.measure, measure
    try:
        await brake.tick()
        assert "Texts slowed to 50 % of their rate since" in (await author.get(path)).words
        assert "311's callers wait 12 min" in (await author.get(path)).words
        waits.pop(0)
        await brake.tick()
        page = await author.get(path)
        assert "Texts at their full rate: how long 311's callers wait is not known now." in page.words
        assert page.words.count("changed the send rate") == 2
        waits.pop(0)
        await brake.tick()
        assert "they slow down while 311's callers wait 5 min or more" in (await author.get(path)).words
    finally:
        brake.measure = usual
