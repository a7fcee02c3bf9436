"""The archive: every alert there ever was, for people and for programs."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import html

from notify.alerts.alert import Mode, Stage
from notify.publishing import archive
from notify.publishing.bulletin import Bulletin, threads
from notify.publishing.pages import Pages
from notify.publishing.site import Site
from notify.wording.layout import Layout
from tests.notify.feed_factory import LANGUAGES, a_bulletin, a_page, a_site, after, at

LAYOUT: Layout = Pages.load().layout
SITE = a_site(languages=("en", "es", "ar"))
NEW_YEAR = datetime(2013, 1, 1, 7, 30, tzinfo=UTC)  # still 2012 in Portland


def ended(number: int, name: str, **given: Any) -> Bulletin:
    return a_bulletin(number, incident_id=name, **({"ended_at": at(number + 30), "ended_why": "cleared"} | given))


def files(*told: Bulletin, site: Site = SITE) -> Mapping[str, bytes]:
    return archive.files(LAYOUT, threads(told, at(600)), site)


def read(files: Mapping[str, bytes], name: str) -> Any:
    return html.document_fromstring(files[name].decode())


def old(name: str) -> Bulletin:
    return ended(2, name, hazard="flood", sent=NEW_YEAR, published_at=NEW_YEAR, expires=at(0), ended_at=NEW_YEAR)


def test_each_year_has_a_page_in_each_language_and_the_newest_stands_first() -> None:
    made = files(ended(1, "AAAA"), old("BBBB"))
    assert {"archive.html", "es/archive.html", "archive/2014.html", "ar/archive/2012.html"} <= set(made)
    page = read(made, "es/archive.html")
    assert page.xpath("//main//ul[@class='list']//a/@href") == ["/es/a/AAAA"]
    assert page.xpath("//main//ul[@class='links']//a/@href") == ["/es/archive/2012"]
    assert read(made, "archive/2012.html").xpath("//main//ul[@class='list']//a/@href") == ["/a/BBBB"]


def test_a_year_is_sorted_by_hazard() -> None:
    page = read(files(ended(1, "AAAA"), ended(2, "BBBB", hazard="flood"), ended(3, "CCCC")), "archive.html")
    assert len(page.xpath("//h2")) == 2
    assert page.xpath("//ul[@class='list']//a/@href") == ["/a/CCCC", "/a/AAAA", "/a/BBBB"]


def test_what_is_in_force_is_no_past_alert_but_can_be_downloaded() -> None:
    made = files(a_bulletin(1))
    assert read(made, "archive.html").xpath("//p[@class='none']")
    assert [one["status"] for one in json.loads(made["archive/alerts.json"])["alerts"]] == ["active"]


def test_tests_are_left_out_unless_the_instance_is_for_training() -> None:
    test = ended(1, "TTTT", stage=Stage.TEST)
    assert json.loads(files(test)["archive/alerts.json"])["alerts"] == []
    made = files(test, site=a_site(mode=Mode.TRAINING, languages=("en",)))
    assert len(json.loads(made["archive/alerts.json"])["alerts"]) == 1


def test_the_table_has_a_row_for_each_message_and_language_it_was_said_in() -> None:
    first = a_bulletin(1)
    made = files(
        first, after(first, 60, Stage.ALL_CLEAR, pages=(a_page(title="Your water is safe"),), infos=first.event.infos[:1])
    )
    rows = list(csv.DictReader(io.StringIO(made["archive/alerts.csv"].decode())))
    assert [(row["stage"], row["language"], row["title"], row["status"]) for row in rows] == [
        ("first", "en", "Boil tap water", "replaced"),
        ("first", "es", "Hierva el agua del grifo", "replaced"),
        ("all_clear", "en", "Your water is safe", "cleared"),
    ]
    assert rows[1]["page"] == "https://alerts.example.gov/es/a/K7Q2"
    assert rows[0]["areas"] == "East; West" and rows[0]["sent"] == "2014-05-23T12:01:00-07:00"


def test_a_spreadsheet_runs_nothing_of_the_table() -> None:
    made = files(a_bulletin(1, pages=(a_page(title="=cmd|' /C calc'!A0"),)))
    assert ",'=cmd|" in made["archive/alerts.csv"].decode()


def test_a_demos_archive_lies_apart() -> None:
    made = files(ended(1, "AAAA", mode=Mode.DEMO), site=a_site(mode=Mode.DEMO, languages=("en",)))
    assert all(name.startswith("demo/") for name in made)


def test_hostile_titles_are_literal_and_every_language_has_its_archive() -> None:
    made = files(ended(1, "AAAA", pages=(a_page(title="<script>x</script>"),)), site=a_site())
    names = {"archive.html"} | {f"{language}/archive.html" for language in LANGUAGES}
    assert names <= set(made)
    assert not any(read(made, name).xpath("//script") for name in names)
