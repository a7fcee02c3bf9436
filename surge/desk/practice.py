"""The practice calls of somebody new at the desk: a simulated caller, the real script, two calls, the second an emergency."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from surge.scripts.runbook import ELSE, EMERGENCY_LINE, NEXT, Choice, Ending, Runbook, Step

MOST_TURNS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The step on the screen, what the caller says to it, and which of its choices that is; None at a step that ends."""

    step: Step
    says: str
    choice: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """emergency: it ends at the line to the emergency centre."""

    turns: tuple[Turn, ...]
    emergency: bool


def calls(book: Runbook) -> tuple[Call, ...]:
    """An ordinary call and an emergency, as short as the script allows; none of a page without a script."""
    if not book.steps:
        return ()
    ordinary = _walk(book, lambda step: step.ends is Ending.INFORMED)
    danger = _walk(book, lambda step: EMERGENCY_LINE in step.transfers)
    return tuple(
        Call(turns=tuple(_turns(path)), emergency=emergency) for path, emergency in ((ordinary, False), (danger, True)) if path
    )


def at(made: Sequence[Call], pressed: Sequence[int]) -> tuple[int, int] | None:
    """Where somebody who has pressed these choices is: call and turn. None once every call is through. Raises ValueError for
    choices that were not the right ones: nobody gets on by guessing an address."""
    left = deque(pressed)
    for number, call in enumerate(made):
        for turn, one in enumerate(call.turns):
            if one.choice is None:
                continue
            if not left:
                return number, turn
            if left.popleft() != one.choice:
                raise ValueError("this is not how the calls go")
    if left:
        raise ValueError("the calls are over")
    return None


Path = Sequence[tuple[Step, int | None]]


def _walk(book: Runbook, found: Callable[[Step], bool]) -> Path:
    """The shortest way from the first step to one that is `found`, by answers that somebody gives; by "anything else" only
    where no other answer leads there."""
    first = book.steps[0]
    ways: dict[str, tuple[str, int] | None] = {first.anchor: None}
    line = deque([first])
    while line:
        step = line.popleft()
        if found(step):
            return _back(book, ways, step)
        for number, choice in _given_first(step):
            there = book.step(choice.to)
            if there is not None and there.anchor not in ways:
                ways[there.anchor] = (step.anchor, number)
                line.append(there)
    return ()


def _given_first(step: Step) -> list[tuple[int, Choice]]:
    return sorted(enumerate(step.choices), key=lambda one: one[1].answer == ELSE)


def _back(book: Runbook, ways: dict[str, tuple[str, int] | None], last: Step) -> Path:
    path: list[tuple[Step, int | None]] = [(last, None)]
    while (before := ways[path[0][0].anchor]) is not None and len(path) < MOST_TURNS:
        step = book.step(before[0])
        assert step is not None
        path.insert(0, (step, before[1]))
    return path


def _turns(path: Path) -> Iterator[Turn]:
    for step, choice in path:
        said = "" if choice is None else step.choices[choice].answer
        yield Turn(step=step, says="" if said in (ELSE, NEXT) else said, choice=choice)
