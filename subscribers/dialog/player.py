"""Golden transcripts: dialogs written down as data, played against the real dialog in a small made-up city.

A file is a list of transcripts, each with a name and steps:
    in: what is texted            out: the answers, as KEY.language ("M02.es"), in order
    wait: 31 min                  alert: boil_water, or none             system: yearly_check
    suspect: true                 then the number may have a new owner
A step may also say how things stand after it: standing: stopped; places: [HOME 97214]; language: es. An answer from an alert's
record is written WATER/2.en: topic, page, language.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from subscribers.dialog import talk
from subscribers.dialog.hearing import fold
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.turn import (
    City,
    Drop,
    Erase,
    Heard,
    Join,
    Keep,
    Kept,
    Known,
    LiveAlert,
    Reconfirm,
    Reply,
    Sent,
    Sight,
    Speak,
    Standing,
    Start,
    Stop,
    Turn,
)
from subscribers.place import NamedPlace, Point, Spot

NOON: Final = datetime(2026, 5, 22, 19, 0, tzinfo=UTC)
_WAIT: Final = re.compile(r"(\d+)\s*(s|min|h|days?)")
_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "day": "days", "days": "days"}
STEP_KEYS: Final = frozenset({"in", "out", "wait", "alert", "system", "suspect", "standing", "places", "language", "media"})
SAMPLE_LANGUAGES: Final = {
    "en": "English",
    "es": "Español",
    "vi": "Tiếng Việt",
    "zh-Hant": "繁體中文",
    "ru": "Русский",
    "uk": "Українська",
    "ro": "Română",
    "so": "Soomaali",
    "ar": "العربية",
    "ja": "日本語",
    "lo": "ລາວ",
    "ko": "한국어",
}


class BadTranscript(ValueError):
    """A file of transcripts cannot be played; the text says where it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    name: str
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a transcript went. faults: one sentence for each step that came out otherwise; none when it passed."""

    name: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWorld:
    """A city with a few ZIPs, streets and neighbourhoods, and at times a boil-water alert for all of it."""

    city: City = field(
        default_factory=lambda: City(
            programme="Portland Alerts",
            name="Portland",
            phones="311 or 503-823-4000",
            link="alerts.example.gov",
            county_link="publicalerts.org",
            languages=SAMPLE_LANGUAGES,
            plain=frozenset({"ro"}),
        )
    )
    alert: str = ""

    def zip_inside(self, code: str) -> bool:
        return code.startswith("972")

    def addresses(self, text: str, near: Sequence[Spot]) -> Sequence[Sight]:
        """Street numbers 100 to 13,000 on these streets; without a direction every one that fits."""
        flat = f" {fold(text)} "
        number = re.match(r" (?:\d{5} )?(\d{1,5}) ", flat)
        found = [street for street in STREETS if number and re.search(street.pattern, flat)]
        exact = [street for street in found if f" {street.side} " in flat]
        return [street.sight(int(number[1])) for street in exact or found] if number else []

    def named(self, text: str) -> Sequence[Sight]:
        flat = fold(text)
        alias = ALIASES.get(flat)
        if alias is not None:
            return [_hood(name, 0.85) for name in alias]
        return [_hood(name, 1.0) for name in HOODS if fold(name) == flat]

    def alerts(self, places: Sequence[Spot], language: str) -> Sequence[LiveAlert]:
        if not self.alert:
            return []
        url = "alerts.example.gov/a/K7Q2"
        return [LiveAlert(incident_id="K7Q2", title="Boil tap water", since="Fri 10:40 AM", topic="WATER", url=url)]

    def topic(self, word: str, page: int, language: str, argument: str) -> tuple[str, ...] | None:
        if not self.alert or word != "WATER":
            return None
        return (f"{word}/{page}.{language}",) if 1 <= page <= 4 else ()

    def clock(self, at: datetime, language: str) -> str:
        return "Fri 12:00"


@dataclass(frozen=True, slots=True)
class Street:
    side: str
    name: str
    pattern: str
    zip: str

    def sight(self, number: int) -> Sight:
        words = f"{number // 100 * 100} block {self.side.upper()} {self.name}"
        spot = Point(45.5, -122.6 - number / 1e6, words)
        exact = f"{number} {self.side.upper()} {self.name} ({self.zip})"
        return Sight(spot=spot, words=words, exact=exact, score=0.95, zip=self.zip)


STREETS: Final = (
    Street("sw", "5th Ave", r" 5(th)? ", "97204"),
    Street("ne", "5th Ave", r" 5(th)? ", "97232"),
    Street("se", "5th Ave", r" 5(th)? ", "97214"),
    Street("se", "82nd Ave", r" 82(nd)? ", "97266"),
    Street("se", "82nd Pl", r" 82(nd)? ", "97266"),
    Street("se", "Foster Rd", r" foster ", "97236"),
    Street("n", "Lombard St", r" lombard ", "97203"),
)
HOODS: Final = ("Lents", "Sunnyside", "Sunderland", "St Johns", "Pearl", "Cully", "Downtown")
ALIASES: Final = {"sunny": ("Sunnyside", "Sunderland"), "pearl district": ("Pearl",), "saint johns": ("St Johns",)}


def _hood(name: str, score: float) -> Sight:
    return Sight(spot=NamedPlace(name), words=name, exact=name, score=score)


def read(path: Path) -> tuple[Transcript, ...]:
    """The transcripts of a file. Raises BadTranscript, naming the file, the transcript and what is wrong."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise BadTranscript(f"{path.name} is not YAML: {error}") from error
    if not isinstance(document, list):
        raise BadTranscript(f"{path.name} must be a list of transcripts.")
    return tuple(_transcript(path.name, number, one) for number, one in enumerate(document, 1))


def _transcript(file: str, number: int, one: Any) -> Transcript:
    if not (isinstance(one, dict) and one.get("name") and isinstance(one.get("steps"), list)):
        raise BadTranscript(f"{file}, transcript {number}: it needs a name and steps.")
    for at, step in enumerate(one["steps"], 1):
        if not isinstance(step, dict) or (unknown := set(step) - STEP_KEYS):
            raise BadTranscript(
                f"{file}, {one['name']!r}, step {at}: {unknown if isinstance(step, dict) else step!r} is unknown."
            )
    return Transcript(name=str(one["name"]), steps=tuple(one["steps"]))


def play(transcript: Transcript, lexicon: Lexicon) -> Played:
    """Plays it against the dialog itself, with a phone nobody knows."""
    known, world, now = Known(), SampleWorld(), NOON
    faults = []
    for number, step in enumerate(transcript.steps, 1):
        now += _waited(step)
        if "alert" in step:
            world = replace(world, alert="" if step["alert"] == "none" else str(step["alert"]))
        if step.get("suspect") and known.standing is Standing.ACTIVE:
            known = replace(known, standing=Standing.SUSPECT)
        turn = None
        if step.get("system") == "yearly_check":
            turn = talk.yearly_check(known, now, world, lexicon)
        elif "in" in step or step.get("media"):
            heard = Heard(text=str(step.get("in", "")), at=now, has_media=bool(step.get("media")))
            turn = talk.turn(known, heard, world, lexicon)
        if turn is not None:
            known = after(known, turn)
        faults += [f"step {number} ({step.get('in', step)!r}): {fault}" for fault in _faults(step, turn, known)]
    return Played(name=transcript.name, faults=tuple(faults))


def _waited(step: Mapping[str, Any]) -> timedelta:
    if "wait" not in step:
        return timedelta(seconds=20)
    found = _WAIT.fullmatch(str(step["wait"]))
    if found is None:
        raise BadTranscript(f"wait: {step['wait']!r} is not like '31 min'.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _faults(step: Mapping[str, Any], turn: Turn | None, known: Known) -> Iterator[str]:
    answers = [_named(reply) for reply in turn.replies] if turn is not None else []
    wanted = [str(one) for one in step.get("out", [])]
    if ("out" in step or "in" in step) and answers != wanted:
        yield f"answered {answers}, not {wanted}"
    if "standing" in step and known.standing.value != step["standing"]:
        yield f"the phone is {known.standing}, not {step['standing']}"
    if "language" in step and known.language != step["language"]:
        yield f"the language is {known.language!r}, not {step['language']!r}"
    if "places" in step:
        places = [f"{place.label} {place.words}" for place in known.places]
        if places != [str(place) for place in step["places"]]:
            yield f"the places are {places}, not {step['places']}"


def _named(reply: Reply | Sent) -> str:
    return reply.body if isinstance(reply, Sent) else f"{reply.key}.{reply.language}"


def after(known: Known, turn: Turn) -> Known:
    """What is known of a phone once a turn's acts are carried out."""
    known = replace(known, memory=turn.memory)
    for act in turn.acts:
        match act:
            case Keep(label=label, spot=spot):
                places = [place for place in known.places if place.label != label]
                at = next((at for at, place in enumerate(known.places) if place.label == label), len(places))
                places.insert(at, Kept(label=label, spot=spot))
                known = replace(known, places=tuple(places), standing=_signed_up(known))
            case Join():
                known = replace(known, standing=_signed_up(known))
            case Drop(label=label):
                known = replace(known, places=tuple(place for place in known.places if place.label != label))
            case Stop():
                known = replace(known, standing=Standing.STOPPED)
            case Start() | Reconfirm():
                known = replace(known, standing=Standing.ACTIVE)
            case Erase():
                known = Known()
            case Speak(language=language):
                known = replace(known, language=language)
            case _:
                pass
    if known.standing.is_kept and not known.language:
        known = replace(known, language="en")
    return known


def _signed_up(known: Known) -> Standing:
    return Standing.ACTIVE if known.standing is Standing.NEW else known.standing
