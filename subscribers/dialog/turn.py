"""What one turn of the text dialog is made of: what was heard, what we know, what is to be done and what is answered.

Values only. Known and Heard go in, a Turn comes out; whoever calls carries the acts out in one transaction with the new memory,
and puts each Reply into words. Texts are named as in the specification (M01 to M47); what they say stands in templates/dialog.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from subscribers.place import Spot, in_words


class Standing(StrEnum):
    """How we stand with a phone."""

    NEW = "new"  # no address: never signed up, or erased since
    ACTIVE = "active"
    STOPPED = "stopped"  # opted out: answered once, then never
    SUSPECT = "suspect"  # the number may have a new owner: no place names are ever said to it

    @property
    def is_kept(self) -> bool:
        """Whether we hold an address of theirs."""
        return self is not Standing.NEW


class Obeyed(StrEnum):
    """The word that the provider has itself acted on and answered, so that we must not answer it a second time."""

    NOTHING = ""
    STOP = "stop"
    START = "start"
    HELP = "help"
    MISSED = "missed"  # a stop in any words that never reached us at its time: too late to be answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One text from a phone. `text` as it came; has_media: pictures or sound, dropped unread."""

    text: str
    at: datetime
    has_media: bool = False
    obeyed: Obeyed = Obeyed.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A saved place."""

    label: str
    spot: Spot

    @property
    def words(self) -> str:
        return in_words(self.spot)


class Asked(StrEnum):
    """What the one open question is about."""

    CONFIRM = "confirm"  # a place found; already live as it is
    PICK = "pick"  # one of several addresses or neighbourhoods
    LABEL = "label"  # what to call a place
    LANGUAGE = "language"  # the menu of languages
    REMOVE_LAST = "remove_last"
    DELETE = "delete"
    MOVE = "move"  # HOME is replaced only after OK
    YEARLY = "yearly"  # still right? (asked by the yearly check; no 30 minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One numbered answer: the place it stands for (or a language), in words."""

    words: str
    spot: Spot | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The open question, at most one. It is asked at most twice and lives QUESTION_LIFE (DELETE: ten minutes)."""

    asked: Asked
    at: datetime
    times: int = 1
    label: str = ""
    options: tuple[Option, ...] = ()


class Tongue(StrEnum):
    """How we came to the language of a phone."""

    GIVEN = ""  # by default, an import or the sign-up page; English of this kind gives way to what is heard
    GUESSED = "guessed"  # from letters or a greeting; gives way to other letters
    CHOSEN = "chosen"  # asked for by name: stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the dialog remembers of a phone between turns. Serialised as JSON; holds no text of the resident's."""

    question: Question | None = None
    recent: tuple[tuple[datetime, str], ...] = ()  # when, and a short hash of what: the loop guard's
    muted_until: datetime | None = None
    left_at: datetime | None = None  # when a command ended a question about a place that is not saved
    puzzled_at: datetime | None = None  # when M27 was last said
    greeted: int = 0  # M01 said to somebody who has not signed up, since a day before greeted_at
    greeted_at: datetime | None = None
    warned_at: datetime | None = None  # when M28 was last said
    tongue: Tongue = Tongue.GIVEN
    plain: bool = False  # wants texts without marks, for an old handset
    night: bool = True  # texts that can wait do wait from 21:00 to 07:00
    helped: tuple[datetime, str] | None = None  # when 311 asked whether its call helped, and the language; None: answered
    closed: bool = False  # the gateway lets nothing out to a number whose person was erased; only its own START ends that


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What we hold of a phone when a text comes in. language is "" while nobody has chosen or guessed one."""

    standing: Standing = Standing.NEW
    language: str = ""
    places: tuple[Kept, ...] = ()
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One text to send back: its key, the language, and what fills its slots. after_s: not at once (M03)."""

    key: str
    language: str
    slots: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A reply that is words already, taken from an approved alert: a topic's page, an alert's text."""

    body: str
    language: str


# What is to be done. Whoever carries them out records the exact words heard as the evidence of consent.


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Save a place under this label, in place of any that has it; signs the phone up if it is not."""

    label: str
    spot: Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Sign the phone up without a place: citywide alerts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Forget the place of this label."""

    label: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more is sent to this phone; places are kept inactive for 13 months."""


@dataclass(frozen=True, slots=True)
class Start:
    """Lifts a stop: consent is given anew."""


@dataclass(frozen=True, slots=True)
class Erase:
    """Delete the phone, its places and its words; keep the keyed hash as do-not-text. wrong: somebody else's number."""

    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Speak:
    """The language of all texts from now on. guessed: from the script or a greeting, not asked for."""

    language: str
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Reconfirm:
    """The person is still who they were: no longer suspect."""


class Note(StrEnum):
    """Something to count for staff. Never with the words."""

    DISTRESS = "distress"  # somebody texted for help
    PUZZLED = "puzzled"  # nobody understood
    MUTED = "muted"  # a loop was broken
    UNSPOKEN = "unspoken"  # a language we do not have was asked for
    OUTSIDE = "outside"  # a place outside the city
    GRADED = "graded"  # 1 to 5, in the detail: whether a call to 311 has helped


@dataclass(frozen=True, slots=True)
class Count:
    note: Note
    detail: str = ""  # the language asked for, or the grade


Act = Keep | Join | Drop | Stop | Start | Erase | Speak | Reconfirm | Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What follows from one text: the memory from now on, what is to be done, in order, and what is answered (at most one text,
    but for M02 with M03, and the two halves of the language menu)."""

    memory: Memory
    acts: tuple[Act, ...] = ()
    replies: tuple[Reply | Sent, ...] = ()


# What the dialog may look up. Implementations may read a database; the same data give the same answers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A place that a gazetteer found. words: never closer than the block. score: 1 is certain; below SURE it is asked about.
    exact: "1120 SW 5th Ave (Downtown, 97204)", said once, while the person confirms what they themselves wrote."""

    spot: Spot
    words: str
    exact: str
    score: float
    zip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAlert:
    """An alert in force. title and since are in the asked language; topic is the word that gets more help, upper case."""

    incident_id: str
    title: str
    since: str
    topic: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """What replies name. languages: tag -> endonym in the order of the menu (English first). A reply never names a place closer
    than its block unless the person has just written it."""

    programme: str  # "Portland Alerts"
    name: str  # "Portland"
    phones: str  # "311 or 503-823-4000"
    phone: str  # the first of them, for questions that are no emergency
    link: str  # "alerts.example.gov"
    county_link: str
    languages: Mapping[str, str]
    plain: frozenset[str] = frozenset()  # languages with a form without marks that a reader has approved


class World(Protocol):
    @property
    def city(self) -> City:
        """What replies name."""

    def zip_inside(self, code: str) -> bool:
        """Whether the city has this five-digit ZIP."""

    def addresses(self, text: str, near: Sequence[Spot]) -> Sequence[Sight]:
        """What the gazetteer makes of an address, best first, at most five; near: saved places, the nearer the better."""

    def named(self, text: str) -> Sequence[Sight]:
        """Neighbourhoods and other named areas by name or alias, best first, at most five; score is the likeness."""

    def alerts(self, places: Sequence[Spot], language: str) -> Sequence[LiveAlert]:
        """Alerts in force that reach these places, and the citywide ones; worst first."""

    def topic(self, word: str, page: int, language: str, argument: str, places: Sequence[Spot]) -> tuple[str, ...] | None:
        """The pages of a topic of an alert in force (or cleared within seven days), approved with it: the asked page and how
        many there are are in the text. () when the topic exists and this page does not; None without such an alert. argument
        is what stood behind the word: a ZIP for SHELTER. Of several such alerts the one for it, else for places, is meant."""

    def clock(self, at: datetime, language: str) -> str:
        """A time as residents write it: "3:05 PM Fri"."""
