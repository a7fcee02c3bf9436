"""What a text can mean: its kind, with what belongs to it. Values only; reading.py finds them."""

from dataclasses import dataclass
from enum import Flag, StrEnum, auto


class Kind(StrEnum):
    """What a text was read as."""

    STOP = "stop"
    HELP = "help"
    DISTRESS = "distress"
    WRONG = "wrong"
    DELETE = "delete"
    NUMBER = "number"  # 1, 2, 3: only an answer
    YES = "yes"  # an answer; the English word also START for somebody who is stopped
    NO = "no"  # only an answer
    START = "start"
    JOIN = "join"
    GREETING = "greeting"
    THANKS = "thanks"  # nothing but courtesy
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


class Awaited(Flag):
    """The answers that an open question waits for, which decide what a word of two meanings is: "dung" is yes or stop, "wrong"
    is a wrong place or a wrong number."""

    NOTHING = 0
    YES = auto()
    NO = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """kind with what belongs to it. language: of the words used, "" when they tell none; script: by the letters alone.
    label: of a place, upper case, or a topic as alerts name it; page: of the topic. zips: all that were named. nearly: tag
    of the language whose name this is but for one letter. asked: tag of a language named beside a place. long: free text of
    more than LONG characters. double: a yes that is also a stop. sure: only one language has the word used."""

    kind: Kind
    text: str = ""  # as written, normalised
    argument: str = ""
    label: str = ""
    page: int = 1
    zips: tuple[str, ...] = ()
    language: str = ""
    script: str = ""
    nearly: str = ""
    asked: str = ""
    long: bool = False
    double: bool = False
    sure: bool = True
