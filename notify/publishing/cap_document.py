"""Reading a CAP document that nobody vouches for, and the form in which its problems are told.

The bytes may come from anywhere: they are refused before a parser could be made to fetch, expand or pile up anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from lxml import etree

from notify.publishing.cap_terms import NAMESPACE, NUMBER, TIME

MOST_BYTES = 1_000_000
MOST_DEPTH = 64
MOST_ELEMENTS = 5_000
MOST_OFFSET = timedelta(hours=14)  # xs:dateTime

Element = Any  # lxml publishes no types
Pairs = tuple[tuple[float, float], ...]  # (longitude, latitude)

_NUMBER = NUMBER.pattern
_POINTS = re.compile(rf"\s*+(?:{_NUMBER},{_NUMBER}(?:\s++|$))*+", re.ASCII)  # possessive: never goes back
_DECLARED = re.compile(r"""\ufeff?<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a document. rule names it for good; `advice` does not make the document invalid;
    line counts from 1, 0 where there is none."""

    rule: str
    sentence: str
    advice: bool = False
    line: int = 0


class Unreadable(ValueError):
    """The bytes are not a document to look into; `problem` says why."""

    def __init__(self, rule: str, sentence: str, line: int = 0) -> None:
        super().__init__(sentence)
        self.problem = Problem(rule=rule, sentence=sentence, line=line)


def read(xml: bytes) -> Element:
    """The <alert> element of a CAP 1.2 document, without comments. Raises Unreadable."""
    root = read_xml(xml)
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise Unreadable("NOT_CAP", f"This is not a CAP 1.2 alert but {shortened(str(root.tag))}.", root.sourceline or 0)
    return root


def read_xml(xml: bytes, *, bare: bool = True, most: int = MOST_ELEMENTS) -> Element:
    """The root element of any harmless document of at most so many elements, bare of comments or not. Raises Unreadable."""
    _require_harmless(xml)
    try:
        return _parse(xml, bare, most)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        raise Unreadable("NOT_XML", f"This is not well-formed XML: {shortened(error.msg or '')}.", line) from error


def read_as_signed(xml: bytes) -> Element:
    """The same with every node that its signer saw. A comment or an instruction inside is refused: canonical XML drops both,
    so a signature would hold whether they are there or not, while readers differ in what they make of the text around them.
    Raises Unreadable."""
    root = read_xml(xml, bare=False)
    for node in root.iter():
        if not isinstance(node.tag, str):
            sentence = "A signed document must hold no comment and no processing instruction."
            raise Unreadable("COMMENT_IN_SIGNED", sentence, node.sourceline or 0)
    return root


def _require_harmless(xml: bytes) -> None:
    """Refuses by the bytes alone. As only UTF-8 is let through, no other encoding can hide what is searched for."""
    if len(xml) > MOST_BYTES:
        raise Unreadable("TOO_LARGE", f"The document has more than {MOST_BYTES:,} bytes, and is not read.")
    try:
        text = xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("NOT_UTF_8", f"The document is not in UTF-8: byte {error.start} cannot be read.") from error
    declared = _DECLARED.match(text)
    if declared and declared[1].lower() not in ("utf-8", "us-ascii"):
        raise Unreadable("NOT_UTF_8", f"The document must be in UTF-8, but declares {shortened(declared[1])}.", 1)
    for forbidden in ("<!DOCTYPE", "<!ENTITY"):
        if forbidden in text:
            line = text.count("\n", 0, text.index(forbidden)) + 1
            raise Unreadable("DOCTYPE", f"The document contains {forbidden}, which is never read.", line)


def _parse(xml: bytes, bare: bool, most: int) -> Element:
    """The root element, bare of comments and instructions or not; stops at the first element too many or too deep, long before
    memory runs out."""
    steps = etree.iterparse(
        BytesIO(xml),
        events=("start", "end"),
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=bare,
        remove_pis=bare,
    )
    depth = count = 0
    for step, element in steps:
        depth += 1 if step == "start" else -1
        count += step == "start"
        if depth > MOST_DEPTH:
            raise Unreadable("TOO_DEEP", f"More than {MOST_DEPTH} elements stand inside each other.", element.sourceline)
        if count > most:
            raise Unreadable("TOO_MANY_ELEMENTS", f"There are more than {most:,} elements.", element.sourceline)
    return steps.root


def problem(node: Element, rule: str, sentence: str, *, advice: bool = False) -> Problem:
    """A problem at the line of the node."""
    return Problem(rule=rule, sentence=sentence, advice=advice, line=node.sourceline or 0)


def shortened(value: str) -> str:
    """A value quoted for a sentence: on one line, not longer than 60 characters."""
    flat = " ".join(value.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."


def name_of(node: Element) -> str:
    """The plain name of a CAP element; another namespace's name in full."""
    return str(node.tag).removeprefix(f"{{{NAMESPACE}}}")


def children(node: Element, name: str) -> list[Element]:
    return list(node.iterchildren(f"{{{NAMESPACE}}}{name}"))


def content(node: Element) -> str:
    """All text of an element, exactly as it stands."""
    return "".join(node.itertext()) if len(node) else node.text or ""


def text(node: Element, name: str) -> str:
    """The first child's text without white space around it; "" when there is no such child."""
    found = next(node.iterchildren(f"{{{NAMESPACE}}}{name}"), None)
    return content(found).strip() if found is not None else ""


def named_values(node: Element, name: str) -> list[tuple[str, str]]:
    """(valueName, value) of every <eventCode>, <parameter> or <geocode>."""
    return [(text(child, "valueName"), text(child, "value")) for child in children(node, name)]


def times(alert: Element) -> Iterator[Element]:
    """Every element that holds a time."""
    yield from children(alert, "sent")
    for info in children(alert, "info"):
        for name in ("effective", "onset", "expires"):
            yield from children(info, name)


def as_time(words: str) -> datetime | None:
    """None for anything but YYYY-MM-DDThh:mm:ss±hh:mm of a day and an offset that exist."""
    if not TIME.fullmatch(words):
        return None
    try:
        time = datetime.fromisoformat(words)
        offset = time.utcoffset()
    except ValueError:
        return None
    return time if offset is not None and abs(offset) <= MOST_OFFSET else None


def as_point(words: str) -> tuple[float, float] | None:
    """(longitude, latitude) of "lat,lon"; None for anything else, and off the earth."""
    ring = as_ring(words)
    return ring[0] if ring is not None and len(ring) == 1 else None


def as_ring(words: str) -> Pairs | None:
    """The points of a <polygon>; None when one of them cannot be read or lies off the earth."""
    if not _POINTS.fullmatch(words):
        return None
    numbers = [float(number) for number in words.replace(",", " ").split()]
    lats, lons = numbers[0::2], numbers[1::2]
    if max(map(abs, lats), default=0.0) > 90 or max(map(abs, lons), default=0.0) > 180:
        return None
    return tuple(zip(lons, lats, strict=True))
