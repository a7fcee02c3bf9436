"""Cells of a CSV file that a spreadsheet would run as a formula: plain text on the way out, what they were on the way in.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import re
from typing import Final

# What opens a formula, also in the full-width letters of East Asian keyboards, and behind what a spreadsheet or a second
# export may strip: quotation marks and white space. A tab or carriage return at the front splits the cell or the line.
FORMULA: Final = re.compile(r"['\"\s]*[\t\r=+\-@＝＋－＠]")
NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")  # a telephone number or a longitude: evaluates to nothing but itself


def defused(cell: str) -> str:
    """The cell with an apostrophe in front if it could be run: spreadsheets then show it as text."""
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def restored(cell: str) -> str:
    """The cell that `defused` was given; whatever else begins with an apostrophe stays as it is."""
    return cell[1:] if cell[:1] == "'" and FORMULA.match(cell, 1) else cell
