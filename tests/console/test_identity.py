"""Signing in through the city's identity provider, end to end: a running service, a provider on its own socket, browsers."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from notify import audit
from notify.console.door import UNUSED
from notify.console.identity import BEGIN_AGAIN, DECLINED, NOTHING_HELD, SAID
from notify.identity import links
from notify.identity.claims import Lack
from notify.identity.links import Account
from notify.identity.provider import KEYS_AGAIN_S
from notify.identity.visits import ASKED_FOR, Why
from notify.staff import accounts, people
from notify.staff.accounts import PROVED_FOR
from tests.console.staff_factory import Browser, House, Page, opened
from tests.console.test_sixty_seconds import TICKED
from tests.notify.identity.provider_server import CLIENT, SECRET, IdentityServer, identity_server, rsa_key
from tests.notify.newsroom_factory import BOIL_WATER

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASE = "http://127.0.0.1:8081"
NAME = "City account"
RETURN = "/sign-in/identity/return"


@dataclass(slots=True)
class City:
    """A house whose staff have accounts elsewhere. passed: the seconds our side believes to have gone by."""

    house: House
    server: IdentityServer

    @property
    def ours(self) -> Any:
        return self.house.served.running.service.identity

    def link(self, person: str, subject: str) -> None:
        db, now = self.house.served.running.service.db, self.house.clock.now()
        db.write_now(lambda conn: links.link(conn, person, Account(issuer=self.server.url, subject=subject), "test", now))

    def honest(self) -> None:
        """As on a quiet morning: nobody is signed in there before the test says who."""
        self.server.subject, self.server.shown_at, self.server.names = "s-none", None, ""
        for lies in (self.server.claims, self.server.header, self.server.statuses, self.server.bodies, self.server.hangs):
            lies.clear()
        self.house.clock.forward(timedelta(minutes=1))

    async def begun(self, browser: Browser, path: str = "/sign-in/identity", **fields: str) -> URL:
        """Presses the button; returns where the page leads to."""
        page = await browser.post(path, fields)
        assert page.status == 200, page.words
        return led(page)

    async def answered(self, way: URL) -> URL:
        """What the provider sends the browser back with."""
        async with aiohttp.ClientSession() as session, session.get(way, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return URL(answer.headers["Location"])

    async def entered(self, subject: str, browser: Browser | None = None, **fields: str) -> tuple[Browser, Page]:
        """The whole way through, up to the page that leads on."""
        browser = browser or self.house.browser()
        self.server.subject = subject
        await browser.get("/sign-in")
        back = await self.answered(await self.begun(browser, **fields))
        assert str(back.with_query(None)) == BASE + RETURN
        return browser, await browser.get(back.path_qs)

    def log(self) -> list[tuple[str, str, str]]:
        lines = self.house.served.running.service.db.read_now(audit.lines)
        return [(line.actor, line.action, line.subject) for line in lines]


def led(page: Page) -> URL:
    """Where a page leads by itself; its link leads there, too."""
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.text)
    assert found, page.words
    assert f'href="{found[1]}"' in page.text
    return URL(unescape(found[1]))


@asynccontextmanager
async def a_city(home: Path, migrated: Path, **settings: Any) -> AsyncIterator[City]:
    times: list[Callable[[], datetime]] = []
    async with identity_server(lambda: times[0]()) as server:
        server.redirects.add(BASE + RETURN)
        given = {"oidc_issuer": server.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, "private_url": BASE}
        async with opened(home, migrated, **(given | settings)) as house:
            times.append(house.clock.now)
            yield City(house, server)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[City]:
    async with a_city(tmp_path_factory.mktemp("city") / "home", migrated_sqlite) as found:
        for person in ("author", "approver", "admin"):
            found.link(person, f"s-{person}")
        yield found


@pytest.fixture
def city(whole: City) -> City:
    whole.honest()
    return whole


async def test_whoever_is_linked_signs_in_by_one_button_and_is_led_to_where_they_were(city: City) -> None:
    browser, page = await city.entered("s-author", next="/alerts?a=1")
    assert str(led(page)) == "/alerts?a=1"
    page = await browser.get("/alerts")
    assert page.status == 200 and "author" in page.words and page.url.path == "/alerts"
    assert ("author", "signed in", "author") in city.log()


async def test_the_door_offers_both_ways_and_hides_neither(city: City) -> None:
    page = await city.house.browser().get("/sign-in")
    assert f"Sign in with {NAME}" in page.words and 'name="password"' in page.text


async def test_the_answer_s_cookie_is_lax_and_short_and_the_session_s_stays_strict(city: City) -> None:
    browser = city.house.browser()
    await browser.get("/sign-in")
    data, url = {"mark": browser.mark, "next": "/"}, city.house.served.url
    async with browser.session.post(f"{url}/sign-in/identity", data=data) as answer:
        cookie = answer.headers["Set-Cookie"]
        way = led(Page(answer.status, answer.url, await answer.text(), answer.headers))
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Max-Age=600"))
    city.server.subject = "s-author"
    back = await city.answered(way)
    async with browser.session.get(f"{url}{back.path_qs}", allow_redirects=False) as answer:
        cookies = answer.headers.getall("Set-Cookie")
    assert any("tocsin=" in one and "SameSite=Strict" in one and "HttpOnly" in one for one in cookies)
    assert any("tocsin-identity=" in one and "Max-Age=0" in one for one in cookies)


async def test_an_account_that_nobody_linked_opens_nothing_whatever_mailbox_it_names(city: City) -> None:
    city.server.claims |= {"email": "admin@example.gov", "email_verified": True, "preferred_username": "admin", "name": "admin"}
    browser, page = await city.entered("s-stranger")
    assert page.status == 403 and SAID[Why.NOBODY] in page.words and "s-stranger" in page.words
    assert (await browser.get("/")).url.path == "/sign-in"


@pytest.mark.parametrize("lie", [{"nonce": "x"}, {"aud": "x"}, {"exp": 1}, {"iss": "https://x.example.gov"}, {"azp": "x"}])
async def test_a_token_that_lies_lets_nobody_in(city: City, lie: dict[str, Any]) -> None:
    city.server.claims |= lie
    browser, page = await city.entered("s-author")
    assert page.status == 422 and NOTHING_HELD in page.words
    assert (await browser.get("/")).url.path == "/sign-in"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_that_nobody_signed_lets_nobody_in(city: City, algorithm: str) -> None:
    city.server.header["alg"] = algorithm
    browser, page = await city.entered("s-author")
    assert NOTHING_HELD in page.words and (await browser.get("/")).url.path == "/sign-in"


async def test_an_answer_is_good_once(city: City) -> None:
    browser = city.house.browser()
    await browser.get("/sign-in")
    city.server.subject = "s-author"
    back = await city.answered(await city.begun(browser))
    jar = {cookie.key: cookie.value for cookie in browser.session.cookie_jar}
    assert str(led(await browser.get(back.path_qs))) == "/"
    browser.session.cookie_jar.update_cookies(jar, URL(city.house.served.url))  # whoever kept it
    page = await browser.get(back.path_qs)
    assert page.status == 422 and BEGIN_AGAIN in page.words


async def test_another_browser_s_answer_is_none_of_mine(city: City) -> None:
    """Nobody is made to sign in as somebody else by a link that somebody sends them."""
    mine, theirs = city.house.browser(), city.house.browser()
    for browser in (mine, theirs):
        await browser.get("/sign-in")
        browser.mark = (await browser.get("/sign-in")).mark
    city.server.subject = "s-author"
    back = await city.answered(await city.begun(theirs))
    page = await mine.get(back.path_qs)
    assert BEGIN_AGAIN in page.words
    await city.begun(mine)
    page = await mine.get(back.path_qs)
    assert BEGIN_AGAIN in page.words and (await mine.get("/")).url.path == "/sign-in"
    assert str(led(await theirs.get(back.path_qs))) == "/", "what others tried has not cost them their own"


async def test_an_answer_after_ten_minutes_is_too_late(city: City) -> None:
    browser = city.house.browser()
    await browser.get("/sign-in")
    city.server.subject = "s-author"
    back = await city.answered(await city.begun(browser))
    city.house.clock.forward(ASKED_FOR)
    assert BEGIN_AGAIN in (await browser.get(back.path_qs)).words


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"iss": "https://login.example.gov/another"}, NOTHING_HELD),
        ({"iss": None}, NOTHING_HELD),
        ({"code": None}, DECLINED),
        ({"error": "access_denied"}, DECLINED),
        ({"code": "x" * 5000}, DECLINED),
        ({"code": "invented"}, NOTHING_HELD),
        ({"state": "invented"}, BEGIN_AGAIN),
        ({"state": None}, BEGIN_AGAIN),
    ],
)
async def test_an_answer_that_is_not_the_provider_s_own_opens_nothing(city: City, change: dict[str, Any], told: str) -> None:
    browser = city.house.browser()
    await browser.get("/sign-in")
    city.server.subject = "s-author"
    back = await city.answered(await city.begun(browser))
    query = {name: value for name, value in (dict(back.query) | change).items() if value is not None}
    page = await browser.get(back.with_query(query).path_qs)
    assert page.status == 422 and told in page.words
    assert (await browser.get("/")).url.path == "/sign-in"


async def test_when_the_provider_is_down_the_door_says_so_and_password_and_code_work(city: City) -> None:
    city.house.enrol("viewer")
    browser = city.house.browser()
    await browser.get("/sign-in")
    city.server.subject = "s-author"
    way = await city.begun(browser)
    back = await city.answered(way)
    city.server.statuses["/token"] = 503
    page = await browser.get(back.path_qs)
    assert page.status == 503 and f"{NAME} cannot be reached now." in page.words and 'name="password"' in page.text
    assert "did not answer a moment ago" in page.words
    browser = await city.house.signed_in("viewer")
    assert (await browser.get("/")).url.path == "/"
    city.server.statuses.clear()
    city.ours.passed = lambda: 10_000_000.0  # all that was read of it is old by now
    try:
        city.server.statuses["/.well-known/openid-configuration"] = 500
        browser = city.house.browser()
        await browser.get("/sign-in")
        page = await browser.post("/sign-in/identity")
        assert page.status == 503 and f"{NAME} cannot be reached now." in page.words
        city.server.statuses.clear()
        assert (await city.entered("s-author"))[1].status == 200
    finally:
        city.ours.passed = lambda: 20_000_000.0


async def test_a_new_key_of_the_provider_costs_nobody_the_way_in(city: City) -> None:
    await city.entered("s-author")
    before = city.ours.passed()
    city.server.keys, city.server.signs = {"k9": rsa_key("second")}, "k9"
    city.ours.passed = lambda: before + KEYS_AGAIN_S
    _, page = await city.entered("s-author")
    assert page.status == 200, page.words


async def test_whoever_is_disabled_is_out_at_once_and_told_so_at_the_door(city: City) -> None:
    db, now = city.house.served.running.service.db, city.house.clock.now()
    db.write_now(lambda conn: people.add(conn, "leaver", ["viewer"], {}, now))
    city.link("leaver", "s-leaver")
    browser, _ = await city.entered("s-leaver")
    assert (await browser.get("/")).url.path == "/"
    db.write_now(lambda conn: accounts.disable(conn, "leaver", "admin", now))
    assert (await browser.get("/")).url.path == "/sign-in"
    _, page = await city.entered("s-leaver")
    assert page.status == 403 and SAID[Why.DISABLED] in page.words


async def test_an_invitation_is_used_by_signing_in_there_once(city: City) -> None:
    db, now = city.house.served.running.service.db, city.house.clock.now()
    db.write_now(lambda conn: people.add(conn, "newcomer", ["author"], {}, now))
    token = db.write_now(lambda conn: accounts.invite(conn, "newcomer", "admin", now))
    browser = city.house.browser()
    page = await browser.get(f"/invitation/{token}")
    assert f"Use {NAME}" in page.words
    city.server.subject, city.server.shown_at = "s-newcomer", city.house.clock.now() - timedelta(hours=3)
    way = await city.begun(browser, f"/invitation/{token}/identity")
    assert way.query["prompt"] == "login", "whoever left this browser signed in there must not be linked"
    page = await browser.get((await city.answered(way)).path_qs)
    assert str(led(page)) == "/"
    assert "newcomer" in (await browser.get("/")).words
    assert (await browser.get(f"/invitation/{token}")).status == 410
    page = await browser.post(f"/invitation/{token}/identity")
    assert page.status == 410 and UNUSED[1][0] in page.words
    again, _ = await city.entered("s-newcomer")
    assert (await again.get("/")).url.path == "/"


async def test_an_approval_asks_for_signing_in_anew_and_takes_nothing_less(city: City) -> None:
    served = city.house.served
    _, alert = await served.call("author", "POST", "/alerts", BOIL_WATER)
    await served.call("author", "POST", f"/alerts/{alert['alert_id']}/submit")
    decide = f"/alerts/{alert['alert_id']}/approval"
    city.server.shown_at = city.house.clock.now() - PROVED_FOR  # the provider remembers them from before
    browser, _ = await city.entered("s-approver")
    page = await browser.get(decide)
    assert f"Or sign in anew with {NAME}" in page.words and 'name="code"' in page.text
    digest = re.search(r'name="digest" value="([^"]+)"', page.text)
    assert digest
    ticked = dict(TICKED) | {"digest": digest[1], "act": "send"}
    page = await browser.post(decide, ticked | {"code": ""})
    assert page.status == 422, "remembering is not showing"

    way = await city.begun(browser, "/prove/identity", next=decide)
    assert way.query["prompt"] == "login" and way.query["max_age"] == "0"
    city.server.claims["auth_time"] = int((city.house.clock.now() - timedelta(hours=1)).timestamp())
    page = await browser.get((await city.answered(way)).path_qs)
    assert page.status == 422 and NOTHING_HELD in page.words, "a provider that did not ask anew has shown nothing"
    city.server.claims.clear()

    city.server.subject = "s-admin"
    page = await browser.get((await city.answered(await city.begun(browser, "/prove/identity", next=decide))).path_qs)
    assert page.status == 403 and SAID[Why.OTHER] in page.words
    assert 'name="code"' in (await browser.get(decide)).text

    city.server.subject = "s-approver"
    page = await browser.get((await city.answered(await city.begun(browser, "/prove/identity", next=decide))).path_qs)
    assert str(led(page)) == decide
    page = await browser.get(decide)
    assert 'name="code"' not in page.text
    page = await browser.post(decide, ticked)
    assert page.status == 200 and page.url.path == f"/alerts/{alert['alert_id']}", page.words
    assert ("approver", "showed at the identity provider who they are", "approver") in city.log()


async def test_whoever_just_signed_in_there_by_hand_need_not_do_so_again_to_approve(city: City) -> None:
    city.server.shown_at = city.house.clock.now()
    browser, _ = await city.entered("s-approver")
    visit = browser.session.cookie_jar.filter_cookies(URL(city.house.served.url))["tocsin"].value
    db, now = city.house.served.running.service.db, city.house.clock.now()
    found = db.read_now(lambda conn: accounts.visit(conn, visit, now))
    assert found is not None and found.proved(now)


async def test_whoever_is_not_linked_cannot_show_there_who_they_are(city: City) -> None:
    browser = await city.house.signed_in("viewer")
    city.house.clock.forward(PROVED_FOR)
    page = await browser.get("/prove")
    assert "anew with" not in page.words
    assert (await browser.post("/prove/identity", {"next": "/"})).status == 403


async def test_signing_out_ends_our_session_and_leads_to_signing_out_there(city: City) -> None:
    browser, _ = await city.entered("s-author")
    await browser.get("/")
    page = await browser.post("/sign-out")
    way = led(page)
    assert way.query["id_token_hint"] == city.server.tokens[-1] and way.query["post_logout_redirect_uri"] == f"{BASE}/sign-in"
    assert str(await city.answered(way)) == f"{BASE}/sign-in"
    assert city.server.subject is None, "at a shared desk the next one does not come in by the button alone"
    assert (await browser.get("/")).url.path == "/sign-in"
    local = await city.house.signed_in("viewer")
    assert (await local.post("/sign-out")).url.path == "/sign-in", "whoever did not come from there is not sent there"


async def test_linking_an_approver_takes_two_administrators_and_an_author_one(city: City) -> None:
    db, now = city.house.served.running.service.db, city.house.clock.now()
    for person, role in (("second-admin", "admin"), ("night-approver", "approver"), ("night-author", "author")):
        db.write_now(lambda conn, who=person, what=role: people.add(conn, who, [what], {}, now))  # type: ignore[misc]
    admin, second = await city.house.signed_in("admin"), await city.house.signed_in("second-admin")
    await admin.get("/people")
    page = await admin.post("/people/night-author/identity", {"subject": "s-night-author"})
    assert "night-author: linked." in page.words
    page = await admin.post("/people/night-approver/identity", {"subject": "s-night"})
    assert "another administrator has to agree first" in page.words and "s-night" in page.words
    assert db.read_now(lambda conn: links.of(conn, "night-approver")) is None
    _, refused = await city.entered("s-night")
    assert refused.status == 403
    (grant,) = re.findall(r'action="(/grants/\d+)"', (await second.get("/people")).text)
    assert (await admin.post(grant, {"act": "give"})).status == 403
    page = await second.post(grant, {"act": "give"})
    assert "night-approver: linked." in page.words
    browser, _ = await city.entered("s-night")
    assert "night-approver" in (await browser.get("/")).words
    page = await admin.post("/people/night-approver/identity/remove")
    assert "linked no more" in page.words
    assert (await browser.get("/")).url.path == "/sign-in"
    status, reply = await city.house.served.call("admin", "POST", "/staff/night-approver/identity", {"subject": "s-author"})
    assert status == 422 and "linked to author" in str(reply)
    status, reply = await city.house.served.call("admin", "POST", "/staff/night-author/identity/remove")
    assert status == 200 and reply["linked"] is False


async def test_a_link_that_leads_elsewhere_leads_nowhere(city: City) -> None:
    _, page = await city.entered("s-author", next="https://example.com/")
    assert str(led(page)) == "/"


async def test_the_city_s_own_terms_hold(tmp_path: Path, migrated_sqlite: Path) -> None:
    """A group, a second factor, and a proof of one's own before approvals."""
    terms = {"oidc_require": "groups=tocsin", "oidc_amr": "mfa hwk", "oidc_proves": False, "oidc_name": "Keycloak"}
    async with a_city(tmp_path / "home", migrated_sqlite, **terms) as city:
        city.link("author", "s-author")
        _, page = await city.entered("s-author")
        assert page.status == 403 and SAID[Lack.GROUP] in page.words
        city.server.claims["groups"] = ["staff", "tocsin"]
        _, page = await city.entered("s-author")
        assert page.status == 403 and SAID[Lack.MEANS] in page.words
        city.server.claims["amr"] = ["pwd", "mfa"]
        city.server.shown_at = city.house.clock.now()
        browser, page = await city.entered("s-author")
        assert str(led(page)) == "/"
        assert "anew with" not in (await browser.get("/prove")).words, "only their own code or passkey shows it"
        assert (await browser.post("/prove/identity", {"next": "/"})).status == 403
        visit = browser.session.cookie_jar.filter_cookies(URL(city.house.served.url))["tocsin"].value
        now = city.house.clock.now()
        found = city.house.served.running.service.db.read_now(lambda conn: accounts.visit(conn, visit, now))
        assert found is not None and not found.proved(now)


async def test_without_a_provider_there_is_no_such_door(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with opened(tmp_path / "home", migrated_sqlite) as house:
        browser = house.browser()
        page = await browser.get("/sign-in")
        assert "/sign-in/identity" not in page.text
        assert (await browser.get(f"{RETURN}?state=a&code=b")).status == 404
        assert (await browser.post("/sign-in/identity")).status == 404
