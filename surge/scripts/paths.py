"""Every way through a script, walked: all steps can be reached, every way can end, none goes in circles, 911 is near."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from surge.scripts.runbook import EMERGENCY_LINE, Runbook, Step

WAY_OUT: Final = 2  # steps from the first one to the emergency centre
Steps = Mapping[str, Step]


def problems(book: Runbook) -> list[tuple[int, str]]:
    """(line, sentence) each. The book has steps."""
    there = {step.anchor: step for step in book.steps}
    return [*_astray(there), *_unreached(book, there), *_endless(there), *_circles(there)]


def depths(start: str, moves: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many moves away from `start` each step is; those that cannot be reached are not in it."""
    depth, line = {start: 0}, deque([start])
    while line:
        here = line.popleft()
        for there in moves[here]:
            if there not in depth:
                depth[there] = depth[here] + 1
                line.append(there)
    return depth


def onward(there: Steps) -> dict[str, list[str]]:
    return {anchor: [choice.to for choice in step.choices if choice.to in there] for anchor, step in there.items()}


def _astray(there: Steps) -> Iterator[tuple[int, str]]:
    for step in there.values():
        for choice in step.choices:
            if choice.to not in there:
                yield choice.line, f"there is no step #{choice.to}."


def _unreached(book: Runbook, there: Steps) -> Iterator[tuple[int, str]]:
    first = book.steps[0]
    depth = depths(first.anchor, onward(there))
    for step in there.values():
        if step.anchor not in depth:
            yield step.line, f"nothing leads to '{step.heading}'."
    ways_out = [depth[step.anchor] for step in there.values() if EMERGENCY_LINE in step.transfers and step.anchor in depth]
    if min(ways_out, default=WAY_OUT + 1) > WAY_OUT:
        yield first.line, f"the way to {EMERGENCY_LINE} is more than {WAY_OUT} steps from '{first.heading}'."


def _endless(there: Steps) -> Iterator[tuple[int, str]]:
    backward: dict[str, list[str]] = {anchor: [] for anchor in there}
    for anchor, targets in onward(there).items():
        for target in targets:
            backward[target].append(anchor)
    ending: set[str] = set()
    for step in there.values():
        if step.ends is not None:
            ending |= depths(step.anchor, backward).keys()
    for step in there.values():
        if step.anchor not in ending and step.choices:
            yield step.line, f"from '{step.heading}' no way leads to an end."


def _circles(there: Steps) -> Iterator[tuple[int, str]]:
    """Moves that lead back to where they start from, with no bound anywhere on the way."""
    free = {anchor: [c.to for c in step.choices if c.most is None and c.to in there] for anchor, step in there.items()}
    for anchor, step in there.items():
        for choice in step.choices:
            if choice.most is None and choice.to in there and anchor in depths(choice.to, free):
                yield choice.line, f"'{choice.answer}' leads in a circle without a bound (at most N times)."
