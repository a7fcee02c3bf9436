"""Which words a reader has approved in which language.

A .po file cannot say it, so reviews are kept by us, as fingerprints of the source and the translation that were read: the next
edit of either takes the approval back by itself. What ships is a draft until somebody who reads the language has reviewed it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from notify.wording.english import Message, kinds
from notify.wording.slots import ENGLISH
from notify.wording.words import Words


class State(StrEnum):
    """What a message is worth in a language."""

    APPROVED = "approved"  # somebody has reviewed exactly this source and this translation
    DRAFT = "draft"  # there is a translation, and nobody has reviewed it
    STALE = "stale"  # it was reviewed, and the source or the translation has changed since
    MISSING = "missing"  # there is no translation that can be used


class Reader(StrEnum):
    """What makes the reviewer able to judge."""

    NATIVE = "native"  # reads the language as their own
    PROFESSIONAL = "professional"  # is a certified translator
    OWNER = "owner"  # speaks for the bureau whose words they are; for English


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One reader's yes to one message in one language."""

    language: str
    key: str  # Message.key: "boil_water:sms.boil_water.first.ecoli"
    source_hash: str
    target_hash: str
    reviewer: str
    at: datetime
    kind: Reader = Reader.NATIVE


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Reviews, arranged for asking: the texts that were approved, and what was ever reviewed."""

    approved: frozenset[tuple[str, str, str, str]]
    ever: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message as a reviewer sees it: source beside translation ("" where there is none)."""

    message: Message
    target: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many of the messages promised in a language are in each state."""

    language: str
    approved: int
    draft: int
    stale: int
    missing: int


def fingerprint(text: str) -> str:
    """SHA-256 of the text as UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def arrange(reviews: Iterable[Review]) -> Reviewed:
    listed = tuple(reviews)
    return Reviewed(
        approved=frozenset((one.language, one.key, one.source_hash, one.target_hash) for one in listed),
        ever=frozenset((one.language, one.key) for one in listed),
    )


def state(words: Words, message: Message, language: str, reviewed: Reviewed) -> State:
    """English is reviewed like any language: its translation is the source itself."""
    target = words.text(message.context, language)
    if target is None:
        return State.MISSING
    if (language, message.key, fingerprint(message.text), fingerprint(target)) in reviewed.approved:
        return State.APPROVED
    return State.STALE if (language, message.key) in reviewed.ever else State.DRAFT


def approve(words: Words, context: str, language: str, *, reviewer: str, at: datetime, kind: Reader = Reader.NATIVE) -> Review:
    """The review that says yes to the message as it stands now. Raises ValueError where there is nothing to approve."""
    message, target = words.messages[context], words.text(context, language)
    if target is None:
        raise ValueError(f"{context} has no words in {language} that could be approved.")
    return Review(
        language=language,
        key=message.key,
        source_hash=fingerprint(message.text),
        target_hash=fingerprint(target),
        reviewer=reviewer,
        at=at,
        kind=kind,
    )


def promised(words: Words, language: str) -> tuple[Message, ...]:
    """The messages promised in a language, in the order of the templates; in English, all; in a form without marks, all that
    alerts' texts are made of."""
    if language in words.plain:
        return tuple(message for message in words.messages.values() if message.context in words.translations[language])
    return tuple(
        message
        for message in words.messages.values()
        if language == ENGLISH or any(language in words.promised[message.domain].get(kind, ()) for kind in kinds(message))
    )


def to_review(words: Words, language: str, reviewed: Reviewed) -> tuple[Entry, ...]:
    """What a reviewer of the language still has to read: what nobody has approved, texts before pages, missing ones last."""
    entries = [
        Entry(message=message, target=words.text(message.context, language) or "", state=now)
        for message in promised(words, language)
        if (now := state(words, message, language, reviewed)) is not State.APPROVED
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.state is State.MISSING, "sms" not in kinds(entry.message))))


def standings(words: Words, reviewed: Reviewed) -> tuple[Standing, ...]:
    """One row a language, English first, forms without marks last."""
    rows = []
    for language in (*words.languages(), *words.plain):
        counts: Mapping[State, int] = _counts(words, language, reviewed)
        rows.append(Standing(language=language, **{str(one): count for one, count in counts.items()}))
    return tuple(rows)


def _counts(words: Words, language: str, reviewed: Reviewed) -> Mapping[State, int]:
    states = [state(words, message, language, reviewed) for message in promised(words, language)]
    return {one: states.count(one) for one in State}
