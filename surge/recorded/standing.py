"""How each prompt of a language is heard by callers now, for whoever records and releases. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surge.pack import Pack
from surge.recorded.takes import MESSAGE, Line, State, Take
from surge.voice.prompts import Speech


class Heard(StrEnum):
    """By what callers hear a prompt."""

    RECORDED = "recorded"  # by telephone, released, of these words
    FILE = "file"  # a recording that surge.toml names
    VOICE = "voice"  # of the provider, listed, and reviewed by somebody who speaks the language
    UNREVIEWED = "unreviewed"  # a listed voice that nobody has listened to: not in a live instance
    MISSING = "missing"  # neither: the language goes to the interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One prompt in one language. released: what callers hear. waiting: kept, of these words, for a second person. stale: was
    released, and its words have changed since."""

    line: Line
    heard: Heard
    released: Take | None
    waiting: Sequence[Take]
    stale: Take | None


def cells(lines: Collection[Line], found: Collection[Take], speech: Speech, pack: Pack) -> list[Cell]:
    """found: takes of the language, the newest first."""
    return [_cell(line, [one for one in found if one.key == line.key], speech, pack) for line in lines]


def _cell(line: Line, found: Sequence[Take], speech: Speech, pack: Pack) -> Cell:
    released = [one for one in found if one.state is State.RELEASED]
    mine = next((one for one in released if one.digest == line.digest), None)
    # Of the message every wording has its own: an earlier one is of another day, not stale.
    other = next((one for one in released if one.digest != line.digest), None) if line.key != MESSAGE else None
    return Cell(
        line=line,
        heard=Heard.RECORDED if mine is not None else _otherwise(line, speech, pack),
        released=mine,
        waiting=[one for one in found if one.state is State.KEPT and one.digest == line.digest],
        stale=other if mine is None else None,
    )


def _otherwise(line: Line, speech: Speech, pack: Pack) -> Heard:
    if line.key in pack.recordings.get(line.language, {}):
        return Heard.FILE
    voice = pack.voices.get(line.language)
    if voice is None or not (line.key == MESSAGE or line.key in speech.texts.get(line.language, {})):
        return Heard.MISSING
    return Heard.VOICE if voice.reviewed is not None and voice.by else Heard.UNREVIEWED
