"""Transcripts played against a running service, all of them at once: whoever's next step is due next takes it.

Times follow each other: before any alert, while one is in force, long after its all clear, and a year later, when everybody is
asked whether all is still right. A dialog goes from one to another where a step of its transcript says `alert` or `system`.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from channels.simulator.inbound import Keyword
from subscribers.dialog import player
from subscribers.dialog.transcripts import Transcript, pause
from tests.stories.stage import Answered, Stage

AT_ONCE: Final = 32  # texts under way
BEFORE, DURING, AFTER, YEAR_LATER = range(4)
AFTERWARDS: Final = ("standing", "language", "places")  # what a step may say of the phone after it
UNPLAYED: Final = "needs a step that the running service does not take by itself yet"


@dataclass(slots=True)
class Played:
    """One transcript, one phone. faults: a sentence for each step that came out otherwise."""

    source: str  # the file's name, a language
    transcript: Transcript
    phone: str
    faults: list[str] = field(default_factory=list)
    blocked: bool = False  # by the gateway, which heard its own word for stop and waits for its own word for start

    @property
    def name(self) -> str:
        return f"{self.source}: {self.transcript.name}"

    def faults_of(self, case: int) -> list[str]:
        """Its faults as far as they are a case's: what cannot be played yet counts against the case it names first."""
        first, *_ = cases_of(self.transcript)
        return [fault for fault in self.faults if fault != UNPLAYED or case == first]

    def hear(self, word: Keyword | None) -> None:
        """What the gateway itself does about a text."""
        if word in (Keyword.STOP, Keyword.START):
            self.blocked = word is Keyword.STOP

    def acts(self) -> list[list[tuple[timedelta, int, Mapping[str, Any]]]]:
        """The steps of each time with their moments, counted from the one before it."""
        found: list[list[tuple[timedelta, int, Mapping[str, Any]]]] = [[] for _ in range(YEAR_LATER + 1)]
        act, at = BEFORE, timedelta(0)
        for number, step in enumerate(self.transcript.steps, 1):
            at += pause(step)
            if (wanted := _act_of(step, act)) != act:
                act, at = wanted, timedelta(0)
            found[act].append((at, number, step))
        return found


@dataclass(frozen=True, slots=True)
class Due:
    """A step at its moment within its time."""

    at: timedelta
    number: int
    step: Mapping[str, Any]
    played: Played


def cases_of(transcript: Transcript) -> list[int]:
    """The cases that a transcript names, in order: "S3 S4 an address is live"."""
    return [int(number) for number in re.findall(r"\bS(\d+)\b", transcript.name)]


def _act_of(step: Mapping[str, Any], act: int) -> int:
    if "system" in step:
        return YEAR_LATER
    return act if "alert" not in step else AFTER if step["alert"] == "none" else DURING


def playable(transcript: Transcript) -> bool:
    """Whether its times follow each other as ours do: there is no alert a year later."""
    acts = [_act_of(step, BEFORE) for step in transcript.steps]
    return YEAR_LATER not in acts or not {DURING, AFTER} & {*acts}


def has_new_owner(transcript: Transcript) -> bool:
    """Whether the number has been reassigned when the year is over."""
    return transcript.reassigned or any(step.get("suspect") for step in transcript.steps)


async def play(stage: Stage, played: Sequence[Played], act: int) -> None:
    """Takes every step of one time, in order, each at its moment. What goes on in the next time ends when this one ends."""
    acts = [one.acts() for one in played]
    last = max((steps[act][-1][0] for steps in acts if steps[act]), default=timedelta(0))
    due: list[Due] = []
    for one, steps in zip(played, acts, strict=True):
        late = last - steps[act][-1][0] if steps[act] and any(steps[act + 1 : YEAR_LATER]) else timedelta(0)
        due += [Due(late + at, number, step, one) for at, number, step in steps[act]]
    due.sort(key=lambda one: one.at)
    free, elapsed = asyncio.Semaphore(AT_ONCE), timedelta(0)
    for at, together in groupby(due, key=lambda one: one.at):
        stage.clock.forward(at - elapsed)
        elapsed = at
        now = list(together)
        _judge(stage, now, await asyncio.gather(*(_take(stage, one, free) for one in now)))


async def _take(stage: Stage, due: Due, free: asyncio.Semaphore) -> Answered | None:
    phone, said = due.played.phone, str(due.step.get("in", ""))
    async with free:
        media = ["image/jpeg"] if due.step.get("media") else []
        return await stage.text(phone, said, *media) if "in" in due.step else None


def _judge(stage: Stage, dues: Sequence[Due], answers: Sequence[Answered | None]) -> None:
    keys = stage.keys_of([answered.sid for answered in answers if answered is not None])
    asked = stage.asked([due.played.phone for due in dues if "system" in due.step])
    known = stage.known([due.played.phone for due in dues if any(key in due.step for key in AFTERWARDS)])
    for due, answered in zip(dues, answers, strict=True):
        faults = [] if answered is None else [*_wrong_answers(due, answered, keys[answered.sid])]
        if "system" in due.step and asked[due.played.phone] != due.step["out"]:
            faults.append(f"asked {asked[due.played.phone]}, not {due.step['out']}")
        if due.played.phone in known:
            faults += player.wrong_ends(_in_this_city(due.step), known[due.played.phone])
        due.played.faults += [f"step {due.number} ({due.step.get('in', due.step)!r}): {fault}" for fault in faults]


def _wrong_answers(due: Due, answered: Answered, keys: list[str]) -> Iterator[str]:
    wanted = [] if answered.by_carrier else [_from_the_record(str(key)) for key in due.step.get("out", [])]
    if keys != wanted:
        yield f"answered {keys}, not {wanted}"
    due.played.hear(answered.by_carrier)
    let_out = 0 if due.played.blocked else len(keys)
    if len(answered.bodies) != let_out + (answered.by_carrier is not None):
        yield f"the phone got {len(answered.bodies)} texts, not {let_out}"


def _in_this_city(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """A number picks from a list, and the made-up city of the transcripts lists its streets in another order."""
    return {key: value for key, value in step.items() if key != "places" or not str(step.get("in", "")).isdigit()}


def _from_the_record(key: str) -> str:
    """A page of an alert is called by its language only."""
    return f"alert.{key.partition('.')[2]}" if "/" in key else key
