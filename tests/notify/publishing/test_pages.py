"""The public pages, read as a browser and a screen reader read them."""

import gzip
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from lxml import html

from notify.alerts.affected import Touched, Verdict
from notify.alerts.alert import Mode, Stage
from notify.publishing.bulletin import Bulletin, threads
from notify.publishing.pages import Pages
from notify.publishing.site import Site
from notify.wording.isolate import isolate
from tests.notify.feed_factory import EAST, LANGUAGES, a_bulletin, a_page, a_site, after, an_info, at

PAGES = Pages.load()
SITE = a_site()
HOSTILE = "<script>alert(1)</script> <b>x</b> ]]> & &amp; {{7*7}} {% if %} {0.__class__} ${x} %(x)s \"q\" 'q'"


def alert_pages(*bulletins: Bulletin, minute: float = 120, site: Site = SITE) -> dict[str, Any]:
    """Every page of the one incident by file name, parsed."""
    (thread,) = threads(bulletins, at(minute))
    return {name: html.document_fromstring(content) for name, content in PAGES.of_thread(thread, site).items()}


def english(*bulletins: Bulletin, minute: float = 120, site: Site = SITE) -> Any:
    return alert_pages(*bulletins, minute=minute, site=site)[f"{site.prefix}a/K7Q2.html"]


def lists(*bulletins: Bulletin, minute: float = 120, site: Site = SITE) -> Mapping[str, bytes]:
    return PAGES.of_list(threads(bulletins, at(minute)), at(minute), site)


def text(page: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in page.xpath(path)]


def status(page: Any) -> str:
    return " ".join(page.xpath("//p[@class='status']")[0].text.split())


def an_update(**changes: Any) -> list[Bulletin]:
    first = a_bulletin(1)
    told = a_page(facts=(("What happened?", "Three samples held E. coli."), ("Where is free water?", "At 5 sites.")))
    return [first, after(first, 60, Stage.UPDATE, **({"areas": (EAST,), "pages": (told,)} | changes))]


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.TEST])  # a test is a thread of its own
def test_every_stage_has_words_on_page_and_list(stage: Stage) -> None:
    first = a_bulletin(1)
    told = [first, after(first, 60, stage)]
    assert status(english(*told))
    assert lists(*told)


def test_a_renewed_alert_is_still_in_effect() -> None:
    first = a_bulletin(1)
    assert status(english(first, after(first, 60, Stage.RENEWAL))) == "IN EFFECT NOW"


def test_every_language_has_a_page_and_english_lies_at_the_short_address() -> None:
    pages = alert_pages(a_bulletin(1))
    others = {f"{language}/a/K7Q2.html" for language in LANGUAGES if language != "en"}
    assert set(pages) == {"a/K7Q2.html", "en/a/K7Q2.html"} | others


def test_a_page_leads_with_what_it_is_and_what_to_do() -> None:
    page = english(a_bulletin(1))
    assert status(page) == "IN EFFECT NOW"
    assert text(page, "//h1") == ["Boil tap water"]
    assert text(page, "//ol/li") == ["Boil tap water for one full minute.", "Let it cool."]
    assert text(page, "//h2") == ["Is my place in the area?", "What to do", "What you need to know"]
    assert text(page, "//h3") == ["What happened?", "Where is free water?"]
    assert text(page, "//dl[@class='about']//dd") == [
        "East, West",
        "Sat, May 24, 2014, 12:01 PM (Pacific Time)",
        "Portland Water Bureau311 or 503-555-0100",
    ]


def test_an_open_end_is_said_in_words() -> None:
    assert "when we say it is over" in text(english(a_bulletin(1, until_cleared=True)), "//dl[@class='about']//dd")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_have_landmarks_one_main_heading_and_a_way_past_the_top(language: str) -> None:
    pages = alert_pages(*an_update())
    page = pages["a/K7Q2.html" if language == "en" else f"{language}/a/K7Q2.html"]
    root = page.getroottree().getroot()
    assert (root.get("lang"), root.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
    assert [len(page.xpath(f"//{tag}")) for tag in ("h1", "main", "header", "footer", "title")] == [1] * 5
    assert page.xpath("//body/a[1]/@href") == ["#main"] and page.xpath("//main/@id") == ["main"]
    names = page.xpath("//nav/@aria-label")
    assert len(names) == len(set(names)) == 2
    levels = [int(element.tag[1]) for element in page.iter("h1", "h2", "h3", "h4")]
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_the_switcher_names_each_language_in_itself_and_leads_to_the_same_alert() -> None:
    page = alert_pages(a_bulletin(1))["es/a/K7Q2.html"]
    links = page.xpath("//nav//a")
    assert [(link.get("hreflang"), link.get("href")) for link in links[:2]] == [("en", "/a/K7Q2"), ("vi", "/vi/a/K7Q2")]
    assert {link.get("lang"): link.text for link in links}["ar"] == "العربية"
    assert page.xpath("//nav//*[@aria-current]/@lang") == ["es"]
    alternates = {link.get("hreflang"): link.get("href") for link in page.xpath("//link[@rel='alternate'][@hreflang]")}
    assert alternates["x-default"] == alternates["en"] == "https://alerts.example.gov/a/K7Q2"
    assert alternates["zh-Hant"] == "https://alerts.example.gov/zh-Hant/a/K7Q2"
    assert page.xpath("//link[@rel='canonical']/@href") == ["https://alerts.example.gov/es/a/K7Q2"]


def test_a_page_leads_to_its_cap_document_and_to_the_feeds_of_its_language() -> None:
    alert = a_bulletin(1)
    page = alert_pages(alert)["es/a/K7Q2.html"]
    types = {link.get("type"): link.get("href") for link in page.xpath("//link[@rel='alternate'][@type]")}
    assert types == {
        "application/atom+xml": "https://alerts.example.gov/feeds/es/active.atom",
        "application/rss+xml": "https://alerts.example.gov/feeds/es/active.rss",
        "application/geo+json": "https://alerts.example.gov/feeds/es/active.geojson",
        "application/cap+xml": f"/cap/{alert.event.identifier}.xml",
    }


def test_english_words_on_another_languages_page_are_marked_and_said_to_be_english() -> None:
    page = alert_pages(a_bulletin(1))["ar/a/K7Q2.html"]
    assert page.xpath("//p[@class='foreign']")
    marked = page.xpath("//*[@lang='en'][@dir='ltr']")
    assert len(page.xpath("//h1/ancestor::*[@lang][1][@lang='en']")) == 1
    assert len(page.xpath("//ol/ancestor-or-self::*[@lang][1][@lang='en']")) == 1
    assert marked
    assert not alert_pages(a_bulletin(1))["es/a/K7Q2.html"].xpath("//p[@class='foreign']")


def test_words_of_the_cap_document_serve_where_the_page_has_none() -> None:
    infos = (
        an_info(),
        an_info("ru-RU", headline="Кипятите воду", description="В воде кишечная палочка.", instruction="Кипятите."),
    )
    page = alert_pages(a_bulletin(1, infos=infos))["ru/a/K7Q2.html"]
    assert text(page, "//h1") == ["Кипятите воду"]
    assert text(page, "//ol/li") == ["Кипятите."]
    assert not page.xpath("//p[@class='foreign']")
    assert text(english(a_bulletin(1, pages=())), "//h1") == ["Boil tap water in Portland"]


def test_an_update_stands_first_and_says_what_changed() -> None:
    page = english(*an_update())
    assert status(page) == "UPDATE. In effect now. This replaces what we said before."
    changed = page.xpath("//section[@class='changed']//dl")[0]
    assert text(changed, ".//dt") == ["Where", "Ends", "Where is free water?"]
    assert text(changed, ".//ins") == ["East", "Sat, May 24, 2014, 1:00 PM (Pacific Time)", "At 5 sites."]
    assert text(changed, ".//span")[0] == "(before: East, West)"
    assert text(page, "//section[@class='earlier']//h3") == ["Alert Fri, May 23, 2014, 12:01 PM (Pacific Time)"]


def test_steps_are_never_shown_as_taken_back() -> None:
    first = a_bulletin(1)
    reworded = a_page(steps=("Boil all tap water for a full minute.",), facts=())
    page = english(first, after(first, 60, Stage.UPDATE, pages=(reworded,)))
    assert "Let it cool" not in page.xpath("//section[@class='changed']")[0].text_content()


def test_a_correction_cannot_be_overlooked() -> None:
    first = a_bulletin(1)
    page = english(first, after(first, 60, Stage.CORRECTION))
    assert status(page) == "CORRECTION. What we said before was wrong. Read this instead."
    assert page.xpath("//article/@class") == ["alert correction"]


@pytest.mark.parametrize(
    ("stage", "words", "kind"),
    [
        (Stage.ALL_CLEAR, "ALL CLEAR. This alert is over.", "cleared"),
        (Stage.FALSE_ALARM, "FALSE ALARM. The earlier alert was sent by mistake.", "false_alarm"),
    ],
)
def test_the_end_of_an_alert_stands_first(stage: Stage, words: str, kind: str) -> None:
    first = a_bulletin(1)
    page = english(first, after(first, 60, stage))
    assert status(page) == words
    assert page.xpath("//article/@class") == [f"alert {kind}"]
    assert "IN EFFECT NOW" not in page.text_content()
    assert text(page, "//dl[@class='about']//dt") == ["Where", "Ended", "From"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_running_out_of_time_never_reads_as_an_all_clear(language: str) -> None:
    name = "a/K7Q2.html" if language == "en" else f"{language}/a/K7Q2.html"
    expired = alert_pages(a_bulletin(1, expires=at(60)), minute=61)[name]
    first = a_bulletin(1)
    cleared = alert_pages(first, after(first, 60, Stage.ALL_CLEAR))[name]
    assert expired.xpath("//article/@class") == ["alert expired"]
    assert text(expired, "//p[@class='status']") != text(cleared, "//p[@class='status']")
    assert "311" in text(expired, "//p[@class='status']")[0]


def test_what_staff_cancelled_says_so() -> None:
    page = english(a_bulletin(1, ended_at=at(5), ended_why="cancelled"))
    assert status(page) == "CANCELLED. This alert no longer applies."


@pytest.mark.parametrize("fields", [{"stage": Stage.TEST}, {"mode": Mode.TRAINING}, {"hazard": "test"}])
def test_a_test_says_so_before_anything_else_in_every_language(fields: dict[str, Any]) -> None:
    pages = alert_pages(a_bulletin(1, **fields))
    assert all(page.xpath("//header/*[1]/@class") == ["banner"] for page in pages.values())
    assert text(pages["a/K7Q2.html"], "//p[@class='banner']") == ["TEST ONLY. This is not an emergency. No action is needed."]
    assert pages["a/K7Q2.html"].xpath("//title")[0].text.startswith("TEST: ")
    assert pages["a/K7Q2.html"].xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_a_demo_says_so_before_anything_else_and_lies_apart() -> None:
    site = a_site(mode=Mode.DEMO)
    pages = alert_pages(a_bulletin(1, mode=Mode.DEMO), site=site)
    assert all(name.startswith("demo/") for name in pages)
    assert all(page.xpath("//header/*[1]/@class") == ["banner"] for page in pages.values())
    page = pages["demo/a/K7Q2.html"]
    assert text(page, "//p[@class='banner']") == ["DEMO. This is not a real emergency. No action is needed."]
    assert all(
        href.startswith(("/demo/", "#", "sms:", "mailto:", "https://alerts.example.gov/demo/"))
        for href in page.xpath("//a/@href")
    )


def test_a_real_alert_has_no_banner() -> None:
    assert not english(a_bulletin(1)).xpath("//p[@class='banner']")


def test_hostile_words_are_literal() -> None:
    told = a_page(title=HOSTILE, lead=HOSTILE, paragraphs=(HOSTILE,), steps=(HOSTILE,), facts=((HOSTILE, HOSTILE),))
    words = {"pages": (told,), "infos": (an_info(),), "sender_name": HOSTILE, "contact": HOSTILE}
    first = a_bulletin(1, **words)
    for page in alert_pages(first, after(first, 60, Stage.UPDATE, **words)).values():
        assert text(page, "//h1") == [HOSTILE]
        assert text(page, "//ol[not(@reversed)]/li") == [HOSTILE]
        assert text(page, "//section[@class='facts']//p") == [HOSTILE, HOSTILE]
        assert not page.xpath("//script|//b|//iframe|//style|//*[@style]|//*[starts-with(name(@*), 'on')]")


def test_control_characters_are_shown_and_not_sent() -> None:
    content = PAGES.of_thread(threads([a_bulletin(1, pages=(a_page(title="a\x00b\x1bc\ud800"),))], at(5))[0], SITE)
    assert "a\ufffdb\ufffdc\ufffd" in content["a/K7Q2.html"].decode()


def test_a_page_is_light_and_loads_nothing_from_elsewhere() -> None:
    first, update = an_update()
    content = PAGES.of_thread(threads([first, update], at(120))[0], SITE)["a/K7Q2.html"]
    assert len(gzip.compress(content)) < 10_000
    page = html.document_fromstring(content)
    (sheet,) = PAGES.sheet(SITE)
    assert page.xpath("//link[@rel='stylesheet']/@href") == [f"/{sheet}"]
    assert not page.xpath("//@src")


def test_the_sheet_is_small_and_has_no_left_or_right() -> None:
    ((name, sheet),) = PAGES.sheet(SITE).items()
    assert re.fullmatch(r"page\.[0-9a-f]{8}\.css", name)
    assert len(sheet) < 20_000
    physical = r"(margin|padding|border)-(left|right)|(?<![\w-])(left|right|width|height)\s*:|text-align:\s*(left|right)|float"
    assert not re.search(physical, re.sub(r"/\*.*?\*/", "", sheet.decode(), flags=re.S))
    assert b"url(" not in sheet and b"@import" not in sheet


def test_the_same_threads_make_the_same_bytes_whenever() -> None:
    told = an_update()
    (early,), (late,) = threads(told, at(61)), threads(told, at(500))
    assert PAGES.of_thread(early, SITE) == Pages.load().of_thread(late, SITE)


def test_paper_shows_the_address_of_the_page() -> None:
    page = alert_pages(a_bulletin(1))["vi/a/K7Q2.html"]
    assert "https://alerts.example.gov/vi/a/K7Q2" in text(page, "//footer//p[@class='print']")[0]


def test_phone_numbers_stay_in_one_piece_in_arabic() -> None:
    told = a_page("ar", title="ماء", lead="اتصل على 503-555-0100 أو https://a.example.gov/x أو alerts@example.gov الآن")
    page = alert_pages(a_bulletin(1, pages=(a_page(), told)))["ar/a/K7Q2.html"]
    isolated = page.xpath("//p[@class='lead']/bdi[@dir='ltr']")
    assert [element.text for element in isolated] == ["503-555-0100", "https://a.example.gov/x", "alerts@example.gov"]


@pytest.mark.parametrize("number", ["503-555-0100", "(503) 555-0100", "+1 503-555-0100", "503.555.0100"])
def test_every_way_to_write_a_number_is_isolated_and_escaped(number: str) -> None:
    assert isolate(f"<{number}>") == f'&lt;<bdi dir="ltr" class="number">{number}</bdi>&gt;'


def test_the_list_names_what_stands_what_ended_and_what_is_a_test() -> None:
    first = a_bulletin(2, incident_id="ENDD")
    told = [
        a_bulletin(1),
        first,
        after(first, 30, Stage.ALL_CLEAR, pages=(a_page(title="Your water is safe"),)),
        a_bulletin(3, incident_id="TEST", stage=Stage.TEST, pages=(a_page(title="Monthly test"),)),
    ]
    page = html.document_fromstring(lists(*told)["index.html"])
    assert text(page, "//h1|//h2") == ["Alerts in effect now", "Ended in the last 24 hours", "Tests: not real emergencies"]
    assert text(page, "//h3") == ["Alert Boil tap water", "All clear Your water is safe", "Test Monthly test"]
    assert page.xpath("//h3/a/@href") == ["/a/K7Q2", "/a/ENDD", "/a/TEST"]
    assert text(page, "//p[@class='over']") == ["ALL CLEAR. This alert is over."]
    assert text(page, "//p[@class='asof']") == ["As of Fri, May 23, 2014, 2:00 PM (Pacific Time)."]


def test_an_empty_list_says_that_nothing_is_in_effect_and_as_of_when() -> None:
    files = lists()
    assert set(files) == {"index.html", "en/index.html"} | {f"{name}/index.html" for name in LANGUAGES if name != "en"}
    page = html.document_fromstring(files["es/index.html"])
    assert text(page, "//p[@class='none']") == ["No hay alertas vigentes."]
    assert "14:00" in text(page, "//p[@class='asof']")[0] or "2:00" in text(page, "//p[@class='asof']")[0]


def test_a_day_after_its_end_an_alert_leaves_the_list_and_keeps_its_page() -> None:
    alert = a_bulletin(1, expires=at(60))
    late = 60 + 24 * 60
    assert b"Boil tap water" not in lists(alert, minute=late)["index.html"]
    assert status(english(alert, minute=late)).startswith("The time of this alert has run out. No all clear was given.")


def test_a_title_in_the_list_is_marked_with_its_language() -> None:
    page = html.document_fromstring(lists(a_bulletin(1))["ar/index.html"])
    assert page.xpath("//h3//span[@lang='en'][@dir='ltr']")


def test_the_page_says_since_when_by_when_and_asks_where_one_is_before_what_to_do() -> None:
    first, update = an_update(next_update_by=at(200))
    page = english(first, update)
    assert text(page, "//span[@class='sent']") == [
        "In effect since Fri, May 23, 2014, 12:01 PM (Pacific Time). Updated Fri, May 23, 2014, 1:00 PM (Pacific Time)."
    ]
    assert text(page, "//p[@class='news']") == ["Next news by Fri, May 23, 2014, 3:20 PM (Pacific Time)."]
    assert text(page, "//h2")[:3] == ["Is my place in the area?", "What to do", "What changed"]
    assert page.xpath("//form/@action") == ["/a/K7Q2/check"] and page.xpath("//label/@for") == ["place"]


def test_the_page_lists_the_zips_inside_and_partly_inside() -> None:
    zips = (("97201", Verdict.INSIDE), ("97202", Verdict.PART), ("97203", Verdict.OUTSIDE), ("97204", Verdict.INSIDE))
    page = alert_pages(a_bulletin(1, touched=Touched(zips=zips)))["ar/a/K7Q2.html"]
    assert page.xpath("//section[contains(@class, 'check')]//bdi/text()") == ["97201, 97204", "97202"]


def test_the_page_shows_the_area_on_a_map_while_it_is_in_force_and_says_it_in_words_to_whoever_does_not_see() -> None:
    first = a_bulletin(1, touched=Touched(maps=('<svg id="far"></svg>', '<svg id="near"></svg>')))
    page = english(first)
    assert page.xpath("//section[contains(@class, 'steps')]/following-sibling::div[@aria-hidden='true']/svg/@id") == [
        "far",
        "near",
    ]
    assert not english(first, after(first, 60, Stage.ALL_CLEAR)).xpath("//svg[@id='far']")


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
def test_an_alert_that_is_over_promises_nothing_and_asks_nothing(stage: Stage) -> None:
    first = a_bulletin(1, next_update_by=at(200))
    page = english(first, after(first, 60, stage, next_update_by=at(300)))
    assert not page.xpath("//form|//p[@class='news']")
    assert "In effect since" not in page.text_content()


def test_the_page_can_be_handed_on_without_a_script() -> None:
    page = alert_pages(a_bulletin(1))["es/a/K7Q2.html"]
    sms, mail = page.xpath("//p[contains(@class, 'share')]/a/@href")
    url = "https%3A//alerts.example.gov/es/a/K7Q2"
    assert sms == f"sms:?&body=Hierva%20el%20agua%20del%20grifo%20{url}"
    assert mail == f"mailto:?subject=Hierva%20el%20agua%20del%20grifo&body={url}"


def test_paper_has_a_square_to_scan_with_room_around_it() -> None:
    page = english(a_bulletin(1))
    (box,) = page.xpath("//div[@class='square']/svg/@viewbox")
    assert box == "0 0 37 37"  # version 3 and four modules of white on each side (ISO/IEC 18004)
    assert page.xpath("//div[@class='square']/@aria-label") == ["https://alerts.example.gov/a/K7Q2"]


def test_what_is_shared_elsewhere_names_danger_and_time() -> None:
    page = english(a_bulletin(1))
    told = {meta.get("property"): meta.get("content") for meta in page.xpath("//meta[@property]")}
    assert told["og:title"] == "Boil tap water"
    assert told["og:description"] == "IN EFFECT NOW · Updated Fri, May 23, 2014, 12:01\u00a0PM (Pacific Time)."
    assert told["og:url"] == "https://alerts.example.gov/a/K7Q2"
    demo = english(a_bulletin(1, mode=Mode.DEMO), site=a_site(mode=Mode.DEMO))
    assert demo.xpath("//meta[@property='og:title']/@content") == ["DEMO: Boil tap water"]


def test_a_video_in_sign_language_stands_before_the_words_in_every_language() -> None:
    video = "https://video.example.gov/asl/boil-water"
    for name, page in alert_pages(a_bulletin(1, asl_video=video)).items():
        (link,) = page.xpath("//p[@class='asl']/a")
        assert (link.get("href"), link.get("hreflang")) == (video, "ase")
        after_it = page.xpath("//p[@class='asl']/following::h1")
        assert len(after_it) == 1, name
        labels = {"en": "Video in American Sign Language (ASL)", "ar": "فيديو بلغة الإشارة الأمريكية (ASL)"}
        if (language := page.get("lang")) in labels:
            assert link.text == labels[language]
    assert not english(a_bulletin(1)).xpath("//p[@class='asl']")


def test_an_update_without_a_video_shows_none_though_the_alert_before_had_one() -> None:
    first = a_bulletin(1, asl_video="https://video.example.gov/asl/boil-water")
    assert not english(first, after(first, 60, Stage.UPDATE, asl_video="")).xpath("//p[@class='asl']")


def test_many_zip_codes_are_folded_and_few_are_not() -> None:
    few, many = (Touched(zips=tuple((f"972{one:02}", Verdict.INSIDE) for one in range(count))) for count in (3, 20))
    assert not english(a_bulletin(1, touched=few)).xpath("//details")
    (folded,) = english(a_bulletin(1, touched=many)).xpath("//details")
    assert "20" in folded.xpath("summary")[0].text_content() and "97219" in folded.text_content()
