"""What a text says, back in English word for word: for the two people who answer for words that they cannot read.

A second reader of each language noted beside every sentence what it says (second_reading). A finished text is taken apart into
these sentences again, so that what is shown follows from the very letters that will be sent, not from the English behind them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from channels.text import sanitise
from notify.wording.english import is_in_texts
from notify.wording.words import Words, fill
from subscribers.plain import spoken

_SLOT: Final = re.compile(r"%\((\w+)\)s")
_ENDS: Final = frozenset(".!?。！？")
LEAST: Final = 2  # letters that a sentence has of its own: with fewer it would be found where nobody said it
LONGEST: Final = 1_600  # characters, the most that a text may have at Twilio; to look for sentences takes the square of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence as it is found in a text: its own words, and the names of the slots between them. marks: the same words
    without the space around them; own: how many letters they have; back: what it says, with its slots."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    marks: Sequence[str]
    own: int
    back: str

    def may_be_in(self, said: str) -> bool:
        return all(mark in said for mark in self.marks)

    def search(self, said: str) -> re.Match[str] | None:
        """Where it stands in a text. Only the few that may be in one are ever made into a pattern, which takes long."""
        return _compiled(self.literals, self.names).search(said) if self.may_be_in(said) else None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Reads the texts of alerts back, word for word. Sentences of a language are made ready when it is first read."""

    words: Words
    _known: dict[str, Sequence[Sentence]] = field(default_factory=dict)

    def text(self, said: str, language: str) -> str:
        """What the text says, in English; names, times and whatever nobody noted stand as they do in the text. Empty when
        no sentence of it is known, and for what is longer than any text."""
        if len(said) > LONGEST:
            return ""
        for tag in dict.fromkeys((language, spoken(language))):  # an old handset's text may need no form of its own
            if tag not in self._known:
                self._known[tag] = sentences(self.words, tag)
            possible = [one for one in self._known[tag] if one.may_be_in(said)]
            if (english := _read(said, possible)) != said:
                return english
        return ""


def sentences(words: Words, language: str) -> Sequence[Sentence]:
    """Everything that a language's texts are made of and that somebody noted the meaning of."""
    notes = words.backs.get(spoken(language), {})
    said = words.translations.get(language, {})
    found = [
        _sentence(sanitise(target).text, notes[context])
        for context, target in said.items()
        if context in notes and is_in_texts(words.messages[context])
    ]
    return [one for one in found if one.own >= LEAST]


def _sentence(target: str, back: str) -> Sentence:
    literals = tuple(text.replace("%%", "%") for text in _SLOT.split(target)[::2])
    return Sentence(
        literals=literals,
        names=tuple(_SLOT.findall(target)),
        marks=[text.strip() for text in literals],
        own=sum(map(str.isalpha, "".join(literals))),
        back=back.replace("\\n", "\n"),
    )


@cache
def _compiled(literals: tuple[str, ...], names: tuple[str, ...]) -> re.Pattern[str]:
    """A slot holds what there is on its line, or nothing, and then the space beside it is gone too. The same slot twice holds
    the same twice. A slot ends where the words after it are first found and nowhere else: to try the other places, too, finds
    nothing more, and takes years where the words stand in another order."""
    whole, known = _literal(literals[0]), set[str]()
    for at, name in enumerate(names):
        last = at == len(names) - 1 and not literals[-1]
        following = _literal(literals[at + 1])
        if name in known:
            whole += f"(?P={name}){following}"
        else:
            whole += f"(?>(?P<{name}>[^\n]*{'' if last else '?'}){following})"
        known.add(name)
    return re.compile(whole)


def _literal(text: str) -> str:
    """Its spaces may be missing at its ends, where a slot was empty."""
    inner = re.escape(text.strip(" "))
    return f"{' ?' if text[:1] == ' ' else ''}{inner}{' ?' if text[-1:] == ' ' else ''}"


def _read(said: str, known: Sequence[Sentence]) -> str:
    found = widest(said, known)
    if found is None:
        return said
    sentence, match = found
    values = {name: _slot(value, known) for name, value in match.groupdict().items()}
    before, after = said[: match.start()], said[match.end() :]
    return _joined(_read(before, known), _filled(sentence.back, values), _read(after, known))


def _slot(value: str, known: Sequence[Sentence]) -> str:
    """The full stop of a sentence in a slot may be the one that follows the slot (see `fill`)."""
    read = _read(value, known)
    if read != value or not value:
        return read
    ended = _read(f"{value}.", known)
    return value if ended == f"{value}." else ended.removesuffix(".")


def widest(said: str, known: Sequence[Sentence]) -> tuple[Sentence, re.Match[str]] | None:
    """The sentence that spans most of a text, for others stand in its slots; of two the one with more letters of its own."""
    matches = [(one, match) for one in known if (match := one.search(said)) and match.group()]
    return max(matches, key=lambda found: (len(found[1].group()), found[0].own), default=None)


def _joined(*passages: str) -> str:
    """Scripts that leave no space between sentences get one in English."""
    whole = ""
    for passage in passages:
        parted = whole[-1:] in _ENDS and passage[:1].isalnum()
        whole += f" {passage}" if parted else passage
    return whole


def _filled(back: str, values: Mapping[str, str]) -> str:
    """The note may name a slot that the translation leaves out; it stands there by its name."""
    named = {name: f"({name})" for name in _SLOT.findall(back)}
    return fill(back, {**named, **values})
