"""An index of CAP documents in Atom or RSS: which documents there are, and where, or the documents themselves. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from notify.publishing.cap_document import Element, Unreadable, read_xml, shortened
from notify.publishing.cap_terms import NAMESPACE

ATOM: Final = "{http://www.w3.org/2005/Atom}"
CAP_TYPE: Final = "application/cap+xml"
ALERT: Final = f"{{{NAMESPACE}}}alert"
MOST_ELEMENTS: Final = 50_000
MOST_ENTRIES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One document. key: changes when the document does. xml: the document where the index holds it, else b""."""

    key: str
    url: str
    xml: bytes = b""


def entries(index: bytes, base: str) -> list[Entry]:
    """What an index at the address `base` names. Raises Unreadable."""
    root = read_xml(index, most=MOST_ELEMENTS)
    if root.tag == f"{ATOM}feed":
        nodes = root.findall(f"{ATOM}entry")
    elif root.tag == "rss":
        nodes = root.findall("channel/item")
    else:
        raise Unreadable("NOT_A_FEED", f"This is neither Atom nor RSS but {shortened(str(root.tag))}.", root.sourceline or 0)
    if len(nodes) > MOST_ENTRIES:
        raise Unreadable("TOO_MANY_ENTRIES", f"The index has more than {MOST_ENTRIES} entries.")
    return [entry for node in nodes for entry in _entry(node, base)]


def _entry(node: Element, base: str) -> Iterator[Entry]:
    alert = next(iter(node.iter(ALERT)), None)
    moved = next((_said(node, name) for name in (f"{ATOM}updated", "pubDate") if _said(node, name)), "")
    if alert is not None:
        alert.tail = None
        xml = bytes(etree.tostring(alert, encoding="UTF-8", xml_declaration=True))
        yield Entry(key="", url=base, xml=xml)
        return
    url = urljoin(base, _link(node))
    if url.startswith(("http://", "https://")) and url != base:
        yield Entry(key=f"{url} {moved}", url=url)


def _said(node: Element, name: str) -> str:
    return (node.findtext(name) or "").strip()


def _link(node: Element) -> str:
    """The link that says it leads to CAP, else the first one, else RSS's."""
    links = [link for link in node.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    best = [link for link in links if link.get("type") == CAP_TYPE] or links
    return str(best[0].get("href", "")) if best else _said(node, "link")
