"""The words and phrases of one list, kept so that a text is gone through once, however long the list is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from subscribers.dialog.hearing import ends_at_spaces, fold, marked, spaced

Tokens = Sequence[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """languages: folded phrase -> the languages that list it. spellings: folded phrase -> how it is written with its accents.

    The rest is derived: phrases by their first word, and those that stand in a text without spaces around them.
    """

    languages: Mapping[str, tuple[str, ...]]
    spellings: Mapping[str, frozenset[str]]
    starts: Mapping[str, tuple[tuple[str, ...], ...]]
    glued: tuple[str, ...]  # without their own spaces, longest first; of scripts without spaces, and Korean
    unspaced: frozenset[str]  # those of scripts without spaces alone
    widest: int  # letters of the longest of them
    longest: int  # words of the longest phrase

    def within(self, tokens: Tokens) -> str:
        """The first phrase that stands anywhere in a text, as whole words where the script has words; "" for none."""
        for at in range(len(tokens)):
            if length := self.leading(tokens, at):
                return " ".join(tokens[at : at + length])
        if self.glued and not all(token.isascii() for token in tokens):
            close = "".join(tokens)
            return next((phrase for phrase in self.glued if phrase in close), "")
        return ""

    def leading(self, tokens: Tokens, at: int = 0) -> int:
        """How many words the longest phrase that begins at this word has; 0 for none."""
        starts = self.starts.get(tokens[at]) if at < len(tokens) else None
        if starts is None:
            return 0
        return next((len(one) for one in starts if tuple(tokens[at : at + len(one)]) == one), 0)

    def trailing(self, tokens: Tokens) -> int:
        """How many words the longest phrase at the end has; 0 for none."""
        for at in range(max(0, len(tokens) - self.longest), len(tokens)):
            if tuple(tokens[at:]) in self.starts.get(tokens[at], ()):
                return len(tokens) - at
        return 0

    def opens(self, tokens: Tokens) -> bool:
        """Whether a text begins with one of the phrases."""
        return bool(self.leading(tokens) or (self.unspaced and self.prefix("".join(tokens))))

    def prefix(self, word: str) -> str:
        """The longest phrase that a word of a script without spaces begins with and goes on after; "" for none."""
        sizes = () if word.isascii() else range(min(len(word) - 1, self.widest), 0, -1)
        return next((word[:size] for size in sizes if word[:size] in self.unspaced), "")

    def suffix(self, word: str) -> str:
        """As above, at its end."""
        sizes = () if word.isascii() else range(min(len(word) - 1, self.widest), 0, -1)
        return next((word[-size:] for size in sizes if word[-size:] in self.unspaced), "")

    def of(self, phrase: str) -> tuple[str, ...]:
        """The languages that list this folded phrase; for a glued one its spaces do not count."""
        return self.languages.get(phrase) or next(
            (languages for one, languages in self.languages.items() if one.replace(" ", "") == phrase), ()
        )


EMPTY: Final[tuple[str, ...]] = ()


def phrases(listed: Mapping[str, Sequence[str]]) -> Phrases:
    """From language -> phrases as they stand in its file."""
    languages: dict[str, tuple[str, ...]] = {}
    spellings: dict[str, frozenset[str]] = {}
    for language, words in listed.items():
        for word in words:
            flat = fold(word)
            if language not in languages.get(flat, EMPTY):
                languages[flat] = (*languages.get(flat, EMPTY), language)
            spellings[flat] = spellings.get(flat, frozenset()) | {marked(word)}
    starts: dict[str, list[tuple[str, ...]]] = {}
    for flat in languages:
        tokens = tuple(flat.split())
        starts.setdefault(tokens[0], []).append(tokens)
    unspaced = frozenset(flat.replace(" ", "") for flat in languages if not spaced(flat))
    return Phrases(
        languages=languages,
        spellings=spellings,
        starts={first: tuple(sorted(some, key=len, reverse=True)) for first, some in starts.items()},
        glued=_longest(flat.replace(" ", "") for flat in languages if not ends_at_spaces(flat)),
        unspaced=unspaced,
        widest=max(map(len, unspaced), default=0),
        longest=max((len(flat.split()) for flat in languages), default=0),
    )


def _longest(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words), key=lambda word: (-len(word), word)))
