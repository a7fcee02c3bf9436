"""Whether a text asks us to stop. A person who would be understood as "stop" by any reader is, in every language and wording; a
sentence that merely holds such a word ("the bus stop at 82nd is flooded") is not.

47 CFR 64.1200(a)(10): consent is revoked by any reasonable means; a text is read as a reasonable person would read it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from subscribers.dialog.hearing import Said, clauses, listen
from subscribers.dialog.lexicon import Family, Lexicon
from subscribers.place import LABEL_MAX, PLACES_MAX

SPELLABLE: Final = 4  # letters from which a word written in capitals in the midst of others is meant as a command
MISTYPABLE: Final = 8  # letters from which one wrong letter still leaves no doubt about the word
MOST_BEFORE_MESSAGES: Final = 6  # words of "stop all these flood texts"
_RUN: Final = re.compile(r"(.)\1+")
_ZIP: Final = re.compile(r"\d{5}", re.ASCII)
_IN_LIST: Final = re.compile(rf"[1-{PLACES_MAX}]")  # the number of a place where WHERE lists them


@dataclass(frozen=True, slots=True)
class Wish:
    """A stop. languages: those that have the word used; label: the place it named, "" for everything."""

    languages: tuple[str, ...]
    label: str = ""


def wish_to_stop(text: str, said: Said, lexicon: Lexicon, labels: frozenset[str]) -> Wish | None:
    """What a text asks to stop; None when it asks nothing of the kind. labels: of the person's own places."""
    parts = clauses(text)
    kept = [part for part in parts if lexicon.within(Family.KEEP_PHRASES, part)]
    wish = None
    if not kept:
        wish = _alone(said, lexicon) or _asked(said, lexicon, labels)
    for part in parts:
        if wish is None and part not in kept:
            wish = _asked(part, lexicon, labels) or _phrase(part, lexicon)
    return wish or (None if kept else _spelled(said, lexicon) or _in_capitals(said, lexicon))


def _alone(said: Said, lexicon: Lexicon) -> Wish | None:
    """The whole message is a stop word, also one that means something else in a sentence ("end", "cancel")."""
    forms = (said, *(peeled(said, lexicon, (Family.COURTESY,), behind) for behind in ((), (Family.COURTESY,))))
    for family in (Family.STOP, Family.STOP_ALONE):
        for form in forms:
            if languages := lexicon.languages_of(family, form):
                return Wish(languages)
    return None


def _asked(said: Said, lexicon: Lexicon, labels: frozenset[str]) -> Wish | None:
    """A stop word with nothing but courtesy, what leads up to a wish, and what is to stop around it."""
    core = peeled(said, lexicon, (Family.STOP_LEAD, Family.COURTESY), (Family.POLITE, Family.COURTESY))
    if languages := lexicon.languages_of(Family.STOP, core):
        return Wish(languages)
    for behind in ((), (Family.COURTESY,)):  # a stop word may itself end in a courtesy
        around = peeled(said, lexicon, (Family.STOP_LEAD, Family.COURTESY), behind)
        for languages, rest in (_stop_in_front(around, lexicon), _stop_behind(around, lexicon)):
            wish = _of_what(languages, rest, lexicon, labels) if languages else None
            if wish is not None and not _has_stopped(around, wish, lexicon, labels):
                return wish
    return None


def _has_stopped(said: Said, wish: Wish, lexicon: Lexicon, labels: frozenset[str]) -> bool:
    """Whether it says of something that it has stopped: "توقف العمل" is "work has stopped", unless a place of theirs is called
    so."""
    return bool(wish.label and wish.label not in labels and lexicon.families[Family.STOPPED].leading(said.tokens))


def _of_what(languages: tuple[str, ...], rest: Sequence[str], lexicon: Lexicon, labels: frozenset[str]) -> Wish | None:
    """A stop by what is to stop: everything, messages, or the place of a label."""
    if _is_all(rest, lexicon, (Family.POLITE, Family.COURTESY, Family.STOP, Family.MESSAGES)):
        return Wish(languages)
    is_short = len(rest) <= MOST_BEFORE_MESSAGES and not any(token.isdigit() for token in rest)
    if is_short and lexicon.families[Family.MESSAGES].trailing(rest):
        return Wish(languages)
    label = _label(rest, lexicon, labels)
    return Wish(languages, label) if label else None


def _stop_in_front(said: Said, lexicon: Lexicon) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages of the stop word that a text begins with, and what stands behind it."""
    length = lexicon.families[Family.STOP].leading(said.tokens)
    return (lexicon.languages_of(Family.STOP, said.part(0, length)) if length else ()), said.tokens[length:]


def _stop_behind(said: Said, lexicon: Lexicon) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As above, at the end: where the verb comes last. Not in Latin letters, but behind a ZIP: "school stop" is where a bus
    halts."""
    count = len(said.tokens)
    is_noun = count == 0 or (said.tokens[-1].isascii() and not all(map(_ZIP.fullmatch, said.tokens[:-1])))
    length = 0 if is_noun else lexicon.families[Family.STOP].trailing(said.tokens)
    languages = lexicon.languages_of(Family.STOP, said.part(count - length, count)) if length else ()
    return languages, said.tokens[: count - length]


def _label(rest: Sequence[str], lexicon: Lexicon, labels: frozenset[str]) -> str:
    """The place that "stop work", "stop the texts for mom", "stop 97214" or "stop 2" names; "" for none."""
    bare = [token for token in rest if not lexicon.families[Family.POLITE].leading([token])]
    for words in (" ".join(rest), " ".join(bare)):
        label = lexicon.labels.get(words, words.upper())
        if words and len(label) <= LABEL_MAX and (words in lexicon.labels or label in labels):
            return label
    is_number = len(bare) == 1 and (_ZIP.fullmatch(bare[0]) or (bool(labels) and _IN_LIST.fullmatch(bare[0])))
    return bare[0] if is_number else ""


def _phrase(said: Said, lexicon: Lexicon) -> Wish | None:
    phrase = lexicon.within(Family.STOP_PHRASES, said)
    return Wish(lexicon.families[Family.STOP_PHRASES].of(phrase)) if phrase else None


def _spelled(said: Said, lexicon: Lexicon) -> Wish | None:
    """S T O P, STOOOP, "unsubscibe": the whole message is the word, mistyped."""
    bare = peeled(said, lexicon, (Family.COURTESY,), (Family.POLITE, Family.COURTESY))
    listed = lexicon.families[Family.STOP].languages
    letters = "".join(bare.tokens)
    if len(bare.tokens) >= SPELLABLE and all(len(token) == 1 for token in bare.tokens) and letters in listed:
        return Wish(listed[letters])
    if len(bare.tokens) != 1 or not letters.isascii() or letters in listed:
        return None
    squeezed = _squeezed(letters)
    for word, languages in listed.items():
        if len(word) >= SPELLABLE and letters[0] == word[0] and squeezed == _squeezed(word):
            return Wish(languages)
        if len(word) >= MISTYPABLE and len(letters) >= MISTYPABLE and one_apart(word, letters):
            return Wish(languages)
    return None


def _squeezed(word: str) -> str:
    """STOOOP as STOP."""
    return _RUN.sub(r"\1", word)


def _in_capitals(said: Said, lexicon: Lexicon) -> Wish | None:
    """The first or last word is the command, the rest says why: "STOP you have the wrong number", "I moved away STOP". Capitals
    tell nothing in a message that is all in capitals, nor beside what such a word is part of ("the bus STOP", "STOP sign")."""
    words = [word for word in said.written.split() if any(letter.isalpha() for letter in word)]
    if len(words) < 2 or not any(letter.islower() for letter in said.written):
        return None
    for at, beside in ((0, 1), (-1, -2)):
        word = listen(words[at])
        is_command = words[at].isupper() and len(word.flat) >= SPELLABLE
        noun = lexicon.families[Family.STOP_NOUNS].leading(listen(words[beside]).tokens)
        if is_command and not noun and (languages := lexicon.languages_of(Family.STOP, word)):
            return Wish(languages)
    return None


def peeled(said: Said, lexicon: Lexicon, before: Sequence[Family], after: Sequence[Family]) -> Said:
    """A text without the words of these lists at its beginning and at its end; the whole text if nothing else is left."""
    start, end = 0, len(said.tokens)
    while length := max(lexicon.families[family].leading(said.tokens, start) for family in before):
        start += length
    while start < end and (length := max((lexicon.families[one].trailing(said.tokens[start:end]) for one in after), default=0)):
        end -= length
    if start >= end:
        return said
    part = said.part(start, end)
    return part if all(token.isascii() for token in part.tokens) else _unglued(part, lexicon, before, after)


def _unglued(said: Said, lexicon: Lexicon, before: Sequence[Family], after: Sequence[Family]) -> Said:
    """As `peeled`, in scripts that put no spaces between words. A stop word is left whole, whatever its end may mean."""
    first, stops = said.tokens[0], lexicon.families[Family.STOP].languages
    if len(said.tokens) > 1:
        return said
    while first not in stops and (
        found := max((lexicon.families[family].prefix(first) for family in before), key=len, default="")
    ):
        first = first.removeprefix(found)
    last = first
    while last not in stops and (found := max((lexicon.families[one].suffix(last) for one in after), key=len, default="")):
        last = last.removesuffix(found)
    if last == said.tokens[0]:
        return said
    return Said(written=said.written, tokens=(last,), marked=(last,), script=said.script)


def _is_all(tokens: Sequence[str], lexicon: Lexicon, families: Sequence[Family]) -> bool:
    """Whether nothing but words of these lists is there."""
    at = 0
    while at < len(tokens):
        length = max(lexicon.families[family].leading(tokens, at) for family in families)
        if not length:
            return False
        at += length
    return True


def one_apart(one: str, other: str) -> bool:
    """Whether one letter added, left out, changed or two swapped makes one word the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    rest, others = one[at:], other[at:]
    swapped = rest[:2] == others[:2][::-1] and rest[2:] == others[2:]
    return rest[1:] == others or rest == others[1:] or rest[1:] == others[1:] or (len(one) == len(other) and swapped)


def all_words(lexicon: Lexicon) -> tuple[str, ...]:
    """Every word that is a stop when it is a whole message."""
    return tuple(dict.fromkeys(chain(lexicon.families[Family.STOP].languages, lexicon.families[Family.STOP_ALONE].languages)))
