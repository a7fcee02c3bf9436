"""Twilio's rules for voice documents, so far as our verbs go: what may stand in what, which attributes, and what a queue plays.

https://www.twilio.com/docs/voice/twiml, read verb by verb; kept apart from what writes the documents.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

TOP: Final = {"Say", "Play", "Pause", "Gather", "Redirect", "Dial", "Enqueue", "Record", "Leave", "Hangup", "Reject"}
INSIDE: Final = {
    "Gather": {"Say", "Play", "Pause"},
    "Dial": {"Number", "Sip", "Conference", "Queue", "Client"},
}
IN_QUEUE: Final = {"Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"}  # what a waitUrl document may hold
LAST: Final = {"Redirect", "Enqueue", "Leave", "Hangup", "Reject"}  # nothing behind these is ever reached
ATTRIBUTES: Final = {
    "Say": {"voice", "language", "loop"},
    "Play": {"loop", "digits"},
    "Gather": {"input", "numDigits", "timeout", "finishOnKey", "action", "method", "actionOnEmptyResult"},
    "Redirect": {"method"},
    "Dial": {"timeout", "action", "method", "callerId", "answerOnBridge"},
    "Number": set(),
    "Sip": set(),
    "Conference": {"beep", "waitUrl", "startConferenceOnEnter", "endConferenceOnExit"},
    "Enqueue": {"waitUrl", "waitUrlMethod", "action", "method"},
    "Record": {
        "action",
        "method",
        "maxLength",
        "timeout",
        "finishOnKey",
        "playBeep",
        "recordingStatusCallback",
        "recordingStatusCallbackMethod",
    },
    "Pause": {"length"},
    "Leave": set(),
    "Hangup": set(),
}
KEYS: Final = set("0123456789#*")
LONGEST_SAY: Final = 4096
LONGEST_DOCUMENT: Final = 64 * 1024


def broken(twiml: bytes, *, in_queue: bool = False) -> list[str]:
    """Every rule that this document breaks, as sentences."""
    if not twiml.startswith(b'<?xml version="1.0" encoding="UTF-8"?>') or len(twiml) > LONGEST_DOCUMENT:
        return ["no XML declaration, or more than 64 KB"]
    root = ElementTree.fromstring(twiml)
    if root.tag != "Response":
        return [f"the root is {root.tag}"]
    return list(_verbs(root, IN_QUEUE if in_queue else TOP))


def _verbs(root: ElementTree.Element, allowed: set[str]) -> Iterator[str]:
    if not len(root):
        yield "a document without a verb ends the call in silence"
    for position, verb in enumerate(root):
        if verb.tag not in allowed:
            yield f"{verb.tag} may not stand here"
        if verb.tag in LAST and position != len(root) - 1:
            yield f"nothing behind {verb.tag} is reached"
        if verb.tag == "Dial" and verb.get("action") and position != len(root) - 1:
            yield "nothing behind a Dial with an action is reached"
        for child in verb:
            if child.tag not in INSIDE.get(verb.tag, set()):
                yield f"{child.tag} may not stand in {verb.tag}"
            yield from _attributes(child)
        yield from _attributes(verb)
    if len(root) and root[-1].tag in ("Say", "Play", "Pause", "Gather", "Record"):
        yield f"the document ends behind {root[-1].tag}: the provider hangs up without a word"


def _attributes(verb: ElementTree.Element) -> Iterator[str]:
    unknown = set(verb.attrib) - ATTRIBUTES[verb.tag]
    if unknown:
        yield f"{verb.tag} has no {', '.join(sorted(unknown))}"
    text = (verb.text or "").strip()
    match verb.tag:
        case "Say" if not text or len(text) > LONGEST_SAY or not verb.get("voice") or not verb.get("language"):
            yield "Say needs a text of at most 4,096 characters, a voice and a language"
        case "Play" if not text.startswith("https://"):
            yield f"Play of {text!r}"
        case "Gather" if not set(verb.get("finishOnKey", "#")) <= KEYS or not 1 <= int(verb.get("timeout", "5")) <= 60:
            yield "Gather: finishOnKey or timeout"
        case "Record" if not 1 <= int(verb.get("maxLength", "3600")) <= 3600 or not set(verb.get("finishOnKey", "")) <= KEYS:
            yield "Record: maxLength or finishOnKey"
        case "Dial" if not 1 <= int(verb.get("timeout", "30")) <= 600 or not len(verb):
            yield "Dial: timeout, or nobody to dial"
        case "Redirect" | "Number" | "Sip" | "Conference" | "Enqueue" if not text:
            yield f"{verb.tag} is empty"
    for name in ("action", "waitUrl"):
        if (url := verb.get(name)) and not url.startswith("/voice/"):
            yield f"{verb.tag} {name} is {url!r}"
