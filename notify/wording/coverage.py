"""What people would be texted for every hazard, in every stage and language: whose words, how long, and read by whom.

A cell is what the engine itself would say, filled with samples; so a missing translation shows as what stands in for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from channels.text import Encoding, measure
from notify.alerts.alert import Stage
from notify.wording import samples
from notify.wording.fallback import Desk, Step
from notify.wording.reviews import Review, Reviewed, arrange
from notify.wording.slots import ENGLISH
from notify.wording.words import Words

OWN: Final = frozenset({Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR})  # stages that every hazard has words of its own for
TYPED: Final = "other"  # its own words are what staff type, in the languages they type it in
STAGES: Final = (Stage.FIRST, Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM, Stage.TEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One text. step: whose words it is in. parts, units, encoding: as a phone gets it, the samples filled in. most: parts it
    should have at the most. reviewed: a live instance would send it as it is."""

    hazard: str
    stage: Stage
    language: str
    step: Step
    parts: int
    most: int
    units: int
    encoding: Encoding
    reviewed: bool

    @property
    def too_long(self) -> bool:
        return self.parts > self.most


def cells(words: Words, reviews: Iterable[Review], hazards: Sequence[str], languages: Sequence[str]) -> Iterator[Cell]:
    """Every cell, hazard by hazard. `test` has its test alone: nobody is told that a test is over."""
    read = arrange(reviews)
    for hazard in hazards:
        for stage in (Stage.TEST,) if hazard == "test" else STAGES:
            desk = _desk(words, read, hazard, stage, languages, allow_drafts=True)
            strict = _desk(words, read, hazard, stage, languages, allow_drafts=False)
            yield from (_cell(desk, strict, language) for language in languages)


def _desk(words: Words, read: Reviewed, hazard: str, stage: Stage, languages: Sequence[str], *, allow_drafts: bool) -> Desk:
    subject = samples.subject(words, hazard, stage, languages)
    return Desk(subject=subject, words=words, reviewed=read, allow_drafts=allow_drafts)


def _cell(desk: Desk, strict: Desk, language: str) -> Cell:
    wording = desk.subject.wordings[0]
    said = desk.say("sms.txt", wording, language)
    size = measure(said.text)
    most = desk.words.most_parts[wording]
    read = strict.fitting(strict.speaker(language), said.folder, "sms.txt", wording, language, most)
    return Cell(
        hazard=desk.subject.hazard,
        stage=desk.subject.stage,
        language=language,
        step=said.step,
        parts=size.parts,
        most=most,
        units=size.units,
        encoding=size.encoding,
        reviewed=read == said.text,
    )


LEGEND: Final = (
    "Parts of the text, U where it is in UCS-2. g: words that hold for every hazard. E: English with the interpreter's number. "
    "*: nobody has reviewed them. !: longer than it should be."
)


def sign(cell: Cell) -> str:
    """The cell in a few letters; LEGEND explains them."""
    whose = {Step.OWN: "", Step.GENERIC: "g", Step.ENGLISH: "E"}[cell.step] if cell.language != ENGLISH else ""
    letters = "U" if cell.encoding is Encoding.UCS_2 else ""
    return f"{cell.parts}{letters}{whose}{'' if cell.reviewed else '*'}{'!' if cell.too_long else ''}"


def problems(found: Iterable[Cell]) -> list[str]:
    """Cells without words of their own, and texts that are too long, a sentence each. Mistakes and tests may be told in the
    words that hold for every hazard."""
    said = []
    for cell in found:
        name = f"{cell.hazard}, {cell.stage.replace('_', ' ')}, {cell.language}"
        if cell.language != ENGLISH and cell.step is Step.ENGLISH:
            said.append(f"{name}: there are no words; people would read English.")
        elif cell.step is Step.GENERIC and cell.stage in OWN and cell.hazard != TYPED:
            said.append(f"{name}: there are no words of its own; people would read those for every hazard.")
        if cell.too_long:
            said.append(f"{name}: {cell.parts} parts, at most {cell.most} fit.")
    return said
