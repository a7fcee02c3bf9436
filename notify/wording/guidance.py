"""Which controlled sentences a hazard's words are made of, as templates/protect/guidance.toml names them.

Each is one whole sentence that is translated once and reused. A text message says as many of them as its parts hold, the first
one always; a sentence that a language lacks is left out of its text, but never the first.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

FOLDER: Final = "protect"
FILE: Final = f"{FOLDER}/guidance.toml"
SENTENCES: Final = (f"{FOLDER}/choices.txt", f"{FOLDER}/steps.txt")  # where the blocks are that it names
_BLOCK: Final = re.compile(r"{% block (\w+) %}")


class BadGuidance(ValueError):
    """guidance.toml cannot be used; the text holds one sentence a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What one hazard says; guidance.toml explains the fields. Every value names a block."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    text: tuple[str, ...]
    danger: str
    steps: tuple[str, ...]
    over: str
    after: tuple[str, ...]
    topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calls_911: bool = True

    @property
    def named(self) -> frozenset[str]:
        answers = (name for names in self.topics.values() for name in names)
        return frozenset({*self.text, self.danger, *self.steps, self.over, *self.after, *answers})


_READ: Final = TypeAdapter(dict[str, Guidance])


def read(templates: Path) -> Mapping[str, Guidance]:
    """Hazard -> its guidance. Raises BadGuidance with every problem, and OSError."""
    try:
        found = _READ.validate_python(tomllib.loads((templates / FILE).read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadGuidance(f"guidance.toml is not TOML: {error}.") from error
    except ValidationError as error:
        lines = (f"guidance.toml: {'.'.join(map(str, detail['loc']))}: {detail['msg']}." for detail in error.errors())
        raise BadGuidance("\n".join(lines)) from error
    blocks = {name for file in SENTENCES for name in _BLOCK.findall((templates / file).read_text("utf-8"))}
    problems = [f"guidance.toml: {hazard} says nothing in its texts." for hazard, one in found.items() if not one.text]
    problems += [
        f"guidance.toml: {hazard} names {name}, which is no sentence."
        for hazard, one in found.items()
        for name in sorted(one.named - blocks)
    ]
    if problems:
        raise BadGuidance("\n".join(problems))
    return found


def check(templates: Path, sentences: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """That the sentences which words.toml names for other folders are there. Raises BadGuidance with every problem."""
    problems = [
        f"words.toml: {wording} of {folder} names {name}, which is no sentence of {folder}/choices.txt."
        for folder, wordings in sentences.items()
        for there in [_BLOCK.findall((templates / folder / "choices.txt").read_text("utf-8"))]
        for wording, names in wordings.items()
        for name in names
        if name not in there
    ]
    if problems:
        raise BadGuidance("\n".join(problems))


def together(sentences: Collection[str]) -> str:
    """Whole sentences one after the other. No space stands after a full stop that has its own (Chinese, Japanese)."""
    joined = ""
    for sentence in filter(None, sentences):
        joined += sentence if not joined or joined.endswith(("。", "！", "？")) else f" {sentence}"
    return joined
