"""The words residents use, in every language at once: read from one TOML file a language, found by their folded form.

templates/dialog/vocabulary/en.toml says what each list means.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from subscribers.dialog.hearing import Said, fold, marked
from subscribers.dialog.phrases import Phrases, phrases


class Family(StrEnum):
    """What a word of a vocabulary is for; the names are the keys of the files."""

    STOP = "stop"
    STOP_ALONE = "stop_alone"
    STOP_PHRASES = "stop_phrases"
    STOP_LEAD = "stop_lead"
    STOP_NOUNS = "stop_nouns"
    STOPPED = "stopped"
    MESSAGES = "messages"
    KEEP_PHRASES = "keep_phrases"
    COURTESY = "courtesy"
    POLITE = "polite"
    HELP = "help"
    START = "start"
    JOIN = "join"
    YES = "yes"
    NO = "no"
    GREETING = "greeting"
    WHERE = "where"
    STATUS = "status"
    LANG = "lang"
    LANG_WISH = "lang_wish"
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
    LIVE_LAST = "live_last"
    NOT_LIVE = "not_live"
    PARTICLES = "particles"
    MY = "my"
    DISTRESS = "distress"
    DISTRESS_ALONE = "distress_alone"
    AUTOREPLY = "autoreply"
    REACTION = "reaction"
    NAMES = "names"
    UNSPOKEN = "unspoken"


OPTIONAL: Final = frozenset(
    {
        Family.UNSPOKEN,
        Family.NIGHT_ON,
        Family.NIGHT_OFF,
        Family.KEEP_PHRASES,
        Family.MY,
        Family.LIVE_LAST,
        Family.PARTICLES,
        Family.STOPPED,
        Family.AUTOREPLY,
        Family.REACTION,
        Family.NO,
        Family.STOP_LEAD,
        Family.STOP_NOUNS,
        Family.MESSAGES,
        Family.LANG_WISH,
        Family.DISTRESS_ALONE,
    }
)
# Whole messages that the order of reading decides between; the earlier wins.
ORDER: Final = (
    Family.STOP,
    Family.STOP_ALONE,
    Family.HELP,
    Family.DISTRESS,
    Family.DISTRESS_ALONE,
    Family.WRONG,
    Family.DELETE,
    Family.YES,
    Family.NO,
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
    Family.UNSPOKEN,
    Family.GREETING,
    Family.ADD,
    Family.REMOVE,
    Family.MOVE,
)
MARKED_LABELS: Final = "marked_labels"
TABLES: Final = ("labels", MARKED_LABELS, "topics")
TOPIC: Final = "topic"  # in the place of a family: a word for a topic of an alert, which is looked for after all of ORDER


class BadVocabulary(ValueError):
    """The vocabulary cannot be used; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Folded word -> languages that have it, by family; labels and topics -> folded word -> the English word meant.

    marked_labels: the same of words that are labels only with their accents ("mẹ" is mom, "me" is not).

    apart: words that several families or topics claim once their accents are gone, with how each spells them: one written with
    its accents belongs to whoever spells it so ("đúng" is yes, "dừng" is stop, "dung" is either).
    """

    families: Mapping[Family, Phrases]
    labels: Mapping[str, str]
    marked_labels: Mapping[str, str]
    label_words: Phrases
    topics: Mapping[str, str]
    topic_words: Phrases
    languages: tuple[str, ...]
    apart: Mapping[str, Mapping[str, frozenset[str]]]

    def languages_of(self, family: Family, said: Said) -> tuple[str, ...]:
        """The languages in which this whole message is a word of the family; none when it is not."""
        languages = self.families[family].languages.get(said.flat, ())
        return languages if languages and self._is_meant(family, said) else ()

    def topic_of(self, said: Said) -> str:
        """The topic that this whole message is a word for, as alerts name it; "" for none."""
        topic = self.topics.get(said.flat, "")
        return topic if topic and self._is_meant(TOPIC, said) else ""

    def label_of(self, said: Said) -> str:
        """The label that this whole text is a word for, upper case; "" for none."""
        return self.marked_labels.get(said.spelled) or self.labels.get(said.flat, "")

    def _is_meant(self, family: str, said: Said) -> bool:
        claims = self.apart.get(said.flat)
        spelled = said.spelled
        if claims is None or spelled == said.flat or not any(spelled in forms for forms in claims.values()):
            return True
        return spelled in claims.get(family, ())

    def within(self, family: Family, said: Said) -> str:
        """The first word or phrase of the family that stands anywhere in the message; "" for none."""
        return self.families[family].within(said.tokens)


def load(folder: Path) -> Lexicon:
    """Reads every <language>.toml of a folder. Raises BadVocabulary with every problem at once."""
    return _of(tuple((path.name, path.read_bytes()) for path in sorted(folder.glob("*.toml"))))


@lru_cache(maxsize=2)
def _of(files: tuple[tuple[str, bytes], ...]) -> Lexicon:
    """From the names and contents of its files."""
    problems: list[str] = []
    read: dict[str, Mapping[str, Any]] = {}
    for name, content in files:
        try:
            read[name.removesuffix(".toml")] = tomllib.loads(content.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{name} is not TOML: {error}.")
    read = dict(sorted(read.items(), key=lambda item: (item[0] != "en", item[0])))  # English first
    if "en" not in read:
        problems.append("There is no en.toml.")
    problems += [problem for language, words in read.items() for problem in _problems(language, words)]
    if problems:
        raise BadVocabulary(problems)
    return _lexicon(read)


def _lexicon(read: Mapping[str, Mapping[str, Any]]) -> Lexicon:
    families = {family: phrases({language: _listed(words, family) for language, words in read.items()}) for family in Family}
    labels = _meanings(read, "labels")
    marked_labels = _meanings(read, MARKED_LABELS, marked)
    topics = _meanings(read, "topics")
    label_words, topic_words = (
        phrases(
            {
                language: [word for listed in words.get(table, {}).values() for word in listed]
                for language, words in read.items()
            }
        )
        for table in ("labels", "topics")
    )
    return Lexicon(
        families=families,
        labels=labels,
        marked_labels=marked_labels,
        label_words=label_words,
        topics=topics,
        topic_words=topic_words,
        languages=tuple(read),
        apart=_apart({**{family.value: families[family] for family in ORDER}, TOPIC: topic_words}),
    )


def _listed(words: Mapping[str, Any], family: Family) -> Sequence[str]:
    """A list of a language's file. Where a wish to stop is led up to by the same words that may follow it, one list does."""
    listed: Sequence[str] = words.get(family, words["polite"] if family is Family.STOP_LEAD else ())
    return listed


def _meanings(read: Mapping[str, Mapping[str, Any]], table: str, shaped: Callable[[str], str] = fold) -> dict[str, str]:
    """Folded word -> what it stands for; where languages differ, what the first of them says."""
    found: dict[str, str] = {}
    for words in read.values():
        for meaning, listed in words.get(table, {}).items():
            for word in listed:
                found.setdefault(shaped(word), meaning)
    return found


def _apart(lists: Mapping[str, Phrases]) -> dict[str, dict[str, frozenset[str]]]:
    claims: dict[str, dict[str, frozenset[str]]] = {}
    for name, listed in lists.items():
        for flat, forms in listed.spellings.items():
            claims.setdefault(flat, {})[name] = forms
    return {flat: named for flat, named in claims.items() if len(named) > 1}


def _problems(language: str, words: Mapping[str, Any]) -> Iterator[str]:
    known = {*Family, *TABLES}
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
    for table in TABLES:
        meanings = words.get(table, {})
        if not isinstance(meanings, dict):
            yield f"{language}.toml: {table} must be a table of lists."
            continue
        for key, listed in meanings.items():
            if not isinstance(listed, list) or not all(isinstance(word, str) and fold(word) for word in listed):
                yield f"{language}.toml: {table}.{key} must be a list of words."
