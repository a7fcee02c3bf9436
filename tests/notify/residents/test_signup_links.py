"""Links and forms as strangers, mail scanners and other sites use them: only a button on our own page does anything."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notify.db import Database
from tests.notify.signup_factory import MAIL, PHONE, House, embedded, field_of

HOSTILE = "<script>alert(1)</script> {{7*7}} {% if %} ${x} %(x)s {0.__class__} \"'><img src=x> </Say><Dial>"


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


def links_in(page: str) -> set[str]:
    return {link for link in re.findall(r'(?:href|action)="(/[^"]*)"', page) if link.startswith("/")}


async def everywhere(home: House) -> set[str]:
    """Every path of ours that any mail, text or page names, with real tokens in it."""
    await home.sign_up(PHONE, "Lents")
    await home.sign_up(MAIL)
    pages = [await home.visit(MAIL)]
    recipient = home.sent.mails[-1][2]
    await home.subscribe("another@example.gov")
    links = {home.sent.link, f"/unsubscribe/{recipient}"}
    await home.post("/en/manage", {"contact": MAIL, "mark": await home.mark("/en/manage")})
    links.add(home.sent.link)
    await home.post("/en/manage", {"contact": "unknown@example.gov", "mark": await home.mark("/en/manage")})
    links.add(home.sent.link)
    for path in ("/subscribe", "/es/subscribe", "/manage", "/en/manage", "/manage/erase", "/en/subscribe/code", *links):
        pages.append((await home.get(path))[1])
    pages.append((await home.subscribe("503-555-0124"))[1])
    return links.union({"/subscribe", "/manage"}, *map(links_in, pages))


async def test_following_links_changes_nothing(home: House) -> None:
    links = await everywhere(home)
    assert len(links) > 30
    before = home.everything()
    sent = len(home.sent.texts) + len(home.sent.mails)
    for link in sorted(links):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await home.client.request(method, link, allow_redirects=False)
            assert answer.status in (200, 303, 404, 405), (method, link, answer.status)
    assert home.everything() == before
    assert len(home.sent.texts) + len(home.sent.mails) == sent


async def test_a_button_pressed_twice_works_once(home: House) -> None:
    await home.sign_up(MAIL)
    await home.subscribe("another@example.gov")
    confirm = home.sent.link
    await home.post("/en/manage", {"contact": MAIL, "mark": await home.mark("/en/manage")})
    manage = home.sent.link
    recipient = home.sent.mails[-1][2]
    form = {"mark": await home.mark()}
    assert [(await home.post(confirm, form))[0] for _ in range(2)] == [200, 410]
    assert [(await home.post(manage, form))[0] for _ in range(2)] == [303, 410]
    for _ in range(2):
        assert (await home.post(f"/unsubscribe/{recipient}", {"List-Unsubscribe": "One-Click"}))[0] == 200
    assert len(home.rows("SELECT * FROM address")) == 2
    assert len(home.rows("SELECT * FROM address WHERE stopped_at IS NOT NULL")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://alerts.example.gov"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    ],
)
async def test_other_sites_cannot_post_for_anybody(home: House, headers: dict[str, str]) -> None:
    await home.subscribe(MAIL)
    link = home.sent.link
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    own = field_of((await home.get("/manage/mine"))[1], "mark")
    before = home.everything()
    form = {"contact": PHONE, "place": "", "language": "en", "agree": "yes", "mark": await home.mark()}
    for path in ("/en/subscribe", "/en/subscribe/code", "/en/manage", "/en/manage/code", link):
        assert (await home.post(path, form, **headers))[0] == 403
    for name in ("add", "remove", "language", "stop", "start", "erase", "leave"):
        assert (await home.post(f"/manage/{name}", {"mark": own, "place": "Lents"}, **headers))[0] == 403
    assert home.everything() == before


async def test_an_old_browser_needs_the_marks_of_our_forms(home: House) -> None:
    """Forms of our pages come with "Origin: null", as those pages tell no referrer."""
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    own, plain = field_of((await home.get("/manage/mine"))[1], "mark"), await home.mark()
    for origin in ({"Origin": "null"}, {"Origin": "https://alerts.example.gov"}, {}):
        for mark, status in ((plain, 403), ("", 403), (own[:-1] + ("0" if own[-1] != "0" else "1"), 403), (own, 303)):
            answer = await home.client.post("/manage/stop", data={"mark": mark}, headers=origin, allow_redirects=False)
            assert answer.status == status


async def test_a_page_left_open_too_long_asks_for_the_button_once_more(home: House) -> None:
    mark = await home.mark()
    home.clock.forward(timedelta(hours=13))
    fields = {"contact": PHONE, "place": "Lents", "language": "vi", "agree": "yes", "mark": mark}
    status, page = await home.post("/en/subscribe", fields)
    assert status == 422 and "Press the button again" in page and home.sent.texts == []
    assert PHONE in page and 'value="Lents"' in page and '<option value="vi" lang="vi" selected>' in page
    assert (await home.post("/en/subscribe", fields | {"mark": field_of(page, "mark")}))[0] == 200


async def test_what_somebody_types_comes_out_as_typed(home: House) -> None:
    status, page = await home.subscribe(HOSTILE, HOSTILE)
    assert status == 422
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} {% if %} ${x} %(x)s {0.__class__}") == 2
    assert "<script" not in page and "<img" not in page and "49" not in page.partition("<main")[2].partition("mark")[0]
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    status, page = await home.act("add", place=HOSTILE, label=HOSTILE)
    assert status == 422 and "<script" not in page and page.count("{{7*7}}") == 2


async def test_nothing_that_was_typed_stands_in_a_mail(home: House) -> None:
    await home.subscribe("x{{7*7}}@example.gov", "1120 SW 5th Ave")
    ((_, content, _),) = home.sent.mails
    for part in (content.body, content.html, content.subject):
        assert "7*7" not in part and "49" not in part and "1120" not in part and "x{" not in part


async def test_typed_controls_and_overrides_of_direction_are_dropped(home: House) -> None:
    status, page = await home.subscribe("\u202d503-555-0123\u202c\x00\n", "Le\u202ents\r\n")
    assert status == 200
    assert "Lents" in (await home.type_code(page, home.sent.code))[1]


async def test_every_page_is_shut_against_other_sites_scripts_and_caches(home: House) -> None:
    for link in sorted(await everywhere(home)):
        answer = await home.client.get(link, allow_redirects=False)
        if answer.status in (404, 405) or link.endswith(".css"):
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'"), link
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        page = await answer.text()
        assert "<script" not in page and "style=" not in page and "http" not in page.replace("https://", "", 0)[:0]


async def test_too_large_a_form_is_refused_before_it_is_read(home: House) -> None:
    assert (await home.post("/en/subscribe", {"contact": "x" * 100_000, "mark": await home.mark()}))[0] == 413


async def test_a_language_we_do_not_speak_leads_nowhere(home: House) -> None:
    assert (await home.get("/fr/subscribe"))[0] == 404
    assert (await home.get("/fr/manage"))[0] == 404
    status, page = await home.get("/subscribe", **{"Accept-Language": "fr, zh-TW;q=0.9, en;q=0.5"})
    assert status == 200 and 'lang="zh-Hant"' in page


async def test_unsubscribe_pages_speak_the_persons_language(home: House) -> None:
    await home.sign_up(MAIL, "97214", "ar")
    await home.subscribe(MAIL)
    path = f"/unsubscribe/{home.sent.mails[-1][2]}"
    for page in ((await home.get(path))[1], (await home.post(path, {}))[1]):
        assert '<html lang="ar" dir="rtl">' in page and "e-mail" not in page.partition("<main")[2]
