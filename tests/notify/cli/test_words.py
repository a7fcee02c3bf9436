"""Words on the command line: what goes out in English today, what each text costs, and a reviewer's yes."""

import shutil
from pathlib import Path

import pytest

from notify import data
from tests.notify.cli.command_line import Shell
from tests.notify.subjects import TEMPLATES, translate


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that commands may write to."""
    made = tmp_path / "templates"
    shutil.copytree(TEMPLATES, made)
    folder = data.folder
    monkeypatch.setattr(data, "folder", lambda name: made if name == "templates" else folder(name))
    return made


def test_status_says_which_languages_would_go_out_in_english(installed: Shell) -> None:
    said = installed("words", "status")
    assert said.code == 0 and "would send English today to: " in said.out
    rows = {row["language"]: row for row in installed("words", "status", "--json").data}
    assert rows["en"]["missing"] == 0 and rows["es"]["approved"] == 0


def test_extract_brings_catalogues_into_step_and_then_has_nothing_to_do(shell: Shell, templates: Path) -> None:
    shell("words", "extract")
    assert shell("words", "extract", "--json").data == {"written": []}
    (templates / "locale" / "es" / "LC_MESSAGES" / "test.po").unlink()
    said = shell("words", "extract", "--json")
    assert said.code == 0 and said.data["written"] == ["locale/es/LC_MESSAGES/test.po"]


def test_check_names_a_text_that_cannot_be_used(shell: Shell, templates: Path) -> None:
    translate(templates, "es", "boil_water", {"sms.boil_water.false_alarm": "%(zona)s\n%(url)s"})
    said = shell("words", "check")
    assert said.code == 1 and "unknown placeholders zona" in said.errors
    assert "unknown placeholders zona" in "\n".join(shell("words", "check", "--json").data["problems"])


def test_the_table_measures_every_text_of_a_language(shell: Shell) -> None:
    rows = shell("words", "table", "--language", "es", "--json").data
    assert {row["language"] for row in rows} == {"es"} and all(row["parts"] >= 1 for row in rows)
    assert {row["encoding"] for row in rows} == {"GSM-7"}, "on any weekday"
    said = shell("words", "table")
    assert said.code == 0 and "units" in said.out


def test_a_review_is_kept_and_voided_by_nothing_but_a_change(installed: Shell, templates: Path) -> None:
    said = installed("words", "review", "es", "--reviewer", "native reader", "--all", "--json")
    assert said.code == 0 and said.data["approved"] > 0
    again = installed("words", "review", "es", "--reviewer", "native reader", "--all", "--json")
    assert again.data["approved"] == 0
    wrong = installed("words", "review", "tlh", "--reviewer", "native reader")
    assert wrong.code == 2 and "no words in 'tlh'" in wrong.errors
