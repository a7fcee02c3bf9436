"""How a text is heard: folded so that case, accents, marks and look-alike letters do not matter, and its likely language."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MOST: Final = 2_000  # characters that are listened to; the longest concatenated SMS has 1,600
MOST_AROUND: Final = 5  # words of a reaction beside what it quotes: "removed a question mark from"

_APOSTROPHES: Final = re.compile(r"[\u0027\u0060\u00b4\u2018\u2019\u201b\u02bc\u02b9]")
_ASCII_WORD: Final = re.compile(r"[0-9a-z]+")
# Where one thing said ends and the next begins; a hyphen inside a word joins it ("opt-out").
_CLAUSE_END: Final = re.compile(
    r"[.!?;:,\n\r\u2026\u3001\u3002\u060c\u061b\u061f()\"\u201c\u201d\u00ab\u00bb]+|\s[-\u2013\u2014]+\s|\u2014"
)
_QUOTED: Final = re.compile(r"[\u201c\u201e\u00ab\u300c\"](.{20,})[\u201d\u201c\u00bb\u300d\"]", re.DOTALL)
_MARKS: Final = ("Mn", "Mc")  # vowels and tones of Lao and its neighbours
_STRIPPED: Final = ("LATIN", "CYRILLIC", "ARABIC", "GREEK")  # scripts whose marks are left out; elsewhere they are the letters
_LETTERS: Final = str.maketrans({"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ё": "е", "й": "и"})
_ARABIC: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": ""})
# Letters that look alike, for words typed half on one keyboard and half on the other ("CTOП", "SТОР").
_CYRILLIC: Final = str.maketrans("abcehkmoptxyi", "авсенкмортхуі")
_LATIN: Final = str.maketrans("авсенкмортхуіѕјαβεικνορτυχ", "abcehkmoptxyisjabeiknoptux")

_UKRAINIAN: Final = frozenset("іїєґ")
_RUSSIAN: Final = frozenset("ыэъё")  # in no Ukrainian word
_VIETNAMESE: Final = frozenset("đơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ")
_ROMANIAN: Final = frozenset("șțşţă")  # ă without any other Vietnamese letter
_UNSPACED: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "LAO", "THAI", "KHMER", "MYANMAR"})
# Marks over and under one Lao letter, typed in either order: vowels first, tones after.
_LAO_MARKS: Final = re.compile("[\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd]{2,}")
_LAO_TONES: Final = frozenset("\u0ec8\u0ec9\u0eca\u0ecb")
# Scripts of languages that nobody here writes in yet: told apart only to count how often they are asked for.
UNSPOKEN: Final = frozenset(
    "ETHIOPIC DEVANAGARI BENGALI GURMUKHI GUJARATI TAMIL TELUGU KANNADA MALAYALAM SINHALA THAI KHMER MYANMAR TIBETAN MONGOLIAN "
    "HEBREW GREEK GEORGIAN ARMENIAN THAANA SYRIAC TIFINAGH CHEROKEE".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text, or a part of one. tokens: its words folded; marked: the same words with their accents, one for one. written: the
    text, normalised. script: the language its letters are of, "" for plain Latin ones."""

    written: str
    tokens: tuple[str, ...]
    marked: tuple[str, ...]
    script: str

    @property
    def flat(self) -> str:
        return " ".join(self.tokens)

    @property
    def spelled(self) -> str:
        return " ".join(self.marked)

    def part(self, start: int, end: int) -> "Said":
        """Some of its words; the written form stays the whole."""
        return Said(written=self.written, tokens=self.tokens[start:end], marked=self.marked[start:end], script=self.script)


def listen(text: str) -> Said:
    written = normal(text)
    tokens, marked = _words(written, _unmarked), _words(written, _as_it_is)
    if len(tokens) != len(marked):  # a word of nothing but marks
        marked = tokens
    return Said(written=written, tokens=tuple(tokens), marked=tuple(marked), script=script_language(written))


def clauses(text: str) -> tuple[Said, ...]:
    """The parts of a text between its stops, commas, dashes, brackets and line ends."""
    return tuple(said for part in _CLAUSE_END.split(_seen(text)) if (said := listen(part)).tokens)


def reaction(text: str) -> str | None:
    """What a phone puts around another text to react to it: Liked "Portland Alerts: ..." gives "liked". What is quoted is
    not what the person says. None for any other text."""
    found = _QUOTED.search(text[:MOST])
    if found is None:
        return None
    around = fold(f"{text[: found.start()]} {text[found.end() : MOST]}")
    is_short = len(around.split()) <= MOST_AROUND and len(around) < found.end() - found.start()
    return around if is_short and (text[: found.start()] + text[found.end() :]).strip() else None


def normal(text: str) -> str:
    """Compatible forms made one, digits of every script 0 to 9, nothing invisible, outer quotes, punctuation and pictures gone,
    spaces single; letters as they were."""
    text = " ".join(_seen(text).split())
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or unicodedata.category(text[end - 1]) == "Mn"):
        end -= 1
    return text[start:end]


def fold(text: str) -> str:
    """What words are compared by: lower case, without accents and punctuation, words one space apart."""
    return " ".join(_words(_seen(text), _unmarked))


def marked(text: str) -> str:
    """As `fold`, with the accents: where they alone tell two words apart."""
    return " ".join(_words(_seen(text), _as_it_is))


def _seen(text: str) -> str:
    text = text[:MOST]
    if text.isascii():
        return text
    whole = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode())[:MOST]
    return _LAO_MARKS.sub(_in_order, "".join(map(_shown, whole)))


def _in_order(marks: re.Match[str]) -> str:
    return "".join(sorted(marks[0], key=_LAO_TONES.__contains__))


@lru_cache(maxsize=4096)
def _shown(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    hidden = category in ("Cf", "Me") or "\ufe00" <= letter <= "\ufe0f"  # joiners, key caps, pictures' variants
    return "" if hidden else letter


def _words(text: str, shape: Callable[[str], str]) -> list[str]:
    """The words of a text that is normalised, each letter shaped."""
    text = _APOSTROPHES.sub("", text).casefold()
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return [_one_script(word) for word in "".join(map(shape, text)).split()]


@lru_cache(maxsize=8192)
def _unmarked(letter: str) -> str:
    """A letter without its accents, in scripts where they are no letters of their own; a space for what is no letter."""
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 1:
        is_accent = unicodedata.name(letter, "").startswith(("ARABIC", "COMBINING")) and unicodedata.category(letter) == "Mn"
        return "" if is_accent else _as_it_is(letter).translate(_LETTERS).translate(_ARABIC)
    bare = parts[0] if unicodedata.name(parts[0], "").startswith(_STRIPPED) else letter
    return _as_it_is(bare).translate(_LETTERS).translate(_ARABIC)


@lru_cache(maxsize=8192)
def _as_it_is(letter: str) -> str:
    return letter if letter.isalnum() or unicodedata.category(letter) in _MARKS else " "


def _one_script(word: str) -> str:
    """A word of mixed Latin and Cyrillic or Greek letters in one of them: all Cyrillic if it can be, else Latin."""
    if word.isascii() or not any(letter.isascii() and letter.isalpha() for letter in word):
        return word
    if any("\u0400" <= letter <= "\u052f" for letter in word):
        cyrillic = word.translate(_CYRILLIC)
        return word.translate(_LATIN) if any(letter.isascii() and letter.isalpha() for letter in cyrillic) else cyrillic
    return word.translate(_LATIN) if any("\u0370" <= letter <= "\u03ff" for letter in word) else word


def spaced(text: str) -> bool:
    """Whether the text is in a script that puts spaces between words: then words are found as words, else as they stand."""
    return text.isascii() or not any(_script(letter) in _UNSPACED for letter in text)


def ends_at_spaces(text: str) -> bool:
    """Whether a phrase is whole only where a space or the end follows; Korean hangs its endings on."""
    return text.isascii() or not any((script := _script(letter)) in _UNSPACED or script == "HANGUL" for letter in text)


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0] if not letter.isascii() else "LATIN"


def script_language(text: str) -> str:
    """The language a text is likely in by its letters alone, as BCP 47; "" for plain Latin letters."""
    if text.isascii():
        return ""
    found = {_script(letter) for letter in text if letter.isalpha()}
    lower = set(unicodedata.normalize("NFC", text).casefold())
    if found & {"HIRAGANA", "KATAKANA"}:
        return "ja"
    for script, language in (("HANGUL", "ko"), ("LAO", "lo"), ("ARABIC", "ar"), ("CJK", "zh-Hant")):
        if script in found:
            return language
    if "CYRILLIC" in found:
        return "uk" if _UKRAINIAN & lower else "ru"
    if _VIETNAMESE & lower:
        return "vi"
    return "ro" if _ROMANIAN & lower else ""


def surely_russian(text: str) -> bool:
    """Whether a text in Cyrillic letters holds one that Ukrainian does not have."""
    return not _RUSSIAN.isdisjoint(text.casefold())


def unspoken_script(text: str) -> str:
    """The script of a text whose letters are all of one that no language of ours uses, lower case; "" for any other text."""
    found = {_script(letter) for letter in text if letter.isalpha()}
    return next(iter(found)).lower() if len(found) == 1 and found <= UNSPOKEN else ""
