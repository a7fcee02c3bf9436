"""Sentences that the service puts together in English: in the reader's language where the catalogue has their pattern, with the
same facts in it; else as they are, and marked as English for whoever has them read aloud."""

import re
from functools import cache
from string import Formatter
from typing import Final

from babel.dates import get_day_names
from markupsafe import Markup, escape

from notify.console.times import locale
from notify.console.words import CHANNELS, tongue
from notify.publishing.site import ENGLISH
from notify.wording.labels import Labels

ISOLATED: Final = "\u2068{}\u2069"  # what <bdi> does, where there can be no mark-up
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OR: Final = " or "
BETWEEN: Final = re.compile(rf"(, |{OR})")
# Sentences that the service puts together from facts. What is not here, or is said in other words by now, stays English.
PATTERNS: Final = (
    "{channel}: {count} people, done {at} ({length} min) at {rate}/s",
    "{channel}: {count} people, done {at} ({hours} h {minutes} min) at {rate}/s",
    "{channel}: {count} people, as fast as the relay takes them",
    "{channel}: {count} people, not all of them now",
    "{channel}: {count} people, NO SENDER: nothing would leave",
    "SMS segments: {count}, cost about ${cost}",
    "Senders of {rate} segments/s needed: {few} for 30 minutes, {fewer} for 60 minutes",
    "Falls back: {count} people read {language} in English.",
    "Falls back: {count} people read {language} in generic words.",
    "By basis: {bases}.",
    "It is night: texts wait until {morning}. Page, feeds and e-mail do not.",
    "It is night and this ends before {morning}: nobody gets a text unless it is Immediate or Severe.",
    "Phones that have had {texts} texts within {minutes} minutes get this one when there is room. "
    "Page, feeds and e-mail do not wait.",
    "left out: {reason}",
    "Nobody has reviewed {count} of {whole} English messages of {words}; they go out as drafts.",
    "The text {key} has {parts} parts, {fewer} would do with shorter names.",
    "The one-part form (short: true) saves {count} segments, {minutes} minutes.",
    "Slows with 311: at least {rate} segments/s while callers wait {minutes} min or more; done {at} at latest, not {usual}.",
    "{person} does not have the role {role}.",
    "This takes the role {role}.",
    "There is no alert {alert}.",
    "There is no incident {incident}.",
    "{person}: another administrator has to agree first.",
    "{person}: the link, for one use within a day:",
    "{person}: the API token, shown this once:",
    "This alert is not in force any more: {standing}. Look at what came after it.",
    "Its scope is {scope}: it is not for the public, so no draft for the public begins with it.",
    "Instead of '{hard}' say '{plain}'.",
    "{name} cannot be reached now. Sign in with name, password and code, or with a passkey, if you have them.",
    "{name} cannot be reached now. Type your code or use a passkey, if you have them, or try again in a moment.",
    "{person}: linked. They sign in there from now on.",
    "{person}: linked no more.",
    "Everything of incidents opened before {since} UTC is held: {why} "
    "Stop what must not go on, then run 'tocsin release' (docs/operations.md#held-after-a-restore).",
    "The disk is full, or nearly: {free} MB are free and nothing is kept in reserve. "
    "Make room: at {needed} MB the reserve of {size} MB is kept again.",
    "{alert} ({hazard}) waits for approval, and nobody who may approve it can be paged.",
    "{agency} has been silent since {since} UTC.",
    "asl_video: the city pack names no hosts for videos; add them under [asl] in city.toml.",
    "asl_video: the address has more than {count} letters.",
    "asl_video: the address has a letter that stands in none: a space, a quotation mark or one with an accent.",
    "asl_video: this is not an address like https://video.example.gov/boil-water.",
    "asl_video: the address must begin with https://.",
    "asl_video: the address must have no name, password or port in it.",
    "asl_video: the host must be one of {hosts}, not '{host}'.",
    "asl_video: the address leads to the host's front page; give the one of the video.",
)


def isolate(text: str) -> str:
    return ISOLATED.format(text)


def in_words(sentence: str, words: Labels) -> Markup:
    """A sentence as the reader's language says it, else in English and marked as such."""
    if words.language == ENGLISH:
        return escape(sentence)
    if sentence in words.messages:
        return escape(words.messages[sentence])
    for source, pattern in _patterns():
        found = pattern.fullmatch(sentence)
        if found and source in words.messages:
            return escape(words.say(source, **{name: _fact(name, fact, words) for name, fact in found.groupdict().items()}))
    return Markup('<span lang="{}" dir="ltr">{}</span>').format(ENGLISH, sentence)


def _fact(name: str, fact: str, words: Labels) -> str:
    """A channel, a language or a word of the catalogue in the reader's language; a number as it is; a name isolated."""
    if name == "channel":
        return words.say(CHANNELS.get(fact, fact))
    if name == "language":
        return tongue(fact, words.language)
    if name in ("at", "usual"):
        return _moment(fact, words)
    if name == "person":
        return isolate(fact)
    parts = BETWEEN.split(fact)
    if all(part in words.messages for part in parts[::2]):
        return "".join(words.messages.get(part, part) for part in parts)
    return fact if not re.search("[A-Za-z]", fact) else isolate(fact)


def _moment(at: str, words: Labels) -> str:
    """15:05 as it is; the day before it in the reader's language."""
    day, _, clock = at.rpartition(" ")
    names = get_day_names("abbreviated", locale=locale(words.language))
    return f"{names[DAYS.index(day)]} {clock}" if day in DAYS else at


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((source, _pattern(source)) for source in PATTERNS)


def _pattern(source: str) -> re.Pattern[str]:
    pieces = []
    for literal, name, _, _ in Formatter().parse(source):
        pieces.append(re.escape(literal))
        if name is not None:
            pieces.append(f"(?P<{name}>.+?)")
    return re.compile("".join(pieces), re.DOTALL)
