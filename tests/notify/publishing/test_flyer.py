"""The sheet of paper to put up: large print, one page, the newest word, and a code that opens the alert."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from notify.alerts.alert import Stage
from notify.publishing import flyer
from notify.publishing.bulletin import Bulletin, threads
from notify.publishing.pages import Pages
from tests.notify.feed_factory import LANGUAGES, a_bulletin, a_page, a_site, after, at

LAYOUT, SITE = Pages.load().layout, a_site()


def flyers(*bulletins: Bulletin, minute: float = 120) -> dict[str, Any]:
    (thread,) = threads(bulletins, at(minute))
    return {name: html.document_fromstring(content) for name, content in flyer.files(LAYOUT, thread, SITE).items()}


def said(page: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in page.xpath(path)]


def test_every_language_has_a_flyer_that_speaks_it() -> None:
    found = flyers(a_bulletin(1))
    assert set(found) == {"flyer/K7Q2.html", "en/flyer/K7Q2.html"} | {
        f"{tag}/flyer/K7Q2.html" for tag in LANGUAGES if tag != "en"
    }
    for tag in LANGUAGES:
        page = found["flyer/K7Q2.html" if tag == "en" else f"{tag}/flyer/K7Q2.html"].getroottree().getroot()
        assert (page.get("lang"), page.get("dir")) == (tag, "rtl" if tag == "ar" else "ltr")


def test_it_says_what_where_what_to_do_and_whom_to_call() -> None:
    page = flyers(a_bulletin(1))["flyer/K7Q2.html"]
    assert said(page, "//h1") == ["Boil tap water"]
    assert said(page, "//ol/li") == ["Boil tap water for one full minute.", "Let it cool."]
    assert said(page, "//p[@class='where']") == ["Where: East, West"]
    assert "call 311" in said(page, "//p[@class='phone']")[0]


def test_the_code_opens_the_alert_s_page_in_the_language_and_its_address_stands_beside_it() -> None:
    page = flyers(a_bulletin(1))["es/flyer/K7Q2.html"]
    assert page.xpath("//*[@role='img']/@aria-label") == page.xpath("//footer//a/@href") == [SITE.url("es/a/K7Q2")]
    assert page.xpath("//*[@class='square']/svg")


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
def test_a_flyer_of_an_alert_that_is_over_says_so_and_asks_for_nothing(stage: Stage) -> None:
    first = a_bulletin(1)
    page = flyers(first, after(first, 60, stage))["flyer/K7Q2.html"]
    assert said(page, "//p[@class='status']")[0].startswith(stage.value.replace("_", " ").upper())
    assert page.xpath("//ol") == []


def test_words_that_are_not_in_the_language_are_marked_as_english() -> None:
    page = flyers(a_bulletin(1, pages=(a_page(),)))["vi/flyer/K7Q2.html"]
    assert said(page, "//p[@class='foreign']")
    assert page.xpath("//h1/parent::div/@lang") == ["en"]


def test_what_people_type_is_shown_and_never_run() -> None:
    page = flyers(a_bulletin(1, pages=(a_page(title="<script>alert(1)</script> & more"),)))["flyer/K7Q2.html"]
    assert page.xpath("//script") == [] and said(page, "//h1") == ["<script>alert(1)</script> & more"]


@given(st.lists(st.text("abc 漢字", min_size=1, max_size=200), min_size=1, max_size=30), st.text("abc ", max_size=300))
def test_the_sheet_holds_the_first_steps_and_always_one(steps: list[str], lead: str) -> None:
    page = a_page(steps=tuple(steps), lead=lead)
    kept = list(flyer.fitting(page))
    assert kept == steps[: len(kept)] and kept
    assert len(kept) == 1 or flyer.lines(lead) + sum(map(flyer.lines, kept)) <= flyer.LINES


def test_a_wide_letter_takes_twice_the_room_and_a_mark_above_none() -> None:
    assert (flyer.lines("漢" * 27), flyer.lines("漢" * 28), flyer.lines("a" * 54), flyer.lines("ກໍ້" * 27)) == (1, 2, 1, 1)
    assert flyer.lines("") == 0
