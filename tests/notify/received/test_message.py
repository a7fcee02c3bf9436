"""What other agencies write, as we understand it: documents and the Weather Service's JSON, good, odd, broken and hostile."""

import resource
import time
from datetime import timedelta
from typing import Any

import pytest
from shapely.geometry import shape

from notify.publishing.cap import build
from notify.publishing.cap_document import MOST_BYTES, Unreadable
from notify.received import index, nws
from notify.received.message import MESSAGE, UNSAID, of_cap
from tests.notify.factories import PORTLAND, an_event
from tests.notify.received.agency import SENDER, SENT, Agency, a_document, a_feature, urn


def refusal(xml: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        of_cap(xml)
    assert refused.value.problem.sentence.endswith(".")
    return refused.value.problem.rule


def test_a_weather_offices_document_is_understood_whole() -> None:
    found = of_cap(a_document(2, msg_type="Update", refers=[(1, SENT - timedelta(hours=1))]))
    assert (found.identifier, found.sender, found.sent) == (urn(2), SENDER, SENT)
    assert (found.status, found.msg_type, found.actual) == ("Actual", "Update", True)
    (earlier,) = found.references
    assert (earlier.identifier, earlier.sender, earlier.sent) == (urn(1), SENDER, SENT - timedelta(hours=1))
    assert found.english.headline == "Flash Flood Warning number 2" and found.english.area_desc == "Multnomah, OR"
    assert ("SAME", "FFW") in found.event_codes and found.ends_at == SENT + timedelta(hours=6)
    assert shape(found.geometry).bounds == (-122.60, 45.46, -122.56, 45.50)
    assert found.problems == ()


def test_our_own_document_is_understood_in_every_language() -> None:
    event = an_event()
    found = of_cap(build(event, PORTLAND))
    assert [one.language for one in found.words] == ["en-US", "es-US"] and found.problems == ()
    assert shape(found.geometry).covers(event.areas[0].shape)


def test_the_json_of_the_weather_service_says_the_same_as_its_document() -> None:
    given: dict[str, Any] = {"msg_type": "Update", "refers": [(1, SENT - timedelta(hours=1))]}
    ours, theirs = of_cap(a_document(2, **given)), nws.of_feature(a_feature(2, **given))
    for name in ("identifier", "sender", "sent", "status", "msg_type", "references", "severity", "ends_at", "responses"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert shape(ours.geometry).equals(shape(theirs.geometry))
    assert ours.english.headline == theirs.english.headline


def test_what_is_kept_is_read_again_as_it_was() -> None:
    for found in (of_cap(a_document()), nws.of_feature(a_feature(geometry=None))):
        assert MESSAGE.validate_json(MESSAGE.dump_json(found)) == found


@pytest.mark.parametrize("words", ["2014-05-23T15:00:00Z", "2014-05-23T15:00:00.250-00:00", "2014-05-23T08:00:00-07:00"])
def test_a_time_that_the_standard_forbids_is_understood_and_named(words: str) -> None:
    found = of_cap(a_document(sent_words=words))
    assert found.sent.replace(microsecond=0) == SENT
    assert bool(found.problems) == (not words.endswith("-07:00"))


@pytest.mark.parametrize(
    "given",
    [
        {"identifier": ""},
        {"identifier": "with a space"},
        {"sender": "one,two"},
        {"sent_words": "yesterday"},
        {"sent_words": "2014-05-23T15:00:00"},
        {"status": "Maybe"},
        {"msg_type": "Shout"},
        {"scope": "Everybody"},
    ],
)
def test_what_does_not_say_which_alert_it_is_is_refused(given: dict[str, str]) -> None:
    assert refusal(a_document(**given)) == "NO_IDENTITY"


def test_two_identifiers_are_refused_since_readers_would_differ() -> None:
    twice = a_document().replace(b"<sender>", b"<identifier>other</identifier><sender>", 1)
    assert refusal(twice) == "DUPLICATE_ELEMENT"


def test_an_alert_that_does_not_say_when_it_ends_counts_for_a_day() -> None:
    xml = a_document()
    start, end = xml.index(b"<expires>"), xml.index(b"</expires>") + len(b"</expires>")
    assert of_cap(xml[:start] + xml[end:]).ends_at == SENT + UNSAID


@pytest.mark.parametrize("polygon", ["45.4,-122.6 45.5,-122.5", "45,-122 46,-121 46,-122 45,-121 45,-122", "north of it"])
def test_a_polygon_that_cannot_be_used_is_left_out_and_named(polygon: str) -> None:
    found = of_cap(a_document(polygon=polygon))
    assert found.geometry is None and any("left out" in sentence for sentence in found.problems)


def test_a_circle_covers_what_lies_within_its_radius() -> None:
    xml = a_document(polygon="").replace(b"</areaDesc>", b"</areaDesc><circle>45.5,-122.6 5</circle>")
    west, south, east, north = shape(of_cap(xml).geometry).bounds
    assert north - south == pytest.approx(0.09, rel=0.01) and west < -122.6 < east


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
HOSTILE = {
    "a bomb": (b'<!DOCTYPE a [<!ENTITY l0 "ha">' + LAUGHS + b"]>" + a_document().partition(b"?>")[2], "DOCTYPE"),
    "an outside entity": (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><alert>&e;</alert>', "DOCTYPE"),
    "an outside DTD": (b'<!DOCTYPE alert SYSTEM "http://127.0.0.1:1/x.dtd"><alert/>', "DOCTYPE"),
    "another encoding": (a_document().decode().encode("utf-16"), "NOT_UTF_8"),
    "over a megabyte": (a_document() + b" " * MOST_BYTES, "TOO_LARGE"),
    "too deep": (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<a>" * 200_000, "TOO_DEEP"),
    "too many": (
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<a/>" * 200_000 + b"</alert>",
        "TOO_MANY_ELEMENTS",
    ),
    "no XML": (b"\x89PNG hello", "NOT_UTF_8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_quickly_and_in_little_memory(name: str) -> None:
    xml, rule = HOSTILE[name]
    before, took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    for _ in range(3):  # what else this process does now and then is no part of it
        began = time.process_time()
        assert refusal(xml) == rule
        took.append(time.process_time() - began)
    assert min(took) < 0.1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b"{" * 2_000_001,
        b'{"features": {"a": 1}}',
        b'{"features": [1, 2]}',
        b'{"features": [' + b",".join([b"{}"] * 501) + b"]}",
        b"<html>",
        b'{"features": ' + b"[" * 50_000,
    ],
)
def test_hostile_json_is_refused_quickly(data: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable):
        nws.features(data)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    "geometry",
    [{"type": "Polygon"}, {"type": "Point", "coordinates": [1, 2]}, {"type": "Polygon", "coordinates": [[[1, 2]]]}, [], "here"],
)
def test_an_odd_geometry_is_left_out_and_named(geometry: Any) -> None:
    found = nws.of_feature(a_feature(geometry=geometry))
    assert found.geometry is None and found.problems


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.pop("properties"),
        lambda one: one["properties"].pop("id"),
        lambda one: one["properties"].update(sent=7),
        lambda one: one["properties"].update(status="Real"),
    ],
)
def test_a_feature_that_does_not_say_which_alert_it_is_is_refused(spoil: Any) -> None:
    one = a_feature()
    spoil(one)
    with pytest.raises(Unreadable):
        nws.of_feature(one)


def test_an_index_in_atom_names_documents_and_where_they_are() -> None:
    agency = Agency(documents={"1.xml": b"", "2.xml": b""}, url="http://nws.example.gov")
    found = index.entries(agency.atom().encode(), "http://nws.example.gov/active")
    assert [one.url for one in found] == ["http://nws.example.gov/alerts/1.xml", "http://nws.example.gov/alerts/2.xml"]
    assert len({one.key for one in found}) == 2


def test_an_index_may_hold_the_documents_themselves() -> None:
    inside = a_document().partition(b"?>")[2]
    feed = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="text/xml">' + inside + b"</content></entry></feed>"
    (one,) = index.entries(feed, "http://a.example.gov/")
    assert of_cap(one.xml) == of_cap(a_document())


def test_an_index_in_rss_is_read_too_and_what_is_no_web_address_is_left_out() -> None:
    rss = b"<rss><channel><item><link>https://a.example.gov/1.xml</link></item><item><link>file:///etc/passwd</link></item></channel></rss>"
    assert [one.url for one in index.entries(rss, "https://a.example.gov/rss")] == ["https://a.example.gov/1.xml"]


@pytest.mark.parametrize("feed", [b"<html/>", b"", b"<feed", b'<!DOCTYPE a><feed xmlns="http://www.w3.org/2005/Atom"/>'])
def test_what_is_no_index_is_refused(feed: bytes) -> None:
    with pytest.raises(Unreadable):
        index.entries(feed, "http://a.example.gov/")
