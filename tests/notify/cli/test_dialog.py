"""The text dialog on the command line: transcripts played, and the words that mean two things."""

from pathlib import Path

from subscribers.dialog import collisions, lexicon
from tests.notify.cli.command_line import Shell
from tests.notify.subjects import TEMPLATES

ROOT = Path(__file__).parents[3]
ENGLISH = ROOT / "tests" / "transcripts" / "en.yaml"


def test_play_prints_each_transcript_with_pass(shell: Shell) -> None:
    said = shell("dialog", "play", str(ENGLISH))
    assert said.code == 0 and "pass  en: S21 help and info" in said.out
    assert said.out.rstrip().endswith("transcripts, 0 failed.")


def test_play_says_what_came_out_otherwise_and_ends_with_one(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("- {name: a greeting, steps: [{in: hi, out: [M27.en]}]}")
    said = shell("dialog", "play", str(ENGLISH), str(wrong))
    assert said.code == 1 and "FAIL  wrong: a greeting" in said.out
    assert "step 1 ('hi'): answered ['M01.en'], not ['M27.en']" in said.out and "1 failed." in said.out
    rows = shell("dialog", "play", str(wrong), "--json").data
    assert rows[0]["name"] == "a greeting" and len(rows[0]["faults"]) == 1


def test_a_file_that_cannot_be_played_is_refused_with_sentences(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("- {name: x}\n- {name: y, steps: [{inn: hi}]}")
    said = shell("dialog", "play", str(wrong))
    assert said.code == 1 and "needs a name and steps" in said.errors and "'inn' is unknown" in said.errors
    assert shell("dialog", "play", str(tmp_path / "missing.yaml")).code == 1


def test_words_prints_every_collision_as_a_table_as_json_and_as_the_page(shell: Shell) -> None:
    found = collisions.collisions(lexicon.load(TEMPLATES / "dialog" / "vocabulary"))
    table = shell("dialog", "words")
    assert table.code == 0 and "dung" in table.out and "stop (vi), yes (vi)" in table.out
    assert [row["word"] for row in shell("dialog", "words", "--json").data] == [one.word for one in found]
    assert shell("dialog", "words", "--markdown").out == collisions.page(found)
