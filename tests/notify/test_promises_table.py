"""The table of promises names every row once, says how it stands, and points at tests that are there."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LINE: Final = re.compile(r"^\| ([A-E]\d+) [^|]*\| (\w+) \| ([^|]+) \|", re.MULTILINE)
FOUND: Final = LINE.findall((ROOT / "docs" / "promises.md").read_text("utf-8"))
ROWS: Final = {row: (state, shown) for row, state, shown in FOUND}


def test_every_row_stands_there_once_with_its_state() -> None:
    assert [row for row, _, _ in FOUND] == [
        *(f"A{number}" for number in range(1, 16)),
        *(f"B{number}" for number in range(1, 10)),
        *(f"C{number}" for number in range(1, 13)),
        *(f"D{number}" for number in range(1, 21)),
        *(f"E{number}" for number in range(1, 6)),
    ]
    assert {state for state, _ in ROWS.values()} <= {"pass", "part", "open"}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_said_to_hold_names_tests_that_are_there(row: str) -> None:
    state, shown = ROWS[row]
    files = re.findall(r"tests/[\w/]+\.py", shown)
    assert files or state == "open" or "./dev" in shown, row
    for file in files:
        assert (ROOT / file).is_file(), f"{row}: {file}"
    for wanted in re.findall(r'(tests/[\w/]+\.py) -k (?:"([^"]+)"|(\w+))', shown):
        names = re.findall(r"def (test_\w+)", (ROOT / wanted[0]).read_text("utf-8"))
        words = (wanted[1] or wanted[2]).split(" or ")
        assert any(word in name for word in words for name in names), f"{row}: {wanted}"
