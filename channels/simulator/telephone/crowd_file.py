"""Reads a crowd: from YAML, from a table of calls, or made up from a seed.

YAML is an object of `number` (the one that is called), `seed`, `people` (a list of objects with the settings of
characters.Person), and `day` (an object with the settings of day.Day). CSV has a header of the same settings; a table for
`tocsin surge simulate` (call_id, arrival_s, service_s, patience_s) will do as well.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import yaml

from channels.simulator.numbers import FICTIONAL
from channels.simulator.telephone.characters import Person
from channels.simulator.telephone.config import SIP
from channels.simulator.telephone.day import Day, made_up, number_of

OUTCOMES: Final = ("human", "machine_start", "busy", "no-answer", "failed")
ALIASES: Final = {"arrival_s": "at_s", "service_s": "talk_s"}
UNUSED: Final = frozenset({"call_id"})
KEYS: Final = re.compile(r"[0-9*#]*")
SETTINGS: Final = frozenset(each.name for each in fields(Person)) - {"says"}  # sounds are given by programs
MOST_PROBLEMS: Final = 100


class BadCrowd(ValueError):
    """problems: one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a crowd does: the people, the number they call, "" for the first one there is, and the seed of their moods."""

    people: tuple[Person, ...]
    number: str = ""
    seed: str = "tocsin"


def read(path: Path) -> Script:
    """Raises BadCrowd with everything that is wrong, and OSError."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return script_of({"people": list(_rows(csv.DictReader(file)))})
    try:
        return script_of(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise BadCrowd([f"{path.name} is no YAML: {error}."]) from error


def script_of(document: object) -> Script:
    """A crowd as an object. Raises BadCrowd."""
    if not isinstance(document, Mapping):
        raise BadCrowd(["A crowd is an object with people, or a day."])
    known = ("number", "seed", "people", "day")
    wrong = [f"There is no setting {name!r}; known: {', '.join(known)}." for name in document if name not in known]
    given = document.get("people", [])
    people: list[Person] = []
    for at, one in enumerate(given if isinstance(given, list) else [given], 1):
        person = _person(one, at, wrong)
        people += [person] if person is not None else []
    seed = str(document.get("seed", "tocsin"))
    if "day" in document:
        people += _day(document["day"], seed, wrong)
    taken = [person.number for person in people]
    if len(set(taken)) != len(taken):
        wrong.append("Two people have the same number.")
    if wrong:
        raise BadCrowd(wrong[:MOST_PROBLEMS])
    return Script(people=tuple(people), number=str(document.get("number", "")), seed=seed)


def _rows(rows: Iterator[dict[str, str]]) -> Iterator[dict[str, object]]:
    for at, row in enumerate(rows):
        kept: dict[str, object] = {"number": number_of(at)}
        for name, cell in row.items():
            if cell and name not in UNUSED:
                kept[ALIASES.get(name, name)] = cell.split("|") if name.startswith("presses") else _plain(cell)
        yield kept


def _plain(cell: str) -> object:
    if cell in ("true", "false"):
        return cell == "true"
    try:
        return cell if cell.startswith("+") else float(cell)
    except ValueError:
        return cell


def _person(given: object, at: int, wrong: list[str]) -> Person | None:
    if not isinstance(given, Mapping):
        wrong.append(f"Person {at} is no object.")
        return None
    problems = [f"Person {at}: there is no setting {name!r}." for name in given if name not in SETTINGS]
    number = given.get("number")
    if not isinstance(number, str) or not (FICTIONAL.fullmatch(number) or SIP.fullmatch(number)):
        problems.append(f"Person {at}: number must lie in exchange 555, or be a SIP address.")
    settings: dict[str, Any] = {name: value for name, value in given.items() if name in SETTINGS}
    for name, check in _CHECKS.items():
        if name in settings and not check(settings[name]):
            problems.append(f"Person {at}: {name} cannot be {settings[name]!r}.")
    wrong += problems
    if problems:
        return None
    for name in ("presses", "presses_called"):
        if name in settings:
            settings[name] = tuple(settings[name])
    settings["answers"] = tuple(dict(settings.get("answers", {})).items())
    settings["redials"] = int(settings.get("redials", 0))
    return Person(**settings)


def _seconds(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e7)


def _keys(value: object) -> bool:
    return isinstance(value, str) and KEYS.fullmatch(value) is not None


def _patterns(value: object) -> bool:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) and _keys(keys) for each, keys in value.items()):
        return False
    try:
        return all(re.compile(each) for each in value)
    except re.error:
        return False


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("at_s", "patience_s", "talk_s", "hangs_up_s"), _seconds),
    **dict.fromkeys(("thinks_s", "redial_after_s", "speaks_s", "rings_s"), lambda value: value is not None and _seconds(value)),
    **dict.fromkeys(("presses", "presses_called"), lambda value: isinstance(value, list) and all(map(_keys, value))),
    "answers": _patterns,
    "redials": lambda value: value is not None and _seconds(value) and float(value).is_integer(),
    "becomes": lambda value: value in OUTCOMES,
    "misses": lambda value: value is not None and _seconds(value) and value <= 1,
    "withheld": lambda value: isinstance(value, bool),
}


def _day(given: object, seed: str, wrong: list[str]) -> list[Person]:
    names = {each.name for each in fields(Day)} - {"seed"}
    if not isinstance(given, Mapping) or any(name not in names for name in given):
        wrong.append(f"A day is an object with any of {', '.join(sorted(names))}.")
        return []
    try:
        return made_up(Day(seed=seed, **given))
    except (ValueError, TypeError) as error:
        wrong.append(f"This day cannot be: {error}.")
        return []
