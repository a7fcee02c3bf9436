"""Import files as people send them: what is wrong with the file is said before its first row is used."""

from pathlib import Path

import pytest

from subscribers.sheet import COLUMNS, LINE_MAX, BadFile, Row, inspect, rows

HEADER = ",".join(COLUMNS)
LINE = "+15035550101,,en,HOME,45.5,-122.6,,,opt-in,2014-05-01,form"
NEXT, NEXT_OLD = f"{LINE}\n", f"{LINE}\r"
CELLS = (*LINE.split(","), "", "")  # and nothing in the columns that may be left out


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def read(file: Path, data: str | bytes) -> list[Row]:
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(rows(inspect(file)))


def refused(file: Path, data: bytes) -> str:
    with pytest.raises(BadFile) as raised:
        read(file, data)
    return str(raised.value)


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\n{LINE}\n",
        f"{HEADER}\n{LINE}",
        f"{HEADER}\r\n{LINE}\r\n",
        f"\ufeff{HEADER}\n{LINE}\n",
        f"{HEADER.upper()}\n{LINE}\n",
        f"{HEADER.replace(',', ' , ')}\n{LINE.replace(',', ' , ')}\n",
        f'{HEADER}\n"+15035550101",,"en","HOME",45.5,-122.6,,,opt-in,2014-05-01,"form"\n',
    ],
)
def test_one_row_is_read_however_it_is_dressed(file: Path, data: str) -> None:
    assert read(file, data) == [Row(2, CELLS)]


def test_columns_may_stand_in_any_order_and_be_left_out(file: Path) -> None:
    data = "language,email,basis,consent_source,consent_at\nen,resident1@example.gov,opt-in,form,2014-05-01\n"
    assert read(file, data) == [
        Row(2, ("", "resident1@example.gov", "en", "", "", "", "", "", "opt-in", "2014-05-01", "form", "", ""))
    ]


def test_lines_keep_their_numbers_over_blank_ones(file: Path) -> None:
    assert [row.line for row in read(file, f"{HEADER}\n\n{LINE}\n,,,,,,,,,,\n \n{LINE}\n")] == [3, 6]


def test_lines_are_counted_for_the_progress_bar(file: Path) -> None:
    file.write_text(f"{HEADER}\n{LINE}\n\n{LINE}", "utf-8")
    assert inspect(file).lines == 4


def test_letters_of_every_language_and_commas_in_quotes_are_kept(file: Path) -> None:
    line = '+15035550101,,en,"家, ""casa""",45.5,-122.6,,,opt-in,2014-05-01,"Büro, ທີ່ຢູ່"'
    (row,) = read(file, f"{HEADER}\n{line}\n")
    assert (row.cells[3], row.cells[10]) == ('家, "casa"', "Büro, ທີ່ຢູ່")


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("HOME", '"HOME'),
        LINE.replace("form", '"form'),
        LINE.replace("HOME", '"HO"ME'),
        LINE.replace(",en,", ',"en,'),
    ],
)
def test_a_quote_left_open_spoils_its_own_row_only(file: Path, line: str) -> None:
    before, spoiled, after = read(file, f"{HEADER}\n{LINE}\n{line}\n{LINE}\n")
    assert (before.cells, after.cells) == (CELLS, CELLS)
    assert spoiled.line == 3
    assert "quotation mark" in spoiled.problem


@pytest.mark.parametrize(("line", "cells"), [(LINE + ",x", 12), (LINE.rpartition(",")[0], 10), ("+15035550101", 1)])
def test_a_row_of_another_width_is_a_problem(file: Path, line: str, cells: int) -> None:
    assert read(file, f"{HEADER}\n{line}\n") == [Row(2, problem=f"The row has {cells} cells; the header names 11.")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(file: Path, encoding: str) -> None:
    assert refused(file, f"{HEADER}\n{LINE}\n".encode(encoding)) == "The file is UTF-16, from line 1 on; save it as UTF-8."


def test_latin_1_is_named_with_its_first_line_and_letter(file: Path) -> None:
    bad = LINE.replace("form", "Büro")
    said = refused(file, f"{HEADER}\n{LINE}\n{bad}\n{bad}\n".encode("latin-1"))
    assert "Line 3 is not UTF-8: its byte 56 is 0xFC. The file looks like Latin-1 or Windows-1252, where that is 'ü'" in said
    assert "1 more lines" in said


def test_a_nul_byte_far_down_is_named(file: Path) -> None:
    assert "Line 41 holds a NUL byte" in refused(file, f"{HEADER}\n{NEXT * 39}\0\n".encode())


def test_an_empty_file_says_so(file: Path) -> None:
    assert "is empty" in refused(file, b"")
    assert "is empty" not in refused(file, b"\n")


@pytest.mark.parametrize(
    ("header", "problems"),
    [
        (HEADER.replace("phone", "mobile"), ["unknown column: 'mobile'"]),
        (HEADER + ",name,phone", ["unknown column: 'name'", "'phone' twice"]),
        ("phone,language,basis", ["lacks the column 'consent_at'", "lacks the column 'consent_source'"]),
        ("language,basis,consent_at,consent_source", ["lacks both 'phone' and 'email'"]),
        ("phone,language,basis,consent_at,consent_source,lat", ["one of 'lat' and 'lon'"]),
        (HEADER.replace(",", ";"), ["separated by commas"]),
        (HEADER.replace(",", "\t"), ["separated by commas"]),
        (LINE, ["unknown column: '+15035550101'", "lacks the column 'language'"]),
    ],
)
def test_a_header_is_refused_with_all_that_is_wrong(file: Path, header: str, problems: list[str]) -> None:
    said = refused(file, f"{header}\n{LINE}\n".encode())
    assert all(problem in said for problem in problems), said


def test_a_file_that_is_no_list_does_not_fill_the_memory(file: Path) -> None:
    assert "longer than" in refused(file, b"x" * (LINE_MAX * 3))
    assert "carriage returns only" in refused(file, f"{HEADER}\r{NEXT_OLD * 400}".encode())


def test_a_file_that_changes_while_it_is_read_is_refused(file: Path) -> None:
    file.write_text(f"{HEADER}\n{LINE}\n{LINE}\n", "utf-8")
    sheet = inspect(file)
    file.write_bytes(file.read_bytes().replace(b"form", b"f\xfcrm"))
    with pytest.raises(BadFile, match="changed while it was read: line 2"):
        list(rows(sheet))


def test_a_file_that_is_not_there_is_an_error_of_the_system(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect(file)


def test_what_they_agreed_to_may_be_told_with_its_version(file: Path) -> None:
    (row,) = read(file, f'{HEADER},consent_terms,consent_words\n{LINE},2014-05,"Yes, text me"\n')
    assert row.cells == (*CELLS[:-2], "Yes, text me", "2014-05")
