"""From a runbook's Markdown page to its values. The page's own links are the script's moves.

---                         front matter: YAML; unknown keys are errors
# Title
## Script
### Heading                 a step; its anchor is what any forge makes of the heading
Say: "Words read aloud."    translated; {fact:boil_minutes} is filled from the incident
Never: "Words to avoid."
Ask: address                records a value
- answer -> [text](#anchor) a move; `- next -> ...` when nothing is asked; `- anything else -> ...` takes all other answers
- again (at most 2 times) -> [text](#anchor)
Transfer: 911               hands over to a line
Need: DIALYSIS              logs a need
Offer: guide                may be texted to the caller
End: informed               how the contact ends
- [ ] Call the State        checklist, anywhere
anything else               prose for the one who reads
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surge.scripts.runbook import Choice, Ending, FactSlot, Runbook, Saying, Step, Trigger

FENCE: Final = "---"
SCRIPT: Final = "script"
_HEADING: Final = re.compile(r"(#{1,3})\s+(.+?)\s*#*")
_QUOTED: Final = re.compile(r'(Say|Never):\s*"(.+)"')
_KEYED: Final = re.compile(r"(Ask|Transfer|Need|Offer|End):\s*(.+)")
_MOVE: Final = re.compile(r"[-*]\s+(.+?)(?:\s+\(at most (\d+) times?\))?\s+->\s+\[[^\]]*\]\(#([^)]*)\)\.?")
_CHECK: Final = re.compile(r"[-*]\s+\[[ xX]\]\s+(.+)")
_MEANT: Final = re.compile(r"(Say|Never|Ask|Transfer|Need|Offer|End)\b\s*:|[-*]\s+.*(->|\]\(#)", re.IGNORECASE)


class BadRunbook(ValueError):
    """problems: one sentence each, with the file's name and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fact(_Strict):
    asks: str = Field(min_length=1)
    unit: str | None = None


class _Trigger(_Strict):
    enter_at: float = Field(gt=1)
    leave_at: float = Field(gt=0)
    enter_minutes: int = Field(gt=0)
    window_minutes: int = Field(gt=0)
    dwell_minutes: int = Field(ge=0)
    leave_minutes: int = Field(gt=0)


class _Front(_Strict):
    hazard: str | None = None
    facts: dict[str, _Fact] = {}
    trigger: _Trigger | None = None
    interpreter: tuple[str, ...] = ()


def anchor(heading: str) -> str:
    """What forges make of a heading: small letters, no punctuation, a hyphen for each blank."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(name: str, page: str) -> Runbook:
    """name: the file's, without its ending. Raises BadRunbook with everything that cannot be read."""
    problems: list[str] = []
    lines = page.splitlines()
    front, body = _front(lines, name, problems)
    draft = _Draft(name=name, problems=problems)
    for number, line in _outside_code(lines, body):
        draft.take(number, line.strip())
    steps = draft.steps()
    if draft.title is None:
        problems.append(f"{name}.md: the page has no title (# ...).")
    if problems:
        raise BadRunbook(problems)
    return Runbook(
        name=name,
        title=draft.title or name,
        hazard=front.hazard,
        steps=steps,
        facts={key: FactSlot(name=key, asks=fact.asks, unit=fact.unit) for key, fact in front.facts.items()},
        checklist=tuple(draft.checklist),
        trigger=Trigger(**front.trigger.model_dump()) if front.trigger else None,
        interpreter=front.interpreter,
    )


def _front(lines: list[str], name: str, problems: list[str]) -> tuple[_Front, int]:
    """The front matter, and how many lines it takes."""
    if not lines or lines[0].strip() != FENCE:
        return _Front(), 0
    ends = [number for number, line in enumerate(lines[1:], 1) if line.strip() == FENCE]
    if not ends:
        problems.append(f"{name}.md, line 1: the front matter is not closed with {FENCE}.")
        return _Front(), 1
    try:
        return _Front.model_validate(yaml.safe_load("\n".join(lines[1 : ends[0]])) or {}), ends[0] + 1
    except yaml.YAMLError as error:
        mark, why = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
        problems.append(f"{name}.md, line {mark.line + 2 if mark else 1}: the front matter is no YAML: {why}.")
    except ValidationError as error:
        for one in error.errors():
            problems.append(f"{name}.md, front matter, {'.'.join(str(part) for part in one['loc']) or 'all'}: {one['msg']}.")
    return _Front(), ends[0] + 1


def _outside_code(lines: list[str], start: int) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(lines[start:], start + 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


@dataclass(slots=True, kw_only=True)
class _Open:
    """A step while its lines come in."""

    heading: str
    line: int
    parts: dict[str, list[Any]] = field(default_factory=dict)
    ends: Ending | None = None

    def add(self, kind: str, part: Any) -> None:
        self.parts.setdefault(kind, []).append(part)

    def closed(self) -> Step:
        given: Mapping[str, Any] = {kind: tuple(parts) for kind, parts in self.parts.items()}
        return Step(anchor=anchor(self.heading), heading=self.heading, line=self.line, ends=self.ends, **given)


KINDS: Final = {"Say": "says", "Never": "never", "Ask": "asks", "Transfer": "transfers", "Need": "needs", "Offer": "offers"}


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The page while its lines come in."""

    name: str
    problems: list[str]
    title: str | None = None
    section: str = ""
    open: list[_Open] = field(default_factory=list)
    checklist: list[tuple[str, int]] = field(default_factory=list)

    def take(self, number: int, line: str) -> None:
        if match := _CHECK.fullmatch(line):
            self.checklist.append((match[1], number))
        elif match := _HEADING.fullmatch(line):
            self._heading(len(match[1]), match[2], number)
        elif self.section == SCRIPT and self.open:
            self._in_step(self.open[-1], number, line)

    def steps(self) -> tuple[Step, ...]:
        return tuple(one.closed() for one in self.open)

    def _heading(self, level: int, text: str, number: int) -> None:
        if level == 1:
            self.title = self.title or text
        elif level == 2:
            self.section = text.casefold()
        elif self.section == SCRIPT:
            self.open.append(_Open(heading=text, line=number))

    def _in_step(self, step: _Open, number: int, line: str) -> None:
        if match := _QUOTED.fullmatch(line):
            step.add(KINDS[match[1]], Saying(text=match[2], line=number))
        elif match := _MOVE.fullmatch(line):
            step.add("choices", Choice(answer=match[1], to=match[3], line=number, most=int(match[2]) if match[2] else None))
        elif match := _KEYED.fullmatch(line):
            self._keyed(step, number, match[1], match[2])
        elif _MEANT.match(line):
            self.problems.append(f"{self.name}.md, line {number}: no move and no keyword is written so: {line}")
        elif line:
            step.add("told", line)

    def _keyed(self, step: _Open, number: int, word: str, value: str) -> None:
        if word != "End":
            step.add(KINDS[word], value)
        elif value not in list(Ending):
            self.problems.append(f"{self.name}.md, line {number}: a contact ends as {', '.join(Ending)}, not as '{value}'.")
        elif step.ends is not None:
            self.problems.append(f"{self.name}.md, line {number}: this step has ended already, as '{step.ends}'.")
        else:
            step.ends = Ending(value)
