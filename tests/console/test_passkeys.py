"""Passkeys at the console: added by their owner, used to sign in and to decide, refused to everybody else, removed."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify import audit
from notify.alerts import register
from notify.console.door import NO_PASSKEY, NOT_SHOWN, STALE
from notify.console.passkeys import KNOWN, NOT_KEPT, UNNAMED
from notify.console.routing import FIRST
from notify.staff import people
from notify.staff.accounts import PROVED_FOR
from notify.staff.ceremony import ASKED_FOR
from tests.console.staff_factory import Browser, House, Page, opened
from tests.console.test_sixty_seconds import HOW, decision, submitted, version_of
from tests.notify.authenticator import PRESENT, Authenticator, Place

pytestmark = pytest.mark.asyncio(loop_scope="module")
URL = "http://localhost:8081"  # how staff reach it; what the tests' own client calls is another name of the same listener
HERE = Place(origin=URL, rp_id="localhost")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("house") / "home", migrated_sqlite, private_url=URL) as found:
        yield found


def clerk(house: House, role: str) -> str:
    """Somebody new, so that no test minds the passkeys of another."""
    db, now = house.served.running.service.db, house.clock.now()
    person = f"{role}-{len(db.read_now(people.everybody))}"
    db.write_now(lambda conn: people.add(conn, person, [role], {}, now))
    return person


async def asked(browser: Browser, path: str = "/passkeys/challenge", **given: str) -> dict[str, Any]:
    """What the page's script is given to ask the browser."""
    page = await browser.post(path, given)
    assert page.status == 200 and page.headers["Content-Type"].startswith("application/json"), page.words
    ((_, options),) = json.loads(page.text).items()
    return dict(options)


async def add(browser: Browser, device: Authenticator, name: str = "phone", place: Place = HERE) -> Page:
    await browser.get("/passkeys")
    answer = device.make(await asked(browser, purpose="add"), place)
    return await browser.post("/passkeys", {"name": name, "passkey": answer})


async def holder(house: House, role: str) -> tuple[Browser, str, Authenticator]:
    """Somebody signed in who has one passkey."""
    person, device = clerk(house, role), Authenticator()
    browser = await house.signed_in(person)
    page = await add(browser, device)
    assert page.status == 200 and "Passkeys you have (1)" in page.words, page.words
    return browser, person, device


async def enter(browser: Browser, device: Authenticator, way: str = "/", place: Place = HERE) -> Page:
    await browser.get("/sign-in")
    options = await asked(browser, "/sign-in/challenge")
    assert options["allowCredentials"] == [], "the door must not say who has which passkey"
    return await browser.post("/sign-in/passkey", {"next": way, "passkey": device.sign(options, place)})


def a_while_later(house: House) -> None:
    house.clock.forward(PROVED_FOR)


async def test_somebody_adds_a_passkey_and_signs_in_with_it_from_then_on(house: House) -> None:
    browser, person, device = await holder(house, "author")
    page = await browser.get("/passkeys")
    assert "phone" in page.words and "never used" in page.words
    fresh = house.browser()
    page = await enter(fresh, device, "/alerts/new?x=1")
    assert page.status == 200 and page.url.path_qs == "/alerts/new?x=1" and person in page.words
    assert "last used" in (await fresh.get("/passkeys")).words
    lines = house.served.running.service.db.read_now(lambda conn: audit.lines(conn, person))
    assert [line.action for line in lines][-4:] == ["signed in", "added a passkey", "used a passkey", "signed in"]


async def test_adding_takes_a_fresh_sign_in_and_a_name(house: House) -> None:
    person, device = clerk(house, "viewer"), Authenticator()
    browser = await house.signed_in(person)
    await browser.get("/passkeys")
    answer = device.make(await asked(browser, purpose="add"), HERE)
    page = await browser.post("/passkeys", {"name": " ", "passkey": answer})
    assert page.status == 422 and UNNAMED in page.words
    a_while_later(house)
    page = await browser.get("/passkeys")
    assert "first show that it is you" in page.words and 'data-purpose="add"' not in page.text
    assert (await browser.post("/passkeys/challenge", {"purpose": "add"})).status == 403
    page = await browser.post("/passkeys", {"name": "phone", "passkey": answer})
    assert page.status == 401 and FIRST in page.words
    page = await browser.post("/prove", {"code": house.code(person), "next": "/passkeys"})
    assert page.url.path == "/passkeys" and 'data-purpose="add"' in page.text
    assert "Passkeys you have (1)" in (await add(browser, device)).words


async def test_what_was_made_for_another_page_or_twice_becomes_no_passkey(house: House) -> None:
    browser, _, device = await holder(house, "viewer")
    for place in (
        replace(HERE, origin="http://localhost:9999"),
        replace(HERE, rp_id="example.gov"),
        replace(HERE, flags=PRESENT),
    ):
        page = await add(browser, Authenticator(), place=place)
        assert page.status == 422 and NOT_KEPT in page.words
    page = await add(browser, device)
    assert page.status == 422 and KNOWN in page.words
    assert "Passkeys you have (1)" in (await browser.get("/passkeys")).words


@pytest.mark.parametrize(
    "place",
    [replace(HERE, origin="http://localhost:9999"), replace(HERE, rp_id="example.gov"), replace(HERE, flags=PRESENT)],
    ids=["origin", "rp-id", "nobody-verified"],
)
async def test_the_door_stays_shut_for_what_was_signed_elsewhere_or_unverified(house: House, place: Place) -> None:
    _, _, device = await holder(house, "viewer")
    browser = house.browser()
    page = await enter(browser, device, place=place)
    assert page.status == 422 and NO_PASSKEY in page.words
    assert (await browser.get("/")).url.path == "/sign-in"


async def test_the_door_stays_shut_for_a_stranger_a_copy_and_an_answer_used_before(house: House) -> None:
    _, _, device = await holder(house, "viewer")
    stranger, twin = Authenticator(user=device.user), device.copied()
    assert NO_PASSKEY in (await enter(house.browser(), stranger)).words
    browser = house.browser()
    await browser.get("/sign-in")
    answer = device.sign(await asked(browser, "/sign-in/challenge"), HERE)
    mark = browser.mark
    assert (await browser.post("/sign-in/passkey", {"passkey": answer, "mark": mark})).url.path == "/"
    assert NO_PASSKEY in (await browser.post("/sign-in/passkey", {"passkey": answer, "mark": mark})).words
    assert NO_PASSKEY in (await enter(house.browser(), twin)).words, "its count is that of a copy"


async def test_an_answer_serves_the_browser_that_asked_and_for_five_minutes(house: House) -> None:
    _, _, device = await holder(house, "viewer")
    mine, other = house.browser(), house.browser()
    for browser in (mine, other):
        await browser.get("/sign-in")
        options = await asked(browser, "/sign-in/challenge")
    answer = device.sign(options, HERE)
    assert NO_PASSKEY in (await mine.post("/sign-in/passkey", {"passkey": answer})).words
    house.clock.forward(ASKED_FOR)
    assert NO_PASSKEY in (await other.post("/sign-in/passkey", {"passkey": answer})).words


async def test_the_door_takes_no_form_that_is_not_its_own(house: House) -> None:
    browser = house.browser()
    await browser.get("/sign-in")
    for path in ("/sign-in/challenge", "/sign-in/passkey"):
        assert (await browser.post(path, {"mark": ""})).status == 403
        assert (await browser.post(path, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert STALE in (await browser.post("/sign-in/passkey", {"mark": "x"})).words


async def test_an_approver_decides_with_a_passkey_in_place_of_the_code(house: House) -> None:
    author = await house.signed_in("author")
    approver, _, device = await holder(house, "approver")
    alert_id = await submitted(author)
    a_while_later(house)
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert "Or leave it empty: the button then asks for your passkey." in page.words
    assert len(page.text.encode()) < 15 * 1024
    answer = device.sign(await asked(approver, purpose="prove"), HERE)
    page = await decision(approver, alert_id, passkey=answer)
    assert page.url.path == f"/alerts/{alert_id}" and page.status == 200, page.words
    await house.until(alert_id, "active")


async def test_nobody_decides_with_somebody_else_s_passkey_or_one_of_the_door(house: House) -> None:
    author = await house.signed_in("author")
    approver, _, device = await holder(house, "approver")
    _, _, foreign = await holder(house, "approver")
    alert_id = await submitted(author)
    a_while_later(house)
    page = await decision(approver, alert_id, passkey=foreign.sign_anyway(await asked(approver, purpose="prove"), HERE))
    assert page.status == 422 and NOT_SHOWN in page.words
    at_the_door = house.browser()
    await at_the_door.get("/sign-in")
    of_the_door = device.sign(await asked(at_the_door, "/sign-in/challenge"), HERE)
    await asked(approver, purpose="prove")
    assert NOT_SHOWN in (await decision(approver, alert_id, passkey=of_the_door)).words
    answer = device.sign(await asked(approver, purpose="prove"), HERE)
    thief = await house.signed_in("approver")
    await asked(thief, purpose="prove")
    a_while_later(house)
    assert NOT_SHOWN in (await decision(thief, alert_id, passkey=answer)).words
    row = house.served.running.service.db.read_now(lambda conn: register.alert(conn, alert_id))
    assert row.status == "pending" and row.approved_by is None


async def test_whoever_sends_alone_uses_the_passkey_anew_however_fresh_their_sign_in_is(house: House) -> None:
    author, person, device = await holder(house, "author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": "wildfire_leave_now"})
    alert_id = page.url.path.split("/")[2]
    typed = {"slot-toward": "NW Front Ave", "where": "names", "ends": "at", "version": version_of(page), "act": "submit"}
    await author.post(f"/alerts/{alert_id}/edit", [*typed.items(), *HOW])
    page = await author.get(f"/alerts/{alert_id}/approval")
    assert "Nobody else can be reached" in page.words and 'name="passkey"' in page.text
    alone = {"act": "alone", "reason": "No approver answers and the fire is at Linnton."}
    assert NOT_SHOWN in (await decision(author, alert_id, **alone)).words
    answer = device.sign(await asked(author, purpose="prove"), HERE)
    page = await decision(author, alert_id, **alone, passkey=answer)
    assert page.url.path == f"/alerts/{alert_id}", page.words
    lines = house.served.running.service.db.read_now(lambda conn: audit.lines(conn, alert_id))
    assert (person, "BROKE THE GLASS") in {(line.actor, line.action) for line in lines}


async def test_powers_are_given_after_a_passkey_or_a_code_only(house: House) -> None:
    admin, _, device = await holder(house, "admin")
    a_while_later(house)
    await admin.get("/people")
    for path, data in [("/people", {"person": "clerk", "roles": "author"}), ("/people/viewer/invite", {})]:
        page = await admin.post(path, data)
        assert page.status == 401 and FIRST in page.words and "/invitation/" not in page.text
    assert house.served.running.service.db.read_now(lambda conn: people.active(conn, "clerk")) is None
    answer = device.sign(await asked(admin, purpose="prove"), HERE)
    assert (await admin.post("/prove", {"passkey": answer, "next": "/people"})).url.path == "/people"
    assert "/invitation/" in (await admin.post("/people", {"person": "clerk", "roles": "author"})).text


async def test_a_removed_passkey_signs_out_elsewhere_and_in_nowhere(house: House) -> None:
    browser, _, device = await holder(house, "author")
    elsewhere = house.browser()
    await enter(elsewhere, device)
    way = removal(await browser.get("/passkeys"))
    page = await browser.post(way)
    assert page.status == 200 and "None yet" in page.words
    assert (await elsewhere.get("/")).url.path == "/sign-in"
    assert NO_PASSKEY in (await enter(house.browser(), device)).words
    assert (await browser.post(way)).status == 404


async def test_nobody_removes_somebody_else_s_passkey_but_an_administrator(house: House) -> None:
    owner, person, device = await holder(house, "author")
    way = removal(await owner.get("/passkeys"))
    other = await house.signed_in("author")
    assert (await other.post(way)).status == 404
    admin = await house.signed_in("admin")
    lost = next(one for one in removals(await admin.get("/people")) if f"/{person}/" in one)
    assert (await other.post(lost)).status == 403
    assert (await admin.post(lost)).status == 200
    assert (await owner.get("/")).url.path == "/sign-in", "whoever holds the lost phone is out"
    assert NO_PASSKEY in (await enter(house.browser(), device)).words


def removals(page: Page) -> list[str]:
    return re.findall(r'action="(/[^"]*passkeys/\d+/remove)"', page.text)


def removal(page: Page) -> str:
    (way,) = removals(page)
    return way


async def test_the_page_without_its_script_signs_in_and_decides_as_before(house: House) -> None:
    """What a passkey adds is hidden until its script runs; the code is a field of every form that asks who sits there."""
    browser, _, _ = await holder(house, "viewer")
    page = await house.browser().get("/sign-in")
    assert re.search(r'action="/sign-in/passkey"[^>]* hidden>', page.text)
    house.clock.forward(timedelta(minutes=6))
    page = await browser.get("/prove")
    assert re.search(r'<input[^>]* name="code"[^>]* required', page.text)
    assert re.search(r"data-passkey-hint hidden>", page.text)
