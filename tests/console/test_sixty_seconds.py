"""From "hazard known" to "sent", by two people at two browsers, with every page they see on the way."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from shapely.geometry import box

from notify.alerts import locator
from notify.alerts.assembly import Assembly
from notify.wording.render import BadSubject
from subscribers import atlas, store
from subscribers.areas import NamedShape
from subscribers.place import Point
from tests.console.staff_factory import Browser, House, Page
from tests.subscribers.factories import a_person

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOIL_WATER = {
    "slot-cause": "ecoli",
    "slot-samples": "3",
    "slot-happened": "2026-05-03T14:00",
    "slot-learned": "2026-05-04T08:15",
    "slot-doing": "testing",
    "slot-address": "1120 SW 5th Ave, Portland, OR 97204",
    "ends": "cleared",
    "where": "names",
}
HOW = [("names", "Lents"), ("channels", "sms"), ("channels", "feed")]
PHONES = re.compile(r"Send to ([\d,]+) phones")
TICKED = {"act": "send", "read_words": "yes", "read_place": "yes", "understand": "yes"}


async def begun(browser: Browser) -> tuple[str, str]:
    """A new draft of a boil-water alert: its id and version."""
    await browser.get("/alerts/new")
    page = await browser.post("/alerts/new", {"hazard": "boil_water"})
    assert page.status == 200
    found = re.fullmatch(r"/alerts/([A-Z0-9]+-1)/edit", page.url.path)
    assert found, page.url
    return found[1], version_of(page)


def version_of(page: Page) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found
    return found[1]


def form(version: str, act: str, **changes: str) -> list[tuple[str, str]]:
    return [*(BOIL_WATER | {"version": version, "act": act} | changes).items(), *HOW]


async def submitted(browser: Browser) -> str:
    alert_id, version = await begun(browser)
    page = await browser.post(f"/alerts/{alert_id}/edit", form(version, "submit"))
    assert page.url.path == f"/alerts/{alert_id}", page.words
    return alert_id


async def decision(browser: Browser, alert_id: str, **given: str) -> Page:
    page = await browser.get(f"/alerts/{alert_id}/approval")
    found = re.search(r'name="digest" value="([0-9a-f]+)"', page.text)
    digest = found[1] if found else ""
    return await browser.post(f"/alerts/{alert_id}/approval", TICKED | {"digest": digest} | given)


async def test_an_alert_goes_from_two_browsers_to_the_public(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    page = await approver.get("/")
    waiting = re.findall(r'<a class="subject" href="/alerts/([A-Z0-9]+-[0-9]+)/approval">', page.text)
    assert waiting.count(alert_id) == 1 and f"Waiting for approval ({len(waiting)})" in page.words
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert "BOIL" in page.words and "Lents" in page.words and "author wants to send" in page.words
    assert len(page.text.encode()) < 15 * 1024, "it opens on a phone with one bar"
    page = await decision(approver, alert_id)
    assert page.url.path == f"/alerts/{alert_id}" and page.status == 200, page.words
    await house.until(alert_id, "active")
    assert "Sent, in force" in (await author.get(f"/alerts/{alert_id}")).words


async def test_both_read_what_each_text_says_in_english_word_for_word(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    decision_page = await approver.get(f"/alerts/{alert_id}/approval")
    assert f'href="/alerts/{alert_id}/approval/words"' in decision_page.text
    page = await approver.get(f"/alerts/{alert_id}/approval/words")
    tongues = len(house.served.running.service.assembly.city.pack.languages) - 1
    assert page.words.count("In English, word for word:") >= tongues > 0
    assert "BOIL THE TAP WATER for 1 full minute before drinking it" in page.words
    await decision(approver, alert_id)
    await house.until(alert_id, "active")
    assert "BOIL THE TAP WATER for 1 full minute" in (await author.get(f"/alerts/{alert_id}")).words


async def test_whoever_decides_sees_on_a_map_where_it_goes(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    page = await approver.get(f"/alerts/{await submitted(author)}/approval")
    picture = re.search(
        r'<img class="locator" src="([^"]+)" alt="Map of the area: Lents" width="(\d+)" height="(\d+)">', page.text
    )
    assert picture is not None
    drawn = await approver.get(picture[1])
    assert drawn.status == 200 and drawn.text.count("<svg ") == 3, "within the city, and from near, on one sheet"
    assert f'viewBox="0 0 {picture[2]} {picture[3]}"' in drawn.text, "its room is kept: no button moves when it comes"


@pytest_asyncio.fixture(loop_scope="module")
async def lents(house: House) -> AsyncIterator[NamedShape]:
    """The neighborhood, with somebody in it who leaves the list afterwards."""
    db = house.served.running.service.db
    (found,) = [one for one in await db.read(atlas.areas) if one.name == "Lents"]
    middle = found.shape.representative_point()
    person, _ = await db.write(lambda conn: a_person(conn, "+15035550177", HOME=Point(middle.y, middle.x)))
    yield found
    await db.write(lambda conn: store.erase(conn, person))
    await db.write(lambda conn: atlas.keep(conn, [found], "test", house.clock.now()))


async def test_how_many_get_it_is_counted_where_it_was_frozen_whatever_its_area_has_become(
    house: House, lents: NamedShape
) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    db = house.served.running.service.db
    path = f"/alerts/{await submitted(author)}/approval"
    told = PHONES.findall((await approver.get(path)).words)
    assert told == ["1"]
    elsewhere = replace(lents, shape=box(-122.2, 45.21, -122.19, 45.22))
    await db.write(lambda conn: atlas.keep(conn, [elsewhere], "test", house.clock.now()))
    assert PHONES.findall((await approver.get(path)).words) == told, "drawn anew"
    assert await db.write(lambda conn: atlas.remove(conn, "Lents"))
    assert PHONES.findall((await approver.get(path)).words) == told, "gone"


@pytest.mark.usefixtures("lents")
async def test_a_promise_that_has_passed_meanwhile_does_not_make_the_number_of_people_nought(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id, version = await begun(author)
    soon = (house.clock.now() + timedelta(minutes=5)).astimezone(ZoneInfo("America/Los_Angeles"))
    promised = {"next_update_by": f"{soon:%Y-%m-%dT%H:%M}"}
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", **promised))
    assert page.url.path == f"/alerts/{alert_id}", page.words
    told = PHONES.findall((await approver.get(f"/alerts/{alert_id}/approval")).words)
    assert told == ["1"]
    house.clock.forward(timedelta(minutes=6))
    assert PHONES.findall((await approver.get(f"/alerts/{alert_id}/approval")).words) == told


async def test_words_that_are_others_since_it_was_frozen_keep_nobody_from_the_decision(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise BadSubject(["There are no words for the hazard 'boil_water'."])

    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    monkeypatch.setattr(Assembly, "rendering", lost)
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert page.status == 200 and "There are no words for the hazard" in page.words and "Send to" in page.words


async def test_a_map_that_cannot_be_drawn_is_missing_and_not_blank(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    monkeypatch.setattr(locator, "maps", lambda *_: ())
    assert (await approver.get(f"/alerts/{alert_id}/approval/map.svg")).status == 404, "its place shows its area in words then"


async def test_the_author_reads_why_they_may_not_approve_and_cannot(house: House) -> None:
    author = await house.signed_in("author")
    alert_id = await submitted(author)
    page = await author.get(f"/alerts/{alert_id}/approval")
    assert "author does not have the role approver" in page.words and "Send to" not in page.words
    page = await decision(author, alert_id)
    assert page.status == 403 and "does not have the role approver" in page.words


async def test_nothing_is_sent_until_everything_is_ticked_and_the_code_typed(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    page = await decision(approver, alert_id, read_words="", understand="")
    assert page.status == 422 and "There are 2 problems" in page.words
    house.code("approver")
    for _ in range(10):
        house.code("approver")  # five minutes pass
    assert "Code from your phone" in (await approver.get(f"/alerts/{alert_id}/approval")).words
    assert (await decision(approver, alert_id, code="123456")).status == 422
    assert (await decision(approver, alert_id, code=house.code("approver"))).url.path == f"/alerts/{alert_id}"


async def test_an_approval_names_what_was_read(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    page = await decision(approver, alert_id, digest="0" * 64)
    assert page.status == 409 and "not what you read" in page.words


async def test_a_returned_alert_shows_its_reason_to_the_author(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    await approver.get(f"/alerts/{alert_id}/approval")
    page = await approver.post(f"/alerts/{alert_id}/approval", {"act": "return", "reason": "Say which side of I-205."})
    assert page.url.path == "/"
    page = await author.get(f"/alerts/{alert_id}/edit")
    assert "Say which side of I-205." in page.words


async def test_every_problem_is_said_at_once_and_leads_to_its_field_and_what_was_typed_stays(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    typed = {"slot-samples": "many", "slot-address": "", "slot-happened": "2026-05-99T14:00", "expires": "soon", "ends": "at"}
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", **typed))
    assert page.status == 422
    for field, piece in [
        ("slot-samples", "'many' is not a whole number"),
        ("slot-happened", "is not a date"),
        ("expires", "'soon'"),
    ]:
        assert re.search(rf'href="#{field}">[^<]*', page.text) and piece in page.words
        assert f'id="{field}"' in page.text
    assert 'value="many"' in page.text and 'value="soon"' in page.text
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", **{"slot-address": ""}))
    assert page.status == 422 and "The slot address is empty" in page.words and 'href="#slot-address"' in page.text


async def test_whoever_writes_over_another_is_told_first(house: House) -> None:
    first, second = await house.signed_in("author"), await house.signed_in("approver")
    alert_id, version = await begun(first)
    page = await second.post(f"/alerts/{alert_id}/edit", form(version, "save", **{"slot-samples": "5"}))
    assert page.url.path == f"/alerts/{alert_id}/edit"
    page = await first.post(f"/alerts/{alert_id}/edit", form(version, "save", **{"slot-samples": "4"}))
    assert page.status == 409 and "approver changed this alert while you were writing" in page.words
    assert 'value="4"' in page.text, "what was typed stands there still"
    page = await first.post(
        f"/alerts/{alert_id}/edit", form(version_of(page), "save", **{"slot-samples": "4", "overwrite": "yes"})
    )
    assert page.status == 200 and 'name="slot-samples" value="4"' in page.text


async def test_the_preview_counts_people_and_parts_as_one_types(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    page = await author.post(f"/alerts/{alert_id}/preview", form(version, "", show="es"), **{"HX-Request": "true"})
    assert page.status == 200 and "<html" not in page.text
    page = await author.post(f"/alerts/{alert_id}/preview", form(version, "", **{"slot-samples": "x"}))
    assert "'x' is not a whole number" in page.words


async def test_what_is_said_next_is_chosen_in_outcome_words(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    await decision(approver, alert_id)
    await house.until(alert_id, "active")
    incident = alert_id.partition("-")[0]
    page = await author.get(f"/incidents/{incident}/next")
    assert "It is over" in page.words and "We said something wrong" in page.words
    page = await author.post(f"/incidents/{incident}/next", {"what": "clear"})
    assert page.url.path == f"/alerts/{incident}-2/edit" and "All clear" in page.words


async def test_a_stop_in_the_countdown_sends_nothing(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    service = house.served.running.service
    object.__setattr__(service.assembly, "countdown_s", 600)
    try:
        alert_id = await submitted(author)
        page = await decision(approver, alert_id)
        assert "STOP: nothing has left yet" in page.words
        page = await author.post(f"/alerts/{alert_id}/stop")
        assert "Stopped" in page.words
    finally:
        object.__setattr__(service.assembly, "countdown_s", 0)


async def test_only_what_was_stopped_is_taken_back_in_one_gesture(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    await decision(approver, alert_id)
    await house.until(alert_id, "active")
    page = await approver.get(f"/alerts/{alert_id}/retraction")
    assert page.status == 409 and "only what was stopped" in page.words
    assert (await approver.post(f"/alerts/{alert_id}/retraction")).status == 409


async def test_progress_comes_as_events_while_a_page_is_open(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    await decision(approver, alert_id)
    async with author.session.get(f"{house.served.url}/alerts/{alert_id}/progress") as stream:
        assert stream.content_type == "text/event-stream"
        assert (await stream.content.readline()).strip() == b"event: progress"


async def test_one_person_alone_sends_what_the_policy_names_and_everybody_is_called_at_once(house: House) -> None:
    author = await house.signed_in("author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": "wildfire_leave_now"})
    alert_id = page.url.path.split("/")[2]
    typed = {"slot-toward": "NW Front Ave", "where": "names", "ends": "at", "version": version_of(page), "act": "submit"}
    page = await author.post(f"/alerts/{alert_id}/edit", [*typed.items(), *HOW])
    assert page.url.path == f"/alerts/{alert_id}", page.words
    page = await author.get(f"/alerts/{alert_id}/approval")
    assert "Nobody else can be reached" in page.words
    pages = house.served.running.service.pager.recent
    reason = "No approver answers and the fire is at Linnton."
    page = await decision(author, alert_id, act="alone", reason=reason)
    assert page.status == 422 and "not the code of now" in page.words, "the code is asked for however fresh the sign-in is"
    page = await decision(author, alert_id, act="alone", reason="short", code=house.code("author"))
    assert page.status == 403 and "Say in at least 10 characters" in page.words
    page = await decision(author, alert_id, act="alone", reason=reason, code=house.code("author"))
    assert page.url.path == f"/alerts/{alert_id}", page.words
    assert any(f"author sends {alert_id}" in line and "ALONE" in line for line in pages)
    assert "BROKE THE GLASS" in (await author.get(f"/alerts/{alert_id}")).words


async def test_a_boil_water_notice_is_never_sent_alone(house: House) -> None:
    author = await house.signed_in("author")
    alert_id = await submitted(author)
    assert "Nobody else can be reached" not in (await author.get(f"/alerts/{alert_id}/approval")).words
    reason = "No approver answers and the water is unsafe."
    page = await decision(author, alert_id, act="alone", reason=reason, code=house.code("author"))
    assert page.status == 403 and "The policy has no words about 'boil_water'" in page.words


async def test_the_after_action_report_tells_an_incident_from_its_records(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    await decision(approver, alert_id)
    await house.until(alert_id, "active")
    incident = alert_id.partition("-")[0]
    page = await author.get(f"/incidents/{incident}/report")
    assert page.status == 200 and "23 May 2014" in page.words and "approver approved" in page.words
    page = await author.get(f"/incidents/{incident}/report.csv")
    assert page.text.startswith("alert,what,about,value") and f"{alert_id},time,approved" in page.text
