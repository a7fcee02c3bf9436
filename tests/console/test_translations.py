"""The inbox of people who read a language: what waits, yes to it, a note on it, and what a yes is worth once words change."""

import re
from collections.abc import Iterator, Sequence
from html import unescape

import pytest
from sqlalchemy import text

from notify import data
from notify.console.translations import PAGE
from notify.wiring import reviews as stored
from notify.wording import reviews, sayings
from notify.wording.english import kinds
from notify.wording.review_desk import CHANGED
from notify.wording.reviewing import NO_NOTE
from notify.wording.reviews import Reader, Review
from notify.wording.words import Words
from tests.console.staff_factory import Browser, House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def nothing_reviewed(house: House) -> Iterator[None]:
    yield
    house.served.running.service.db.write_now(lambda conn: conn.execute(text("DELETE FROM word_review")))


def known(house: House) -> Words:
    """What translators see: the words of alerts, and what is read aloud to callers."""
    spoken = sayings.load(data.folder("templates"), data.folder("runbooks"))
    return sayings.joined(house.served.running.service.assembly.words, spoken)


def kept(house: House) -> Sequence[Review]:
    return house.served.running.service.db.read_now(stored)


def forms(page: Page, act: str) -> list[dict[str, str]]:
    """The hidden fields of every form on the page that does this."""
    found = []
    for form in re.findall(r'(?s)<form method="post" action="/translations">(.*?)</form>', page.text):
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        if fields.get("act") == act:
            found.append(fields)
    return found


async def waiting(browser: Browser, language: str = "ar", **more: str) -> list[dict[str, str]]:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return forms(await browser.get(f"/translations?language={language}{query}"), "reviewed")


async def test_every_language_is_listed_with_how_far_it_is(house: House) -> None:
    page = await (await house.signed_in("translator")).get("/translations")
    assert page.status == 200
    for row in reviews.standings(known(house), reviews.arrange(())):
        whole = row.approved + row.draft + row.stale + row.missing
        assert f"/translations?language={row.language}" in page.text and f"0 of {whole} reviewed" in page.words


async def test_a_message_shows_its_source_its_words_and_what_a_text_costs(house: House) -> None:
    browser = await house.signed_in("translator")
    page = await browser.get("/translations?language=ar")
    first = forms(page, "reviewed")[0]
    source, target = known(house).messages[first["context"]].text, known(house).text(first["context"], "ar")
    text_of = unescape(page.text)
    assert source in text_of and target is not None and target in text_of
    assert 'lang="ar" dir="rtl"' in page.text
    assert re.search(r"With sample facts: \d of at most \d parts \(\d+ UCS-2\) · English: \d", page.words)
    assert "Part of: text message" in page.words and "Boil tap water" in page.words


async def test_texts_come_before_pages(house: House) -> None:
    fields = await waiting(await house.signed_in("translator"))
    assert len(fields) == PAGE and all("sms" in kinds(known(house).messages[one["context"]]) for one in fields)


async def test_a_yes_is_kept_as_the_command_line_keeps_it(house: House) -> None:
    browser = await house.signed_in("translator")
    first = (await waiting(browser))[0]
    page = await browser.post("/translations", first)
    assert page.status == 200 and page.url.path == "/translations"
    expected = reviews.approve(
        known(house), first["context"], "ar", reviewer="translator", at=house.clock.now(), kind=Reader.NATIVE
    )
    assert list(kept(house)) == [expected]
    assert first["context"] not in [one["context"] for one in forms(page, "reviewed")]
    assert "reviewed words" in (await (await house.signed_in("admin")).get("/records?q=reviewed")).words


async def test_who_vouches_for_it_is_kept_and_carried_on(house: House) -> None:
    browser = await house.signed_in("translator")
    first = (await waiting(browser, **{"as": "professional"}))[0]
    page = await browser.post("/translations", first)
    assert page.url.query["as"] == "professional" and kept(house)[0].kind is Reader.PROFESSIONAL
    english = (await waiting(browser, "en"))[0]
    await browser.post("/translations", english)
    assert {one.language: one.kind for one in kept(house)}["en"] is Reader.OWNER


async def test_a_yes_to_other_words_than_those_of_now_is_refused(house: House) -> None:
    browser = await house.signed_in("translator")
    first = (await waiting(browser))[0]
    page = await browser.post("/translations", first | {"seen": "0" * 32})
    assert page.status == 409 and CHANGED in page.words and not kept(house)


async def test_a_review_of_older_words_is_stale_and_waits_again(house: House) -> None:
    browser = await house.signed_in("translator")
    first = (await waiting(browser))[0]
    await browser.post("/translations", first)
    db = house.served.running.service.db
    db.write_now(lambda conn: conn.execute(text("UPDATE word_review SET target_hash = 'other'")))
    page = await browser.get("/translations?language=ar")
    assert "changed since its review" in page.words
    assert first["context"] in [one["context"] for one in forms(page, "reviewed")]
    assert "1 changed since their review" in (await browser.get("/translations")).words


async def test_a_note_takes_the_message_out_of_the_inbox_and_stands_with_it(house: House) -> None:
    browser = await house.signed_in("translator")
    fields = forms(await browser.get("/translations?language=vi"), "change")[0]
    page = await browser.post("/translations", fields | {"note": "The street name comes last."})
    assert fields["context"] not in [one["context"] for one in forms(page, "reviewed")]
    page = await browser.get("/translations?language=vi&list=asked")
    assert "The street name comes last." in page.words and "translator" in page.words and not kept(house)
    await browser.post("/translations", forms(page, "reviewed")[0])
    assert "Nothing is left here." in (await browser.get("/translations?language=vi&list=asked")).words
    assert [one.language for one in kept(house)] == ["vi"]


async def test_a_note_on_approved_words_takes_the_approval_back_except_for_english(house: House) -> None:
    browser = await house.signed_in("translator")
    for language in ("ko", "en"):
        await browser.post("/translations", (await waiting(browser, language))[0])
        page = await browser.get(f"/translations?language={language}&list=reviewed")
        assert "Reviewed by translator" in page.words and not forms(page, "reviewed")
        await browser.post("/translations", forms(page, "change")[0] | {"note": "This is wrong."})
    assert [one.language for one in kept(house)] == ["en"]


@pytest.mark.parametrize(("given", "status", "sentence"), [
    ({"note": "  "}, 422, NO_NOTE),
    ({"note": "x" * 1001}, 422, "1,000 characters fit"),
    ({"context": "sms.nothing"}, 422, "There is no such message"),
    ({"act": "delete"}, 422, "There is no such message"),
    ({"language": "xx"}, 404, "There are no words in this language"),
])  # fmt: skip
async def test_what_cannot_be_kept_is_refused(house: House, given: dict[str, str], status: int, sentence: str) -> None:
    browser = await house.signed_in("translator")
    fields = forms(await browser.get("/translations?language=ar"), "change")[0]
    page = await browser.post("/translations", fields | given)
    assert page.status == status and sentence in page.words and not kept(house)


async def test_everything_promised_is_in_one_of_the_lists_and_every_page_of_it_can_be_turned(house: House) -> None:
    browser = await house.signed_in("translator")
    seen: list[str] = []
    for start in range(0, 1_000, PAGE):
        fields = await waiting(browser, "ro", **{"from": str(start)})
        if start and fields and fields[0]["context"] in seen:
            break
        seen += [one["context"] for one in fields]
    promised = [one.context for one in reviews.promised(known(house), "ro") if known(house).text(one.context, "ro")]
    assert sorted(seen) == sorted(promised)


async def test_the_form_without_marks_is_reviewed_like_a_language(house: House) -> None:
    browser = await house.signed_in("translator")
    first = (await waiting(browser, "ro-x-plain"))[0]
    await browser.post("/translations", first)
    assert [one.language for one in kept(house)] == ["ro-x-plain"]


async def test_a_language_nobody_speaks_here_and_a_crooked_page_number_break_nothing(house: House) -> None:
    browser = await house.signed_in("translator")
    assert (await browser.get("/translations?language=xx")).status == 404
    assert (await browser.get("/translations?language=ar&from=-1&list=nothing&as=nobody")).status == 200
    assert (await browser.get("/translations?language=ar&from=99999")).status == 200
