"""Feeds as bytes: RSS 2.0, Atom 1.0 and GeoJSON made of one list of entries. Knows entries, not alerts.

Same head and entries, same bytes: nothing is read from a clock, and entries stay in the order they are given.
Specifications: RFC 4287 (Atom), the RSS 2.0 specification of the RSS Advisory Board, RFC 7946 (GeoJSON), GeoRSS Simple.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

# feedgen formats RSS dates by switching the locale of the whole process to C and back, under the feet of other threads.
feedgen.feed.formatRFC2822 = format_datetime
feedgen.entry.formatRFC2822 = format_datetime

GEORSS = "http://www.georss.org/georss"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"  # RFC 5005
TOCSIN = "urn:tocsin:feed"  # our own element: <generated>
ATOM = "http://www.w3.org/2005/Atom"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# What XML 1.0 cannot carry, not even escaped, and the C1 controls it discourages.
_NOT_XML = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Ring = tuple[tuple[float, float], ...]  # closed, (longitude, latitude)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A link of an entry or a feed. rel is one of alternate, enclosure, related, self, via; of a feed also hub
    (WebSub), current and prev-archive (RFC 5005). title: for people; "" where the rest says it."""

    href: str
    rel: str = "alternate"
    type: str = ""
    language: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One thing a feed tells. All texts are plain text, whatever they look like; times are aware and shown as given.

    thread      Atom's id: what the entry is about, kept over all its messages
    guid        RSS's guid and GeoJSON's id: this one message
    language    of title and summary (BCP 47); the feed's may be another
    published   when the thread began (Atom); `issued`: when this message came out (RSS)
    link        the page for people; `links` are the other forms
    categories  (term, scheme) pairs
    polygons    each an outer ring, counter-clockwise, and the rings of its holes; GeoRSS says the outer ones only
    cap         (element, text) pairs, in order: the summary of a CAP message
    properties  GeoJSON's, ready to dump
    """

    thread: str
    guid: str
    title: str
    summary: str
    language: str
    published: datetime
    issued: datetime
    updated: datetime
    link: str
    links: tuple[FeedLink, ...] = ()
    categories: tuple[tuple[str, str], ...] = ()
    polygons: tuple[tuple[Ring, ...], ...] = ()
    cap: tuple[tuple[str, str], ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHead:
    """What a feed says of itself. `updated` moves with its content, `generated` shows that somebody still writes it.

    link     the page for people; `links` are the feed's other forms and languages; its own address is `self_url`
    archive  an older part of a feed, which the feed itself leads to
    """

    id: str
    title: str
    subtitle: str
    language: str
    author: str
    email: str
    updated: datetime
    generated: datetime
    self_url: str
    link: str
    links: tuple[FeedLink, ...] = ()
    archive: bool = False


def legible(text: str) -> str:
    """The text with every character XML cannot carry (control characters, lone surrogates) shown as U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def atom(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    feed = _generator(head, FeedLink(href=head.self_url, rel="self", type="application/atom+xml"))
    for entry in entries:
        item = _add(feed, entry, entry.thread)
        item.published(entry.published)
        item.summary(legible(entry.summary))
        item.link([_attributes(link) for link in _links(entry)])
    return _bytes(feed.atom_str())


def rss(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    feed = _generator(head, FeedLink(href=head.self_url, rel="self", type="application/rss+xml"))
    for entry in entries:
        item = _add(feed, entry, entry.guid)
        item.published(entry.issued)
        item.link(href=legible(entry.link))
        # Readers take an RSS description for HTML: only a text escaped once more is shown as written.
        item.description(escape(legible(entry.summary), quote=False))
    return _bytes(feed.rss_str())


def geojson(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    """A FeatureCollection. An entry without polygons has a null geometry: there is nothing of it to draw."""
    collection = {
        "type": "FeatureCollection",
        "title": head.title,
        "language": head.language,
        "updated": head.updated.isoformat(),
        "generated": head.generated.isoformat(),
        "count": len(entries),
        "links": [
            {"href": link.href, "type": link.type, "hreflang": link.language} for link in head.links if link.rel == "alternate"
        ],
        "features": [
            {
                "type": "Feature",
                "id": entry.guid,
                "geometry": _geometry(entry.polygons),
                "properties": dict(entry.properties),
            }
            for entry in entries
        ],
    }
    return legible(json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False)).encode()


def _geometry(polygons: Sequence[Sequence[Ring]]) -> dict[str, Any] | None:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons} if polygons else None


class _HeadExtras(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """The feed's heartbeat, and the namespaces of what _EntryExtras adds."""

    generated: str = ""
    archive: bool = False
    hubs: Sequence[FeedLink] = ()

    def extend_ns(self) -> dict[str, str]:
        known = {"georss": GEORSS, "cap": CAP, "dc": DUBLIN_CORE, "tocsin": TOCSIN}
        return known | ({"fh": HISTORY} if self.archive else {})

    def extend_atom(self, feed: Any) -> Any:
        etree.SubElement(feed, f"{{{TOCSIN}}}generated").text = self.generated
        if self.archive:
            etree.SubElement(feed, f"{{{HISTORY}}}archive")
        return feed

    def extend_rss(self, feed: Any) -> Any:
        channel = feed.find("channel")
        etree.SubElement(channel, f"{{{TOCSIN}}}generated").text = self.generated
        for hub in self.hubs:  # of all links feedgen writes only `self` into RSS
            etree.SubElement(channel, f"{{{ATOM}}}link", _attributes(hub))
        return feed


class _EntryExtras(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen cannot say of an entry: its language, several polygons, CAP's summary, and links in RSS."""

    entry: FeedEntry

    def extend_atom(self, item: Any) -> Any:
        # https://github.com/lkiesow/python-feedgen/issues/135: links lose every attribute but href.
        for element, link in zip(item.findall("link"), _links(self.entry), strict=True):
            for name, value in _attributes(link).items():
                element.set(name, value)
        item.set(XML_LANG, self.entry.language)
        self._describe(item)
        return item

    def extend_rss(self, item: Any) -> Any:
        for link in self.entry.links:
            etree.SubElement(item, f"{{{ATOM}}}link", _attributes(link))
        etree.SubElement(item, f"{{{DUBLIN_CORE}}}language").text = self.entry.language
        self._describe(item)
        return item

    def _describe(self, item: Any) -> None:
        for name, text in self.entry.cap:
            etree.SubElement(item, f"{{{CAP}}}{name}").text = legible(text)
        for outer, *_ in self.entry.polygons:
            etree.SubElement(item, f"{{{GEORSS}}}polygon").text = _georss(outer)


def _generator(head: FeedHead, itself: FeedLink) -> Any:
    feed = feedgen.feed.FeedGenerator()
    feed.register_extension("extras", _HeadExtras, _EntryExtras)
    feed.extras.generated = head.generated.isoformat()
    feed.extras.archive = head.archive
    feed.extras.hubs = [link for link in head.links if link.rel == "hub"]
    feed.id(head.id)
    feed.title(legible(head.title))
    feed.subtitle(legible(head.subtitle))
    feed.description(legible(head.subtitle))
    feed.language(head.language)
    feed.author(name=legible(head.author), email=legible(head.email))
    feed.generator("Tocsin")
    feed.updated(head.updated)
    page = FeedLink(href=head.link, type="text/html")
    feed.link([_attributes(link) for link in (itself, *head.links, page)])  # RSS's <link> is the last alternate
    return feed


def _add(feed: Any, entry: FeedEntry, identity: str) -> Any:
    item = feed.add_entry(order="append")
    item.id(legible(identity))
    item.title(legible(entry.title))
    item.updated(entry.updated)
    for term, scheme in entry.categories:
        item.category(term=legible(term), scheme=legible(scheme))
    item.extras.entry = entry
    return item


def _links(entry: FeedEntry) -> tuple[FeedLink, ...]:
    return (FeedLink(href=entry.link, type="text/html"), *entry.links)


def _attributes(link: FeedLink) -> dict[str, str]:
    attributes = {"href": link.href, "rel": link.rel, "type": link.type, "hreflang": link.language, "title": link.title}
    return {name: legible(value) for name, value in attributes.items() if value}


@lru_cache(maxsize=1024)
def _georss(ring: Ring) -> str:
    return " ".join(f"{_degrees(lat)} {_degrees(lon)}" for lon, lat in ring)


def _degrees(value: float) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _bytes(xml: bytes) -> bytes:
    return xml + b"\n"
