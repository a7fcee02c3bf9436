"""Signing in: who gets in, who does not, and what ends a session."""

import asyncio
import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from yarl import URL

from notify import keys
from notify.console.door import NO_FIT, REFUSED_AFTER_S, demo_pass, inside
from notify.staff import accounts, passwords, people
from notify.staff.accounts import IDLE_FOR, INVITED_FOR, SIGNED_IN_FOR
from tests.console.staff_factory import PASSWORD, Browser, House, Page, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Counting:
    """Compares as the real one does, and notes with what."""

    real: PasswordHasher
    seen: list[str]

    def verify(self, kept: str, password: str) -> bool:
        self.seen.append(kept)
        return self.real.verify(kept, password)


async def try_to_enter(house: House, browser: Browser, **given: str) -> Page:
    await browser.get("/sign-in")
    house.code("author")
    typed = {"person": "author", "password": PASSWORD, "code": passwords.code_at(house.seeds["author"], house.clock.now())}
    return await browser.post("/sign-in", typed | given)


async def test_whoever_is_not_signed_in_is_led_to_the_door_and_back(house: House) -> None:
    house.enrol("author")
    browser = house.browser()
    page = await browser.get("/?a=1")
    assert page.url.path == "/sign-in" and page.url.query["next"] == "/?a=1"
    page = await try_to_enter(house, browser, next="/?a=1")
    assert page.status == 200 and page.url.path_qs == "/?a=1"
    assert "Sign out" in page.words and "DEMO: nobody outside is texted" in page.words


@pytest.mark.parametrize(
    "wrong",
    [{"person": "nobody"}, {"person": "viewer"}, {"password": "another long password"}, {"code": "000000"}, {"code": ""}],
)
async def test_whatever_is_wrong_the_answer_is_the_same(house: House, wrong: dict[str, str]) -> None:
    house.enrol("author")
    page = await try_to_enter(house, house.browser(), **wrong)
    assert page.status == 422 and NO_FIT in page.words and "set-cookie" not in page.headers


async def test_a_name_that_is_not_there_costs_as_much_work_and_time_as_one_that_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.enrol("author")
    hashes: list[str] = []
    monkeypatch.setattr(passwords, "_HASHER", Counting(passwords._HASHER, hashes))
    for person in ("author", "nobody", "viewer", ""):
        browser = house.browser()
        await browser.get("/sign-in")
        hashes.clear()
        begun = asyncio.get_running_loop().time()
        wrong = {"person": person, "password": "not this one at all", "code": "123456"}
        assert (await browser.post("/sign-in", wrong)).status == 422
        assert asyncio.get_running_loop().time() - begun >= REFUSED_AFTER_S
        assert len(hashes) == 1, f"{person} was looked at {len(hashes)} times"


async def test_a_code_is_taken_once(house: House) -> None:
    house.enrol("author")
    first, second = house.browser(), house.browser()
    assert (await try_to_enter(house, first)).url.path == "/"
    await second.get("/sign-in")
    again = {"person": "author", "password": PASSWORD, "code": passwords.code_at(house.seeds["author"], house.clock.now())}
    assert NO_FIT in (await second.post("/sign-in", again)).words


async def test_after_five_failures_even_the_right_words_have_to_wait(house: House) -> None:
    house.enrol("author")
    browser = house.browser()
    for _ in range(12):
        assert (await try_to_enter(house, browser, password="not this one at all")).status == 422
    assert NO_FIT in (await try_to_enter(house, browser)).words
    house.clock.forward(timedelta(minutes=15))
    assert (await try_to_enter(house, browser)).url.path == "/"


async def test_a_session_ends_after_half_an_hour_of_silence_and_after_twelve_hours(house: House) -> None:
    browser = await house.signed_in("author")
    house.clock.forward(IDLE_FOR - SECOND)
    assert (await browser.get("/")).url.path == "/"
    house.clock.forward(IDLE_FOR)
    assert (await browser.get("/")).url.path == "/sign-in"
    busy = await house.signed_in("author")
    for _ in range(int(SIGNED_IN_FOR / timedelta(minutes=20))):
        assert (await busy.get("/")).url.path == "/"
        house.clock.forward(timedelta(minutes=20))
    assert (await busy.get("/")).url.path == "/sign-in"


async def test_a_page_that_renews_itself_keeps_nobody_signed_in(house: House) -> None:
    browser = await house.signed_in("author")
    for _ in range(4):
        house.clock.forward(IDLE_FOR / 4)
        page = await browser.get("/desk", **{"HX-Request": "true"})
    assert page.status == 401 and page.headers["HX-Redirect"].startswith("/sign-in")


async def test_whoever_is_disabled_is_out_at_once(house: House) -> None:
    browser = await house.signed_in("viewer")
    db = house.served.running.service.db
    db.write_now(lambda conn: people.disable(conn, "viewer", house.clock.now()))
    assert (await browser.get("/")).url.path == "/sign-in"
    house.enrol("author")
    typed = {"person": "viewer", "code": house.code("viewer")}
    assert (await try_to_enter(house, house.browser(), **typed)).status == 422


async def test_signing_out_voids_the_cookie_itself(house: House) -> None:
    browser = await house.signed_in("author")
    stolen = house.browser()
    for cookie in browser.session.cookie_jar:
        stolen.session.cookie_jar.update_cookies({cookie.key: cookie.value}, URL(house.served.url))
    assert (await stolen.get("/")).url.path == "/"
    assert (await browser.post("/sign-out")).url.path == "/sign-in"
    assert (await stolen.get("/")).url.path == "/sign-in"


async def test_an_invitation_sets_password_and_phone_once_and_ends_old_sessions(house: House) -> None:
    before = await house.signed_in("author")
    db, now = house.served.running.service.db, house.clock.now()
    token = db.write_now(lambda conn: accounts.invite(conn, "author", "admin", now))
    browser = house.browser()
    page = await browser.get(f"/invitation/{token}")
    assert page.status == 200 and "Welcome, author" in page.words and "data:image/svg" in page.text
    seed = typed_seed(page)
    short = {"password": "short", "again": "shorter", "code": "123456"}
    page = await browser.post(f"/invitation/{token}", short)
    assert page.status == 422
    assert all(part in page.words for part in ("it needs 12", "differ", "not the app's code"))
    assert typed_seed(page) == seed, "a mistake in the password must not void the scanned picture"
    good = {"password": "under the old bridge", "again": "under the old bridge", "code": passwords.code_at(seed, now)}
    page = await browser.post(f"/invitation/{token}", good)
    assert page.url.path == "/sign-in"
    assert (await before.get("/")).url.path == "/sign-in"
    assert (await browser.get(f"/invitation/{token}")).status == 410
    house.seeds["author"] = seed
    assert (await try_to_enter(house, browser, password="under the old bridge")).url.path == "/"


def typed_seed(page: Page) -> bytes:
    found = re.search(r'<code class="seed" dir="ltr">([A-Z2-7 ]+)</code>', page.text)
    assert found
    return base64.b32decode(found[1].replace(" ", ""))


async def test_an_invitation_ends_after_a_day_and_a_newer_one_voids_it(house: House) -> None:
    db = house.served.running.service.db
    first, second = (db.write_now(lambda conn: accounts.invite(conn, "author", "admin", house.clock.now())) for _ in range(2))
    browser = house.browser()
    assert (await browser.get(f"/invitation/{first}")).status == 410
    assert (await browser.get(f"/invitation/{second}")).status == 200
    house.clock.forward(INVITED_FOR)
    assert (await browser.get(f"/invitation/{second}")).status == 410


async def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    house.enrol("author")
    browser = house.browser()
    await browser.get("/sign-in")
    data = {"person": "author", "password": PASSWORD, "code": house.code("author"), "mark": browser.mark}
    async with browser.session.post(house.served.url + "/sign-in", data=data, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert answer.status == 303
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


async def test_a_form_from_another_site_or_without_the_mark_changes_nothing(house: House) -> None:
    browser = await house.signed_in("author")
    mark = browser.mark
    for headers, given in [
        ({"Sec-Fetch-Site": "cross-site"}, mark),
        ({"Sec-Fetch-Site": "same-site"}, mark),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
        ({"Sec-Fetch-Site": "same-origin"}, "0" * 32),
    ]:
        page = await browser.post("/sign-out", {"mark": given}, **headers)
        assert page.status == 403
    assert (await browser.get("/")).url.path == "/"


@pytest.mark.parametrize("way", ["https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)", "", "/a\nb"])
async def test_the_door_leads_nowhere_else(way: str) -> None:
    assert inside(way) == "/"


@pytest.mark.parametrize("way", ["/", "/alerts/K7Q2X-1?x=1", "/alerts/new"])
async def test_the_door_leads_back_to_where_somebody_was(way: str) -> None:
    assert inside(way) == way


async def test_a_demo_prints_a_link_that_signs_in_and_shows_the_code_of_now(house: House) -> None:
    house.enrol("author")
    ring = keys.load(house.served.home / "keys.toml")
    browser = house.browser()
    assert (await browser.get(f"/enter/author/{'0' * 24}")).status == 404
    page = await browser.get(f"/enter/author/{demo_pass(ring, 'author')}")
    assert page.url.path == "/" and "Sign out" in page.words
    page = await browser.get("/prove")
    found = re.search(r"your phone would show (\d{6}) now", page.words)
    assert found
    assert (await browser.post("/prove", {"code": found[1], "next": "/"})).url.path == "/"


async def test_where_browsers_can_have_no_passkeys_the_pages_say_so_and_ask_for_none(house: House) -> None:
    """The sample service is reached by an address, and keys are bound to names."""
    browser = await house.signed_in("author")
    assert "Whoever runs it sets TOCSIN_PRIVATE_URL" in (await browser.get("/passkeys")).words
    assert (await browser.post("/passkeys/challenge", {"purpose": "add"})).status == 404
    page = await house.browser().get("/sign-in")
    assert "passkey" not in page.text


async def test_no_other_mode_has_such_a_link(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with opened(tmp_path / "home", migrated_sqlite, mode="training") as training:
        training.enrol("author")
        ring = keys.load(training.served.home / "keys.toml")
        page = await training.browser().get(f"/enter/author/{demo_pass(ring, 'author')}")
        assert page.status == 404
        browser = await training.signed_in("author")
        page = await browser.get("/prove")
        assert "TRAINING: nobody outside is texted" in page.words and "your phone would show" not in page.words
