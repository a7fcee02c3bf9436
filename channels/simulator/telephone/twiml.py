"""TwiML as a value: verbs with their attributes, read from XML and checked against the table of what Twilio knows.

https://www.twilio.com/docs/voice/twiml
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

PARSE_FAILURE: Final = 12100  # https://www.twilio.com/docs/api/errors/12100
SCHEMA_WARNING: Final = 12200  # https://www.twilio.com/docs/api/errors/12200

WHOLE, YES_NO, METHOD, KEYS, TEXT = "a whole number", "true or false", "GET or POST", "keys of a telephone", "text"
_RECORDED: Final = {
    "recordingStatusCallback": TEXT,
    "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": TEXT,
    "trim": TEXT,
}
_TOLD: Final = {"statusCallback": TEXT, "statusCallbackEvent": TEXT, "statusCallbackMethod": METHOD}
_NEXT: Final = {"action": TEXT, "method": METHOD}

# Verb or noun: its attributes, each with the kind of its value.
ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "Say": {"voice": TEXT, "language": TEXT, "loop": WHOLE},
    "Play": {"loop": WHOLE, "digits": TEXT},
    "Pause": {"length": WHOLE},
    "Gather": _NEXT
    | {
        "input": TEXT,
        "numDigits": WHOLE,
        "finishOnKey": KEYS,
        "timeout": WHOLE,
        "actionOnEmptyResult": YES_NO,
        "bargeIn": YES_NO,
        "language": TEXT,
    },
    "Redirect": {"method": METHOD},
    "Record": _NEXT | _RECORDED | {"timeout": WHOLE, "finishOnKey": KEYS, "maxLength": WHOLE, "playBeep": YES_NO},
    "Hangup": {},
    "Reject": {"reason": TEXT},
    "Leave": {},
    "Enqueue": _NEXT | {"waitUrl": TEXT, "waitUrlMethod": METHOD},
    "Dial": _NEXT
    | _RECORDED
    | {
        "timeout": WHOLE,
        "hangupOnStar": YES_NO,
        "timeLimit": WHOLE,
        "callerId": TEXT,
        "record": TEXT,
        "answerOnBridge": YES_NO,
        "ringTone": TEXT,
    },
    "Number": _TOLD | {"url": TEXT, "method": METHOD, "sendDigits": TEXT},
    "Sip": _TOLD | {"url": TEXT, "method": METHOD, "username": TEXT, "password": TEXT},
    "Conference": _TOLD
    | _RECORDED
    | {
        "muted": YES_NO,
        "beep": TEXT,
        "startConferenceOnEnter": YES_NO,
        "endConferenceOnExit": YES_NO,
        "waitUrl": TEXT,
        "waitMethod": METHOD,
        "maxParticipants": WHOLE,
        "record": TEXT,
        "participantLabel": TEXT,
    },
    "Queue": {"url": TEXT, "method": METHOD},
}
NESTED: Final[Mapping[str, frozenset[str]]] = {
    "Response": frozenset(ATTRIBUTES) - {"Number", "Sip", "Conference", "Queue"},
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Dial": frozenset({"Number", "Sip", "Conference", "Queue"}),
}


class BadTwiml(ValueError):
    """A document that cannot be followed: it is no XML, or no <Response>."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb or noun. An attribute with a value of the wrong kind is not among `attributes`."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    nested: tuple["Verb", ...] = ()

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def whole(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))

    def yes(self, name: str, *, default: bool = False) -> bool:
        return self.attributes[name] == "true" if name in self.attributes else default


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`warnings`: what Twilio would warn of and ignore, one sentence each."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()


def read(body: bytes, allowed: frozenset[str] = NESTED["Response"]) -> Document:
    """The document, without what may not stand in it: verbs that are not allowed or known, attributes of no known name or
    value. Raises BadTwiml."""
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadTwiml(f"The document is no XML: {error}.") from error
    if root.tag != "Response":
        raise BadTwiml(f"The document is a <{root.tag}>, not a <Response>.")
    warnings: list[str] = []
    verbs = tuple(_verbs(root, allowed, warnings))
    if (root.text or "").strip() or any((child.tail or "").strip() for child in root):
        warnings.append("Text between verbs is ignored.")
    return Document(verbs=verbs, warnings=tuple(warnings))


def _verbs(parent: ElementTree.Element, allowed: frozenset[str], warnings: list[str]) -> Iterator[Verb]:
    for element in parent:
        if element.tag not in allowed:
            known = "may not stand" if element.tag in ATTRIBUTES else "is no verb the simulator knows and cannot stand"
            warnings.append(f"<{element.tag}> {known} in <{parent.tag}> here: it is ignored.")
            continue
        yield _verb(element, warnings)


def _verb(element: ElementTree.Element, warnings: list[str]) -> Verb:
    kinds = ATTRIBUTES[element.tag]
    kept = {}
    for name, value in element.attrib.items():
        if name not in kinds:
            warnings.append(f"<{element.tag}> has no attribute {name} that the simulator knows: it is ignored.")
        elif not _fits(value, kinds[name]):
            warnings.append(f"{name} of <{element.tag}> must be {kinds[name]}, not {value!r}: the default is taken.")
        else:
            kept[name] = value
    inner = NESTED.get(element.tag)
    nested = () if inner is None else tuple(_verbs(element, inner, warnings))
    words = "".join(element.itertext()) if inner is None else element.text or ""
    return Verb(name=element.tag, attributes=kept, text=" ".join(words.split()), nested=nested)


def _fits(value: str, kind: str) -> bool:
    if kind == WHOLE:
        return value.isascii() and value.isdigit() and len(value) < 7
    if kind == YES_NO:
        return value in ("true", "false")
    if kind == METHOD:
        return value in ("GET", "POST")
    return kind != KEYS or all(key in "0123456789*#" for key in value)
