"""What an answer is made of: the names in it and the kinds of their values. `shapes.txt` has those that the judge has passed.

So a change of the simulator's answers is noticed by every run of the tests, which have no judge.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

KEPT: Final = Path(__file__).with_name("shapes.txt")
SID: Final = re.compile(r"(SM|AC|CA|NO)[0-9a-f]{32}")
NOTHING: Final = "nothing"


def shape_of(content: bytes) -> frozenset[str]:
    """Lines such as `calls[].sid str`, one for each name and kind of value; none for what is no JSON."""
    try:
        return frozenset(_lines("", json.loads(content)))
    except ValueError:
        return frozenset()


def operation(method: str, path: str, status: int) -> str:
    return f"{method} {SID.sub('{sid}', path)} {status}"


def document(seen: Iterable[tuple[str, frozenset[str]]]) -> str:
    """All that was seen, by operation. A name that had a value in one answer and none in another has that value's kind."""
    found: dict[str, set[str]] = {}
    for what, shape in seen:
        found.setdefault(what, set()).update(shape)
    lines = []
    for what, shapes in sorted(found.items()):
        known = {line.rpartition(" ")[0] for line in shapes if not line.endswith(f" {NOTHING}")}
        kept = [line for line in sorted(shapes) if not line.endswith(f" {NOTHING}") or line.rpartition(" ")[0] not in known]
        lines += [what, *(f"    {line}" for line in kept)]
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(f"{name}.{key}".lstrip("."), inner)
    elif isinstance(value, list):
        yield f"{name} list"
        for inner in value:
            yield from _lines(f"{name}[]", inner)
    else:
        yield f"{name} {NOTHING if value is None else type(value).__name__}"
