"""What a text message costs: its encoding, units and parts by 3GPP TS 23.038, and the letters that make it dear.

Also the sanitiser: typographic signs that double the price become their plain equivalents, each change visible. No
letter of any language is ever replaced, and nothing is ever turned into a question mark.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

# 3GPP TS 23.038, 6.2.1: the default alphabet in the order of its codes. 0x1B is the escape itself and encodes nothing.
DEFAULT_ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("\f^{}\\[~]|€")  # 6.2.1.1: sent as escape and code, two units
GSM_7: Final = (frozenset(DEFAULT_ALPHABET) | EXTENSION) - {"\x1b"}


class Encoding(StrEnum):
    GSM_7 = "GSM-7"  # every character is in the default alphabet or its extension
    UCS_2 = "UCS-2"  # one character is not, so all are sent as 16-bit units


# Units in a text of one part, and in each part of a longer one, where the header that joins them takes six octets.
ONE_PART: Final = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
EACH_PART: Final = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A character that forces UCS-2. `suggestion` is advice in words, "" where the language needs the letter."""

    index: int
    character: str
    name: str
    suggestion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The size of a text. `units` are septets (GSM-7) or 16-bit units (UCS-2); `left` is what the last part still holds
    before one more part is needed. An empty text has no parts."""

    encoding: Encoding
    units: int
    parts: int
    left: int
    culprits: tuple[Culprit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`was` stood at `index` of the text as given and is now `now`; `name` is the Unicode name of `was`."""

    index: int
    was: str
    now: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sanitised:
    """Putting each change's `now` in the place of its `was` turns the text as given into `text`."""

    text: str
    changes: tuple[Change, ...]


def encoding(text: str) -> Encoding:
    return Encoding.GSM_7 if GSM_7.issuperset(text) else Encoding.UCS_2


def parts(text: str) -> int:
    """How many parts a text takes."""
    return len(_part_ends(text, encoding(text)))


def measure(text: str, *, naming: bool = True) -> Measure:
    """Measures a text as it stands; nothing is normalised or replaced first. naming: whether the letters that keep it out of
    the 7-bit alphabet are named; of a text in another script every letter is one."""
    kind = encoding(text)
    ends = _part_ends(text, kind)
    last = text[ends[-2] if len(ends) > 1 else 0 :]
    room = EACH_PART[kind] if len(ends) > 1 else ONE_PART[kind]
    return Measure(
        encoding=kind,
        units=_units(text, kind),
        parts=len(ends),
        left=room - _units(last, kind),
        culprits=tuple(_culprits(text)) if naming and kind is not Encoding.GSM_7 else (),
    )


def split(text: str) -> tuple[str, ...]:
    """The parts a handset receives, in order; joined they are the text. No escape or surrogate pair is cut in two."""
    ends = _part_ends(text, encoding(text))
    return tuple(text[start:end] for start, end in pairwise([0, *ends]))


def _units(text: str, kind: Encoding) -> int:
    if kind is Encoding.GSM_7:
        return len(text) + sum(map(text.count, EXTENSION))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _part_ends(text: str, kind: Encoding) -> list[int]:
    """Where each part ends. A pair that does not fit moves whole to the next part; a part may stay one unit short."""
    if not text:
        return []
    units, each = _units(text, kind), EACH_PART[kind]
    if units <= ONE_PART[kind]:
        return [len(text)]
    if units == len(text):
        return [*range(each, len(text), each), len(text)]
    ends, used = [], 0
    for index, character in enumerate(text):
        width = 2 if (character in EXTENSION if kind is Encoding.GSM_7 else character > "\uffff") else 1
        if used + width > each:
            ends.append(index)
            used = 0
        used += width
    return [*ends, len(text)]


# Signs that look alike in the alphabet, by what replaces them. Letters never stand here.
_EQUIVALENTS: Final = {
    "'": "‘’‚‛′‹›`´ʼ",
    '"': "“”„‟″«»",
    "-": "‐‑‒–—―−⁃•",
    " ": "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029",
    "/": "⁄∕",
    "x": "×",
    "~": "∼",
    "...": "…",
    "..": "‥",
    "1/2": "½",
    "1/4": "¼",
    "3/4": "¾",
    "ff": "ﬀ",
    "fi": "ﬁ",
    "fl": "ﬂ",
    # Unseen characters, control codes no handset shows, and lone surrogates, which cannot be sent at all.
    "": "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u061c\u2060\ufeff\ufffc"
    + "".join(chr(code) for code in (*range(0x00, 0x09), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0)))
    + "".join(map(chr, range(0xD800, 0xE000))),
}
_REPLACEMENT: Final = {character: now for now, characters in _EQUIVALENTS.items() for character in characters}

_WORD_BREAK: Final = "\u200b"  # marks word ends in scripts written without spaces
_JOINERS: Final = frozenset("\u200c\u200d")  # shape Persian and Indic letters and build emoji
_MARKS: Final = frozenset("\u200e\u200f\u061c")  # order numbers and signs beside right-to-left letters
_SPACELESS: Final = ("LAO ", "THAI ", "KHMER ", "MYANMAR ")
_LEADS_WRONG: Final = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))

_ACUTE_VOWELS: Final = frozenset("áíóúÁÍÓÚ")  # Spanish letters the alphabet lacks: one costs as much as all
_ADVICE: Final = {
    "°": 'write "degrees"',
    "№": 'write "No."',
    "\ufffd": "type the letter that was lost here",
}
_SPOKEN: Final = {" ": "a plain space", "\n": "a line break"}
_CONTROL_NAMES: Final = {
    "\t": "TABULATION",
    "\v": "LINE TABULATION",
    "\f": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\n": "LINE FEED",
}


def bidi_controls(text: str) -> tuple[str, ...]:
    """One sentence for each embedding, override or isolate control: they can make a text read as nobody approved it."""
    return tuple(
        f"Character {index + 1} is {_name(character)} (U+{ord(character):04X}), which can change the order"
        " in which the text is read: remove it."
        for index, character in enumerate(text)
        if character in _LEADS_WRONG
    )


def sanitise(text: str) -> Sanitised:
    """The text in NFC, typographic and unseen signs as their plain equivalents; doing it twice changes nothing more.

    A replacement longer than the sign ("..." for an ellipsis) is made only where it brings the whole text to GSM-7:
    elsewhere it would add units and save none. Joiners, marks and word breaks stay where a script needs them.
    Embedding, override and isolate controls stay for `bidi_controls` to report: refuse such a text, do not repair it.
    """
    if unicodedata.is_normalized("NFC", text) and _REPLACEMENT.keys().isdisjoint(text):
        return Sanitised(text=text, changes=())  # most texts: nothing in them would change
    plain = _replaced(text, lengthen=True)
    if encoding(plain.text) is Encoding.GSM_7:
        return plain
    return _replaced(text, lengthen=False)


def _replaced(text: str, *, lengthen: bool) -> Sanitised:
    leftward = any(unicodedata.bidirectional(character) in ("R", "AL") for character in set(text) - _MARKS)
    done: list[str] = []
    changes = []
    before = ""
    for index, was in _pieces(text):
        now = ""
        for character in unicodedata.normalize("NFC", was.replace("\r\n", "\n")):
            now += _plain(character, (now or before)[-1:], leftward=leftward, lengthen=lengthen)
        now = unicodedata.normalize("NFC", now)  # a sign that went may have parted a letter from its mark
        if now != was:
            changes.append(Change(index=index, was=was, now=now, name=" + ".join(map(_name, was))))
        done.append(now)
        before = now or before
    return Sanitised(text="".join(done), changes=tuple(changes))


def _plain(character: str, before: str, *, leftward: bool, lengthen: bool) -> str:
    """What stands for a character: itself, or its equivalent. `before` is what now stands in front of it."""
    now = _REPLACEMENT.get(character, character)
    if len(now) > 1 and not lengthen:
        return character
    needed = (
        (character in _MARKS and leftward)
        or (character in _JOINERS and _joins(before))
        or (character == _WORD_BREAK and unicodedata.name(before or " ", "").startswith(_SPACELESS))
    )
    return character if needed else now


def _joins(character: str) -> bool:
    """Whether a joiner after this may shape what is seen: it is a letter, mark or picture outside the Latin script."""
    if not character or unicodedata.category(character)[0] not in "LMS" or character in GSM_7:
        return False
    return not unicodedata.name(character, "").startswith("LATIN ")


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text cut where normalising cannot reach across, as (index, piece): a character and the marks after it."""
    start = 0
    end = 1
    while start < len(text):
        while end < len(text) and (_reaches_back(text, end) or text[end - 1 : end + 1] == "\r\n"):
            end += 1
        yield start, text[start:end]
        start, end = end, end + 1


def _reaches_back(text: str, index: int) -> bool:
    """Whether the character may compose with those before it, now or once unseen signs between them are gone."""
    while index < len(text) and _REPLACEMENT.get(text[index]) == "":
        index += 1
    if index == len(text):
        return False
    return unicodedata.category(text[index]).startswith("M") or "\u1160" <= text[index] <= "\u11ff"  # Hangul vowels, finals


def _culprits(text: str) -> Iterator[Culprit]:
    stuck = frozenset(text) - GSM_7 - _REPLACEMENT.keys() - _ACUTE_VOWELS
    for index, character in enumerate(text):
        if character not in GSM_7:
            suggestion = _suggestion(character, text[max(index - 1, 0) : index], can_be_gsm=not stuck)
            yield Culprit(index=index, character=character, name=_name(character), suggestion=suggestion)


def _suggestion(character: str, before: str, *, can_be_gsm: bool) -> str:
    composed = unicodedata.normalize("NFC", before + character)
    if before and len(composed) == 1:
        return f"write {composed} as one letter"
    if character in _ACUTE_VOWELS:
        return f"rephrase with words that need no {character}" if can_be_gsm else ""
    now = _REPLACEMENT.get(character)
    if now is None:
        return "remove it" if character in _LEADS_WRONG else _ADVICE.get(character, "")
    if len(now) > 1 and not can_be_gsm:
        return ""
    return f"write {_SPOKEN.get(now, now)} instead" if now else "remove it"


def _name(character: str) -> str:
    return unicodedata.name(character, "") or _CONTROL_NAMES.get(character, f"CHARACTER U+{ord(character):04X}")
