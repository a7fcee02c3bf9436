"""Scripted people: what somebody does on the telephone, as a caller, as one who is called, or as an agent at a desk.

A `Person` is the script, a value that a file can hold; a `Character` is that person on the line.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from channels.simulator.handsets import uniform
from channels.simulator.telephone.calls import INBOUND
from channels.simulator.telephone.legs import Leg, Ring, Sound
from channels.simulator.telephone.speech import recorded_s
from channels.simulator.telephone.timeline import Timer

ALONE_S: Final = 2.0  # how long somebody stays on a line that the other one has left
ANONYMOUS: Final = "anonymous"  # how the gateway names a caller who withholds the number


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a number. Seconds throughout; None means never.

    As a caller: calls at `at_s` and, having reached nobody when `patience_s` ran out, `redials` times more, each
    `redial_after_s` later. At the n-th Gather presses `presses[n-1]` ("" for nothing), or `presses_called[n-1]` on a
    call that reached this person; and whenever what is said fits a pattern of `answers`, its keys, each pattern once. Keys are
    pressed `thinks_s` after it began. Having met somebody,
    hangs up after `talk_s` (None: waits for the other), and in any case `hangs_up_s` into the call. Speaks `speaks_s` after a
    beep; or the WAV files of `says`, one a beep, and nothing after the last. When called: the telephone `becomes` human,
    machine_start, busy, no-answer or failed after `rings_s`, and is not answered in a share of `misses` calls. `withheld`:
    calls without showing the number."""

    number: str
    at_s: float | None = None
    presses: tuple[str, ...] = ()
    presses_called: tuple[str, ...] = ("1",)
    answers: tuple[tuple[str, str], ...] = ()
    thinks_s: float = 1.5
    patience_s: float | None = None
    talk_s: float | None = None
    hangs_up_s: float | None = None
    redials: int = 0
    redial_after_s: float = 60.0
    speaks_s: float = 8.0
    says: tuple[bytes, ...] = ()
    becomes: str = "human"
    rings_s: float = 4.0
    misses: float = 0.0
    withheld: bool = False


class Caller(Protocol):
    """How a character calls the city: returns None when it cannot."""

    def __call__(self, caller: str, party: "Character") -> Leg | None: ...


@dataclass(slots=True)
class _OnLine:
    """What is going on in one call."""

    met: bool = False
    gave_up: bool = False
    used: frozenset[str] = frozenset()
    prompt: int = 0
    presses: tuple[str, ...] = ()
    patience: Timer | None = None


class Character:
    """A person, on one or several calls. `tally` is shared by a crowd: called, rung, picked up, met, gave up, redialled."""

    def __init__(self, person: Person, seed: str, tally: Counter[str], call: Caller | None = None) -> None:
        self.person = person
        self._seed, self._tally, self._call = seed, tally, call
        self._lines: dict[str, _OnLine] = {}
        self._rung = 0
        self._beeps = 0
        self._left = person.redials

    def dial(self) -> None:
        """Calls the city now."""
        if self._call is None:
            return
        leg = self._call(ANONYMOUS if self.person.withheld else self.person.number, self)
        self._tally["called" if leg is not None else "could not call"] += 1
        if leg is not None:
            self._begin(leg)

    def rings(self, leg: Leg) -> Ring:
        self._rung += 1
        self._tally["rung"] += 1
        if uniform(self._seed, "misses", f"{self.person.number} {self._rung}") < self.person.misses:
            return Ring("no-answer")
        return Ring(self.person.becomes, self.person.rings_s)

    def answered(self, leg: Leg) -> None:
        if leg.call.sid not in self._lines:
            self._tally["picked up"] += 1
            self._begin(leg)

    def hears(self, leg: Leg, sound: Sound) -> None:
        if sound.kind == "beep":
            self._speaks(leg, sound)
        line = self._lines.get(leg.call.sid)
        keys = "" if line is None or not sound.prompt else self._keys(line, sound)
        if keys:
            leg.after(self.person.thinks_s, lambda: leg.press(keys))

    def meets(self, leg: Leg, other: Leg) -> None:
        line = self._lines.get(leg.call.sid)
        if line is None:
            return
        if not line.met:
            self._tally["met"] += 1
        line.met = True
        if line.patience is not None:
            line.patience.cancel()
        if self.person.talk_s is not None:
            leg.after(self.person.talk_s, leg.hang_up)

    def parts(self, leg: Leg) -> None:
        if self.person.talk_s is None:
            leg.after(ALONE_S, leg.hang_up)

    def ended(self, leg: Leg) -> None:
        line = self._lines.pop(leg.call.sid, None)
        if line is None or not line.gave_up:
            return
        self._tally["gave up"] += 1
        if self._left > 0 and self._call is not None:
            self._left -= 1
            self._tally["redialled"] += 1
            leg.board.timeline.after(self.person.redial_after_s, self.dial)

    def _speaks(self, leg: Leg, beep: Sound) -> None:
        says, at = self.person.says, self._beeps
        self._beeps += 1
        if not says:
            leg.after(beep.seconds, lambda: leg.speak(self.person.speaks_s))
        elif at < len(says):
            leg.after(beep.seconds, lambda: leg.speak(recorded_s(says[at]) or self.person.speaks_s, says[at]))

    def _begin(self, leg: Leg) -> None:
        line = self._lines[leg.call.sid] = _OnLine(presses=self._presses(leg))
        if self.person.patience_s is not None:
            line.patience = leg.after(self.person.patience_s, _giving_up(line, leg))
        if self.person.hangs_up_s is not None:
            leg.after(self.person.hangs_up_s, leg.hang_up)

    def _keys(self, line: _OnLine, sound: Sound) -> str:
        for pattern, keys in self.person.answers:
            if pattern not in line.used and re.search(pattern, sound.text):
                line.used |= {pattern}
                return keys
        if sound.prompt == line.prompt:
            return ""
        line.prompt = sound.prompt
        return line.presses[sound.prompt - 1] if sound.prompt <= len(line.presses) else ""

    def _presses(self, leg: Leg) -> tuple[str, ...]:
        return self.person.presses if leg.call.direction == INBOUND else self.person.presses_called


def _giving_up(line: _OnLine, leg: Leg) -> Callable[[], None]:
    def give_up() -> None:
        line.gave_up = True
        leg.hang_up()

    return give_up
