"""Where a place stands in a text: an address, ZIP codes, or a label in front of either. By patterns alone; whether there is
such a place, the gazetteer knows."""

import re
from dataclasses import dataclass, replace
from typing import Final

from subscribers.dialog.hearing import Said, fold, listen
from subscribers.dialog.lexicon import Family, Lexicon
from subscribers.dialog.phrases import Phrases
from subscribers.place import LABEL_MAX

WORDS_OF_AN_ADDRESS: Final = 6  # of more words it is a sentence that names a street
LEAD_MOST: Final = 3  # words before "i live in"
_ZIP: Final = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)", re.ASCII)
_NUMBER_FIRST: Final = re.compile(r"^#?\d{1,6}\b", re.ASCII)
_NUMBERED: Final = re.compile(r"\b[a-z]{0,2}\d", re.ASCII)  # 82nd, I5; not the digit in the midst of "mar7aba"
_LABEL_FIRST: Final = re.compile(r"^\s*([^\W\d_][^\W_]*(?: [^\W\d_][^\W_]*)?)\s*[:=]\s*(.+)$")
_STREET: Final = re.compile(
    r"\b(?:st|street|ave|avenue|av|blvd|boulevard|rd|road|dr|drive|ct|court|pl|place|ln|lane|ter|terrace|way|pkwy|parkway|hwy|"
    r"highway|cir|circle|loop|\d+(?:st|nd|rd|th))\b"
)
# A direction alone tells no street: "NE Portland 97211"; and "se", "ne" and "n" are small words of other languages.
_HOUSE: Final = re.compile(
    r"\b\d{1,6} (?:n|ne|nw|s|se|sw|north|south|east|west|northeast|northwest|southeast|southwest) [^\W_]", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """text: the address, or the whole text around the ZIPs. is_address: something of a street is there. zips: all five digits
    that may be a ZIP, in order, each once. label: what the place is called, upper case, "" when nothing was said. language: of
    the words "I live in"."""

    text: str
    is_address: bool
    zips: tuple[str, ...] = ()
    label: str = ""
    language: tuple[str, ...] = ()


def located(said: Said, lexicon: Lexicon) -> Located | None:
    """The address or the ZIPs in a text; None when neither is there."""
    text, languages = told(said, lexicon)
    found = _pattern(text)
    return found and replace(found, language=languages)


def told(said: Said, lexicon: Lexicon) -> tuple[str, tuple[str, ...]]:
    """What stands behind "I live in" and its like, with the languages that say so; else the whole text and none."""
    live = lexicon.families[Family.LIVE]
    for at in range(min(LEAD_MOST + 1, len(said.tokens))):
        length = live.leading(said.tokens, at)
        if length and at + length < len(said.tokens):
            phrase = " ".join(said.tokens[at : at + length])
            return behind(said.written, at + length), live.of(phrase)
    if said.tokens and (phrase := live.prefix(said.tokens[0])):
        return said.written[len(phrase) :].strip(" :,"), live.of(phrase)
    return _told_last(said, lexicon)


def _told_last(said: Said, lexicon: Lexicon) -> tuple[str, tuple[str, ...]]:
    """As above, where the verb comes last: "Lentsに住んでいます", "Lents ayaan ku noolahay"."""
    written = said.written.casefold()
    listed = lexicon.families[Family.LIVE_LAST].languages
    for phrase in sorted(listed, key=len, reverse=True):
        if written.endswith(f" {phrase}" if phrase.isascii() else phrase) and len(written) == len(said.written):
            return said.written[: -len(phrase)].strip(" :,"), listed[phrase]
    return said.written, ()


def _pattern(text: str) -> Located | None:
    plain = fold(text)
    zips = tuple(dict.fromkeys(_ZIP.findall(text)))
    rest = _ZIP.sub(" ", text, count=1) if len(zips) == 1 and not _NUMBER_FIRST.match(_ZIP.sub(" ", text).strip()) else text
    street = _STREET.search(fold(rest)) is not None or _HOUSE.search(plain) is not None
    words = len(plain.split())
    if _NUMBER_FIRST.match(plain) and words > 1 and (street or (not zips and words <= WORDS_OF_AN_ADDRESS)):
        return Located(text=text, is_address=True, zips=zips)
    if street and words <= WORDS_OF_AN_ADDRESS and _NUMBERED.search(plain):
        return Located(text=text, is_address=True, zips=zips)
    return Located(text=text, is_address=False, zips=zips) if zips and not street else None


def behind(text: str, count: int) -> str:
    """What stands behind the first `count` folded words of a text, as written."""
    pieces = text.split(" ")
    passed = 0
    for at, piece in enumerate(pieces):
        if passed >= count:
            return " ".join(pieces[at:]).strip(" :,")
        words = fold(piece).split()
        if passed + len(words) > count:  # "zip:97214": the word ends inside a piece
            return " ".join([piece[sum(map(len, words[: count - passed])) :], *pieces[at + 1 :]]).strip(" :,")
        passed += len(words)
    return ""


def opening(said: Said, words: Phrases) -> tuple[str, str]:
    """The longest phrase of a list that the text begins with, folded, and what stands behind it as written; "" for none."""
    if length := words.leading(said.tokens):
        return " ".join(said.tokens[:length]), behind(said.written, length)
    if said.tokens and (phrase := words.prefix(said.tokens[0])):
        return phrase, said.written[len(phrase) :].strip(" :,")
    return "", ""


def uncourteous(said: Said, lexicon: Lexicon) -> Said:
    """A text without the please or hello it begins with; as it is when it says nothing else."""
    polite = (lexicon.families[Family.COURTESY], lexicon.families[Family.GREETING])
    while (length := max(one.leading(said.tokens) for one in polite)) and length < len(said.tokens):
        said = listen(behind(said.written, length))
    return said


def closing(said: Said, words: Phrases) -> tuple[str, str]:
    """The longest phrase of a list that the text ends with, and what stands before it, both folded; "" for none."""
    if length := words.trailing(said.tokens):
        return " ".join(said.tokens[-length:]), " ".join(said.tokens[:-length])
    if said.tokens and (phrase := words.suffix(said.tokens[-1])):
        return phrase, said.flat.removesuffix(phrase).strip()
    return "", ""


def labelled(text: str, lexicon: Lexicon) -> tuple[str, str]:
    """Splits "my moms house Lents" into ("MOM", "Lents"): a label first, known or any single word before a number."""
    said = listen(text)
    while length := lexicon.families[Family.MY].leading(said.tokens):
        said = listen(behind(said.written, length))
    if said.marked and (label := lexicon.marked_labels.get(said.marked[0])):
        return label, behind(said.written, 1)
    word, rest = opening(said, lexicon.label_words)
    if word:
        more, further = opening(listen(rest), lexicon.label_words)
        return lexicon.labels[word], further if more and further else rest  # "moms house"
    first, _, rest = said.written.partition(" ")
    if rest[:1].isdigit() and first.isalpha() and len(first) <= LABEL_MAX:
        return fold(first).upper(), rest.strip()
    return "", said.written


def called(said: Said, lexicon: Lexicon) -> Located | None:
    """A place with its label in front and no command: "work: 97204", "mom 1120 SW 5th Ave", "my school is at 97232"."""
    if opening(said, lexicon.families[Family.LIVE])[0] or opening(said, lexicon.topic_words)[0]:
        return None
    if found := _LABEL_FIRST.match(said.written):
        word, rest = listen(found[1]), found[2]
        label = lexicon.label_of(word) or word.flat.upper()
    else:
        label, rest = labelled(said.written, lexicon)
        if label not in lexicon.labels.values():
            return None
    place = _pattern(told(listen(rest), lexicon)[0]) if label and len(label) <= LABEL_MAX else None
    return place and replace(place, label=label)
