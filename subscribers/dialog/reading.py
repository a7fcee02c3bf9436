"""What a text means: the order in which it is read, so that a stop is never taken for anything else, nor anything else for one.

    stop > help > danger > wrong number, delete > answer to the open question > command > command with words behind it
    > address > ZIP > neighbourhood > topic of an alert > language by its name or letters > not understood

The open question and what the gazetteer knows are the business of talk.py; here a text is sorted by its words alone.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from subscribers.dialog.hearing import fold, normal, script_language
from subscribers.dialog.lexicon import Family, Lexicon
from subscribers.place import LABEL_MAX

LONG: Final = 40  # characters: free text of more is answered as if somebody might be in danger
SHARED_LETTERS: Final = {"ru": ("uk",), "zh-Hant": ("ja",)}  # what a script alone may have taken for another language
WORDS_OF_AN_ADDRESS: Final = 6  # of more words it is a sentence that names a street
_ZIP: Final = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)", re.ASCII)
_NUMBER_FIRST: Final = re.compile(r"^#?\d{1,6}\b", re.ASCII)
_PAGE: Final = re.compile(r"^(.*?)\s+(\d{1,2})$", re.ASCII)
_LABEL_FIRST: Final = re.compile(r"^\s*([^\W\d_][^\W_]*)\s*[:=]\s*(.+)$")
_STREET: Final = re.compile(
    r"\b(?:n|ne|nw|s|se|sw|north|south|east|west|northeast|northwest|southeast|southwest|st|street|ave|avenue|av|blvd|boulevard|rd|"
    r"road|dr|drive|ct|court|pl|place|ln|lane|ter|terrace|way|pkwy|parkway|hwy|highway|cir|circle|loop|\d+(?:st|nd|rd|th))\b"
)


class Kind(StrEnum):
    """What a text was read as."""

    STOP = "stop"
    HELP = "help"
    DISTRESS = "distress"
    WRONG = "wrong"
    DELETE = "delete"
    NUMBER = "number"  # 1, 2, 3: only an answer
    YES = "yes"  # an answer; START for somebody who is stopped
    START = "start"
    JOIN = "join"
    GREETING = "greeting"
    WHERE = "where"
    STATUS = "status"
    LANG = "lang"
    PRIVACY = "privacy"
    TEST = "test"
    PLAIN = "plain"
    NIGHT_ON = "night_on"
    NIGHT_OFF = "night_off"
    LANGUAGE = "language"  # asked for by name; argument is its tag
    ADD = "add"  # argument is what stood behind it
    REMOVE = "remove"
    MOVE = "move"
    ADDRESS = "address"
    ZIP = "zip"
    TOPIC = "topic"  # argument is what stood behind it
    UNSPOKEN = "unspoken"  # a language we do not have
    AUTOREPLY = "autoreply"
    NOTHING = "nothing"  # empty, or only pictures
    WORDS = "words"  # free text: perhaps a neighbourhood


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """kind with what belongs to it. language: the language of the words used, "" when they tell none. label: of a place, upper
    case. page: of a topic. long: free text of more than LONG characters."""

    kind: Kind
    text: str = ""  # as written, normalised
    argument: str = ""
    label: str = ""
    page: int = 1
    language: str = ""
    long: bool = False


WHOLE: Final = {
    Family.START: Kind.START,
    Family.JOIN: Kind.JOIN,
    Family.WHERE: Kind.WHERE,
    Family.STATUS: Kind.STATUS,
    Family.LANG: Kind.LANG,
    Family.PRIVACY: Kind.PRIVACY,
    Family.TEST: Kind.TEST,
    Family.PLAIN: Kind.PLAIN,
    Family.NIGHT_ON: Kind.NIGHT_ON,
    Family.NIGHT_OFF: Kind.NIGHT_OFF,
}
LEADING: Final = {Family.ADD: Kind.ADD, Family.REMOVE: Kind.REMOVE, Family.MOVE: Kind.MOVE}


def read(text: str, lexicon: Lexicon, labels: frozenset[str] = frozenset(), *, waits_for_yes: bool = False) -> Reading:
    """Sorts a text. labels: of the person's own places ("STOP CABIN" is a stop). waits_for_yes: a question is open that yes
    answers, which decides the one word that is stop in one language and yes in the same or another (Vietnamese "dung")."""
    written = normal(text)
    flat = fold(written)
    if not flat:
        return Reading(kind=Kind.NOTHING)
    script = script_language(written)
    base = Reading(kind=Kind.WORDS, text=written, language=_spoken(lexicon, flat, script), long=len(written) > LONG)
    yes = _language(lexicon.languages_of(Family.YES, flat), script)
    if waits_for_yes and yes and lexicon.holds(Family.STOP, flat):
        return _with(base, Kind.YES, language=yes)
    for reader in (_stop, _single, _danger, _ending, _whole, _argued, _pulled, _placed, _topic, _named):
        found = reader(base, flat, lexicon, script, labels)
        if found is not None:
            return found
    return base


def _with(base: Reading, kind: Kind, **given: str | int) -> Reading:
    values: dict[str, str | int | bool] = {
        "text": base.text,
        "argument": base.argument,
        "label": base.label,
        "page": base.page,
        "language": base.language,
        "long": base.long,
    }
    return Reading(kind=kind, **(values | given))  # type: ignore[arg-type]


def _language(languages: tuple[str, ...], script: str) -> str:
    """Of the languages a word belongs to: the one its letters are of, else English, else the first."""
    if not languages:
        return ""
    if script in languages:
        return script
    for other in SHARED_LETTERS.get(script, ()):
        if other in languages:
            return other
    return "en" if "en" in languages else languages[0]


def _spoken(lexicon: Lexicon, flat: str, script: str) -> str:
    """The language of a text: by its letters, else by a greeting in it."""
    if script:
        return script
    for word in lexicon.families[Family.GREETING]:
        if f" {word} " in f" {flat} ":
            return _language(lexicon.languages_of(Family.GREETING, word), script)
    return ""


def _stop(base: Reading, flat: str, lexicon: Lexicon, script: str, labels: frozenset[str]) -> Reading | None:
    if lexicon.within(Family.KEEP_PHRASES, flat):
        return None
    bare = lexicon.without((Family.COURTESY,), flat)
    for family in (Family.STOP, Family.STOP_ALONE):
        for said in (flat, bare):
            if languages := lexicon.languages_of(family, said):
                return _with(base, Kind.STOP, language=_language(languages, script))
    core = lexicon.without((Family.COURTESY, Family.POLITE), flat)
    for said in (core, *core.split()):
        languages = lexicon.languages_of(Family.STOP, said)
        rest = [word for word in core.split() if word not in said.split()]
        if languages and not rest:
            return _with(base, Kind.STOP, language=_language(languages, script))
        label = lexicon.labels.get(" ".join(rest), " ".join(rest).upper())
        if languages and (" ".join(rest) in lexicon.labels or label in labels):
            return _with(base, Kind.STOP, language=_language(languages, script), label=label)
    if phrase := lexicon.within(Family.STOP_PHRASES, flat):
        return _with(base, Kind.STOP, language=_language(lexicon.languages_of(Family.STOP_PHRASES, phrase), script))
    return None


def _single(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    if lexicon.begins(Family.AUTOREPLY, flat):
        return _with(base, Kind.AUTOREPLY)
    if languages := lexicon.languages_of(Family.HELP, flat):
        return _with(base, Kind.HELP, language=_language(languages, script))
    return None


def _danger(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    if phrase := lexicon.within(Family.DISTRESS, flat):
        language = _language(lexicon.languages_of(Family.DISTRESS, phrase), base.language)
        return _with(base, Kind.DISTRESS, language=language)
    return None


def _ending(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    for family, kind in ((Family.WRONG, Kind.WRONG), (Family.DELETE, Kind.DELETE)):
        if languages := lexicon.languages_of(family, flat):
            return _with(base, kind, language=_language(languages, script))
    return None


def _whole(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    if flat.isascii() and flat.isdigit() and len(flat) <= 2:
        return _with(base, Kind.NUMBER, argument=flat)
    if languages := lexicon.languages_of(Family.YES, flat) or lexicon.languages_of(
        Family.YES, lexicon.without((Family.COURTESY,), flat)
    ):
        return _with(base, Kind.YES, language=_language(languages, script))
    for family, kind in WHOLE.items():
        if languages := lexicon.languages_of(family, flat):
            return _with(base, kind, language=_language(languages, script))
    if languages := lexicon.languages_of(Family.NAMES, flat):
        return _with(base, Kind.LANGUAGE, argument=languages[0], language=languages[0])
    if lexicon.holds(Family.UNSPOKEN, flat):
        return _with(base, Kind.UNSPOKEN, argument=flat)
    if languages := lexicon.languages_of(Family.GREETING, lexicon.without((Family.COURTESY,), flat) or flat):
        return _with(base, Kind.GREETING, language=_language(languages, script))
    return None


def _argued(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    for family, kind in LEADING.items():
        if word := lexicon.begins(family, flat):
            rest = _behind(base.text, word)
            label, rest = labelled(rest, lexicon) if kind is Kind.ADD else ("", rest)
            language = _language(lexicon.languages_of(family, word), base.language)
            return _with(base, kind, argument=rest, label=label, language=language)
    if found := _LABEL_FIRST.match(base.text):  # "work: 97204"
        label = lexicon.labels.get(fold(found[1]), found[1].upper())
        if len(label) <= LABEL_MAX and fold(found[1]) not in lexicon.topics:
            return _with(base, Kind.ADD, argument=found[2], label=label)
    return None


def _behind(text: str, word: str) -> str:
    """What stands behind a folded word in the text as written."""
    pieces = text.split(" ")
    for count in range(1, len(pieces) + 1):
        if fold(" ".join(pieces[:count])) == word:
            return " ".join(pieces[count:]).strip()
    return text[len(word) :].strip() if fold(text).startswith(word) else ""


def labelled(text: str, lexicon: Lexicon) -> tuple[str, str]:
    """Splits "my moms house Lents" into ("MOM", "Lents"): a label first, known or any single word before a number."""
    pieces = [piece for piece in text.split(" ") if piece]
    while pieces and lexicon.holds(Family.MY, fold(pieces[0])):
        pieces = pieces[1:]
    for count in (3, 2, 1):
        if len(pieces) >= count and (label := lexicon.labels.get(fold(" ".join(pieces[:count])))):
            rest = pieces[count:]
            if rest and lexicon.labels.get(fold(rest[0])):  # "moms house"
                rest = rest[1:]
            return label, " ".join(rest)
    if len(pieces) > 1 and pieces[0].isalpha() and len(pieces[0]) <= LABEL_MAX and pieces[1][:1].isdigit():
        return fold(pieces[0]).upper(), " ".join(pieces[1:])
    return "", " ".join(pieces)


def _pulled(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    """A topic with a ZIP behind it: "SHELTER 97214" asks, and signs nobody up."""
    word, _, code = flat.partition(" ")
    if word in lexicon.topics and _ZIP.fullmatch(code):
        language = _language(lexicon.topic_languages[word], base.language)
        return _with(base, Kind.TOPIC, label=lexicon.topics[word], argument=code, language=language)
    return None


def _placed(base: Reading, flat: str, lexicon: Lexicon, _script: str, _labels: frozenset[str]) -> Reading | None:
    """An address, or a ZIP if nothing of a street is beside it."""
    word = lexicon.begins(Family.LIVE, flat)
    language = _language(lexicon.languages_of(Family.LIVE, word), base.language) if word else base.language
    text = _behind(base.text, word) if word else base.text
    plain = fold(text)
    zips = _ZIP.findall(text)
    rest = _ZIP.sub(" ", text, count=1) if len(zips) == 1 and not _NUMBER_FIRST.match(_ZIP.sub(" ", text).strip()) else text
    street = _STREET.search(fold(rest)) is not None
    if _NUMBER_FIRST.match(plain) and len(plain.split()) > 1 and (street or not zips):
        return _with(base, Kind.ADDRESS, argument=text, language=language)
    if street and any(letter.isdigit() for letter in plain) and len(plain.split()) <= WORDS_OF_AN_ADDRESS:
        return _with(base, Kind.ADDRESS, argument=text, language=language)
    if zips and not street:
        return _with(base, Kind.ZIP, argument=zips[0], language=language)
    if word and text:
        return _with(base, Kind.WORDS, argument=text, language=language)
    return None


def _topic(base: Reading, flat: str, lexicon: Lexicon, script: str, _labels: frozenset[str]) -> Reading | None:
    word, page = flat, 1
    if found := _PAGE.match(flat):
        word, page = found[1], int(found[2])
    if word in lexicon.topics:
        language = _language(lexicon.topic_languages[word], base.language)
        return _with(base, Kind.TOPIC, label=lexicon.topics[word], page=page, language=language)
    return None


def _named(base: Reading, flat: str, lexicon: Lexicon, _script: str, _labels: frozenset[str]) -> Reading | None:
    """A code or name of a language with one wrong letter: "EES", "espnol"."""
    if " " in flat or not 3 <= len(flat) <= 14 or not flat.isalpha():
        return None
    for name, languages in lexicon.families[Family.NAMES].items():
        near = len(name) >= 5 or len(flat) == len(name) + 1
        if " " not in name and near and abs(len(name) - len(flat)) <= 1 and _one_apart(name, flat):
            return _with(base, Kind.WORDS, label=languages[0])
    return None


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter added, left out, changed or two swapped makes one word the other."""
    if len(one) > len(other):
        one, other = other, one
    for at in range(len(one) + 1):
        if one[:at] == other[:at] and (
            one[at:] == other[at + 1 :]
            or (len(one) == len(other) and one[at + 1 :] == other[at + 1 :])
            or (len(one) == len(other) and one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :])
        ):
            return one != other
    return False
