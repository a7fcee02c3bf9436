"""Text files written by the column: a column is a matrix of bytes, a row a cell, and zeros in it are no letters.

Made for files of a million rows: a cell costs some tens of nanoseconds, where formatting one number in Python costs a thousand.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Letters = NDArray[np.uint8]  # a row for each cell, as wide as the longest; UTF-8

COMMA, NEWLINE, MINUS, DOT, NOUGHT = b",\n-.0"
WHOLE_DIGITS, DECIMALS = 3, 6  # of degrees: up to 180, to a tenth of a metre


def letters(words: Sequence[str]) -> Letters:
    """A cell for each word; without words, no cells of one letter."""
    written = np.array([word.encode() for word in words], np.bytes_)
    return written.view(np.uint8).reshape(len(words), -1) if words else np.empty((0, 1), np.uint8)


def cells(words: Sequence[str]) -> Letters:
    """The same for words in a CSV file: in quotation marks where they need them (RFC 4180)."""
    special = frozenset(',"\r\n')
    return letters(['"' + word.replace('"', '""') + '"' if special & set(word) else word for word in words])


def digits(numbers: NDArray[np.int64], width: int, at_least: int = 1) -> Letters:
    """Whole numbers from 0, of at most `width` digits (nine is the most), with leading zeros up to `at_least`."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int32)  # half as wide divides twice as fast
    each = numbers.astype(np.int32)[:, None] // powers % 10
    shown = np.logical_or.accumulate(each > 0, axis=1)
    shown[:, width - at_least :] = True
    return np.where(shown, each + NOUGHT, 0).astype(np.uint8)


def degrees(angles: NDArray[np.float64]) -> Letters:
    """Longitudes or latitudes with six decimals."""
    micro = np.rint(np.abs(angles) * 10**DECIMALS).astype(np.int64)
    sign = np.where((angles < 0) & (micro > 0), MINUS, 0).astype(np.uint8)[:, None]
    whole, decimals = np.divmod(micro, 10**DECIMALS)
    return beside(sign, digits(whole, WHOLE_DIGITS), _mark(DOT, len(angles)), digits(decimals, DECIMALS, DECIMALS))


def beside(*columns: Letters) -> Letters:
    """The columns as one."""
    return np.concatenate(columns, axis=1)


def only(column: Letters, where: NDArray[np.bool_]) -> Letters:
    """The column with empty cells but there."""
    return np.where(where[:, None], column, np.uint8(0))


def spread(column: Letters, rows: NDArray[np.int64], count: int) -> Letters:
    """A column of `count` cells: cell i of the given one stands in rows[i], the others are empty."""
    wide = np.zeros((count, column.shape[1]), np.uint8)
    wide[rows] = column
    return wide


def table(*columns: Letters) -> bytes:
    """The columns as lines of a CSV file."""
    count = len(columns[0])
    marks = [_mark(COMMA, count)] * (len(columns) - 1) + [_mark(NEWLINE, count)]
    page = beside(*(part for pair in zip(columns, marks, strict=True) for part in pair))
    written: bytes = page[page != 0].tobytes()
    return written


def _mark(letter: int, count: int) -> Letters:
    return np.full((count, 1), letter, np.uint8)
