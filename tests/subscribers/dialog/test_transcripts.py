"""Dialogs written down as data go as written; and a file that cannot be played says everything that is wrong with it."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from subscribers.dialog import player
from subscribers.dialog.player import BadTranscript, Transcript
from subscribers.dialog.transcripts import pause
from subscribers.dialog.turn import Known, Standing
from tests.subscribers.dialog.subjects import LEXICON, ROOT

FILES = sorted((ROOT / "tests" / "transcripts").glob("*.yaml"))
ALL = [(path.stem, transcript) for path in FILES for transcript in player.read(path)]
NEVER_BREAK = (
    "zip first, then spanish mid-question, then place, then stop with extra words",
    "distress beats everything except stop/help",
    "reassigned number",
)
CASES = {f"S{number}" for number in range(1, 47)}  # of the specification, S1 to S46


@pytest.mark.parametrize("transcript", [one for _, one in ALL], ids=[f"{language}: {one.name}" for language, one in ALL])
def test_a_dialog_goes_as_written_down(transcript: Transcript) -> None:
    assert player.play(transcript, LEXICON).faults == ()


def test_there_are_150_of_them_sixty_in_english_and_ten_in_every_language() -> None:
    counts = Counter(language for language, _ in ALL)
    assert sum(counts.values()) >= 150 and counts["en"] >= 60
    assert {language: counts[language] for language in player.SAMPLE_LANGUAGES if counts[language] < 10} == {}


def test_every_case_of_the_specification_is_played_in_english() -> None:
    named = {case for language, one in ALL if language == "en" for case in re.findall(r"\bS\d+\b", one.name)}
    assert sorted(CASES - named, key=lambda case: int(case[1:])) == []


def test_the_three_that_must_never_break_are_among_them() -> None:
    assert set(NEVER_BREAK) <= {one.name for language, one in ALL if language == "en"}


def test_names_are_told_apart() -> None:
    names = Counter((language, one.name) for language, one in ALL)
    assert [name for name, count in names.items() if count > 1] == []


def test_what_comes_out_otherwise_is_said_step_by_step() -> None:
    wrong = {"in": "97214", "out": ["M01.en"], "acts": ["stop"], "standing": "new", "places": ["HOME 97206"], "language": "es"}
    faults = player.play(Transcript(name="x", steps=(wrong,), given=Known()), LEXICON).faults
    assert [fault.partition(": ")[2] for fault in faults] == [
        "answered ['M02.en', 'M03.en'], not ['M01.en']",
        "did ['keep HOME'], not ['stop']",
        "the phone is active, not new",
        "the language is 'en', not 'es'",
        "the places are ['HOME 97214'], not ['HOME 97206']",
    ]


def test_a_phone_may_be_known_before_the_first_step(tmp_path: Path) -> None:
    path = tmp_path / "given.yaml"
    path.write_text("- {name: x, given: {places: [HOME 97214, MOM Lents], standing: stopped, rnd: 'yes'}, steps: []}")
    (one,) = player.read(path)
    assert one.given.standing is Standing.STOPPED and one.reassigned
    assert [place.label for place in one.given.places] == ["HOME", "MOM"]
    assert replace(one.given, places=(), standing=Standing.NEW, language="") == Known()


@pytest.mark.parametrize(
    ("wait", "seconds"), [("31 min", 1860), ("1 s", 1), ("2 h", 7200), ("1 day", 86400), ("365 days", 31536000)]
)
def test_pauses_are_written_as_people_do(wait: str, seconds: int) -> None:
    assert pause({"wait": wait}).total_seconds() == seconds


def test_everything_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        """
- {name: x}
- {name: y, given: {zip: 1}, steps: [{inn: hi}, hello, {in: a, out: M01.en, wait: soon, standing: gone, system: clock}], end: 1}
- {name: z, given: 1, steps: [{in: STOP, obeyed: stopp}]}
"""
    )
    with pytest.raises(BadTranscript) as refused:
        player.read(path)
    said = "\n".join(refused.value.problems)
    for problem in (
        "wrong.yaml, 1: a transcript needs a name and steps",
        "'end' is unknown",
        "given 'zip' is unknown",
        "step 1: 'inn' is unknown",
        "step 2: 'hello' is no step",
        "step 3: out must be a list",
        "step 3: wait 'soon' is not like",
        "standing 'gone' is none of active, new, stopped, suspect",
        "system 'clock' is none of yearly_check",
        "given must be a table",
        "obeyed 'stopp' is none of help, missed, start, stop",
    ):
        assert problem in said


@pytest.mark.parametrize(("text", "said"), [("steps: []", "must be a list"), ("- {name: x, steps: [", "is not YAML")])
def test_a_file_that_is_no_list_of_transcripts_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(BadTranscript, match=said):
        player.read(path)
