"""Feeds judged by feedparser and by the standard library's XML and JSON readers."""

import json
import xml.etree.ElementTree as etree
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.feed import FeedEntry, FeedHead, FeedLink, atom, geojson, legible, rss

LOCAL = timezone(timedelta(hours=-7))
NOON = datetime(2014, 5, 23, 12, 0, tzinfo=LOCAL)
SQUARE = ((-122.6, 45.4), (-122.5, 45.4), (-122.5, 45.5), (-122.6, 45.5), (-122.6, 45.4))
HOLE = ((-122.56, 45.44), (-122.56, 45.46), (-122.54, 45.46), (-122.54, 45.44), (-122.56, 45.44))
OTHER = tuple((lon + 0.2, lat) for lon, lat in SQUARE)
ATOM = "{http://www.w3.org/2005/Atom}"
GEORSS = "{http://www.georss.org/georss}polygon"
CAP_TYPE = "application/cap+xml"
HOSTILE = (
    "<script>alert(1)</script>",
    "<b>bold</b> & <i>more</i>",
    "AT&T &amp; co; &lt;tag&gt;",
    "]]> <![CDATA[ x ]]>",
    "{{7*7}} {% if %} ${x} %(x)s {0.__class__}",
    "\"quotes\" 'single' `back`",
    "<!-- no comment --> <!DOCTYPE x>",
)


def a_head(**changes: Any) -> FeedHead:
    given: dict[str, Any] = {
        "id": "tag:alerts.example.gov,2026:feeds/es/active",
        "title": "Alertas",
        "subtitle": "Alertas vigentes",
        "language": "es",
        "author": "City of Portland",
        "email": "alerts@example.gov",
        "updated": NOON,
        "generated": NOON + timedelta(minutes=5),
        "self_url": "https://alerts.example.gov/feeds/es/active.atom",
        "link": "https://alerts.example.gov/es/",
        "links": (FeedLink(href="https://alerts.example.gov/feeds/active.atom", type="application/atom+xml", language="en"),),
    }
    return FeedHead(**(given | changes))


def an_entry(**changes: Any) -> FeedEntry:
    given: dict[str, Any] = {
        "thread": "tag:alerts.example.gov,2026:K7Q2",
        "guid": "2b1f",
        "title": "Boil tap water",
        "summary": "Tests found E. coli.",
        "language": "en-US",
        "published": NOON - timedelta(hours=2),
        "issued": NOON - timedelta(hours=1),
        "updated": NOON,
        "link": "https://alerts.example.gov/a/K7Q2",
        "links": (FeedLink(href="https://alerts.example.gov/cap/2b1f.xml", type=CAP_TYPE),),
        "categories": (("active", "urn:tocsin:status"), ("Health", "")),
        "polygons": ((SQUARE, HOLE), (OTHER,)),
        "cap": (("event", "Boil tap water"), ("severity", "Severe")),
        "properties": {"status": "active", "headline": "Boil tap water"},
    }
    return FeedEntry(**(given | changes))


def parsed(feed: bytes) -> Any:
    result = feedparser.parse(feed)
    assert not result.bozo, result.get("bozo_exception")
    return result


def test_atom_says_what_the_entry_says() -> None:
    feed = parsed(atom(a_head(), [an_entry()]))
    assert (feed.version, feed.feed.language, feed.feed.title) == ("atom10", "es", "Alertas")
    assert feed.feed.updated == "2014-05-23T12:00:00-07:00"
    (entry,) = feed.entries
    assert (entry.id, entry.title, entry.summary) == (
        "tag:alerts.example.gov,2026:K7Q2",
        "Boil tap water",
        "Tests found E. coli.",
    )
    assert (entry.published, entry.updated) == ("2014-05-23T10:00:00-07:00", "2014-05-23T12:00:00-07:00")
    assert [(tag.term, tag.scheme) for tag in entry.tags] == [("active", "urn:tocsin:status"), ("Health", None)]
    assert (entry.cap_event, entry.cap_severity) == ("Boil tap water", "Severe")


def test_rss_says_what_the_entry_says_under_the_messages_own_id() -> None:
    feed = parsed(rss(a_head(self_url="https://alerts.example.gov/feeds/es/active.rss"), [an_entry()]))
    assert (feed.version, feed.feed.language, feed.feed.link) == ("rss20", "es", "https://alerts.example.gov/es/")
    (entry,) = feed.entries
    assert (entry.id, entry.guidislink, entry.link) == ("2b1f", False, "https://alerts.example.gov/a/K7Q2")
    assert entry.published == "Fri, 23 May 2014 11:00:00 -0700"
    assert (entry.summary, entry.language) == ("Tests found E. coli.", "en-US")


@pytest.mark.parametrize("write", [atom, rss])
def test_the_link_to_the_cap_document_keeps_its_type(write: Callable[..., bytes]) -> None:
    (entry,) = parsed(write(a_head(), [an_entry()])).entries
    assert [(link.rel, link.href) for link in entry.links if link.type == CAP_TYPE] == [
        ("alternate", "https://alerts.example.gov/cap/2b1f.xml")
    ]


def test_every_entry_keeps_its_own_links_and_language() -> None:
    other = an_entry(
        thread="tag:x", guid="9", links=(FeedLink(href="https://a.example.gov/cap/9.xml", type=CAP_TYPE),), language="es"
    )
    feed = etree.fromstring(atom(a_head(), [an_entry(), other]))
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in entries] == ["en-US", "es"]
    assert [entry.findall(f"{ATOM}link")[1].get("href") for entry in entries] == [
        "https://alerts.example.gov/cap/2b1f.xml",
        "https://a.example.gov/cap/9.xml",
    ]


@pytest.mark.parametrize("write", [atom, rss])
def test_georss_names_every_outer_ring_latitude_first(write: Callable[..., bytes]) -> None:
    texts = [element.text for element in etree.fromstring(write(a_head(), [an_entry()])).iter(GEORSS)]
    assert texts == [
        "45.4 -122.6 45.4 -122.5 45.5 -122.5 45.5 -122.6 45.4 -122.6",
        "45.4 -122.4 45.4 -122.3 45.5 -122.3 45.5 -122.4 45.4 -122.4",
    ]


def test_geojson_keeps_holes_and_has_null_where_there_is_nothing_to_draw() -> None:
    entries = [an_entry(), an_entry(guid="2", polygons=((SQUARE,),)), an_entry(guid="3", polygons=())]
    features = json.loads(geojson(a_head(), entries))["features"]
    assert [feature["id"] for feature in features] == ["2b1f", "2", "3"]
    assert [feature["geometry"] and feature["geometry"]["type"] for feature in features] == ["MultiPolygon", "Polygon", None]
    assert features[0]["geometry"]["coordinates"][0] == [[list(point) for point in ring] for ring in (SQUARE, HOLE)]


def test_a_feed_without_entries_is_a_whole_feed() -> None:
    assert parsed(atom(a_head(), [])).entries == []
    assert parsed(rss(a_head(), [])).entries == []
    assert json.loads(geojson(a_head(), []))["features"] == []


@pytest.mark.parametrize("write", [atom, rss, geojson])
def test_entries_stay_in_the_given_order_and_bytes_are_always_the_same(write: Callable[..., bytes]) -> None:
    entries = [an_entry(guid=name, thread=f"tag:{name}", properties={"id": name}) for name in "bca"]
    first = write(a_head(), entries)
    assert write(a_head(), entries) == first
    found = json.loads(first)["features"] if write is geojson else parsed(first).entries
    assert [entry["id"].removeprefix("tag:") for entry in found] == ["b", "c", "a"]


@pytest.mark.parametrize("write", [atom, rss, geojson])
def test_the_heartbeat_is_in_every_form(write: Callable[..., bytes]) -> None:
    assert b"2014-05-23T12:05:00-07:00" in write(a_head(), [])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_literal_in_atom(text: str) -> None:
    (entry,) = parsed(atom(a_head(title=text), [an_entry(title=text, summary=text)])).entries
    assert (entry.title, entry.summary) == (text, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_literal_in_rss(text: str) -> None:
    item = etree.fromstring(rss(a_head(), [an_entry(title=text, summary=text)])).find("channel/item")
    assert item is not None
    assert item.findtext("title") == text
    shown = feedparser.parse(rss(a_head(), [an_entry(summary=text)])).entries[0].summary  # as HTML: still escaped once
    assert "<script" not in shown and "<b>" not in shown and "<!--" not in shown


@pytest.mark.parametrize("write", [atom, rss, geojson])
@settings(deadline=None)
@given(text=st.text(alphabet=st.characters(), max_size=40))
def test_no_text_whatever_breaks_a_feed(write: Callable[..., bytes], text: str) -> None:
    entry = an_entry(title=f"x{text}", summary=text, cap=(("event", text),), properties={"headline": text})
    feed = write(a_head(title=f"x{text}"), [entry])
    if write is geojson:
        assert legible(json.loads(feed)["features"][0]["properties"]["headline"]) == legible(text)
    else:
        said = etree.fromstring(feed).iter(f"{ATOM}title" if write is atom else "title")
        assert [element.text for element in said] == [legible(f"x{text}")] * 2


def test_what_xml_cannot_carry_is_shown_as_a_replacement_character() -> None:
    assert legible("a\x00b\x1fc\ud800d\uffffe\tf\n") == "a\ufffdb\ufffdc\ufffdd\ufffde\tf\n"


def test_dates_do_not_touch_the_locale_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the locale was switched")

    monkeypatch.setattr("locale.setlocale", refuse)
    assert b"Fri, 23 May 2014 12:00:00 -0700" in rss(a_head(), [an_entry()])


def test_an_update_moves_updated_and_keeps_the_id() -> None:
    before, later = an_entry(), replace(an_entry(), guid="next", updated=NOON + timedelta(hours=1))
    (old,), (new,) = (parsed(atom(a_head(), [entry])).entries for entry in (before, later))
    assert new.id == old.id
    assert new.updated_parsed > old.updated_parsed
