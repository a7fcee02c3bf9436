"""A street address as people text it, taken apart: number, direction, name, kind of street, ZIP. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from subscribers.dialog.hearing import fold

DIRECTIONS: Final = {
    "n": "N", "north": "N", "s": "S", "south": "S", "e": "E", "east": "E", "w": "W", "west": "W",
    "ne": "NE", "northeast": "NE", "nw": "NW", "northwest": "NW", "se": "SE", "southeast": "SE", "sw": "SW", "southwest": "SW",
}  # fmt: skip
KINDS: Final = {
    "st": "St", "street": "St", "ave": "Ave", "av": "Ave", "avenue": "Ave", "blvd": "Blvd", "boulevard": "Blvd", "rd": "Rd",
    "road": "Rd", "dr": "Dr", "drive": "Dr", "ct": "Ct", "court": "Ct", "pl": "Pl", "place": "Pl", "ln": "Ln", "lane": "Ln",
    "ter": "Ter", "terr": "Ter", "terrace": "Ter", "way": "Way", "pkwy": "Pkwy", "parkway": "Pkwy", "hwy": "Hwy",
    "highway": "Hwy", "cir": "Cir", "circle": "Cir", "loop": "Loop",
}  # fmt: skip
_ORDINALS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
ORDINALS: Final = {word: str(number) for number, word in enumerate(_ORDINALS.split(), 1)}
UNITS: Final = frozenset("apt apartment unit ste suite rm room no number floor fl bldg".split())
CITY_WORDS: Final = frozenset("portland or oregon usa".split())
_NUMBER: Final = re.compile(r"(\d{1,6})[a-z]?", re.ASCII)
_ORDINAL: Final = re.compile(r"(\d{1,3})(?:st|nd|rd|th)", re.ASCII)
_ZIP: Final = re.compile(r"\d{5}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """number as written, leading zeros kept ("0123 S Curry St" is another house than "123"); name folded, ordinals as digits;
    direction and kind in their usual short form; each "" where nothing was said."""

    number: str
    direction: str
    name: str
    kind: str
    zip: str = ""


def parse(text: str) -> Parsed | None:
    """The address in a text; None without a number and a name of a street."""
    before, _, unit = text.partition("#")
    words = fold(before if any(letter.isdigit() for letter in before) else unit).split()  # "#3 Main St", "12 Main St #3"
    zips = [word for word in (words[:1] + words[-1:]) if _ZIP.fullmatch(word)]
    code = ""
    if len(words) > 2 and _ZIP.fullmatch(words[-1]):
        code, words = words[-1], words[:-1]
    elif len(words) > 2 and zips and _NUMBER.fullmatch(words[1]):
        code, words = words[0], words[1:]
    words = [word for word in words if word not in CITY_WORDS]
    start = next((at for at, word in enumerate(words) if _NUMBER.fullmatch(word)), None)
    if start is None or start + 1 >= len(words):
        return None
    found = _NUMBER.fullmatch(words[start])
    rest = words[start + 1 :]
    cut = next((at for at, word in enumerate(rest) if at and word in UNITS), len(rest))
    direction, name, kind = street(" ".join(rest[:cut]))
    if found is None or not name:
        return None
    return Parsed(number=found[1], direction=direction, name=name, kind=kind, zip=code)


def street(text: str) -> tuple[str, str, str]:
    """Direction, folded name and kind of a street's name: "SW 5th Avenue" is ("SW", "5", "Ave")."""
    words = fold(text).split()
    direction = ""
    if len(words) > 1 and words[0] in DIRECTIONS:
        direction, words = DIRECTIONS[words[0]], words[1:]
        if len(words) > 1 and words[0] in ("east", "west") and direction in ("N", "S"):
            direction, words = direction + words[0][0].upper(), words[1:]
    kind = ""
    if len(words) > 1 and words[-1] in DIRECTIONS and not direction:  # "5th Ave SW"
        direction, words = DIRECTIONS[words[-1]], words[:-1]
    if len(words) > 1 and words[-1] in KINDS:
        kind, words = KINDS[words[-1]], words[:-1]
    return direction, " ".join(map(_ordinal, words)), kind


def _ordinal(word: str) -> str:
    found = _ORDINAL.fullmatch(word)
    return str(int(found[1])) if found else ORDINALS.get(word, word)
