"""What the desk knows, searched: the incident's answered questions, the script's steps, and whom the city refers people to.

Likeness is by words: how much of what somebody asks, weighed by how rare each word is here, stands in an entry. Words are
compared by their beginnings, so that boil, boiled and boiling are one; where a script writes no spaces, by pairs of letters.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from subscribers.dialog.hearing import listen, spaced
from surge.scripts.runbook import ELSE, NEXT, Runbook

STEM: Final = 5  # letters of a word that count
LEAST_LIKE: Final = 0.3  # of a question's weight that an entry must hold to be suggested
TITLE_WEIGHT: Final = 2.0  # a word in what an entry is about says more than one in its text
COVERED: Final = 1.0  # no entry counts as more than whole
ANY: Final = ""  # the language of an entry that is for staff in every language
# Words that a question holds whatever it is about, by their stems; in the languages that questions come in most.
IDLE: Final = frozenset(
    "a am an and any are at be but can could do does for from has have how i if in is it may me my no not of on or our out "
    "please shall shoul so that the their there they this to up us was we what when where which who why will with would "
    "yes you your al como con de del el en es esta hay la las lo los me mi mis no para por puedo que se si sin su un una y ya "
    "а в во и из к как мне можно мы на не но о по с у что это я "
    "та що як це ми чи до з "
    "bị có của cho là tôi và".split()
)


class Kind(StrEnum):
    FAQ = "faq"  # asked, answered and approved in this incident
    STEP = "step"  # of the script
    REFERRAL = "referral"  # somebody else's business, and whose


KINDS: Final = tuple(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """source: where its words come from, "faq:ID:rev". about: by language, what it is about; words: by language, what is said.
    A language that is missing falls back to English, which the desk is told."""

    source: str
    kind: Kind
    about: Mapping[str, str]
    words: Mapping[str, str]

    def said(self, language: str) -> tuple[str, str]:
        """The words, and the language they are in."""
        for tag in (language, "en", ANY):
            if tag in self.words:
                return self.words[tag], tag or "en"
        return next(iter((text, tag) for tag, text in self.words.items()), ("", "en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    entry: Entry
    likeness: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Shelf:
    """Entries made ready for search."""

    entries: Sequence[Entry]
    _held: list[Mapping[str, float]] = field(default_factory=list)
    _weight: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Shelf":
        shelf = cls(tuple(entries))
        for entry in shelf.entries:
            shelf._held.append(_held(entry))
        counts = Counter(stem for held in shelf._held for stem in held)
        total = len(shelf.entries)
        shelf._weight.update({stem: math.log(1 + total / count) for stem, count in counts.items()})
        return shelf

    def search(self, question: str, most: int = 3, least: float = LEAST_LIKE) -> list[Found]:
        """The entries most like a question, best first; of equals the one that is about little else."""
        asked = stems(question)
        heaviest = max(self._weight.values(), default=1.0)
        whole = sum(self._weight.get(stem, heaviest) for stem in asked)
        if not asked or not whole:
            return []
        found = []
        for entry, held in zip(self.entries, self._held, strict=True):
            share = sum(self._weight[stem] * held[stem] for stem in asked if stem in held) / whole
            if share >= least:
                about = [stem for stem, weight in held.items() if weight == TITLE_WEIGHT]
                meant = sum(stem in asked for stem in about) / len(about) if about else 0.0
                found.append((Found(entry=entry, likeness=min(COVERED, share)), meant))
        found.sort(key=lambda one: (-one[0].likeness, -one[1], KINDS.index(one[0].entry.kind), one[0].entry.source))
        return [one for one, _ in found[:most]]


def answers(book: Runbook, version: int, filled: Mapping[str, Mapping[str, str]]) -> list[Entry]:
    """What the script's steps tell, as answers to those who write. filled: by step, language -> its words with the facts in
    them. A step that hands over, asks or ends is none; nor is a sentence that asks something back."""
    asked: dict[str, list[str]] = {}
    for step in book.steps:
        for choice in step.choices:
            if choice.answer not in (ELSE, NEXT):
                asked.setdefault(choice.to, []).append(choice.answer)
    return [
        Entry(
            source=f"step:{version}:{step.anchor}",
            kind=Kind.STEP,
            about={"en": " ".join([step.heading, *asked.get(step.anchor, [])])},
            words=words,
        )
        for step in book.steps
        if not (step.transfers or step.ends) and (words := filled.get(step.anchor))
    ]


def _held(entry: Entry) -> Mapping[str, float]:
    held = {stem: 1.0 for text in entry.words.values() for stem in stems(text)}
    return held | {stem: TITLE_WEIGHT for text in entry.about.values() for stem in stems(text)}


def stems(text: str) -> frozenset[str]:
    """What a text is compared by."""
    said = listen(text)
    if not spaced(text):
        return frozenset(
            pair for token in said.tokens for pair in ([token] if token.isascii() else _pairs(token)) if pair not in IDLE
        )
    return frozenset(stem for token in said.tokens if (stem := token[:STEM]) not in IDLE and token not in IDLE)


def _pairs(token: str) -> list[str]:
    return [token[at : at + 2] for at in range(len(token) - 1)] or [token]
