"""The table of hazard, stage and language is what the engine would say."""

from dataclasses import replace
from pathlib import Path

import pytest

from channels.text import Encoding
from notify.alerts.alert import Stage
from notify.alerts.hazards import catalogue
from notify.wording import coverage
from notify.wording.coverage import Cell
from notify.wording.fallback import Step
from notify.wording.words import load
from tests.notify.subjects import TAGS, reviews_of, the_words, untranslated

FLOOD = Cell(
    hazard="flood",
    stage=Stage.FIRST,
    language="es",
    step=Step.OWN,
    parts=2,
    most=2,
    units=300,
    encoding=Encoding.GSM_7,
    reviewed=True,
)


def test_every_hazard_has_words_in_every_stage_and_language_and_no_first_alert_is_over_two_parts() -> None:
    found = list(coverage.cells(the_words(), (), list(catalogue()), list(TAGS)))
    assert len(found) == ((len(catalogue()) - 1) * len(coverage.STAGES) + 1) * len(TAGS)
    assert coverage.problems(found) == []
    assert max(cell.parts for cell in found if cell.stage is Stage.FIRST) == 2


def test_every_language_has_words_of_its_own_for_every_hazard() -> None:
    found = coverage.cells(the_words(), (), [name for name in catalogue() if name not in {"test", coverage.TYPED}], list(TAGS))
    lacking = [cell for cell in found if cell.stage in coverage.OWN and cell.step is not Step.OWN]
    assert lacking == []


def test_english_has_words_of_its_own_for_every_hazard() -> None:
    assert coverage.problems(coverage.cells(the_words(), (), list(catalogue()), ["en"])) == []


def test_a_language_without_translations_is_named_cell_by_cell(tmp_path: Path) -> None:
    words = load(untranslated(tmp_path))
    found = list(coverage.cells(words, (), ["flood"], ["en", "vi"]))
    assert [coverage.sign(cell) for cell in found if cell.language == "vi"] == [f"{cell.parts}E*" for cell in found[1::2]]
    assert len(coverage.problems(found)) == len(coverage.STAGES)
    assert "flood, all clear, vi: there are no words; people would read English." in coverage.problems(found)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_review_of_every_message_shows_in_its_language_alone(language: str) -> None:
    words = the_words()
    found = coverage.cells(words, reviews_of(words, language), ["boil_water"], ["en", "es"])
    assert {(cell.language, cell.reviewed) for cell in found} == {(language, True), ("es" if language == "en" else "en", False)}


@pytest.mark.parametrize(
    ("cell", "sign", "problems"),
    [
        (FLOOD, "2", 0),
        (replace(FLOOD, reviewed=False), "2*", 0),
        (replace(FLOOD, parts=3, encoding=Encoding.UCS_2), "3U!", 1),
        (replace(FLOOD, step=Step.GENERIC), "2g", 1),
        (replace(FLOOD, step=Step.GENERIC, stage=Stage.CORRECTION), "2g", 0),
        (replace(FLOOD, step=Step.ENGLISH, stage=Stage.CORRECTION), "2E", 1),
    ],
)
def test_a_cell_is_a_few_letters_and_what_is_wrong_with_it_a_sentence(cell: Cell, sign: str, problems: int) -> None:
    assert coverage.sign(cell) == sign and len(coverage.problems([cell])) == problems
