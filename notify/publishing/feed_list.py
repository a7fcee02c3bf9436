"""Every feed there is, as one OPML 2.0 file: a reader subscribes to what it chooses from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from channels.feed import legible
from notify.publishing.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A feed as the list names it. form: "RSS2" or "Atom"."""

    title: str
    language: str
    form: str
    url: str
    page: str


def opml(listed: Sequence[Listed], site: Site) -> bytes:
    """No date is in it, so that it changes only with the feeds there are."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = legible(f"Feeds of alerts from {site.publisher}")
    etree.SubElement(head, "ownerName").text = legible(site.publisher)
    etree.SubElement(head, "ownerEmail").text = legible(site.email)
    body = etree.SubElement(root, "body")
    for one in listed:
        said = {"type": "rss", "version": one.form, "text": one.title, "title": one.title, "language": one.language}
        said |= {"xmlUrl": one.url, "htmlUrl": one.page}
        etree.SubElement(body, "outline", {name: legible(value) for name, value in said.items()})
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return made
