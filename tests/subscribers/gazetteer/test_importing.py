"""A city's file becomes the gazetteer: every bad row named, nothing half done, others' writes never kept waiting."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from notify.db import Database
from subscribers.gazetteer import importing
from subscribers.gazetteer.address import street
from subscribers.gazetteer.crossings import HOUSE
from subscribers.gazetteer.importing import Imported, TakenOver
from subscribers.gazetteer.rows import STREET_MAX, Fault, Row, rows, shown
from subscribers.gazetteer.search import Gazetteer
from subscribers.gazetteer.streetmap import EDITION, STREET
from subscribers.sheet import LINE_MAX, BadFile
from tests.subscribers.gazetteer.gazetteer_factory import BOX, a_file, a_row


def silent(done: int, total: int) -> None:
    assert 0 <= done <= total


def taken(db: Database, path: Path) -> Imported:
    return importing.import_file(path, db.writer.begin, BOX, silent)


def counted(db: Database) -> tuple[int, ...]:
    """Editions, streets and houses in the database."""
    return db.read_now(
        lambda conn: tuple(conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (EDITION, STREET, HOUSE))
    )


def finds(db: Database, text: str) -> bool:
    return db.read_now(lambda conn: bool(Gazetteer().addresses(conn, text, ())))


def one(folder: Path, row: str) -> Row | Fault:
    (read,) = rows(a_file(folder, [row]), BOX, silent)
    return read


def why(folder: Path, row: str) -> str:
    read = one(folder, row)
    assert isinstance(read, Fault) and read.line == 2
    return read.why


def test_bad_rows_are_named_and_the_others_kept(db: Database, tmp_path: Path) -> None:
    good = [a_row(1120), a_row(1124), a_row(20, "SE Foster Rd"), a_row(24, "SE Foster Rd")]
    bad = ["12x4z,SW 5th Ave,9720,45.515,-122.68", "7,,97204,-122.68,45.515"]
    path = a_file(tmp_path, [good[0], *bad, *good[1:], good[1], ""])
    found = taken(db, path)
    assert (found.rows, found.houses, found.streets, found.bad, found.duplicates, found.units) == (7, 4, 2, 2, 1, 0)
    assert [note.partition(":")[0] for note in found.notes] == ["Line 3", "Line 4", "Line 8"]
    assert "'12x4z' is not a house number" in found.notes[0] and "five-digit ZIP" in found.notes[0]
    assert "not the name of a street" in found.notes[1] and "swapped" in found.notes[1]
    assert found.notes[2] == "Line 8: 1124 SW 5th Ave 97204 is in line 5 already."
    assert counted(db) == (1, 2, 4)


def test_a_dry_run_says_the_same_and_writes_nothing(db: Database, tmp_path: Path) -> None:
    path = a_file(tmp_path, [a_row(1120), a_row(1120), a_row(1124), "x"])
    dry = importing.survey(path, BOX, silent)
    assert counted(db) == (0, 0, 0)
    assert dry == taken(db, path)


def test_homes_of_one_house_are_no_duplicates(db: Database, tmp_path: Path) -> None:
    rows_of = [f"{a_row()},{unit}" for unit in ("1", "2", "")]
    found = taken(db, a_file(tmp_path, rows_of, "number,street,zip,lat,lon,unit"))
    assert (found.houses, found.units, found.duplicates) == (1, 1, 1)


def test_columns_come_in_any_order_and_case_beside_others(tmp_path: Path) -> None:
    header = "\ufeffOBJECTID,LON,Lat,Street,Number,ZIP,note"
    path = a_file(tmp_path, ['17,-122.68,45.5,"SW 5th Ave",1120,97204,"a, b"'], header)
    (read,) = rows(path, BOX, silent)
    assert isinstance(read, Row)
    assert (read.number, read.way, read.zip, read.lat, read.lon) == ("1120", ("SW", "5", "Ave"), "97204", 45.5, -122.68)


@pytest.mark.parametrize(
    ("number", "kept"),
    [("0123", "0123"), ("1120A", "1120"), ("1120-A", "1120"), ("1120-1124", "1120"), ("12 1/2", "12"), (" 7 ", "7")],
)
def test_a_house_number_keeps_its_zeros_and_loses_its_letters(tmp_path: Path, number: str, kept: str) -> None:
    read = one(tmp_path, a_row(number))
    assert isinstance(read, Row) and read.number == kept


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (a_row(""), "'' is not a house number."),
        (a_row(0), "'0' is not a house number."),
        (a_row(-5), "'-5' is not a house number."),
        (a_row(1234567), "'1234567' is not a house number."),
        (a_row(street="  "), "'' is not the name of a street."),
        (a_row(street="S" * (STREET_MAX + 1)), "longer than 40 letters"),
        (a_row(street="SW \x07 Ave"), "control characters"),
        (a_row(code="9720"), "five-digit ZIP"),
        (a_row(lat=12.0), "outside the city's envelope"),
        (a_row(lon=122.677), "minus sign"),
        (a_row(lat=-122.677, lon=45.515), "swapped"),
        ("1120,SW 5th Ave,97204,north,-122.6", "decimal degrees"),
        ("1120,SW 5th Ave,97204,nan,-122.6", "numbers"),
        ("1120,SW 5th Ave,97204,45.5", "4 cells; the header names 5"),
        ('1120,"SW 5th Ave,97204,45.5,-122.6', "quotation mark"),
    ],
)
def test_a_bad_row_says_what_is_wrong_with_it(tmp_path: Path, row: str, said: str) -> None:
    assert said in why(tmp_path, row)


def test_a_quote_left_open_spoils_its_own_row_only(tmp_path: Path) -> None:
    read = list(rows(a_file(tmp_path, ['1,"SW 5th Ave,97204,45.5,-122.6', a_row(3), a_row(5)]), BOX, silent))
    assert [type(row) for row in read] == [Fault, Row, Row]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"number,street\n1,x\n", "lacks the column 'zip'"),
        (b"number,street,zip,lat,lon,lon\n", "'lon' twice"),
        (b"number,street,zip,lat,lon\n1,\xe9 St,97204,45.5,-122.6\n", "Line 2 is not UTF-8"),
        (b"\xff\xfen\x00", "UTF-8"),
        (b"number,street,zip,lat,lon\n1,\0,97204,45.5,-122.6\n", "NUL"),
        (b"number,street,zip,lat,lon\n" + b"x" * (LINE_MAX + 1), "longer than"),
        (b"number,street,zip,lat,lon\n", "Only 0 of 0 rows"),
        (b"number,street,zip,lat,lon\n1,A St,97204,45.5,-122.6\nx\n", "Only 1 of 2 rows"),
    ],
)
def test_a_file_of_no_use_leaves_the_gazetteer_as_it_was(db: Database, tmp_path: Path, content: bytes, said: str) -> None:
    taken(db, a_file(tmp_path, [a_row()]))
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=said):
        taken(db, path)
    assert finds(db, "1120 SW 5th Ave") and counted(db) == (1, 1, 1)


def test_a_file_that_is_not_there_changes_nothing(db: Database, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        taken(db, tmp_path / "nowhere.csv")
    assert counted(db) == (0, 0, 0)


def test_a_file_replaces_the_one_before(db: Database, tmp_path: Path) -> None:
    taken(db, a_file(tmp_path, [a_row(), a_row(20, "SE Foster Rd")]))
    taken(db, a_file(tmp_path, [a_row(20, "N Lombard St")]))
    assert counted(db) == (1, 1, 1)
    assert finds(db, "20 N Lombard St") and not finds(db, "1120 SW 5th Ave")


class Crash(Exception):
    pass


def crashing(db: Database, left: int) -> Callable[[], AbstractContextManager[Connection]]:
    """Opens so many transactions, then the process is gone."""
    opened = iter(range(left))

    @contextmanager
    def begin() -> Iterator[Connection]:
        if next(opened, None) is None:
            raise Crash
        with db.writer.begin() as conn:
            yield conn

    return begin


def test_a_crash_anywhere_leaves_the_old_gazetteer_or_the_new_one(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    old = a_file(tmp_path, [a_row()])
    taken(db, old)
    new = tmp_path / "new.csv"
    new.write_text(a_file(tmp_path, [a_row(number, "N Lombard St") for number in range(20, 27)]).read_text())
    done = False
    for left in range(40):
        try:
            importing.import_file(new, crashing(db, left), BOX, silent)
            done = True
        except Crash:
            assert finds(db, "1120 SW 5th Ave") != finds(db, "20 N Lombard St"), left
            assert db.read_now(lambda conn: len(Gazetteer().addresses(conn, "26 N Lombard St", ()))) == finds(
                db, "20 N Lombard St"
            )
        if done:
            break
        taken(db, a_file(tmp_path, [a_row()]))
        assert counted(db) == (1, 1, 1), "what the crash left is gone"
    assert done and counted(db) == (1, 1, 7)


def test_of_two_imports_at_once_the_later_one_wins_and_the_other_says_so(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(a_file(tmp_path, [a_row(number) for number in range(20, 30)]).read_text())
    second.write_text(a_file(tmp_path, [a_row(20, "N Lombard St")]).read_text())
    opened = 0

    @contextmanager
    def begin() -> Iterator[Connection]:
        nonlocal opened
        opened += 1
        if opened == 6:  # in the middle of the first
            taken(db, second)
        with db.writer.begin() as conn:
            yield conn

    with pytest.raises(TakenOver, match="changed nothing"):
        importing.import_file(first, begin, BOX, silent)
    assert finds(db, "20 N Lombard St") and not finds(db, "20 SW 5th Ave")
    taken(db, second)
    assert counted(db) == (1, 1, 1)


def test_rows_are_written_in_batches_and_progress_is_told(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    monkeypatch.setattr("subscribers.gazetteer.rows.TOLD_EVERY", 2)
    path, told, batches = a_file(tmp_path, [a_row(number) for number in range(20, 30)]), [], []

    @contextmanager
    def begin() -> Iterator[Connection]:
        with db.writer.begin() as conn:
            yield conn
            batches.append(conn.execute(select(func.count()).select_from(HOUSE)).scalar_one())

    importing.import_file(path, begin, BOX, lambda done, total: told.append((done, total)))
    assert max(after - before for before, after in zip([0, *batches], batches, strict=False)) == 3
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert told == sorted(told) and len(told) > 3


def test_no_more_notes_are_kept_than_anybody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_NOTES", 3)
    found = importing.survey(a_file(tmp_path, ["x"] * 10), BOX, silent)
    assert len(found.notes) == 3 and found.bad == 10


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("SW 5TH AVE", "SW 5th Ave"),
        ("  SW  5th   Ave ", "SW 5th Ave"),
        ("NE MARTIN LUTHER KING JR BLVD", "NE Martin Luther King Jr Blvd"),
        ("SE 82nd Ave", "SE 82nd Ave"),
        ("NORTH ST", "North St"),
    ],
)
def test_a_street_shouted_by_the_file_is_said_calmly(written: str, read: str) -> None:
    assert shown(written) == read


@given(st.text(max_size=30))
def test_a_street_said_calmly_is_still_the_same_street(written: str) -> None:
    assert street(shown(written)) == street(written)


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.sampled_from(["SW 5th Ave", "SE 5th Ave", "sw fifth avenue"]), st.booleans()),
        max_size=40,
    )
)
def test_every_row_is_counted_once(tmp_path_factory: pytest.TempPathFactory, some: list[tuple[int, str, bool]]) -> None:
    lines = [a_row(number, name) if good else f"?,{name},97204,45.5,-122.6" for number, name, good in some]
    found = importing.survey(a_file(tmp_path_factory.mktemp("rows"), lines), BOX, silent)
    kept = {(number, name.casefold().replace("fifth avenue", "5th ave")) for number, name, good in some if good}
    assert found.houses == len(kept)
    assert found.rows == len(some) == found.houses + found.bad + found.duplicates + found.units
    assert found.bad == sum(1 for *_, good in some if not good)
