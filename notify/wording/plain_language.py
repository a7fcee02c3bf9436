"""How hard an English text is to read, and which of its words and sentences make it so. Pure.

The grade is Flesch and Kincaid's (1975): 0.39 words a sentence + 11.8 syllables a word - 15.59, the United States school
year that reads it easily. Federal plain-language guidance and the National Weather Service aim at eight or less. Syllables are
counted by groups of vowels, which is near enough for advice.
"""

import re
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Final

AIM: Final = 8.0
LONGEST: Final = 20  # words a sentence may have
LEAST_WORDS: Final = 8  # of a shorter text a grade says nothing
# What offices write, and what people say (plainlanguage.gov's list of simple words, the ones alerts run into).
SAY: Final[Mapping[str, str]] = {
    "advised": "told",
    "approximately": "about",
    "assistance": "help",
    "commence": "start",
    "consume": "drink or eat",
    "evacuate": "leave",
    "in the event of": "if",
    "in the vicinity of": "near",
    "individuals": "people",
    "notify": "tell",
    "obtain": "get",
    "potable": "safe to drink",
    "precautionary": "to be safe",
    "prior to": "before",
    "reside": "live",
    "residents are advised to": "please",
    "subsequent": "later",
    "sufficient": "enough",
    "terminate": "end",
    "utilize": "use",
}
_SLOT: Final = re.compile(r"%\(\w+\)s")
_WORD: Final = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_SENTENCE: Final = re.compile(r"[.!?:]+(?:\s|$)|\n+")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_ADDRESS: Final = re.compile(r"\S+\.\S+/\S*|https?://\S+")


def grade(text: str) -> float | None:
    """The school year that reads it easily, to a tenth; None for a text too short to say."""
    words = _words(text)
    if len(words) < LEAST_WORDS:
        return None
    syllables = sum(_syllables(word) for word in words)
    return round(0.39 * len(words) / len(_sentences(text)) + 11.8 * syllables / len(words) - 15.59, 1)


def advice(text: str) -> list[str]:
    """What would make it easier, as sentences; empty when it is plain enough."""
    return [*_hard_words(text), *_long_sentences(text)]


def report(texts: Mapping[str, str]) -> list[str]:
    """How hard English messages are as a whole, and each that is above the aim or too long; by context. Slots are left out."""
    read = {context: _SLOT.sub(" ", text) for context, text in texts.items()}
    grades = {context: found for context, text in read.items() if (found := grade(text)) is not None}
    said = (
        [f"English: half of {len(grades)} messages need grade {median(grades.values())} or less; the aim is {AIM:g}."]
        if grades
        else []
    )
    said += [f"{context}: grade {found}." for context, found in sorted(grades.items(), key=_hardest) if found > AIM]
    return said + [f"{context}: {sentence}" for context, text in read.items() for sentence in advice(text)]


def _hardest(one: tuple[str, float]) -> tuple[float, str]:
    return -one[1], one[0]


def _hard_words(text: str) -> Iterator[str]:
    spoken = " ".join(_words(text)).lower()
    for hard, plain in SAY.items():
        if re.search(rf"\b{re.escape(hard)}\b", spoken):
            yield f"Instead of '{hard}' say '{plain}'."


def _long_sentences(text: str) -> Iterator[str]:
    for sentence in _sentences(text):
        words = _words(sentence)
        if len(words) > LONGEST:
            yield f"A sentence of {len(words)} words: '{' '.join(words[:6])} …'. Make two."


def _words(text: str) -> list[str]:
    return _WORD.findall(_ADDRESS.sub(" ", text))


def _sentences(text: str) -> list[str]:
    """Pieces with words in them; at least one."""
    return [piece for piece in _SENTENCE.split(_ADDRESS.sub(" ", text)) if _WORD.search(piece)] or [text]


def _syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end: "people" 2, "make" 1, "the" 1."""
    plain = word.lower()
    groups = len(_VOWELS.findall(plain))
    silent = plain.endswith("e") and not plain.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)
