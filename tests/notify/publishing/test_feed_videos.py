"""An alert's video in American Sign Language in feeds and CAP: a link beside the entry, and nothing where there is none."""

import re
import xml.etree.ElementTree as etree
from collections.abc import Mapping

import feedparser
import pytest

from notify.publishing import cap_check, feeds
from tests.notify.feed_factory import a_bulletin, a_site, at

ATOM = "{http://www.w3.org/2005/Atom}"
SITE = a_site(languages=("en", "es"))
VIDEO = "https://video.example.gov/asl/boil-water.mp4"
LINK = re.compile(rb'\s*<(?:\w+:)?link [^<>]*hreflang="ase"[^<>]*/>')
TITLES = {"feeds/": "Video in American Sign Language (ASL)", "feeds/es/": "Video en lengua de señas americana (ASL)"}


def files(video: str) -> Mapping[str, bytes]:
    return feeds.files([a_bulletin(1, asl_video=video)], at(5), SITE)


@pytest.mark.parametrize("folder", TITLES)
@pytest.mark.parametrize("form", ["atom", "rss"])
def test_the_video_is_a_related_link_in_its_own_language_with_a_title_in_the_reader_s(folder: str, form: str) -> None:
    written = files(VIDEO)[f"{folder}active.{form}"]
    (entry,) = (one for one in etree.fromstring(written).iter() if one.tag in (f"{ATOM}entry", "item"))
    (link,) = (one for one in entry.iter(f"{ATOM}link") if one.get("hreflang") == "ase")
    said = {"href": VIDEO, "rel": "related", "type": "video/mp4", "hreflang": "ase", "title": TITLES[folder]}
    assert link.attrib == said
    read = feedparser.parse(written)
    assert not read.bozo and "/a/K7Q2" in read.entries[0].link, "the entry's own link stays the page"


def test_all_else_in_every_feed_is_what_it_is_without_a_video() -> None:
    plain, signed = files(""), files(VIDEO)
    document = SITE.cap(a_bulletin(1).event.identifier)
    assert plain.keys() == signed.keys()
    for name in plain.keys() - {document}:
        assert LINK.findall(plain[name]) == [] and LINK.sub(b"", signed[name]) == plain[name], name


@pytest.mark.parametrize("profile", ["cap", "google", "ipaws"])
def test_a_video_makes_no_cap_document_worse(profile: cap_check.Profile) -> None:
    plain, signed = (a_bulletin(1, asl_video=video).cap for video in ("", VIDEO))
    assert b"<resource>" not in plain and signed.count(b"<resource>") == 2, "one in each language"
    told = [[(one.rule, one.advice) for one in cap_check.problems(xml, profile)] for xml in (plain, signed)]
    assert told[0] == told[1] and not any(not advice for _, advice in told[1])
