"""`tocsin subscribers reassigned`: a file is taken whole, and the audit log says which."""

from pathlib import Path

from tests.notify.cli.command_line import Shell


def test_answers_about_numbers_are_taken_and_logged(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "rnd.csv"
    file.write_text("number,answer,date\n+15035550123,yes,2026-05-01\n+15035550124,no data,2026-05-01\n")
    assert shell("init").code == 0
    said = shell("subscribers", "reassigned", file, "--json")
    assert said.code == 0 and said.data == {"answers": 2, "suspect": 0, "newer": 0, "unknown": 2}
    assert shell("audit", "verify").code == 0


def test_a_bad_file_is_refused_with_every_line_and_nothing_is_taken(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "rnd.csv"
    file.write_text("number,answer,date\n123,yes,2026-05-01\n+15035550124,perhaps,today\n")
    assert shell("init").code == 0
    said = shell("subscribers", "reassigned", file)
    assert said.code == 1
    assert "line 2" in said.errors and "line 3" in said.errors
    assert shell("subscribers", "reassigned", tmp_path / "none.csv").code == 2
