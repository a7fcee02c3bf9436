"""A CAP document in an envelope of EDXL-DE 1.0 (OASIS Standard, May 2006), for exchanges that route by its outside. Pure.

The alert within is the published one, its signature included and still good when it is taken out: it is not touched."""

from datetime import datetime
from typing import Final

from lxml import etree

from notify.publishing.cap_document import Element, children, text

NAMESPACE: Final = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
CONFIDENTIALITY: Final = "UNCLASSIFIED AND NOT SENSITIVE"  # the standard's own example; what we publish is public
TYPES: Final = {"Alert": "Report", "Update": "Update", "Cancel": "Cancel", "Ack": "Ack", "Error": "Error"}
STATUSES: Final = {"Actual": "Actual", "Exercise": "Exercise", "System": "System", "Test": "Test", "Draft": "Test"}


def wrapped(document: bytes, actor: str, sent: datetime) -> bytes:
    """document: an approved CAP alert. actor: who distributes it, like alerts@example.gov (the standard wants ACTOR@DOMAIN).
    sent: when the envelope is made, with an offset."""
    alert = etree.fromstring(document)
    envelope = etree.Element(f"{{{NAMESPACE}}}EDXLDistribution", nsmap={None: NAMESPACE})
    _put(envelope, "distributionID", text(alert, "identifier"))
    _put(envelope, "senderID", actor)
    _put(envelope, "dateTimeSent", sent.isoformat(timespec="seconds"))
    _put(envelope, "distributionStatus", STATUSES[text(alert, "status")])
    _put(envelope, "distributionType", TYPES[text(alert, "msgType")])
    _put(envelope, "combinedConfidentiality", CONFIDENTIALITY)
    for earlier in text(alert, "references").split():
        sender, identifier, at = earlier.split(",")
        _put(envelope, "distributionReference", f"{identifier},{sender},{at}")
    for area in _areas(alert):
        target = _put(envelope, "targetArea")
        for shape in ("circle", "polygon"):  # in the order of the schema
            for node in children(area, shape):
                _put(target, shape, (node.text or "").strip())
    content = _put(envelope, "contentObject")
    _put(content, "contentDescription", "CAP 1.2")
    _put(_put(content, "xmlContent"), "embeddedXMLContent").append(alert)
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def _areas(alert: Element) -> list[Element]:
    """Those of one language: all speak of the same places. Without a shape there is nothing to say of where."""
    infos = children(alert, "info")
    return (
        [area for area in children(infos[0], "area") if children(area, "polygon") or children(area, "circle")] if infos else []
    )


def _put(within: Element, name: str, words: str = "") -> Element:
    node = etree.SubElement(within, f"{{{NAMESPACE}}}{name}")
    if words:
        node.text = words
    return node
