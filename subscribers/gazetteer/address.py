"""A street address or a crossing as people text it, taken apart: number, direction, name, kind of street, ZIP. Pure.

People leave parts out, add a unit or the city, and some names hold what elsewhere is a kind of street ("St Helens Rd"). So a
text is not cut once: it is read in every way that makes sense, the longest name first, and whoever knows the streets takes the
one that exists.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from subscribers.dialog.hearing import MOST, fold

DIRECTIONS: Final = {
    "n": "N", "north": "N", "s": "S", "south": "S", "e": "E", "east": "E", "w": "W", "west": "W",
    "ne": "NE", "northeast": "NE", "nw": "NW", "northwest": "NW", "se": "SE", "southeast": "SE", "sw": "SW", "southwest": "SW",
}  # fmt: skip
KINDS: Final = {
    "aly": "Aly", "alley": "Aly", "ave": "Ave", "av": "Ave", "avenue": "Ave", "blvd": "Blvd", "boulevard": "Blvd",
    "cir": "Cir", "circle": "Cir", "cres": "Cres", "crescent": "Cres", "ct": "Ct", "court": "Ct", "dr": "Dr", "drive": "Dr",
    "expy": "Expy", "expressway": "Expy", "frwy": "Fwy", "fwy": "Fwy", "freeway": "Fwy", "hwy": "Hwy", "highway": "Hwy",
    "ln": "Ln", "lane": "Ln", "loop": "Loop", "pkwy": "Pkwy", "parkway": "Pkwy", "pl": "Pl", "place": "Pl", "plz": "Plz",
    "plaza": "Plz", "rd": "Rd", "road": "Rd", "sq": "Sq", "square": "Sq", "st": "St", "str": "St", "street": "St",
    "ter": "Ter", "terr": "Ter", "terrace": "Ter", "trl": "Trl", "trail": "Trl", "way": "Way",
}  # fmt: skip
FIRST_WORDS: Final = {"saint": "st", "mount": "mt", "fort": "ft", "doctor": "dr"}  # of a name, as short as the kinds there
KINGS: Final = frozenset({"mlk", "dr martin luther king", "martin luther king", "martin luther king jr", "m l king"})
KING: Final = "dr martin luther king jr"  # the one street that every city has and nobody writes alike
_ONES: Final = "first second third fourth fifth sixth seventh eighth ninth".split()
_TEENS: Final = "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
ORDINALS: Final = {word: number for number, word in enumerate([*_ONES, *_TEENS.split()], 1)}
TENS: Final = {word: ten for ten, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
UNITS: Final = frozenset("apt apartment unit ste suite rm room no number floor fl bldg lot spc space trlr".split())
JOINTS: Final = frozenset({"and", "at", "y"})  # between two streets that cross
BEFORE_A_CROSSING: Final = frozenset("i am im live at on in by near the corner of intersection between".split())
LONGEST_NAME: Final = 5  # words

_NUMBER: Final = re.compile(r"(\d{1,6})[a-z]?", re.ASCII)
_ORDINAL: Final = re.compile(r"(\d{1,3})(?:st|nd|rd|th)", re.ASCII)
_ZIP: Final = re.compile(r"\d{5}", re.ASCII)
_HASH: Final = re.compile(r"(?<=\d)(\D*)#\s*\w*")  # a unit's mark, once a digit has gone before; "#3 Main St" is a house
_RANGE: Final = re.compile(r"(\d)(?:-\d+|\s+\d/\d)\b", re.ASCII)  # 1120-1124, 97204-1234, 12 1/2
_JOINT: Final = re.compile(r"[&+@/]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to read a street's words. name: folded, numbers as digits; direction and kind in their usual short form, "" where
    nothing was said; rest: words left over behind, such as the city's."""

    name: str
    direction: str = ""
    kind: str = ""
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """number as written, leading zeros kept: "0123 S Curry St" is another house than "123". ways: the longest name first."""

    number: str
    ways: tuple[Way, ...]
    zip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two streets where they meet."""

    one: tuple[Way, ...]
    other: tuple[Way, ...]


def house(text: str) -> House | None:
    """The address in a text; None without a number and a street behind it."""
    words = _without_unit(fold(_RANGE.sub(r"\1", _HASH.sub(r"\1 ", text[:MOST]))).split())
    start = _start(words)
    if start is None:
        return None
    number, rest = words[start].rstrip("abcdefghijklmnopqrstuvwxyz"), words[start + 1 :]
    code = words[start - 1] if start and _ZIP.fullmatch(words[start - 1]) else ""
    for at in range(len(rest) - 1, 0, -1):
        if _ZIP.fullmatch(rest[at]):
            code, rest = rest[at], rest[:at] + rest[at + 1 :]
            break
    return House(number=number, ways=ways(rest), zip=code)


def crossing(text: str) -> Crossing | None:
    """The two streets a text joins, "82nd and Foster" or "corner of 82nd & Foster"; None when it joins nothing."""
    words = fold(_JOINT.sub(" and ", text[:MOST])).split()
    while words and (words[0] in BEFORE_A_CROSSING or words[0] in JOINTS):
        words = words[1:]
    joint = next((at for at, word in enumerate(words) if word in JOINTS and 0 < at < len(words) - 1), None)
    return None if joint is None else Crossing(one=ways(words[:joint]), other=ways(words[joint + 1 :]))


def street(text: str) -> Way:
    """The whole name of a street, as a city's file has it: "SW 5th Avenue" is SW, 5, Ave. name is "" when there is none."""
    direction, words = _direction(fold(text).split())
    if not direction and len(words) > 1 and words[-1] in DIRECTIONS:  # "5th Ave SW"
        direction, words = DIRECTIONS[words[-1]], words[:-1]
    kind = ""
    if len(words) > 1 and words[-1] in KINDS:
        kind, words = KINDS[words[-1]], words[:-1]
    return Way(direction=direction, name=_name(words), kind=kind)


def ways(words: Sequence[str]) -> tuple[Way, ...]:
    """Every way to read these words as a street, the longest name first."""
    direction, words = _direction(words)
    found = []
    for size in range(min(len(words), LONGEST_NAME), 0, -1):
        kind, rest = "", words[size:]
        if rest and rest[0] in KINDS:
            kind, rest = KINDS[rest[0]], rest[1:]
        side = direction
        if not side and rest and rest[0] in DIRECTIONS:
            side, rest = DIRECTIONS[rest[0]], rest[1:]
        found.append(Way(direction=side, name=_name(words[:size]), kind=kind, rest=tuple(rest)))
    return tuple(found)


def _start(words: Sequence[str]) -> int | None:
    """Where the house number stands: before a direction if there is one so ("my 2 kids at 1120 SW 5th"), else the first that is
    not a ZIP before another number."""
    numbers = [at for at, word in enumerate(words) if _NUMBER.fullmatch(word) and _names(words[at + 1 :])]
    house_numbers = set(numbers)
    directed = [at for at in numbers if words[at + 1] in DIRECTIONS and _names(words[at + 2 :])]
    plain = [at for at in numbers if not (_ZIP.fullmatch(words[at]) and at + 1 in house_numbers)]
    return next(iter(directed or plain or numbers), None)


def _names(words: Sequence[str]) -> bool:
    """Whether these words hold a name, not only a kind of street."""
    return any(word not in KINDS for word in words)


def _without_unit(words: Sequence[str]) -> list[str]:
    """The words without "apt 3", "suite b", "2nd floor"."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        word, after = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word in UNITS and (not after or len(after) == 1 or any(letter.isdigit() for letter in after)):
            at += 2
        elif _ORDINAL.fullmatch(word) and after in ("floor", "fl"):
            at += 2
        else:
            kept.append(word)
            at += 1
    return kept


def _direction(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The direction in front, and the words behind it; none where nothing would be left for a name ("North St")."""
    if len(words) > 2 and words[0] in DIRECTIONS and words[1] in ("e", "w", "east", "west") and _names(words[2:]):
        joined = DIRECTIONS[words[0]] + words[1][0].upper()
        if joined in DIRECTIONS.values():
            return joined, words[2:]
    if len(words) > 1 and words[0] in DIRECTIONS and _names(words[1:]):
        return DIRECTIONS[words[0]], words[1:]
    return "", words


def _name(words: Sequence[str]) -> str:
    """A street's name as it is compared: ordinals as digits, the first word short, the king's in one spelling."""
    if len(words) > 1:
        first = FIRST_WORDS.get(words[0]) or KINDS.get(words[0], words[0]).lower()
        words = [first, *words[1:]]
    name = " ".join(_digits(list(words)))
    return KING if name in KINGS else name


def _digits(words: list[str]) -> list[str]:
    if len(words) > 1 and words[0] in TENS and words[1] in _ONES:
        return [str(10 * TENS[words[0]] + ORDINALS[words[1]]), *words[2:]]
    return [_digit(word) for word in words]


def _digit(word: str) -> str:
    found = _ORDINAL.fullmatch(word)
    if found:
        return str(int(found[1]))
    return str(ORDINALS[word]) if word in ORDINALS else word
