"""The words residents use, in every language at once: read from one TOML file a language, found by their folded form.

templates/dialog/vocabulary/en.toml says what each list means.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from subscribers.dialog.hearing import ends_at_spaces, fold, spaced


class Family(StrEnum):
    """What a word of a vocabulary is for; the names are the keys of the files."""

    STOP = "stop"
    STOP_ALONE = "stop_alone"
    STOP_PHRASES = "stop_phrases"
    KEEP_PHRASES = "keep_phrases"
    COURTESY = "courtesy"
    POLITE = "polite"
    HELP = "help"
    START = "start"
    JOIN = "join"
    YES = "yes"
    GREETING = "greeting"
    WHERE = "where"
    STATUS = "status"
    LANG = "lang"
    WRONG = "wrong"
    DELETE = "delete"
    PRIVACY = "privacy"
    TEST = "test"
    PLAIN = "plain"
    NIGHT_ON = "night_on"
    NIGHT_OFF = "night_off"
    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"
    LIVE = "live"
    MY = "my"
    DISTRESS = "distress"
    AUTOREPLY = "autoreply"
    NAMES = "names"
    UNSPOKEN = "unspoken"


OPTIONAL: Final = frozenset(
    {Family.UNSPOKEN, Family.NIGHT_ON, Family.NIGHT_OFF, Family.KEEP_PHRASES, Family.MY, Family.AUTOREPLY}
)
# Whole messages that the order of reading decides between; the earlier wins. A collision inside this list is resolved.
ORDER: Final = (
    Family.STOP,
    Family.STOP_ALONE,
    Family.HELP,
    Family.WRONG,
    Family.DELETE,
    Family.YES,
    Family.START,
    Family.JOIN,
    Family.WHERE,
    Family.STATUS,
    Family.LANG,
    Family.PRIVACY,
    Family.TEST,
    Family.PLAIN,
    Family.NIGHT_ON,
    Family.NIGHT_OFF,
    Family.NAMES,
    Family.GREETING,
)


class BadVocabulary(ValueError):
    """The vocabulary cannot be used; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One folded word that stands for two things. resolved: which of them is meant, and why."""

    word: str
    meanings: tuple[tuple[str, str], ...]  # (language, family or topic)
    resolved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Folded word -> languages that have it, by family; labels and topics -> folded word -> the English word meant."""

    families: Mapping[Family, Mapping[str, tuple[str, ...]]]
    labels: Mapping[str, str]
    topics: Mapping[str, str]
    topic_languages: Mapping[str, tuple[str, ...]]
    languages: tuple[str, ...]

    def languages_of(self, family: Family, flat: str) -> tuple[str, ...]:
        """The languages in which this whole message is a word of the family; none when it is not."""
        return self.families[family].get(flat, ())

    def holds(self, family: Family, flat: str) -> bool:
        return flat in self.families[family]

    def within(self, family: Family, flat: str) -> str:
        """The first word or phrase of the family that stands anywhere in the message, as whole words; "" for none."""
        padded, close = f" {flat} ", flat.replace(" ", "")
        for phrase in self.families[family]:
            if (f" {phrase} " in padded) if ends_at_spaces(phrase) else (phrase.replace(" ", "") in close):
                return phrase
        return ""

    def begins(self, family: Family, flat: str) -> str:
        """The longest word or phrase of the family that the message begins with; "" for none."""
        found = [one for one in self.families[family] if flat == one or flat.startswith(f"{one} ")]
        found += [one for one in self.families[family] if not spaced(one) and flat.startswith(one)]
        return max(found, key=len, default="")

    def without(self, families: Sequence[Family], flat: str) -> str:
        """The message without the words and phrases of these families, longest first."""
        padded = f" {flat} "
        for phrase in sorted({one for family in families for one in self.families[family]}, key=len, reverse=True):
            while f" {phrase} " in padded:
                padded = padded.replace(f" {phrase} ", " ")
            if not spaced(phrase):
                padded = padded.replace(phrase, "")
        return " ".join(padded.split())


def load(folder: Path) -> Lexicon:
    """Reads every <language>.toml of a folder. Raises BadVocabulary with every problem at once."""
    problems: list[str] = []
    read: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            read[path.stem] = tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            problems.append(f"{path.name} is not TOML: {error}.")
    read = dict(sorted(read.items(), key=lambda item: (item[0] != "en", item[0])))  # English first
    if "en" not in read:
        problems.append("There is no en.toml.")
    problems += [problem for language, words in read.items() for problem in _problems(language, words)]
    if problems:
        raise BadVocabulary(problems)
    families: dict[Family, dict[str, tuple[str, ...]]] = {family: {} for family in Family}
    labels: dict[str, str] = {}
    topics: dict[str, str] = {}
    spoken: dict[str, tuple[str, ...]] = {}
    for language, words in read.items():
        for family in Family:
            for word in map(fold, words.get(family, ())):
                families[family][word] = (*families[family].get(word, ()), language)
        labels |= {fold(word): label for label, listed in words.get("labels", {}).items() for word in listed}
        for topic, listed in words.get("topics", {}).items():
            for word in map(fold, listed):
                topics.setdefault(word, topic)
                spoken[word] = (*spoken.get(word, ()), language)
    return Lexicon(families=families, labels=labels, topics=topics, topic_languages=spoken, languages=tuple(read))


def _problems(language: str, words: Mapping[str, Any]) -> Iterator[str]:
    known = {*Family, "labels", "topics"}
    yield from (f"{language}.toml: {key} is no list of ours." for key in words if key not in known)
    for family in Family:
        if family not in words:
            if family not in OPTIONAL:
                yield f"{language}.toml: the list {family} is missing."
            continue
        listed = words[family]
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            yield f"{language}.toml: {family} must be a list of words."
            continue
        yield from (f"{language}.toml: {family} holds {word!r}, which has no letter." for word in listed if not fold(word))
    for table in ("labels", "topics"):
        for key, listed in words.get(table, {}).items():
            if not isinstance(listed, list) or not all(isinstance(word, str) and fold(word) for word in listed):
                yield f"{language}.toml: {table}.{key} must be a list of words."


def collisions(lexicon: Lexicon) -> tuple[Collision, ...]:
    """Every whole message that two lists claim, with the one that is meant: what comes first in the order of reading."""
    claims: dict[str, dict[str, tuple[str, ...]]] = {}
    for family in ORDER:
        for word, languages in lexicon.families[family].items():
            claims.setdefault(word, {})[family] = languages
    for word, topic in lexicon.topics.items():
        claims.setdefault(word, {})[f"topic {topic}"] = lexicon.topic_languages[word]
    found = []
    for word, meanings in sorted(claims.items()):
        if len(meanings) > 1:
            first = next(iter(meanings))
            pairs = tuple((language, meaning) for meaning, languages in meanings.items() for language in languages)
            both = first == Family.STOP and Family.YES in meanings
            why = (
                "yes while a question waits for it, and the answer names STOP; else stop"
                if both
                else f"{first}: it is read first"
            )
            found.append(Collision(word=word, meanings=pairs, resolved=why))
    return tuple(found)
