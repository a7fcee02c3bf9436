"""How a text is heard: folded so that case, accents, marks and look-alike letters do not matter, and its likely language."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

MOST: Final = 2_000  # characters that are listened to; the longest concatenated SMS has 1,600

_APOSTROPHES: Final = re.compile(r"[\u0027\u0060\u00b4\u2018\u2019\u201b\u02bc\u02b9]")
_MARKS: Final = ("Mn", "Mc")  # vowels and tones of Lao and its neighbours
_STRIPPED: Final = ("LATIN", "CYRILLIC", "ARABIC", "GREEK")  # scripts whose marks are left out; elsewhere they are the letters
_LETTERS: Final = str.maketrans({"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ё": "е", "й": "и"})
_ARABIC: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": ""})
# Latin letters that look like Cyrillic ones, for words typed half on one keyboard and half on the other ("CTOП").
_CYRILLIC: Final = str.maketrans("abcehkmoptxyi", "авсенкмортхуі")

_UKRAINIAN: Final = frozenset("іїєґ")
_VIETNAMESE: Final = frozenset("đơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ")
_ROMANIAN: Final = frozenset("șțşţă")  # ă without any other Vietnamese letter


def normal(text: str) -> str:
    """Compatible forms made one, outer quotes, punctuation and pictures gone, spaces single; letters as they were."""
    text = unicodedata.normalize("NFKC", text[:MOST].encode("utf-8", "ignore").decode())
    text = " ".join(text.split())
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or unicodedata.category(text[end - 1]) == "Mn"):
        end -= 1
    return text[start:end]


def fold(text: str) -> str:
    """What words are compared by: lower case, without accents and punctuation, words one space apart."""
    text = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text[:MOST].encode("utf-8", "ignore").decode())).casefold()
    plain = "".join(_unmarked(letter) for letter in text).translate(_LETTERS).translate(_ARABIC)
    words = "".join(letter if letter.isalnum() or unicodedata.category(letter) in _MARKS else " " for letter in plain).split()
    return " ".join(map(_one_script, words))


def _unmarked(letter: str) -> str:
    """A letter without its accents, in scripts where they are no letters of their own."""
    if letter.isascii():
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 1:
        is_accent = unicodedata.name(letter, "").startswith(("ARABIC", "COMBINING")) and unicodedata.category(letter) == "Mn"
        return "" if is_accent else letter
    return parts[0] if unicodedata.name(parts[0], "").startswith(_STRIPPED) else letter


def _one_script(word: str) -> str:
    """A word of mixed Latin and Cyrillic letters as Cyrillic."""
    if word.isascii():
        return word
    has_cyrillic = any("\u0400" <= letter <= "\u052f" for letter in word)
    return word.translate(_CYRILLIC) if has_cyrillic else word


@lru_cache(maxsize=8_192)
def spaced(text: str) -> bool:
    """Whether the text is in a script that puts spaces between words: then words are found as words, else as they stand."""
    return not any(_script(letter) in _UNSPACED for letter in text)


@lru_cache(maxsize=8_192)  # asked of every phrase of the vocabulary for every text
def ends_at_spaces(text: str) -> bool:
    """Whether a phrase is whole only where a space or the end follows; Korean hangs its endings on."""
    return spaced(text) and not any(_script(letter) == "HANGUL" for letter in text)


_UNSPACED: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "LAO", "THAI", "KHMER", "MYANMAR"})


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0] if not letter.isascii() else "LATIN"


def script_language(text: str) -> str:
    """The language a text is likely in by its letters alone, as BCP 47; "" for plain Latin letters."""
    found = [_script(letter) for letter in text if letter.isalpha()]
    lower = unicodedata.normalize("NFC", text).casefold()
    if any(script in ("HIRAGANA", "KATAKANA") for script in found):
        return "ja"
    for script, language in (("HANGUL", "ko"), ("LAO", "lo"), ("ARABIC", "ar"), ("CJK", "zh-Hant")):
        if script in found:
            return language
    if "CYRILLIC" in found:
        return "uk" if _UKRAINIAN & set(lower) else "ru"
    if _VIETNAMESE & set(lower):
        return "vi"
    return "ro" if _ROMANIAN & set(lower) else ""
