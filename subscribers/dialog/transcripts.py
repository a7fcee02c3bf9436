"""Golden transcripts: dialogs written down as data.

A file is a YAML list of transcripts, each with a name, steps, and what is `given` before the first of them:
    given: {places: [HOME 97214], language: es, standing: active, rnd: "yes"}
rnd: the number has been reassigned, as the yearly check will find out. A step does one thing:
    in: what is texted (media: true with a picture; obeyed: stop when the provider has acted on it already)
    system: yearly_check           alert: boil_water, or none           suspect: true
after `wait: 31 min` (20 seconds unless said), and says what comes of it:
    out: the answers in order, as KEY.language ("M02.es"); a page of an alert is WATER/2.en: topic, page, language
    acts: what is done, in order ("keep WORK", "stop", "count distress"); what is not written is not looked at
    standing, language, places: how things are afterwards
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from subscribers.dialog.turn import Kept, Known, Obeyed, Standing
from subscribers.place import NamedPlace, ZipArea

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # alike; the one built on libyaml is ten times as fast
PAUSE: Final = timedelta(seconds=20)
STEP_KEYS: Final = frozenset(
    {"in", "out", "acts", "wait", "alert", "system", "suspect", "standing", "places", "language", "media", "obeyed"}
)
GIVEN_KEYS: Final = frozenset({"places", "language", "standing", "rnd"})
SYSTEM: Final = frozenset({"yearly_check"})
_WAIT: Final = re.compile(r"(\d+)\s*(s|min|h|days?)")
_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "day": "days", "days": "days"}


class BadTranscript(ValueError):
    """A file of transcripts cannot be played; `problems` say where it is wrong, all at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """given: what is known of the phone before the first step. reassigned: the yearly check finds a new owner."""

    name: str
    steps: tuple[Mapping[str, Any], ...]
    given: Known
    reassigned: bool = False


def read(path: Path) -> tuple[Transcript, ...]:
    """The transcripts of a file. Raises BadTranscript, naming the file, the transcript and everything that is wrong."""
    try:
        document = yaml.load(path.read_text("utf-8"), LOADER)
    except yaml.YAMLError as error:
        raise BadTranscript([f"{path.name} is not YAML: {error}"]) from error
    if not isinstance(document, list):
        raise BadTranscript([f"{path.name} must be a list of transcripts."])
    problems = [problem for number, one in enumerate(document, 1) for problem in _problems(f"{path.name}, {number}", one)]
    if problems:
        raise BadTranscript(problems)
    return tuple(map(_transcript, document))


def _transcript(one: Mapping[str, Any]) -> Transcript:
    given = one.get("given", {})
    places = tuple(_kept(str(text)) for text in given.get("places", ()))
    standing = Standing(given.get("standing", "active" if places else "new"))
    language = str(given.get("language", "en" if standing.is_kept else ""))
    known = Known(standing=standing, language=language, places=places)
    return Transcript(name=str(one["name"]), steps=tuple(one["steps"]), given=known, reassigned=given.get("rnd") == "yes")


def _kept(text: str) -> Kept:
    label, _, where = text.partition(" ")
    return Kept(label=label, spot=ZipArea(where) if where.isdigit() else NamedPlace(where))


def _problems(where: str, one: Any) -> Iterator[str]:
    if not (isinstance(one, dict) and one.get("name") and isinstance(one.get("steps"), list)):
        yield f"{where}: a transcript needs a name and steps."
        return
    where = f"{where}, {one['name']!r}"
    yield from (f"{where}: {key!r} is unknown." for key in one.keys() - {"name", "steps", "given"})
    given = one.get("given", {})
    if isinstance(given, dict):
        yield from (f"{where}: given {key!r} is unknown." for key in given.keys() - GIVEN_KEYS)
        yield from _wrong(where, "standing", given.get("standing", "new"), Standing)
    else:
        yield f"{where}: given must be a table."
    for at, step in enumerate(one["steps"], 1):
        yield from _step_problems(f"{where}, step {at}", step)


def _step_problems(where: str, step: Any) -> Iterator[str]:
    if not isinstance(step, dict):
        yield f"{where}: {step!r} is no step."
        return
    yield from (f"{where}: {key!r} is unknown." for key in step.keys() - STEP_KEYS)
    for key in ("out", "acts", "places"):
        if not isinstance(step.get(key, []), list):
            yield f"{where}: {key} must be a list."
    if not _WAIT.fullmatch(str(step.get("wait", "0 s"))):
        yield f"{where}: wait {step['wait']!r} is not like '31 min'."
    yield from _wrong(where, "standing", step.get("standing", "new"), Standing)
    yield from _wrong(where, "obeyed", step.get("obeyed", ""), Obeyed)
    yield from _wrong(where, "system", step.get("system", "yearly_check"), SYSTEM)


def _wrong(where: str, key: str, value: object, among: Any) -> Iterator[str]:
    if value not in list(among):
        yield f"{where}: {key} {value!r} is none of {', '.join(sorted(str(one) for one in among if one))}."


def pause(step: Mapping[str, Any]) -> timedelta:
    """How long after the one before a step happens."""
    found = _WAIT.fullmatch(str(step.get("wait", "")))
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else PAUSE
