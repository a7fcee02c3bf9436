"""Surge mode at browsers: chosen, filled in, armed by one and opened by another, with the alert or without it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from notify import audit
from surge.scripts import script
from surge.switch import store
from surge.switch.activation import Status
from tests.console.staff_factory import Browser, Page, opened
from tests.console.test_sixty_seconds import begun, submitted
from tests.surge.incident_factory import PAGE
from tests.surge.incident_service import Surging, beside

pytestmark = pytest.mark.asyncio(loop_scope="module")
LINES = ("fallback", "partner Regional 211")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def surging(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Surging]:
    folder = tmp_path_factory.mktemp("surge")
    (folder / "boil.md").write_text(
        PAGE.replace("sites:", "water_sites:").replace("{fact:sites}", "{fact:water_sites}"), "utf-8"
    )
    async with opened(folder / "home", migrated_sqlite) as house, beside(house, folder) as found:
        found.train("agent311")
        yield found


async def shown(surging: Surging) -> tuple[str, str]:
    row = await surging.control.db.read(store.current)
    assert row is not None
    return row.activation_id, str(row.rev)


async def took(browser: Browser, surging: Surging, step: str, **given: str) -> Page:
    which, rev = await shown(surging)
    return await browser.post(f"/surge/{step}", {"activation_id": which, "rev": rev, **given})


async def filled(lead: Browser, surging: Surging) -> None:
    which, _ = await shown(surging)
    for name, value in (("boil_minutes", "3"), ("water_sites", "Lents Park"), ("next_update", "2026-05-09T20:00-07:00")):
        page = await lead.post(
            "/surge/facts",
            {"activation_id": which, "name": name, "value": value, "same": "yes", "issued_by": "Health officer"},
        )
        assert page.status in (200, 409), page.words
    for line in LINES:
        await lead.post("/surge/tested", {"line": line})


async def over(surging: Surging) -> None:
    """Whatever is on is off again."""
    row = await surging.control.db.read(store.current)
    if row is None:
        return
    lead, approver = await surging.house.signed_in("lead311"), await surging.house.signed_in("approver")
    if row.status == Status.ARMED:
        await took(approver, surging, "disarm", why="Tidy.")
    if row.status == Status.OPEN:
        await took(lead, surging, "stand-down", why="Over.")
    await took(lead, surging, "close", handover="Nothing is open.")
    assert await surging.control.db.read(store.current) is None


async def test_from_the_choice_to_the_hand_over_by_two_people(surging: Surging) -> None:
    lead, approver = await surging.house.signed_in("lead311"), await surging.house.signed_in("approver")
    assert "Surge mode is off." in (await lead.get("/surge")).words
    page = await lead.post("/surge/choose", {"runbook": "boil", "why": ""})
    assert page.status == 422 and "A reason is required" in page.words
    page = await lead.post("/surge/choose", {"runbook": "boil", "why": "E. coli at two sites."})
    assert "boil_minutes: not set." in page.words and "E. coli at two sites." in page.words
    page = await took(lead, surging, "arm")
    assert page.status == 422 and "The script is not published." in page.words and "There are" in page.words
    await filled(lead, surging)
    which, _ = await shown(surging)
    page = await lead.post("/surge/script", {"activation_id": which})
    assert page.url.path == "/surge/script/1" and "Boil for 3 minutes." in page.words
    page = await took(lead, surging, "arm")
    assert page.url.path == "/surge" and "You armed it. Somebody else must open it." in page.words, page.words
    assert (await took(lead, surging, "open", level="1")).status == 403
    page = await took(approver, surging, "open", level="2")
    assert "level 2" in page.words and surging.listener.told[-1].status is Status.OPEN  # type: ignore[union-attr]
    page = await took(approver, surging, "level", level="3", why="The line grows.")
    assert "level 3" in page.words
    page = await took(lead, surging, "stand-down", why="It is over.", handover="Line one.\r\nLine two.")
    assert "standing down" in page.words and "Line one. Line two." in page.words
    page = await took(approver, surging, "close", handover="Line one.\nLine two.")
    assert "Surge mode is off." in page.words and surging.listener.told[-1] is None
    its_form = rf'action="/surge/report">\s*<input[^>]+><input[^>]+activation_id" value="{which}"><input[^>]+rev" value="(\d+)"'
    unreported = re.search(its_form, page.text)
    assert unreported is not None
    page = await approver.post("/surge/report", {"activation_id": which, "rev": unreported[1]})
    assert "reported" in page.words and which not in page.text
    acts = [line.action for line in await surging.control.db.read(lambda conn: audit.lines(conn, which))]
    assert [one for one in acts if one.endswith("surge mode")][:3] == [
        "chose surge mode",
        "armed surge mode",
        "opened surge mode",
    ]


async def test_what_somebody_else_changed_meanwhile_is_said(surging: Surging) -> None:
    lead, author = await surging.house.signed_in("lead311"), await surging.house.signed_in("author")
    await lead.post("/surge/choose", {"runbook": "boil", "why": "Again."})
    which, rev = await shown(surging)
    await author.get("/surge")
    await filled(lead, surging)
    await lead.post("/surge/script", {"activation_id": which})
    assert (await took(lead, surging, "arm")).url.path == "/surge"
    page = await author.post("/surge/disarm", {"activation_id": which, "rev": rev, "why": "No."})
    assert page.status == 409 and "changed since you looked" in page.words
    assert (await author.post("/surge/disarm", {"activation_id": "S-none", "rev": "", "why": "No."})).status == 422
    await over(surging)


async def test_what_is_not_there_any_more_is_said_on_every_page(surging: Surging) -> None:
    lead = await surging.house.signed_in("lead311")
    gone = {
        "activation_id": "S-none",
        "rev": "",
        "why": "x",
        "level": "1",
        "name": "boil_minutes",
        "value": "3",
        "issued_by": "x",
    }
    for path in ("arm", "open", "level", "stand-down", "close", "report", "facts", "facts/7/recall", "script"):
        page = await lead.post(f"/surge/{path}", gone)
        assert page.status == 422 and "is not there any more" in page.words, path
    assert (await lead.get("/surge/script/latest")).status in (200, 404)


async def test_without_proof_nothing_is_opened(surging: Surging) -> None:
    lead, approver = await surging.house.signed_in("lead311"), await surging.house.signed_in("approver")
    await lead.post("/surge/choose", {"runbook": "boil", "why": "Again."})
    await filled(lead, surging)
    which, _ = await shown(surging)
    await lead.post("/surge/script", {"activation_id": which})
    await took(lead, surging, "arm")
    surging.house.clock.forward(timedelta(minutes=6))
    page = await took(approver, surging, "open", level="1")
    assert page.status == 422 and "Code from your phone" in page.words
    page = await took(approver, surging, "open", level="1", code=surging.house.code("approver"))
    assert "level 1" in page.words
    await over(surging)


async def test_agents_read_and_change_nothing(surging: Surging) -> None:
    lead, agent = await surging.house.signed_in("lead311"), await surging.house.signed_in("agent311")
    await lead.post("/surge/choose", {"runbook": "boil", "why": "Again."})
    which, rev = await shown(surging)
    for path in ("/surge", "/surge/facts"):
        page = await agent.get(path)
        assert page.status == 200 and 'action="/surge' not in page.text, path
    for path in ("choose", "tested", "arm", "disarm", "open", "level", "stand-down", "close", "report", "facts", "script"):
        assert (await agent.post(f"/surge/{path}", {"activation_id": which, "rev": rev})).status == 403, path
    await over(surging)


async def test_a_fact_that_was_wrong_calls_back_whoever_heard_it(surging: Surging) -> None:
    lead, approver = await surging.house.signed_in("lead311"), await surging.house.signed_in("approver")
    await lead.post("/surge/choose", {"runbook": "boil", "why": "Again."})
    await filled(lead, surging)
    which, _ = await shown(surging)
    await lead.post("/surge/script", {"activation_id": which})
    await took(lead, surging, "arm")
    await took(approver, surging, "open", level="1")
    page = await lead.get("/surge/facts")
    number = re.search(r"/surge/facts/(\d+)/recall", page.text)
    assert number is not None
    page = await lead.post(f"/surge/facts/{number[1]}/recall", {"activation_id": which, "why": "It was five."})
    assert page.status == 200 and "is read no more. 0 people may have heard it" in page.words
    page = await lead.get("/surge/script/latest")
    assert "Do not read this one now" in page.words and "taken back" in page.words
    assert "This is an older version." in (await lead.get("/surge/script/1")).words
    assert (await lead.get("/surge/script/99")).status == 404
    await over(surging)


async def armed_with(surging: Surging, author: Browser) -> str:
    """An alert that waits for approval, with surge mode armed by its author."""
    alert_id = await submitted(author)
    page = await author.get(f"/alerts/{alert_id}/approval")
    assert "311: surge mode" in page.words and "Arm surge mode with this alert" in page.words
    page = await author.post(f"/alerts/{alert_id}/surge")
    assert page.status == 422 and "boil_minutes: not set." in page.words
    lead = await surging.house.signed_in("lead311")
    await filled(lead, surging)
    page = await author.post(f"/alerts/{alert_id}/surge")
    assert page.url.path == "/surge" and "armed" in page.words, page.words
    return alert_id


async def test_armed_by_the_author_and_opened_with_the_alert_by_its_approver(surging: Surging) -> None:
    author, approver = await surging.house.signed_in("author"), await surging.house.signed_in("approver")
    alert_id = await armed_with(surging, author)
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert "Open 311's surge mode with it; author has armed it" in page.words
    page = await decided(approver, alert_id, open_surge="yes")
    assert page.url.path == f"/alerts/{alert_id}"
    row = await surging.control.db.read(store.current)
    assert row is not None and (row.status, row.armed_by, row.opened_by) == ("open", "author", "approver")
    await surging.house.until(alert_id, "active")
    assert "311: surge mode" in (await approver.get(f"/alerts/{alert_id}")).words
    made = await surging.control.db.read(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None
    await over(surging)


async def test_what_was_armed_before_there_was_an_alert_opens_with_the_first_one_of_its_hazard(surging: Surging) -> None:
    author, approver = await surging.house.signed_in("author"), await surging.house.signed_in("approver")
    lead = await surging.house.signed_in("lead311")
    await lead.post("/surge/choose", {"runbook": "boil", "why": "The laboratory calls back at noon."})
    await filled(lead, surging)
    which, _ = await shown(surging)
    await lead.post("/surge/script", {"activation_id": which})
    assert (await took(lead, surging, "arm")).url.path == "/surge"
    alert_id = await submitted(author)
    await decided(approver, alert_id, open_surge="yes")
    row = await surging.control.db.read(store.current)
    assert row is not None and (row.status, row.incident_id) == ("open", alert_id.partition("-")[0])
    await surging.house.until(alert_id, "active")
    await over(surging)


async def test_the_alert_goes_also_when_surge_mode_cannot_be_opened(surging: Surging) -> None:
    author, approver = await surging.house.signed_in("author"), await surging.house.signed_in("approver")
    alert_id = await submitted(author)
    page = await decided(approver, alert_id, open_surge="yes")
    assert page.url.path == f"/alerts/{alert_id}"
    await surging.house.until(alert_id, "active")
    assert await surging.control.db.read(store.current) is None
    assert "could not open surge mode" in (await approver.get(f"/alerts/{alert_id}")).words


async def test_a_mild_alert_offers_no_surge(surging: Surging) -> None:
    author = await surging.house.signed_in("author")
    alert_id, _ = await begun(author)
    assert "311: surge mode" not in (await author.get(f"/alerts/{alert_id}")).words, "a draft is none yet"


async def decided(approver: Browser, alert_id: str, **more: str) -> Page:
    page = await approver.get(f"/alerts/{alert_id}/approval")
    digest = re.search(r'name="digest" value="([^"]+)"', page.text)
    assert digest is not None
    ticks = {"read_words": "yes", "read_place": "yes", "understand": "yes"}
    return await approver.post(f"/alerts/{alert_id}/approval", {"digest": digest[1], "act": "send", **ticks, **more})
