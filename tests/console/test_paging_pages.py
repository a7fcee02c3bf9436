"""Staff paged for real: a simulated carrier and mail relay over sockets, phones confirmed by codes, links that open once."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify.alerts import register
from notify.staff import paging_rows, staff_contacts
from notify.staff.paging import LINK_FOR
from tests.console.post_factory import PATIENCE_S, Post, posted
from tests.console.staff_factory import Browser, Page
from tests.console.test_sixty_seconds import HOW, TICKED, begun, decision, form, submitted, version_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE, DEPUTY, MAILBOX, OWN = "+15035550141", "+15035550142", "approver@example.gov", "+15035550151"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Post]:
    async with posted(tmp_path_factory.mktemp("house"), migrated_sqlite) as found:
        yield found


@pytest.fixture
def deputy(post: Post) -> Iterator[None]:
    """The deputy can be reached in this test alone: whoever is paged in the others is counted."""
    yield
    post.proven.discard(("deputy", DEPUTY))
    db, now = post.house.served.running.service.db, post.house.clock.now()
    db.write_now(lambda conn: staff_contacts.remove(conn, "deputy", "sms", "deputy", now))


async def proven(post: Post, person_id: str, address: str) -> Browser:
    """The person's browser, after they gave an address and typed the code that came to it (once: codes are few an hour)."""
    post.house.clock.forward(timedelta(seconds=1))
    if (person_id, address) in post.proven:
        return await post.house.signed_in(person_id)
    post.proven.add((person_id, address))
    browser = await post.house.signed_in(person_id)
    channel = "email" if "@" in address else "sms"
    come = partial(post.mails, address) if channel == "email" else partial(post.texts, address)
    before = len(come())
    await browser.get("/contacts")
    page = await browser.post("/contacts/give", {"address": address})
    assert "A code is on its way" in page.words, page.words
    got = await post.until(come, before + 1)
    code = re.search(r"\b\d{6}\b", got if channel == "email" else got["body"])
    assert code
    page = await browser.post("/contacts/confirm", {"channel": channel, "code": code[0]})
    assert "confirmed" in page.words, page.words
    return browser


def link_in(text: str) -> str:
    found = re.search(r"http://console\.example\.gov(/p/[0-9]+-[0-9a-f]{32})", text)
    assert found, text
    return found[1]


def texts_about(post: Post, number: str, alert_id: str) -> list[dict[str, Any]]:
    """Of this alert alone: another test's may wait for approval still, and its approvers are paged again."""
    return [one for one in post.texts(number) if alert_id in one["body"]]


def mails_about(post: Post, address: str, alert_id: str) -> list[str]:
    return [one for one in post.mails(address) if alert_id in one]


async def paged(post: Post, alert_id: str) -> str:
    """The text by which the approver was paged about an alert."""
    return str((await post.until(partial(texts_about, post, PHONE, alert_id)))["body"])


async def crew(post: Post) -> tuple[Browser, Browser]:
    """An author and an approver with phone and mailbox."""
    approver = await proven(post, "approver", PHONE)
    await proven(post, "approver", MAILBOX)
    return await post.house.signed_in("author"), approver


async def test_an_address_counts_only_after_its_code_and_a_wrong_code_is_refused(post: Post) -> None:
    browser = await post.house.signed_in("viewer")
    await browser.get("/contacts")
    page = await browser.post("/contacts/give", {"address": "(503) 555-0161"})
    await post.until(partial(post.texts, "+15035550161"))
    page = await browser.post("/contacts/confirm", {"channel": "sms", "code": "12345"})
    assert page.status == 422 and "not the code that was sent there" in page.words
    page = await browser.get("/contacts")
    assert "+1503…61" in page.words and "5550161" not in page.text and "The code sent there" in page.words


async def test_a_demo_pages_numbers_in_exchange_555_only(post: Post) -> None:
    browser = await post.house.signed_in("viewer")
    await browser.get("/contacts")
    for address in ("503-222-3141", "somebody@portlandoregon.gov", "twelve"):
        assert (await browser.post("/contacts/give", {"address": address})).status == 422


async def test_asking_for_approval_pages_phone_and_mailbox_and_the_link_opens_the_page_once(post: Post) -> None:
    author, approver = await crew(post)
    alert_id = await submitted(author)
    text = await paged(post, alert_id)
    mail = await post.until(partial(mails_about, post, MAILBOX, alert_id))
    assert text.startswith("DEMO. Approval wanted: Boil tap water, Lents.")
    assert "asks you to decide" in mail and link_in(mail) != link_in(text)
    page = await approver.get(link_in(text))
    assert page.url.path == f"/alerts/{alert_id}/approval" and "author wants to send" in _flat(page)
    assert (await approver.get(link_in(text))).url.path == "/", "used: to the door, which lets a signed-in person in"
    page = await author.get(f"/alerts/{alert_id}/approval")
    assert "You wrote this. Somebody else must approve it." in page.words and "opened" in page.words
    assert page.words.count("handed to the carrier") == 2


async def test_a_link_leads_to_the_door_first_and_from_there_to_its_page(post: Post) -> None:
    author, _ = await crew(post)
    alert_id = await submitted(author)
    link = link_in(await paged(post, alert_id))
    stranger = post.house.browser()
    page = await stranger.get(link)
    assert page.url.path == "/sign-in" and page.url.query["next"] == link and 'value="approver"' in page.text
    assert (await author.get(link)).url.path == "/", "somebody else's"
    assert (await stranger.get(link[:-1] + ("0" if link[-1] != "0" else "1"))).url.query == {}
    approver = await post.house.signed_in("approver")
    assert (await approver.get(link)).url.path == f"/alerts/{alert_id}/approval"


async def test_a_link_is_old_after_an_hour(post: Post) -> None:
    author, _ = await crew(post)
    link = link_in(await paged(post, await submitted(author)))
    post.house.clock.forward(LINK_FOR)
    page = await post.house.browser().get(link)
    assert page.url.path == "/sign-in" and page.url.query == {}


async def test_the_page_and_its_link_give_no_power(post: Post) -> None:
    author, _ = await crew(post)
    alert_id = await submitted(author)
    link = link_in(await paged(post, alert_id))
    approver = await post.house.signed_in("approver")
    post.house.clock.forward(timedelta(minutes=6))
    await approver.get(link)
    page = await decision(approver, alert_id)
    assert page.status == 422 and "not the code of now" in page.words


async def test_they_are_paged_again_from_the_authors_page(post: Post) -> None:
    author, _ = await crew(post)
    alert_id = await submitted(author)
    await paged(post, alert_id)
    await author.get(f"/alerts/{alert_id}/approval")
    page = await author.post(f"/alerts/{alert_id}/pages")
    assert page.url.path == f"/alerts/{alert_id}/approval" and page.words.count("handed to the carrier") == 4
    assert len(texts_about(post, PHONE, alert_id)) == 2
    assert (await author.post(f"/alerts/{alert_id}/pages")).status == 409


@pytest.mark.usefixtures("deputy")
async def test_an_administrator_arranges_who_is_called_but_cannot_confirm_for_them(post: Post) -> None:
    admin = await post.house.signed_in("admin")
    page = await admin.get("/on-call")
    assert "deputy" in page.words and "nowhere" in page.words
    page = await admin.post("/on-call/deputy/give", {"address": DEPUTY})
    assert "code not typed yet" in page.words
    await admin.post("/on-call/deputy/call", {"hours": "8"})
    page = await admin.post("/on-call/deputy/turn", {"turn": "5"})
    assert page.url.path == "/on-call" and 'value="5"' in page.text
    assert (await admin.post("/on-call/deputy/turn", {"turn": "0"})).status == 422
    await admin.post("/on-call/deputy/call", {"hours": "0"})


@pytest.mark.usefixtures("deputy")
async def test_deputies_have_the_page_as_soon_as_the_glass_is_broken(post: Post) -> None:
    """From the press of the button to the carrier's own log. The promise is a second; on a machine that runs other tests at the
    same moment it takes what it takes."""
    await crew(post)
    await proven(post, "deputy", DEPUTY)
    took_s, page_s = await glass_broken(post)
    print(f"both deputies had the text {took_s:.3f} s after the press; showing the page took {page_s:.3f} s")
    assert took_s < PATIENCE_S


async def glass_broken(post: Post) -> tuple[float, float]:
    """Seconds until both deputies have been told that somebody sends alone; and what showing the decision page took."""
    author = await post.house.signed_in("author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": "wildfire_leave_now"})
    alert_id = page.url.path.split("/")[2]
    typed = {"slot-toward": "NW Front Ave", "where": "names", "ends": "at", "version": version_of(page), "act": "submit"}
    await author.post(f"/alerts/{alert_id}/edit", [*typed.items(), *HOW])
    reason, code = "No approver answers and the fire is at Linnton.", post.house.code("author")
    asked = datetime.now().astimezone()
    page = await author.get(f"/alerts/{alert_id}/approval")
    page_s = (datetime.now().astimezone() - asked).total_seconds()
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', page.text)
    assert digest
    decided = TICKED | {"act": "alone", "reason": reason, "code": code, "digest": digest[1]}
    clicked = datetime.now().astimezone()
    page = await author.post(f"/alerts/{alert_id}/approval", decided)
    assert page.url.path == f"/alerts/{alert_id}", page.words
    lines = [await post.until(partial(alone_to, post, number, alert_id)) for number in (PHONE, DEPUTY)]
    assert all(reason in line["body"] for line in lines)
    assert [len(alone_to(post, number, alert_id)) for number in (PHONE, DEPUTY)] == [1, 1], "once, by request and tick together"
    return max((datetime.fromisoformat(line["at"]) - clicked).total_seconds() for line in lines), page_s


def alone_to(post: Post, number: str, alert_id: str) -> list[dict[str, Any]]:
    return [one for one in texts_about(post, number, alert_id) if "SENT BY ONE PERSON ALONE" in one["body"]]


async def test_a_test_to_oneself_says_so_first_and_reaches_nobody_else(post: Post) -> None:
    author = await proven(post, "author", OWN)
    alert_id, version = await begun(author)
    before, all_before = len(post.texts(OWN)), len(post.lines("sms"))
    page = await author.post(f"/alerts/{alert_id}/rehearsal", form(version, "", to="me", show="es"), **{"HX-Request": "true"})
    assert page.status == 200 and "<html" not in page.text and "handed to the carrier" in page.words, page.words
    text = (await post.until(partial(post.texts, OWN), before + 1))["body"]
    assert text.upper().startswith(("SOLO UNA PRUEBA", "TEST ONLY", "SOLO PRUEBA")) and "AGUA" in text
    left = [one for one in post.lines("sms")[all_before:] if "Approval wanted" not in one["body"] or alert_id in one["body"]]
    assert [one["to"] for one in left] == [OWN]
    assert version_of(await author.get(f"/alerts/{alert_id}/edit")) == version, "nothing was kept"


async def test_a_draft_with_problems_is_not_sent_to_anybody_and_the_limit_of_an_hour_holds(post: Post) -> None:
    await crew(post)
    author = await proven(post, "author", OWN)
    alert_id, version = await begun(author)
    wrong = form(version, "", to="me", **{"slot-address": ""})
    page = await author.post(f"/alerts/{alert_id}/rehearsal", wrong)
    assert page.status == 422 and "The slot address is empty" in page.words and "Nothing was sent" in page.words
    pages = []
    for _ in range(4):
        post.house.clock.forward(timedelta(seconds=1))
        pages.append(await author.post(f"/alerts/{alert_id}/rehearsal", form(version, "", to="duty")))
    assert [one.status for one in pages] == [200, 200, 200, 422] and "within an hour" in pages[-1].words


async def test_the_log_of_the_service_never_holds_a_link_or_an_address(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    author, _ = await crew(post)
    with caplog.at_level("DEBUG"):
        alert_id = await submitted(author)
        link = link_in(await paged(post, alert_id))
        await post.house.browser().get(link)
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("notify", "channels.sms", "channels.twilio"))]
    assert not [line for line in ours if link[3:] in line or PHONE in line or MAILBOX in line]
    db = post.house.served.running.service.db
    assert db.read_now(lambda conn: paging_rows.history(conn, alert_id))
    assert db.read_now(lambda conn: register.alert(conn, alert_id)).status == "pending"


def _flat(page: Page) -> str:
    """A page's words without the signs that keep names in their own direction."""
    return re.sub("[\u2066-\u2069]", "", page.words)


async def test_by_the_api_a_text_is_tried_on_oneself_and_they_are_paged_again(post: Post) -> None:
    author, _ = await crew(post)
    await proven(post, "author", OWN)
    served, before = post.house.served, len(post.texts(OWN))
    alert_id = await submitted(author)
    status, reply = await served.call("author", "POST", f"/alerts/{alert_id}/rehearse", {"to": "me", "language": "es"})
    assert status == 200 and [one["person_id"] for one in reply["pages"]] == ["author"], reply
    assert (await post.until(partial(post.texts, OWN), before + 1))["body"].startswith("SOLO UNA PRUEBA")
    status, reply = await served.call("author", "POST", f"/alerts/{alert_id}/page")
    assert status == 200 and {one["person_id"] for one in reply["pages"]} >= {"approver"}
    assert (await served.call("author", "POST", f"/alerts/{alert_id}/page"))[0] == 409
    assert (await served.call("viewer", "POST", f"/alerts/{alert_id}/rehearse", {}))[0] == 403


async def test_what_is_given_by_the_api_leaves_by_the_same_lines_and_stands_on_the_page(post: Post) -> None:
    served, browser, number = post.house.served, await post.house.signed_in("lead311"), "+15035550171"
    given = {"address": number, "code": post.house.code("lead311")}
    status, reply = await served.call("lead311", "POST", "/contacts/give", given)
    assert status == 200 and reply["contacts"] == [{"channel": "sms", "shown": "+1503…71", "confirmed": False}], reply
    code = re.search(r"\b\d{6}\b", (await post.until(partial(post.texts, number)))["body"])
    assert code
    status, reply = await served.call("lead311", "POST", "/contacts/confirm", {"channel": "sms", "code": code[0]})
    assert status == 200 and reply["contacts"][0]["confirmed"]
    page = await browser.get("/contacts")
    assert "+1503…71" in page.words and "confirmed" in page.words and "The code sent there" not in page.words
