"""The feed files of a city: which, what they say, and what never changes in them."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as etree
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import feedparser
import pytest
from shapely.geometry import Point, Polygon, box, shape

from notify.alerts.alert import Area, Mode, Severity, Stage
from notify.alerts.hazards import catalogue
from notify.publishing import cap, feeds
from notify.publishing.bulletin import Bulletin
from notify.publishing.feed_entries import cap_status, response_type
from notify.publishing.feeds import HEARTBEAT, MOST_BYTES
from notify.publishing.site import Site
from tests.notify import factories
from tests.notify.feed_factory import EAST, LANGUAGES, PACIFIC, WEST, a_bulletin, a_site, after, an_info, at

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SITE = a_site(languages=("en", "es", "vi"))
MONTHS = timedelta(days=90)


def made(bulletins: Sequence[Bulletin], minute: float, site: Site = SITE) -> dict[str, bytes]:
    return dict(feeds.files(bulletins, at(minute), site))


def features(files: dict[str, bytes], name: str = "feeds/active.geojson") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [feature["properties"] for feature in json.loads(files[name])["features"]]
    return found


def entries(files: dict[str, bytes], name: str = "feeds/active.atom") -> list[Any]:
    parsed = feedparser.parse(files[name])
    assert not parsed.bozo, parsed.get("bozo_exception")
    return list(parsed.entries)


def an_incident() -> list[Bulletin]:
    first = a_bulletin(1)
    update = after(first, 30, Stage.UPDATE, areas=(EAST,))
    return [first, update, after(update, 60, Stage.ALL_CLEAR)]


def test_every_file_a_partner_may_ask_for_is_there() -> None:
    forms = ("atom", "rss", "geojson")
    expected = {f"feeds/{name}.{form}" for name in ("active", "test") for form in forms}
    expected |= {f"feeds/{language}/active.{form}" for language in LANGUAGES for form in forms}
    alert = a_bulletin(1)
    files = made([alert], 5, a_site())
    assert set(files) == expected | {"feeds/index.json", "feeds/index.opml", f"cap/{alert.event.identifier}.xml"}
    assert next(iter(files)) == f"cap/{alert.event.identifier}.xml", "no feed may name a document that is not there yet"


def test_the_cap_document_is_served_as_it_was_stored() -> None:
    alert = a_bulletin(1, cap=b"<alert>as approved</alert>")
    assert made([alert], 5)[f"cap/{alert.event.identifier}.xml"] == b"<alert>as approved</alert>"


def test_an_incident_is_one_atom_entry_whose_id_stays_and_whose_updated_moves() -> None:
    told = an_incident()
    seen = [entries(made(told[:count], minute))[0] for count, minute in ((1, 5), (2, 35), (3, 65))]
    assert {entry.id for entry in seen} == {"tag:alerts.example.gov,2026:K7Q2"}
    assert [entry.updated for entry in seen] == [
        "2014-05-23T12:01:00-07:00",
        "2014-05-23T12:30:00-07:00",
        "2014-05-23T13:00:00-07:00",
    ]
    assert {entry.published for entry in seen} == {"2014-05-23T12:01:00-07:00"}


def test_a_message_is_one_rss_item_named_by_its_cap_identifier() -> None:
    told = an_incident()
    for count, minute in ((1, 5), (2, 35), (3, 65)):
        (item,) = entries(made(told[:count], minute), "feeds/active.rss")
        assert item.id == told[count - 1].event.identifier
        assert not item.guidislink
        assert item.link == "https://alerts.example.gov/a/K7Q2"


@pytest.mark.parametrize("name", ["feeds/active.atom", "feeds/active.rss", "feeds/es/active.atom"])
def test_every_entry_links_its_cap_document(name: str) -> None:
    told = an_incident()
    (entry,) = entries(made(told, 65), name)
    hrefs = [link.href for link in entry.links if link.get("type") == "application/cap+xml"]
    assert hrefs == [f"https://alerts.example.gov/cap/{told[2].event.identifier}.xml"]


def test_geojson_says_what_stands_what_was_replaced_and_by_what() -> None:
    told = an_incident()
    ids = [bulletin.event.identifier for bulletin in told]
    new, old = features(made(told[:2], 35))
    assert (new["id"], new["status"], new["replaces"], new["replacedBy"]) == (ids[1], "active", [ids[0]], None)
    assert (old["id"], old["status"], old["replaces"], old["replacedBy"]) == (ids[0], "replaced", [], ids[1])
    assert old["replacedAt"] == "2014-05-23T12:30:00-07:00"
    newest, *rest = features(made(told, 65))
    assert (newest["status"], newest["endedWhy"], newest["endedAt"]) == ("ended", "cleared", "2014-05-23T13:00:00-07:00")
    assert [feature["status"] for feature in rest] == ["replaced", "replaced"]
    assert newest["replaces"] == ids[:2]


def test_geojson_has_the_properties_a_weather_service_client_reads() -> None:
    (alert,) = features(made([a_bulletin(1)], 5))
    assert alert["languages"] == ["en-US", "es-US"]
    assert (alert["expires"], alert["ends"]) == ("2014-05-24T12:01:00-07:00", "2014-05-24T12:01:00-07:00")
    assert (alert["messageType"], alert["severity"], alert["urgency"], alert["certainty"]) == (
        "Alert",
        "Severe",
        "Immediate",
        "Observed",
    )
    assert alert["eventCode"] == {"SAME": ["LAE"], "OET": ["OET-144"]}
    assert (alert["areaDesc"], alert["senderName"], alert["capStatus"]) == (
        "All of Portland",
        "Portland Water Bureau",
        "Actual",
    )


def test_an_end_nobody_knows_yet_is_null() -> None:
    (alert,) = features(made([a_bulletin(1, until_cleared=True)], 5))
    assert (alert["ends"], alert["untilCleared"], alert["expires"]) == (None, True, "2014-05-24T12:01:00-07:00")


def test_only_what_is_in_force_can_be_drawn() -> None:
    told = an_incident()
    collection = json.loads(made(told[:2], 35)["feeds/active.geojson"])
    new, old = (feature["geometry"] for feature in collection["features"])
    assert old is None
    assert shape(new).covers(EAST.shape) and not shape(new).intersects(WEST.shape)
    assert b"georss:polygon" not in made(told, 65)["feeds/active.atom"]
    assert b"georss:polygon" not in made(told, 65)["feeds/active.rss"]


def test_the_feed_draws_what_the_cap_document_says() -> None:
    ring = Area(name="Ring", shape=Point(-122.6, 45.5).buffer(0.1).difference(Point(-122.6, 45.5).buffer(0.02)))
    alert = a_bulletin(1, areas=(ring, EAST))
    drawn = shape(json.loads(made([alert], 5)["feeds/active.geojson"])["features"][0]["geometry"])
    texts = [element.text or "" for element in etree.fromstring(alert.cap).iter(f"{CAP}polygon")]
    said = [Polygon([tuple(map(float, pair.split(",")))[::-1] for pair in text.split()]) for text in texts]
    assert drawn.is_valid
    assert all(drawn.buffer(1e-7).covers(polygon) for polygon in said)
    assert drawn.covers(ring.shape) and drawn.covers(EAST.shape)


def test_what_ended_stays_24_hours_as_ended_and_is_then_gone() -> None:
    told = an_incident()
    for name in ("feeds/active.atom", "feeds/active.rss"):
        assert entries(made(told, 61), name)[0].title == "ENDED: Boil tap water in Portland"
        assert entries(made(told, 60 + 24 * 60 - 1), name)[0].title.startswith("ENDED:")
        assert entries(made(told, 60 + 24 * 60), name) == []
    assert features(made(told, 61))[0]["headline"] == "ENDED: Boil tap water in Portland"
    assert entries(made(told, 61), "feeds/es/active.atom")[0].title == "TERMINADA: Hierva el agua"


def test_running_out_of_time_is_never_told_as_an_all_clear() -> None:
    alert = a_bulletin(1, expires=at(60))
    (entry,) = entries(made([alert], 61))
    assert entry.title == "ENDED: no all clear was given. Boil tap water in Portland"
    assert features(made([alert], 61))[0]["endedWhy"] == "expired"


def test_a_fallback_to_english_says_so_and_does_not_mix_languages() -> None:
    told = an_incident()
    (entry,) = etree.fromstring(made(told, 61)["feeds/vi/active.atom"]).findall("{http://www.w3.org/2005/Atom}entry")
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
    assert entry.findtext("{http://www.w3.org/2005/Atom}title") == "ENDED: Boil tap water in Portland"
    assert features(made(told, 61), "feeds/vi/active.geojson")[0]["language"] == "en-US"


def test_each_feed_is_in_its_own_language_and_holds_every_alert() -> None:
    files = made([a_bulletin(1), a_bulletin(2, incident_id="BBBB")], 5, a_site())
    for language in LANGUAGES:
        for form in ("atom", "rss"):
            parsed = feedparser.parse(files[f"feeds/{language}/active.{form}"])
            assert (parsed.feed.language, len(parsed.entries)) == (language, 2)


def test_tests_and_exercises_have_a_feed_of_their_own() -> None:
    real, test = a_bulletin(1), a_bulletin(2, incident_id="TEST", stage=Stage.TEST, hazard="test")
    exercise = a_bulletin(3, incident_id="DRIL", mode=Mode.TRAINING, note="Exercise")
    files = made([real, test, exercise], 5)
    assert [feature["incident"] for feature in features(files)] == ["K7Q2"]
    told = features(files, "feeds/test.geojson")
    assert {feature["incident"]: feature["capStatus"] for feature in told} == {"TEST": "Test", "DRIL": "Exercise"}
    assert all(entry.title.startswith("TEST ONLY: ") for entry in entries(files, "feeds/test.atom"))
    assert files["feeds/active.rss"] == made([real], 5)["feeds/active.rss"], "a test leaves the alerts' feed untouched"


def test_a_headline_that_says_test_is_not_told_so_twice() -> None:
    test = a_bulletin(1, stage=Stage.TEST, infos=(an_info(headline="TEST ONLY: monthly test"),))
    assert entries(made([test], 5), "feeds/test.rss")[0].title == "TEST ONLY: monthly test"


def test_in_a_demo_everything_lies_under_demo_and_says_so() -> None:
    files = feeds.files([a_bulletin(1, mode=Mode.DEMO)], at(5), a_site(mode=Mode.DEMO))
    assert all(name.startswith("demo/") for name in files)
    parsed = feedparser.parse(files["demo/feeds/active.atom"])
    assert parsed.feed.title == "DEMO: Alerts from City of Portland"
    assert parsed.entries[0].title == "DEMO: Boil tap water in Portland"
    assert parsed.entries[0].id == "tag:alerts.example.gov,2026:demo/K7Q2"
    assert parsed.entries[0].link == "https://alerts.example.gov/demo/a/K7Q2"


def test_every_address_in_a_feed_is_a_file_that_is_there_or_a_page() -> None:
    files = made(an_incident(), 65)
    for name, content in files.items():
        for url in set(re.findall(r"https://alerts\.example\.gov/[^\"<\\]*", content.decode())):
            path = url.removeprefix("https://alerts.example.gov/")
            page = re.fullmatch(r"([a-zA-Z-]+/)?(a/K7Q2)?", path)
            elsewhere = path in ("hub", "feeds/planned.ics")  # asked of the service; written with what can wait
        assert path in files or page or elsewhere or "{identifier}" in path, f"{name} leads to {url}"


def test_the_heartbeat_moves_every_five_minutes_and_nothing_else_does() -> None:
    alert = a_bulletin(1)
    quiet, next_beat = made([alert], 16), made([alert], 20)
    assert made([alert], 19.99) == quiet
    assert next_beat["feeds/active.atom"] != quiet["feeds/active.atom"]
    beats = (quiet, next_beat)
    assert [json.loads(files["feeds/active.geojson"])["generated"] for files in beats] == [
        "2014-05-23T12:15:00-07:00",
        "2014-05-23T12:20:00-07:00",
    ]
    without = [re.sub(rb"2014-05-23T12:(15|20):00-07:00", b"beat", files["feeds/active.geojson"]) for files in beats]
    assert without[0] == without[1]


def test_the_heartbeat_is_never_older_than_what_it_vouches_for() -> None:
    collection = json.loads(made([a_bulletin(1)], 1)["feeds/active.geojson"])
    assert collection["generated"] == collection["updated"] == "2014-05-23T12:01:00-07:00"
    assert HEARTBEAT == timedelta(minutes=5)


def test_updated_moves_with_the_clock_when_the_clock_ends_an_alert() -> None:
    alert = a_bulletin(1, expires=at(60))
    assert [json.loads(made([alert], minute)["feeds/active.geojson"])["updated"][11:16] for minute in (59, 60, 61)] == [
        "12:01",
        "13:00",
        "13:00",
    ]


def test_an_empty_city_has_whole_feeds() -> None:
    files = made([], 5)
    assert entries(files) == entries(files, "feeds/active.rss") == features(files) == []
    assert json.loads(files["feeds/index.json"])["active"] == 0


def test_the_discovery_file_leads_to_every_feed() -> None:
    index = json.loads(made(an_incident()[:2], 35, a_site())["feeds/index.json"])
    assert (index["active"], index["ended"], index["heartbeatSeconds"]) == (1, 0, 300)
    assert [feed["language"] for feed in index["feeds"]] == list(LANGUAGES)
    assert index["feeds"][1]["atom"] == "https://alerts.example.gov/feeds/es/active.atom"
    assert index["test"]["rss"] == "https://alerts.example.gov/feeds/test.rss"


def a_coast(number: int) -> Area:
    """An outline of more points than CAP allows."""
    return Area(name=f"Coast {number}", shape=Point(-122.6 + number / 1000, 45.5).buffer(0.1, quad_segs=40))


def test_a_feed_of_many_alerts_gives_up_words_and_points_before_alerts() -> None:
    long = "Stay where you are. " * 150
    crisis = [
        a_bulletin(
            number, incident_id=f"I{number}", areas=(a_coast(number),), infos=(an_info(description=long, instruction=long),)
        )
        for number in range(1, 61)
    ]
    chain = [a_bulletin(90, incident_id="LONG", cap=b"")]
    for number in range(91, 140):
        chain.append(after(chain[-1], number, Stage.UPDATE, cap=b""))
    files = made([*crisis, *chain], 300)
    for form in ("atom", "rss", "geojson"):
        assert len(files[f"feeds/active.{form}"]) <= MOST_BYTES, form
    told = features(files)
    assert {feature["incident"] for feature in told} == {f"I{number}" for number in range(1, 61)} | {"LONG"}
    assert {feature["status"] for feature in told} == {"active"}
    drawn = [feature["geometry"] for feature in json.loads(files["feeds/active.geojson"])["features"]]
    by_name = dict(zip((feature["incident"] for feature in told), drawn, strict=True))
    assert all(shape(by_name[f"I{number}"]).covers(a_coast(number).shape) for number in range(1, 61))


def test_an_area_without_an_honest_polygon_leaves_the_alert_in_the_feed(caplog: pytest.LogCaptureFixture) -> None:
    bow_tie = Polygon([(-122.6, 45.4), (-122.5, 45.5), (-122.5, 45.4), (-122.6, 45.5)])
    alert = a_bulletin(1, areas=(Area(name="Bow", shape=bow_tie),), cap=b"")
    assert features(made([alert], 5))[0]["status"] == "active"
    assert "no polygon" in caplog.text


HOSTILE = '<script>alert(1)</script> ]]> & {{7*7}} {0.__class__} \x07 "x"'


def test_hostile_words_are_literal_in_every_feed() -> None:
    infos = (an_info(headline=HOSTILE, description=HOSTILE, instruction=HOSTILE, area_desc=HOSTILE, event=HOSTILE),)
    files = made([a_bulletin(1, infos=infos, sender_name=HOSTILE)], 5)
    shown = HOSTILE.replace("\x07", "\ufffd")
    assert entries(files)[0].title == shown
    item = etree.fromstring(files["feeds/active.rss"]).find("channel/item")
    assert item is not None and item.findtext("title") == shown
    assert features(files)[0]["headline"] == HOSTILE
    assert all(b"49" not in content for name, content in files.items() if name.endswith(".rss"))


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("hazard", ["boil_water", "test"])
def test_the_feed_says_status_and_response_as_the_cap_document_does(hazard: str, stage: Stage, mode: Mode) -> None:
    event = factories.an_event(hazard=hazard, stage=stage, mode=mode)
    document = etree.fromstring(cap.build(event, PACIFIC))
    assert cap_status(event) == document.findtext(f"{CAP}status")
    assert response_type(event) == document.findtext(f"{CAP}info/{CAP}responseType")


@pytest.mark.parametrize("hazard", sorted(catalogue()))
def test_every_hazard_at_every_stage_makes_feeds_that_parse(hazard: str) -> None:
    first = factories.an_event(hazard=hazard)
    told = [
        Bulletin(
            event=replace(factories.an_event(hazard=hazard, stage=stage), incident_id=stage.value), published_at=at(1), cap=b""
        )
        for stage in Stage
    ]
    told = [replace(one, event=replace(one.event, identifier=f"id-{number}")) for number, one in enumerate(told)]
    files = feeds.files(told, first.sent + timedelta(minutes=5), SITE)
    assert len(entries(dict(files))) + len(entries(dict(files), "feeds/test.atom")) == len(Stage)
    assert len(entries(dict(files), "feeds/active.rss")) + len(entries(dict(files), "feeds/test.rss")) == len(Stage)


IN_ANOTHER_PROCESS = """
import hashlib, sys
from notify.publishing import feeds
from tests.notify.feed_factory import a_site, at
from tests.notify.publishing.test_feeds import an_incident
files = feeds.files(an_incident(), at(65), a_site())
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


def test_two_instances_give_the_same_bytes() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(digests) == 1


def test_updated_and_ids_are_what_they_were_after_the_end() -> None:
    """Months later the feeds are empty, and no reader is told of a change older than the last one it saw."""
    told = an_incident()
    late = json.loads(feeds.files(told, at(0) + MONTHS, SITE)["feeds/active.geojson"])
    before = json.loads(made(told, 61)["feeds/active.geojson"])
    assert late["features"] == []
    assert datetime.fromisoformat(late["updated"]) > datetime.fromisoformat(before["updated"])


def test_severity_never_decides_what_is_told() -> None:
    minor = a_bulletin(1, severity=Severity.MINOR, areas=(Area(name="Spot", shape=box(-122.6, 45.5, -122.599, 45.501)),))
    assert features(made([minor], 5))[0]["severity"] == "Minor"
