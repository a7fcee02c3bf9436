"""Every page of the console by every role, straight from its list of routes: whoever is not named is turned away."""

import re
import sqlite3
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from notify import keys
from notify.alerts.life import Role
from notify.console.pages import Console
from notify.console.routing import ANYBODY, Route
from notify.full_disk import MAKE_ROOM, TITLE
from notify.staff import accounts
from tests.console.staff_factory import House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")
# What stands in a path's braces; none of it exists, so a page that is allowed answers 404, 409 or 422 at worst.
STANDS = {
    "alert_id": "ZZZZZ-1",
    "incident_id": "ZZZZZ",
    "drill_id": "drill-0",
    "person_id": "nobody",
    "grant_id": "7",
    "token": "x" * 32,
    "act": "invite",
    "deed": "call",
    "pass": "x" * 24,
    "passkey_id": "7",
    "language": "en",
    "fact_id": "7",
    "version": "7",
    "take_id": "7",
    "question_id": "Q-0",
    "settled": "drop",
    "faq_id": "F-0",
    "received_id": "R-0000000000000000",
    "need_id": "N-0000000000",
    "webhook_id": "nobody",
    "press": "test",
}


def every_route(house: House) -> list[Route]:
    service = house.served.running.service
    return Console(service, keys.load(house.served.home / "keys.toml"), house.served.url).routes


def path_of(route: Route) -> str:
    return re.sub(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}", lambda found: STANDS[found[1]], route.path)


async def ask(browser: Any, route: Route, **headers: str) -> Page:
    path = path_of(route)
    return await (browser.get(path, **headers) if route.method == "GET" else browser.post(path, **headers))


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_opens_what_it_may_and_nothing_else(house: House, role: Role) -> None:
    browser = await house.signed_in(role.value)
    for route in every_route(house):
        if route.path in ("/sign-out", "/language") or route.path.endswith("/progress"):
            continue
        if route.path in ("/sign-in", "/p/{token}") and role is Role.RELAY:
            continue  # leads whoever is signed in to the start page, which a relay may not see either
        page = await ask(browser, route)
        turned_away = page.status == 403 and "This takes the role" in page.words
        assert turned_away == (route.roles is not ANYBODY and role not in route.roles), (
            f"{route.method} {route.path}: {page.words}"
        )
        assert page.status != 500, f"{route.method} {route.path}"


async def test_whoever_is_not_signed_in_gets_to_the_door_only(house: House) -> None:
    for route in every_route(house):
        page = await ask(house.browser(), route)
        if route.roles is ANYBODY:
            assert page.status in (200, 404, 403, 410, 422), route.path
        else:
            assert page.url.path == "/sign-in" or page.status == 401, f"{route.method} {route.path}: {page.status}"


async def test_every_page_that_changes_something_refuses_a_form_that_is_not_ours(house: House) -> None:
    browser = await house.signed_in("admin")
    for person in ("author", "approver"):
        await house.signed_in(person)
    posts = [route for route in every_route(house) if route.method != "GET" and route.roles is not ANYBODY]
    assert posts
    for route in posts:
        who = next(role.value for role in sorted(route.roles or ()))
        browser = await house.signed_in(who)
        path = path_of(route)
        for data, headers in [
            ({"mark": ""}, {}),
            ({"mark": "f" * 32}, {}),
            ({}, {"Sec-Fetch-Site": "cross-site"}),
            ({}, {"Sec-Fetch-Site": "", "Origin": "https://example.com"}),
        ]:
            page = await browser.post(path, data, **headers)
            assert page.status == 403, f"{route.method} {route.path} {data} {headers}: {page.status}"


async def test_no_page_changes_anything_when_it_is_only_looked_at(house: House) -> None:
    """GET on every route leaves every table but the session's own clock as it was."""
    browser = await house.signed_in("admin")
    db = house.served.running.service.db

    def counted(conn: Any) -> dict[str, int]:
        names = [name for name in inspect(conn).get_table_names() if name not in ("session", "due")]
        return {name: conn.execute(text(f'SELECT COUNT(*) FROM "{name}"')).scalar_one() for name in names}

    before = db.read_now(counted)
    for route in every_route(house):
        if route.method == "GET" and not route.path.endswith("/progress"):
            await ask(browser, route)
    assert db.read_now(counted) == before


async def test_every_page_is_read_on_a_full_disk_and_every_deed_is_refused_in_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be written: not even that somebody sits at the console."""
    browser = await house.signed_in("admin")
    house.clock.forward(2 * accounts.SEEN_EVERY)
    tried: list[object] = []

    def full(work: object) -> Future[None]:
        tried.append(work)
        said = sqlite3.OperationalError("database or disk is full")
        said.sqlite_errorcode = sqlite3.SQLITE_FULL
        answer: Future[None] = Future()
        answer.set_exception(OperationalError("COMMIT", {}, said))
        return answer

    monkeypatch.setattr(house.served.running.service.db, "submit", full)
    for route in every_route(house):
        if route.method == "GET" and not route.path.endswith("/progress"):
            page = await ask(browser, route)
            assert page.status < 500, f"{route.path}: {page.status} {page.words}"
    assert tried, "nothing was tried, so nothing was shown"
    page = await browser.get("/")
    page = await browser.post("/sign-out")
    assert page.status == 507 and TITLE in page.words and MAKE_ROOM in page.words
