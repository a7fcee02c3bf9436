"""Dialogs written down word for word, in every language, played against the dialog itself."""

from collections import Counter
from pathlib import Path

import pytest

from subscribers.dialog import lexicon, player
from subscribers.dialog.player import BadTranscript, Transcript

ROOT = Path(__file__).parents[3]
LEXICON = lexicon.load(ROOT / "templates" / "dialog" / "vocabulary")
FILES = sorted((ROOT / "tests" / "transcripts").glob("*.yaml"))
ALL = [(path.stem, transcript) for path in FILES for transcript in player.read(path)]


@pytest.mark.parametrize("transcript", [one for _, one in ALL], ids=[f"{language}: {one.name}" for language, one in ALL])
def test_a_dialog_goes_as_written_down(transcript: Transcript) -> None:
    assert player.play(transcript, LEXICON).faults == ()


def test_there_are_150_of_them_and_ten_in_every_language() -> None:
    counts = Counter(language for language, _ in ALL)
    assert sum(counts.values()) >= 150
    assert {language: counts[language] for language in player.SAMPLE_LANGUAGES if counts[language] < 10} == {}


def test_names_are_told_apart() -> None:
    assert [name for name, count in Counter(ALL_NAMES).items() if count > 1] == []


ALL_NAMES = [f"{language}: {one.name}" for language, one in ALL]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: []", "must be a list"),
        ("- {name: x}", "needs a name and steps"),
        ("- {name: x, steps: [{inn: hi}]}", "step 1"),
        ("- {name: x, steps: [", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_played_says_where_it_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(BadTranscript, match=said):
        player.read(path)
