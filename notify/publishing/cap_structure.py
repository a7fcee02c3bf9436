"""Which elements a CAP 1.2 document has, how often and in which order, as in the standard's XML schema."""

from collections import Counter
from collections.abc import Iterator

from notify.publishing.cap_document import Element, Problem, content, name_of, problem, shortened

# In order. Nothing after a name: exactly once; ? at most once; * any number; + at least once.
_WORDS = {
    "alert": "identifier sender sent status msgType source? scope restriction? addresses? code* note? references? "
    "incidents? info*",
    "info": "language? category+ event responseType* urgency severity certainty audience? eventCode* effective? onset? "
    "expires? senderName? headline? description? instruction? web? contact? parameter* resource* area*",
    "resource": "resourceDesc mimeType size? uri? derefUri? digest?",
    "area": "areaDesc polygon* circle* geocode* altitude? ceiling?",
    "eventCode": "valueName value",
    "parameter": "valueName value",
    "geocode": "valueName value",
}
SCHEMA = {parent: {word.rstrip("?*+"): word[-1] for word in words.split()} for parent, words in _WORDS.items()}
SPOKEN = frozenset({"event", "areaDesc"})  # required, and an empty one says nothing

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"  # may follow the last <info>


def problems(node: Element) -> Iterator[Problem]:
    """What is missing, unknown, repeated or out of order in an <alert> and everything below."""
    name = name_of(node)
    allowed = SCHEMA[name]
    known = [child for child in node if name_of(child) in allowed]
    counts = Counter(name_of(child) for child in known)
    for child in node:
        if name_of(child) not in allowed and not (name == "alert" and str(child.tag).startswith(SIGNATURE)):
            unknown = shortened(name_of(child))
            yield problem(child, "UNSUPPORTED_ELEMENT", f"<{name}> has no <{unknown}> in CAP 1.2.")
    for wanted, often in allowed.items():
        if not counts[wanted] and often not in "?*":
            yield problem(node, "MISSING_REQUIRED_ELEMENT", f"<{name}> has no <{wanted}>, which CAP requires.")
        if counts[wanted] > 1 and often not in "*+":
            second = [child for child in known if name_of(child) == wanted][1]
            yield problem(second, "DUPLICATE_ELEMENT", f"<{name}> has more than one <{wanted}>.")
    yield from _disorder(node, name, list(allowed))
    yield from _loose_text(node, name)
    for child in known:
        yield from problems(child) if name_of(child) in SCHEMA else _leaf(child)


def _disorder(node: Element, name: str, order: list[str]) -> Iterator[Problem]:
    """The first child that stands too late; whatever follows from it is not told again."""
    last = ""
    for child in node:
        now = name_of(child)
        if now in order and last not in ("", now) and (last not in order or order.index(now) < order.index(last)):
            yield problem(child, "INVALID_SEQUENCE", f"In <{name}>, <{now}> must stand before <{shortened(last)}>.")
            return
        if now in order or now.startswith(SIGNATURE):
            last = now


def _loose_text(node: Element, name: str) -> Iterator[Problem]:
    loose = "".join([node.text or "", *(child.tail or "" for child in node)]).strip()
    if loose:
        yield problem(node, "STRAY_TEXT", f'<{name}> holds elements only, but here is "{shortened(loose)}".')


def _leaf(node: Element) -> Iterator[Problem]:
    name = name_of(node)
    if len(node):
        yield problem(node, "UNSUPPORTED_ELEMENT", f"<{name}> holds text only, but here is an element inside.")
    elif name in SPOKEN and not content(node).strip():
        yield problem(node, "MISSING_REQUIRED_ELEMENT", f"<{name}> is empty.")
