"""A conversation on the screen as a golden transcript: the YAML that tests/transcripts holds and `tocsin dialog play` plays.

An answer is named by its key and language ("M02.es") where the wordings tell which text it is; else it stands there word for
word. Alerts are no answers of the dialog: they stand as comments.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from channels.simulator.inbound import keyword
from channels.text import sanitise

LEAST_LITERAL: Final = 12  # letters a wording must have beside its slots to be told from others
USUAL_PAUSE: Final = timedelta(seconds=90)  # the player leaves 20 seconds unless told; only longer pauses are written
_SLOT: Final = re.compile(r"%\((\w+)\)s|%%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A text the dialog may answer with. name: key and language; literal: letters that are not in slots."""

    name: str
    pattern: re.Pattern[str]
    literal: int


@dataclass(slots=True)
class _Step:
    said: str
    at: datetime
    obeyed: str = ""  # the keyword the provider acted on and answered by itself
    answers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def wordings(texts: Mapping[str, str]) -> tuple[Wording, ...]:
    """From name -> text with its slots as %(name)s; the most literal first. Texts that are nearly all slot are left out."""
    made = [_wording(name, text) for name, text in texts.items()]
    return tuple(sorted((one for one in made if one.literal >= LEAST_LITERAL), key=lambda one: -one.literal))


def named(body: str, known: Sequence[Wording]) -> str:
    """The name of a text; "" when none fits."""
    return next((one.name for one in known if one.pattern.fullmatch(body)), "")


def transcript(name: str, entries: Sequence[Mapping[str, Any]], known: Sequence[Wording]) -> str:
    """The lines of one phone's log, in order, as YAML; "" when nothing was written yet."""
    steps: list[_Step] = []
    for entry in entries:
        if entry["event"] == "inbound":
            steps.append(_Step(entry["body"], datetime.fromisoformat(entry["at"])))
        elif entry["event"] in ("reply", "accepted") and steps:
            _answer(steps[-1], entry, known)
    return "\n".join(_lines(name, steps)) + "\n" if steps else ""


def _answer(step: _Step, entry: Mapping[str, Any], known: Sequence[Wording]) -> None:
    found = named(entry["body"], known)
    if entry["cause"] == "carrier":
        word = keyword(step.said)
        step.obeyed = word.value if word is not None else ""
    elif found or entry["event"] == "reply":
        step.answers.append(found or entry["body"])
    else:
        step.notes.append(f"an alert came here: {' '.join(entry['body'].split())[:60]}...")


def _wording(name: str, text: str) -> Wording:
    literal, pattern, end = 0, "", 0
    text = sanitise(text).text
    for slot in _SLOT.finditer(text):
        literal += slot.start() - end
        pattern += re.escape(text[end : slot.start()]) + (".+?" if slot[1] else "%")
        end = slot.end()
        if slot[1] and text[end : end + 1] == ".":  # a value that ends with a full stop swallows this one
            pattern, end = pattern + r"\.?", end + 1
    literal += len(text) - end
    return Wording(name=name, pattern=re.compile(pattern + re.escape(text[end:]), re.DOTALL), literal=literal)


def _lines(name: str, steps: Sequence[_Step]) -> Iterator[str]:
    yield f"- name: {_quoted(name)}"
    yield "  steps:"
    before = steps[0].at
    for step in steps:
        wait = f", wait: {round((step.at - before).total_seconds() / 60)} min" if step.at - before > USUAL_PAUSE else ""
        obeyed = f", obeyed: {step.obeyed}" if step.obeyed else ""
        answers = ", ".join(_quoted(answer) for answer in step.answers)
        yield f"    - {{in: {_quoted(step.said)}{wait}{obeyed}, out: [{answers}]}}"
        yield from (f"      # {note}" for note in step.notes)
        before = step.at


_PLAIN: Final = re.compile(r"(?!(?:yes|no|on|off|true|false|null|y|n)$)[A-Za-z][A-Za-z0-9 /.'-]*(?<! )", re.IGNORECASE)


def _quoted(text: str) -> str:
    """Bare where YAML takes it for a text as it stands, else in double quotes, which JSON and YAML share."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
