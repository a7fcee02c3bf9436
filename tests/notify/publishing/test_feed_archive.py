"""What left the feed is in its archive, what feeds there are is in one list, what is planned is in a calendar."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from typer.testing import CliRunner

from channels.feed_folder import FeedFolder
from notify.alerts.alert import Mode, Stage
from notify.cli.planned import app as command
from notify.publishing import feed_archive, feeds
from notify.publishing.bulletin import Bulletin, threads
from notify.publishing.pages import Pages
from notify.publishing.planned import BadPlans, Plans, read
from notify.publishing.publish import Publisher
from tests.channels.test_calendar_file import read as read_calendar
from tests.notify.feed_factory import NOON, a_bulletin, a_site

SITE = a_site(languages=("en", "es"))
HISTORY = "{http://purl.org/syndication/history/1.0}archive"


def in_month(number: int, month: int, **changes: object) -> Bulletin:
    sent = datetime(2014, month, 10, 19, tzinfo=UTC)
    return a_bulletin(number, incident_id=f"M{number:03d}", sent=sent, expires=sent + timedelta(hours=2), **changes)


def links(body: bytes) -> dict[str, str]:
    """rel -> address, of the feed itself, as feedparser reads them; alternates left out."""
    return {link.rel: link.href for link in feedparser.parse(body).feed.links if link.rel != "alternate"}


def test_a_reader_that_was_away_walks_back_to_the_first_alert() -> None:
    bulletins = [in_month(1, 2), in_month(2, 2), in_month(3, 4), in_month(4, 5)]
    files = feed_archive.files(threads(bulletins, NOON + timedelta(days=9)), SITE)
    assert list(files) == [f"feeds/archive-2014-{month}.atom" for month in ("02", "04", "05")]
    current = feeds.files(bulletins, NOON + timedelta(days=9), SITE, archived=feed_archive.newest(tuple(files), SITE))
    at = links(current["feeds/active.atom"])["prev-archive"]
    seen = []
    while at:
        body = files[at.removeprefix("https://alerts.example.gov/")]
        assert links(body)["current"] == "https://alerts.example.gov/feeds/active.atom" and links(body)["self"] == at
        assert etree.fromstring(body).find(HISTORY) is not None
        parsed = feedparser.parse(body)
        assert not parsed.bozo and parsed.feed.id == feedparser.parse(current["feeds/active.atom"]).feed.id
        seen += [entry.id.rpartition(":")[2] for entry in parsed.entries]
        assert all("ENDED" in entry.title for entry in parsed.entries)
        at = links(body).get("prev-archive", "")
    assert seen == ["M004", "M003", "M002", "M001"]


def test_other_languages_forms_and_a_feed_without_past_lead_to_no_archive() -> None:
    files = feeds.files([], NOON, SITE, archived="https://alerts.example.gov/feeds/archive-2014-05.atom")
    assert [name for name, body in files.items() if b"prev-archive" in body] == ["feeds/en/active.atom", "feeds/active.atom"]
    assert all(b"prev-archive" not in body for body in feeds.files([], NOON, SITE).values())


def test_a_month_keeps_its_bytes_while_other_months_come() -> None:
    later = NOON + timedelta(days=90)
    before = feed_archive.files(threads([in_month(1, 2), in_month(2, 4)], later), SITE)
    after = feed_archive.files(threads([in_month(1, 2), in_month(2, 4), in_month(3, 6)], later), SITE)
    assert {name: after[name] for name in before} == before and len(after) == 3


def test_tests_are_in_no_archive_unless_there_is_nothing_else() -> None:
    told = threads([in_month(1, 2, stage=Stage.TEST, hazard="test")], NOON)
    assert feed_archive.files(told, SITE) == {}
    assert len(feed_archive.files(told, a_site(mode=Mode.TRAINING, languages=("en",)))) == 1


def test_every_feed_says_where_its_hub_is_and_what_it_is_called_there() -> None:
    for name, body in feeds.files([a_bulletin(1)], NOON, SITE).items():
        if name.endswith((".atom", ".rss")):
            found = links(body)
            assert found["hub"] == "https://alerts.example.gov/hub", name
            assert found["self"].startswith("https://alerts.example.gov/feeds/"), name


def test_the_list_of_feeds_names_each_once_and_nothing_that_is_not_there() -> None:
    files = feeds.files([], NOON, SITE)
    outlines = etree.fromstring(files["feeds/index.opml"]).findall("body/outline")
    named = [outline.get("xmlUrl").removeprefix("https://alerts.example.gov/") for outline in outlines]
    assert len(named) == len(set(named)) == 6 and set(named) <= set(files)
    assert {outline.get("language") for outline in outlines} == {"en", "es"}
    assert all(outline.get("type") == "rss" and outline.get("text") for outline in outlines)


PLANS = """
[[planned]]
id = "test-2014-06"
title = "Monthly test"
begins = 2014-06-04T11:00:00
ends = 2014-06-04T11:15:00
[[planned]]
id = "sirens"
title = "Sirens, all of them"
begins = 2014-06-01T12:00:00-07:00
ends = 2014-06-01T12:05:00-07:00
cancelled = true
"""


def test_a_time_without_offset_is_the_citys_own() -> None:
    sirens, monthly = read(PLANS, SITE, NOON)
    assert monthly.begins_at.astimezone(UTC) == datetime(2014, 6, 4, 18, tzinfo=UTC)
    assert sirens.cancelled and sirens.uid == "tag:alerts.example.gov,2026:planned/sirens"


def test_everything_wrong_with_a_file_is_named_at_once() -> None:
    wrong = PLANS + PLANS.replace("2014-06-04T11:15:00", "2014-06-04T10:00:00").replace("cancelled = true", 'colour = "red"')
    with pytest.raises(BadPlans) as caught:
        read(wrong.replace('title = "Sirens, all of them"', ""), SITE, NOON)
    assert caught.value.problems == [
        "Event 2 (sirens): title is missing.",
        "Event 3 (test-2014-06): it ends before it begins.",
        "Event 4 (sirens): title is missing.",
        "Event 4 (sirens): colour is not known.",
        "The id sirens is given 2 times.",
        "The id test-2014-06 is given 2 times.",
    ]
    for broken in ("planned = 3", "[[planned]]\nid = [1]\nbegins = 'x'", "x = ", "[planned]\nid = 'a'", "other = 1"):
        with pytest.raises(BadPlans):
            read(broken, SITE, NOON)


async def test_the_publisher_keeps_archive_and_calendar_and_a_broken_file_takes_nothing_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = [in_month(1, 2), a_bulletin(2)]

    async def bulletins() -> Sequence[Bulletin]:
        return told

    file, public = tmp_path / "planned.toml", tmp_path / "public"
    publisher = Publisher(FeedFolder(public), SITE, Pages.load(), bulletins, plans=Plans(file))
    await publisher.publish(NOON)
    assert read_calendar((public / "feeds/planned.ics").read_bytes()) == []
    assert (public / "feeds/archive-2014-02.atom").exists()
    await asyncio.to_thread(file.write_text, PLANS)
    await publisher.publish(NOON + timedelta(minutes=2))
    assert b"prev-archive" in (public / "feeds/active.atom").read_bytes(), "once it is there, the feed leads to it"
    assert len(read_calendar((public / "feeds/planned.ics").read_bytes())) == 2
    await asyncio.to_thread(file.write_text, PLANS + "[[planned]]\n")
    os.utime(file, (0, 0))
    await publisher.publish(NOON + timedelta(minutes=4))
    assert len(read_calendar((public / "feeds/planned.ics").read_bytes())) == 2
    assert "what it said before stands: Event 3 (without id): id is missing." in caplog.text


def test_a_file_is_judged_before_it_is_put_where_it_is(tmp_path: Path) -> None:
    run, file = CliRunner().invoke, tmp_path / "planned.toml"
    file.write_text(PLANS)
    assert run(command, ["check", str(file)]).output.endswith("2 events, nothing wrong.\n")
    file.write_text(PLANS + "[[planned]]\n")
    wrong = run(command, ["check", str(file)])
    assert wrong.exit_code == 1 and wrong.output.splitlines() == [
        f"Event 3 (without id): {name} is missing." for name in ("id", "title", "begins", "ends")
    ]
    file.write_bytes(b"\xff")
    assert run(command, ["check", str(file)]).exit_code == 1
    assert run(command, ["check", str(tmp_path / "none.toml")]).exit_code == 2
