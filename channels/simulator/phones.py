"""The phones on the simulator's screen: whose they are, what they can show, and what the network does to their texts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Any, Final, NamedTuple

from channels.simulator.handsets import Handsets
from channels.simulator.numbers import FICTIONAL

MOST_PHONES: Final = 24
LONGEST_PLACE: Final = 40
DELAY_S: Final = 8.0  # long enough to be seen waiting
FIRST_NUMBER: Final = 4_585_550_101  # Oregon's area code 458, exchange 555


class Handset(StrEnum):
    """What a handset makes of a text."""

    SMART = "smart"  # shows every letter, and a long text as one
    GSM = "gsm"  # shows a box for each letter outside the GSM alphabet
    SHUFFLED = "shuffled"  # shows the parts of a long text apart, the last one first


class Line(StrEnum):
    """What the network does with texts to a number."""

    GOOD = "good"
    DROP = "drop"  # switched off or out of coverage: nothing arrives
    DELAY = "delay"  # everything arrives late
    LANDLINE = "landline"  # takes no texts, and cannot write any
    REASSIGNED = "reassigned"  # a new owner: texts arrive at somebody who never asked for them


# What the far end does for each line: an ending as in handsets.ENDINGS, or "delivered".
ENDS: Final = {
    Line.GOOD: "delivered",
    Line.DROP: "unreachable",
    Line.DELAY: "delivered",
    Line.LANDLINE: "landline",
    Line.REASSIGNED: "delivered",
}


class Tongue(NamedTuple):
    """A language's own name, and how residents greet, ask about water and stop in it."""

    endonym: str
    greeting: str
    water: str
    stop: str


TONGUES: Final = {
    "en": Tongue("English", "hello", "WATER", "STOP"),
    "es": Tongue("Español", "hola", "AGUA", "alto"),
    "vi": Tongue("Tiếng Việt", "xin chào", "nước", "dừng lại"),
    "zh-Hant": Tongue("繁體中文", "你好", "水", "停止"),
    "ru": Tongue("Русский", "привет", "вода", "стоп"),
    "uk": Tongue("Українська", "привіт", "вода", "відписка"),
    "ro": Tongue("Română", "bună ziua", "apă", "opriți"),
    "so": Tongue("Soomaali", "salaan", "biyo", "jooji"),
    "ar": Tongue("العربية", "مرحبا", "ماء", "توقف"),
    "ja": Tongue("日本語", "こんにちは", "水", "停止"),
    "lo": Tongue("ລາວ", "ສະບາຍດີ", "ນ້ຳ", "ຢຸດ"),
    "ko": Tongue("한국어", "안녕하세요", "물", "중지"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One phone. place: where its owner lives, as they would text it; language: a key of TONGUES. Lines of the log up to
    `known_from` were there before it came on the screen, those up to `owned_from` before its present owner had it."""

    number: str
    language: str = "en"
    place: str = ""
    handset: Handset = Handset.SMART
    line: Line = Line.GOOD
    known_from: int = 0
    owned_from: int = 0


# What the screen shows at first: nobody of them has signed up.
FIRST_ROW: Final = (
    {"language": "es", "place": "97206"},
    {"language": "vi", "place": "97214"},
    {"language": "uk", "place": "Lents"},
    {"language": "en", "place": "97204"},
    {"language": "so", "place": "97233", "line": "delay"},
    {"language": "ar", "place": "97230", "handset": "gsm"},
)

_CHOICES: Final[Mapping[str, Collection[str]]] = {
    "language": tuple(TONGUES),
    "handset": tuple(Handset),
    "line": tuple(Line),
}


class BadPhone(ValueError):
    """A phone cannot be as wished; `problems` holds every reason as a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


def phone_of(wish: object, taken: Collection[str]) -> Phone:
    """A new phone as wished, under the first number in exchange 555 that is free unless one is given. Raises BadPhone."""
    given = dict(wish) if isinstance(wish, Mapping) else {}
    number = given.pop("number", None) or free_number(taken)
    wrong = [] if isinstance(wish, Mapping) else ["A phone is an object of setting and value."]
    if not isinstance(number, str) or not FICTIONAL.fullmatch(number):
        wrong.append("number must lie in exchange 555, like +14585550123: the simulator reaches nobody else.")
    elif number in taken:
        wrong.append(f"The phone {number} is on the screen already.")
    if len(taken) >= MOST_PHONES:
        wrong.append(f"There is room for {MOST_PHONES} phones.")
    wrong += _problems(given)
    if wrong:
        raise BadPhone(wrong)
    return _with(Phone(number=str(number)), given)


def changed(phone: Phone, wish: object, seq: int) -> Phone:
    """The phone with the wished settings. One given away gets its new owner at seq, the log's last line. Raises BadPhone."""
    if not isinstance(wish, Mapping):
        raise BadPhone(["A change is an object of setting and value."])
    wrong = _problems(wish)
    if wrong:
        raise BadPhone(wrong)
    after = _with(phone, wish)
    given_away = after.line is Line.REASSIGNED and phone.line is not Line.REASSIGNED
    return replace(after, owned_from=seq) if given_away else after


def free_number(taken: Collection[str]) -> str:
    """The first number of ours that nobody has."""
    return next(number for number in (f"+1{each}" for each in count(FIRST_NUMBER)) if number not in taken)


def equipped(handsets: Handsets, phones: Sequence[Phone]) -> Handsets:
    """The far end with these phones on their lines; what the set-up lists for other numbers stays."""
    listed = {phone.number: ENDS[phone.line] for phone in phones}
    slow = {phone.number: DELAY_S for phone in phones if phone.line is Line.DELAY}
    return replace(handsets, listed={**handsets.listed, **listed}, slow=slow)


def _problems(wish: Mapping[Any, Any]) -> list[str]:
    known = (*_CHOICES, "place")
    wrong = [f"There is no setting {name!r}; known: {', '.join(known)}." for name in wish if name not in known]
    wrong += [
        f"{name} must be one of {', '.join(choices)}, not {wish[name]!r}."
        for name, choices in _CHOICES.items()
        if name in wish and wish[name] not in choices
    ]
    place = wish.get("place", "")
    if not isinstance(place, str) or len(place) > LONGEST_PLACE or not (place.isprintable() or not place):
        wrong.append(f"place must be one line of at most {LONGEST_PLACE} characters.")
    return wrong


def _with(phone: Phone, wish: Mapping[str, Any]) -> Phone:
    return replace(
        phone,
        language=wish.get("language", phone.language),
        place=wish.get("place", phone.place).strip(),
        handset=Handset(wish.get("handset", phone.handset)),
        line=Line(wish.get("line", phone.line)),
    )
