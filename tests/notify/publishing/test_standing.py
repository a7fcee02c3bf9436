"""How things stand: the status page, how to know our messages, the banner for the city's own site."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from notify.alerts.alert import Mode, Stage
from notify.publishing import standing
from notify.publishing.bulletin import Bulletin, threads
from notify.publishing.pages import Pages
from notify.publishing.site import Site
from notify.publishing.standing import Figures, blurred
from tests.notify.feed_factory import LANGUAGES, a_bulletin, a_page, a_site, after, at

LAYOUT = Pages.load().layout
SITE = a_site(languages=("en", "es", "ar"), numbers=("+15035550100",))
FIGURES = Figures(at=at(10), people={"en": 41_306, "es": 27, "ar": 3}, gateways={"sms": True, "email": False})


def read(content: bytes) -> Any:
    return html.document_fromstring(content.decode())


def texts(page: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in page.xpath(path)]


def status(*told: Bulletin, figures: Figures = FIGURES, name: str = "status.html", site: Site = SITE) -> Any:
    return read(standing.files(LAYOUT, threads(told, at(600)), figures, site)[name])


def banner(*told: Bulletin, site: Site = SITE) -> Mapping[str, bytes]:
    return standing.banner(LAYOUT, threads(told, at(120)), at(120), site)


def test_the_status_page_says_what_works_and_as_of_when() -> None:
    page = status()
    assert texts(page, "//main/ul/li") == ["Text message: works", "E-mail: does not work now"]
    assert texts(page, "//p[@class='asof']")[0].startswith("As of Fri, May 23, 2014, 12:10 PM (Pacific Time).")


def test_without_figures_nothing_is_claimed() -> None:
    page = status(figures=Figures(at=at(10)))
    assert texts(page, "//h2") == ["Last test"]


def test_few_people_are_never_counted_out() -> None:
    assert texts(status(), "//table//tr")[1:] == ["English41300", "Español20", "العربيةfewer than 10"]


@given(st.integers(0, 10**7))
def test_a_count_says_nothing_of_any_one_person(count: int) -> None:
    shown = blurred(count)
    assert (shown is None) is (count < 10)
    assert shown is None or (shown % 10 == 0 and 0 <= count - shown < 10)


def test_the_last_test_and_how_long_each_alert_took() -> None:
    first = a_bulletin(1, done_at=at(4.2))
    test = a_bulletin(3, incident_id="TTTT", stage=Stage.TEST, pages=(a_page(title="Monthly test"),))
    page = status(first, after(first, 60, Stage.UPDATE), test)
    assert page.xpath("//main//h2[.='Last test']/following-sibling::p[1]/a/@href") == ["/a/TTTT"]
    assert texts(page, "//table[1]//tr/td[3]")[:2] == ["still sending", "0:03:12"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_tell_our_messages_from_others(language: str) -> None:
    site = a_site(numbers=("+15035550100",))
    name = "real.html" if language == "en" else f"{language}/real.html"
    page = status(name=name, site=site)
    assert texts(page, "//dd") == ["(503) 555-0100", "alerts@example.gov", "alerts.example.gov"]
    assert page.xpath("//p[@class='never']")
    assert page.xpath("//bdi[@dir='ltr'][@class='number']/text()") == ["(503) 555-0100"]


def test_the_banner_is_a_fragment_without_script_or_style() -> None:
    made = banner(a_bulletin(1))
    (section,) = html.fragments_fromstring(made["ar/banner.html"].decode().strip())
    assert (section.tag, section.get("lang"), section.get("dir")) == ("section", "ar", "rtl")
    assert section.xpath(".//a/@href") == ["https://alerts.example.gov/ar/a/K7Q2"]
    assert not section.xpath(".//script|.//style|.//*[@style]")


def test_without_alerts_the_banner_is_empty() -> None:
    made = banner(a_bulletin(1, stage=Stage.TEST))
    assert made["banner.html"].strip() == b"" and json.loads(made["banner.json"])["alerts"] == []


def test_the_banner_tells_of_an_end_for_a_day() -> None:
    first = a_bulletin(1)
    made = json.loads(banner(first, after(first, 60, Stage.ALL_CLEAR))["banner.json"])["alerts"]
    assert [(one["active"], one["status"]) for one in made] == [(False, "cleared")]
    assert made[0]["languages"]["es"]["url"] == "https://alerts.example.gov/es/a/K7Q2"
    assert made[0]["languages"]["en"]["status"] == "ALL CLEAR. This alert is over."


def test_a_demos_banner_says_so() -> None:
    made = banner(a_bulletin(1, mode=Mode.DEMO), site=a_site(mode=Mode.DEMO, languages=("en",)))
    assert b"DEMO. This is not a real emergency" in made["demo/banner.html"]
    assert json.loads(made["demo/banner.json"])["mode"] == "demo"
