"""Drills: a script of what comes in at which minute, and how each operator did by the audit log. Training only. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from notify import data
from notify.alerts.alert import Mode, Shape
from notify.alerts.draft import problems_of
from notify.tables import AuditLine

LIKE: Final = 0.01  # shapes that differ by less than this share of the right one are the same
REFUSED: Final = "was refused"  # the log's word for an act that was tried and not done


class BadScript(ValueError):
    """The script cannot be played; `problems` holds a sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject:
    """Something that comes in. at: minutes after the start. mistake: from here on, what was said before is wrong."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    at: float
    sender: str
    words: str
    mistake: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What the right alert is, from a minute on: which hazard, and for which areas of the city."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    at: float
    hazard: str
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """minutes: how long it is meant to take. people: how many are made up where nobody is on the list."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    key: str
    title: str
    minutes: int
    people: int
    injects: tuple[Inject, ...]
    right: tuple[Right, ...]

    def come(self, after: timedelta) -> Sequence[Inject]:
        """What has come in so long after the start, the newest first."""
        return [one for one in reversed(self.injects) if timedelta(minutes=one.at) <= after]

    def right_at(self, after: timedelta) -> Right:
        """What the right alert was so long after the start."""
        return next(one for one in reversed(self.right) if timedelta(minutes=one.at) <= after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill that was begun. first_line: the audit line that began it; last_line: the one that ended it."""

    drill_id: str
    script: Script
    started_by: str
    started_at: datetime
    first_line: int
    ended_at: datetime | None = None
    last_line: int | None = None

    def elapsed(self, now: datetime) -> timedelta:
        return (self.ended_at or now) - self.started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whom one alert reached beside whom it should have. Shares are of the right area; people of the training list."""

    alert_id: str
    right: bool
    missed_share: float
    extra_share: float
    missed: int
    extra: int
    hazard_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one operator did; None where they did not do it.

    draft: from the drill's start to their first draft. submit: from that draft to its submission. approve: from a submission
    by anybody to their approval of it. correct: from the moment the mistake was known to their first follow-up that was
    approved. wrong: acts of theirs that were refused. fits: the alerts they submitted or approved.
    """

    person_id: str
    draft: timedelta | None
    submit: timedelta | None
    approve: timedelta | None
    correct: timedelta | None
    wrong: int
    fits: Sequence[Fit]

    @property
    def audience(self) -> bool | None:
        """Whether everything they submitted or approved was for the right hazard and people; None for nothing."""
        return all(fit.right and fit.hazard_right for fit in self.fits) if self.fits else None


def mode_problems(mode: Mode) -> list[str]:
    """Why no drill runs in this mode, as sentences; empty in training."""
    if mode is Mode.TRAINING:
        return []
    return [f"Drills run on the training instance only; this one is {mode}. Nothing was begun."]


def read(key: str, text: str) -> Script:
    """A script from YAML. Raises BadScript with every problem."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadScript([f"{key}: this is not YAML: {error}."]) from None
    if not isinstance(given, dict):
        raise BadScript([f"{key}: a script is a table with title, minutes, people, injects and right."])
    try:
        script = TypeAdapter(Script).validate_python({"key": key, **given, "injects": _renamed(given.get("injects"))})
    except ValidationError as error:
        raise BadScript([f"{key}: {problem}" for problem in problems_of(error)]) from None
    if problems := _contradictions(script):
        raise BadScript(problems)
    return script


@cache
def catalogue(folder: Path | None = None) -> Mapping[str, Script]:
    """Every script that ships, by key. Raises BadScript with the problems of all."""
    scripts, problems = {}, []
    for path in sorted((folder or data.folder("runbooks") / "drills").glob("*.yaml")):
        try:
            scripts[path.stem] = read(path.stem, path.read_text("utf-8"))
        except BadScript as error:
            problems += error.problems
    if problems:
        raise BadScript(problems)
    return scripts


def fit(alert_id: str, said: Shape, right: Shape, people: tuple[int, int], *, hazard_right: bool) -> Fit:
    """Compares two areas. people: how many of the list were missed, and how many were told in vain."""
    missed = float(right.difference(said).area / right.area)
    extra = float(said.difference(right).area / right.area)
    alike = missed < LIKE and extra < LIKE and people == (0, 0)
    return Fit(
        alert_id=alert_id,
        right=alike,
        missed_share=missed,
        extra_share=extra,
        missed=people[0],
        extra=people[1],
        hazard_right=hazard_right,
    )


def scores(drill: Drill, lines: Sequence[AuditLine], fits: Mapping[str, Fit]) -> list[Score]:
    """Everybody who did something in the drill. lines: the log's lines of the drill in order. fits: by alert."""
    theirs: dict[str, list[AuditLine]] = {}
    for line in lines:
        theirs.setdefault(line.actor, []).append(line)
    first = _firsts(lines)
    return [_score(drill, person, acts, first, fits) for person, acts in sorted(theirs.items()) if _operated(acts)]


def _operated(acts: Sequence[AuditLine]) -> bool:
    return any(act.action in ("composed", "edited", "submitted", "approved", "returned", "sent", REFUSED) for act in acts)


def _firsts(lines: Sequence[AuditLine]) -> Mapping[tuple[str, str], datetime]:
    """When each act was first done to each alert: (action, alert) -> time; submissions count by the last one."""
    found: dict[tuple[str, str], datetime] = {}
    for line in lines:
        if line.action == "submitted" or (line.action, line.subject) not in found:
            found[line.action, line.subject] = datetime.fromisoformat(line.at)
    return found


def _score(
    drill: Drill, person: str, acts: Sequence[AuditLine], first: Mapping[tuple[str, str], datetime], fits: Mapping[str, Fit]
) -> Score:
    composed = [act for act in acts if act.action == "composed"]
    mine = {act.subject for act in acts if act.action in ("submitted", "approved")}
    submitted = [act for act in acts if act.action == "submitted" and ("composed", act.subject) in first]
    approved = [act for act in acts if act.action == "approved" and ("submitted", act.subject) in first]
    return Score(
        person_id=person,
        draft=_at(composed[0]) - drill.started_at if composed else None,
        submit=_at(submitted[0]) - first["composed", submitted[0].subject] if submitted else None,
        approve=_at(approved[0]) - first["submitted", approved[0].subject] if approved else None,
        correct=_correction(drill, mine | {act.subject for act in composed}, first),
        wrong=sum(act.action == REFUSED for act in acts),
        fits=[fits[alert_id] for alert_id in sorted(mine) if alert_id in fits],
    )


def _correction(drill: Drill, theirs: set[str], first: Mapping[tuple[str, str], datetime]) -> timedelta | None:
    """From the mistake to the first follow-up of these alerts that was approved after it."""
    minutes = [one.at for one in drill.script.injects if one.mistake]
    if not minutes:
        return None
    known_at = drill.started_at + timedelta(minutes=minutes[0])
    follow_ups = [one for one in theirs if not one.endswith("-1")]
    times = [first["approved", one] for one in follow_ups if ("approved", one) in first]
    return min((at - known_at for at in times if at >= known_at), default=None)


def _at(line: AuditLine) -> datetime:
    return datetime.fromisoformat(line.at)


def _renamed(injects: Any) -> Any:
    """`from` is a word of Python: in a script it says who speaks."""
    if not isinstance(injects, list):
        return injects
    return [
        {("sender" if name == "from" else name): value for name, value in one.items()} if isinstance(one, dict) else one
        for one in injects
    ]


def _contradictions(script: Script) -> list[str]:
    problems = []
    for what, given in (("injects", script.injects), ("right", script.right)):
        minutes = [one.at for one in given]
        if not minutes or minutes[0] != 0:
            problems.append(f"{script.key}: {what} must begin at minute 0.")
        if minutes != sorted(minutes) or any(minute < 0 for minute in minutes):
            problems.append(f"{script.key}: {what} must stand in the order of their minutes.")
    if script.injects and script.injects[-1].at > script.minutes:
        problems.append(f"{script.key}: the last inject comes after the drill's {script.minutes} minutes.")
    if any(not one.areas for one in script.right):
        problems.append(f"{script.key}: right needs at least one area each time.")
    return problems
