"""Whether what an event says fits what it is: a test never reads like an alert, an alert never like a test, and neither leaves
an instance of another mode. (Hawaii, 13 January 2018: one prompt for both; FCC report of 10 April 2018.)"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from notify.alerts.alert import Event, Mode, Stage, Wording
from notify.publishing.bulletin import Bulletin, is_test
from notify.wording.words import Words
from subscribers.address import Samples

MARK: Final = "line.exercise_mark"  # "TEST ONLY", which every text of a test and of an exercise begins with
LOOKED_AT: Final = 80  # letters of a text's start
# What Hawaii's test said. Nobody who hears it can tell a test from the real thing.
NEVER_IN_A_TEST: Final = ("not a drill", "not a test", "no es un simulacro")
# Which phone numbers an instance of a mode knows at all.
SAMPLES: Final = {Mode.LIVE: Samples.REFUSED, Mode.TRAINING: Samples.ALLOWED, Mode.DEMO: Samples.ONLY}
_STATUS: Final = re.compile(rb"<(?:\w+:)?status>\s*(\w+)\s*</")
# Domains where nobody has a mailbox: RFC 2606, and the sample city's own.
SAMPLE_DOMAINS: Final = ("example.gov", "example.com", "example.net", "example.org", "example", "test", "invalid")


def marks(words: Words) -> frozenset[str]:
    """What a test begins with, in every language, as `problems` compares it."""
    found = [words.messages[MARK].text, *(texts.get(MARK, "") for texts in words.translations.values())]
    return frozenset(_folded(mark) for mark in found if mark)


def problems(event: Event, mode: Mode, known: Collection[str]) -> list[str]:
    """Why this event must not leave an instance of this mode, as sentences; empty when it may. known: see `marks`."""
    if event.mode is not mode:
        return [f"{event.event_id} was approved in mode {event.mode}; this service runs in mode {mode}."]
    return list(_misleading(event, tuple(known)))


def unpublishable(bulletin: Bulletin, mode: Mode) -> str:
    """Why a bulletin must not be published by an instance of this mode; empty when it may be."""
    event = bulletin.event
    if event.mode is not mode:
        return f"{event.event_id} was approved in mode {event.mode}; this service runs in mode {mode}. It is not published."
    found = _STATUS.search(bulletin.cap)
    said = found[1].decode() if found else "none"
    if said != cap_status(event):
        return f"The CAP document of {event.event_id} has status {said}, not {cap_status(event)}. It is not published."
    return ""


def cap_status(event: Event) -> str:
    """CAP 1.2's status of an event. Actual means: act now."""
    if event.mode is Mode.TRAINING:
        return "Exercise"
    return "Test" if is_test(event) else "Actual"


def fits(channel: str, address: str, mode: Mode) -> bool:
    """Whether an address may be written to in a mode: made-up people in training and demo only, and they nobody else."""
    return is_sample(channel, address) is (mode is not Mode.LIVE)


def is_sample(channel: str, address: str) -> bool:
    """Whether nobody can be reached there: a number in exchange 555, a mailbox at a sample domain."""
    if channel == "sms":
        return address.startswith("+1") and len(address) == 12 and address[5:8] == "555"
    domain = address.rpartition("@")[2].lower()
    return any(domain == one or domain.endswith(f".{one}") for one in SAMPLE_DOMAINS)


def _misleading(event: Event, known: tuple[str, ...]) -> Iterator[str]:
    test, wordings = is_test(event), {key.split("/")[1] for key in event.contents if _leaves(key)}
    if (event.stage is Stage.TEST) != (Wording.TEST in wordings) and wordings:
        yield f"{event.event_id} is a {event.stage} with the words of {', '.join(sorted(wordings))}."
    for key, content in event.contents.items():
        if not _leaves(key):
            continue
        marked = begins_like_a_test(content.subject if key.startswith("email/") else content.body, known)
        if test and not marked:
            yield f"{event.event_id} is a test, and its text {key} does not begin by saying so."
        if not test and marked:
            yield f"{event.event_id} is no test, and its text {key} begins like one: people would not act."
        if test and says_it_is_none(content.subject, content.body):
            yield f"{event.event_id} is a test, and its text {key} says that it is none."


def begins_like_a_test(text: str, known: Collection[str]) -> bool:
    """Whether the first words of a text or of a subject say that it is a test. known: see `marks`."""
    return _folded(text).startswith(tuple(known))


def says_it_is_none(*texts: str) -> bool:
    """Whether a text says of itself that it is no test: such a one is never marked as a test and sent."""
    whole = " ".join(texts).casefold()
    return any(words in whole for words in NEVER_IN_A_TEST)


def _leaves(key: str) -> bool:
    return key.startswith(("sms/", "email/"))


def _folded(text: str) -> str:
    """The start of a text without marks, case and unseen letters: the form for old handsets has none of them either."""
    plain = unicodedata.normalize("NFKD", text[:LOOKED_AT])
    return "".join(_seen(plain)).casefold().strip()


def _seen(text: str) -> Iterable[str]:
    return (letter for letter in text if unicodedata.category(letter) not in ("Mn", "Cf"))
