"""Columns of bytes say the same as Python's own formatting and csv module."""

import csv
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from subscribers.lettering import Letters, beside, cells, degrees, digits, letters, only, spread, table

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def read(column: Letters) -> list[str]:
    return [bytes(cell[cell != 0]).decode() for cell in column]


@given(st.lists(st.integers(0, 9_999_999), min_size=1))
def test_whole_numbers_are_written_as_python_writes_them(numbers: list[int]) -> None:
    assert read(digits(np.array(numbers), 7)) == [str(number) for number in numbers]
    assert read(digits(np.array(numbers), 7, 4)) == [f"{number:04}" for number in numbers]


@given(st.lists(st.integers(-180_000_000, 180_000_000), min_size=1))
def test_degrees_are_written_with_six_decimals(micro: list[int]) -> None:
    angles = np.array(micro) / 1e6
    assert read(degrees(angles)) == [f"{angle:.6f}" for angle in angles]
    assert [float(cell) for cell in read(degrees(angles))] == angles.tolist(), "and read again as the very same number"


def test_an_angle_that_rounds_to_nought_has_no_minus_sign() -> None:
    assert read(degrees(np.array([-1e-9, 0.0, -0.0000005001]))) == ["0.000000", "0.000000", "-0.000001"]


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1))
def test_a_table_is_read_by_csv_as_the_words_it_was_made_of(rows: list[tuple[str, str]]) -> None:
    one, two = zip(*rows, strict=True)
    written = table(cells(one), cells(two)).decode()
    assert [tuple(row) for row in csv.reader(io.StringIO(written, newline=""))] == rows


def test_empty_cells_leave_nothing_between_the_commas() -> None:
    column = letters(["a", "ñ", "ラ"])
    flags = np.array([True, False, True])
    spots = spread(letters(["x", "y"]), np.array([2, 0]), 3)
    assert table(column, only(column, flags), spots, beside(column, spots)).decode() == "a,a,y,ay\nñ,,,ñ\nラ,ラ,x,ラx\n"


def test_a_column_without_words_has_no_cells() -> None:
    assert letters([]).shape == (0, 1)
