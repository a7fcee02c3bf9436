from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlmodel import col, select

from notify.db import Database
from surge.contact import Standing
from surge.floor import contacts
from surge.floor.board import Board
from surge.floor.callback import Promise
from surge.floor.journal import Journal, Kept, Line, read
from surge.tables import CallbackRow, ContactEventRow, ContactRow
from tests.surge.floor_factory import NOON, a_call, a_letter, ready, rules

CALLER = "ab" * 16


def an_hour(path: Path) -> tuple[Board, str, list[Line]]:
    journal, board = Journal(path), Board(rules())
    journal.open()
    for number in range(5):
        journal.append(board.arrive(a_call(f"c{number}", caller=CALLER), NOON))
        journal.append(board.move(f"c{number}", Standing.QUEUEING, NOON + timedelta(seconds=number)))
    journal.append(board.arrive(a_letter(), NOON))
    journal.append(board.book("c4", Promise(begins=NOON, ends=NOON + timedelta(hours=1)), NOON))
    journal.append(ready(board))
    journal.append(board.ended("c1", NOON + timedelta(minutes=1)))
    journal.close()
    kept = Kept()
    return board, journal.name, list(read(path, kept))


def in_the_tables(db: Database) -> tuple[dict[str, tuple[str, int]], int, list[str]]:
    rows = db.read_now(lambda conn: list(conn.execute(select(ContactRow.contact_id, ContactRow.standing, ContactRow.seq))))
    events = db.read_now(lambda conn: len(list(conn.execute(select(ContactEventRow.seq)))))
    states = db.read_now(lambda conn: [row.state for row in conn.execute(select(col(CallbackRow.state)))])
    return {row.contact_id: (row.standing, row.seq) for row in rows}, events, states


def test_what_the_journal_says_is_in_the_tables(db: Database, tmp_path: Path) -> None:
    board, name, lines = an_hour(tmp_path / "floor.journal")
    assert db.write_now(partial(contacts.write, name=name, lines=lines)) == lines[-1].ends
    rows, events, states = in_the_tables(db)
    assert rows == {key: (one.contact.standing, one.contact.seq) for key, one in board.books.records.items()}
    assert events == sum(one.contact.seq for one in board.books.records.values())
    assert states == ["holding"]
    assert db.read_now(contacts.position) == (name, lines[-1].ends)


def test_each_turn_is_written_once_in_whatever_batches_and_after_whatever_crash(db: Database, tmp_path: Path) -> None:
    board, name, lines = an_hour(tmp_path / "floor.journal")
    for start, end in ((0, 3), (0, 3), (2, 7), (5, len(lines)), (0, len(lines))):
        db.write_now(partial(contacts.write, name=name, lines=lines[start:end]))
    rows, events, _ = in_the_tables(db)
    assert rows == {key: (one.contact.standing, one.contact.seq) for key, one in board.books.records.items()}
    assert events == sum(one.contact.seq for one in board.books.records.values())


def test_a_batch_that_fails_leaves_no_trace(db: Database, tmp_path: Path) -> None:
    _, name, lines = an_hour(tmp_path / "floor.journal")

    def fails(conn: object) -> None:
        contacts.write(conn, name, lines)  # type: ignore[arg-type]
        raise OSError("the power is gone")

    try:
        db.write_now(fails)
    except OSError:
        pass
    assert in_the_tables(db) == ({}, 0, []) and db.read_now(contacts.position) == ("", 0)


def test_a_renewed_journal_goes_on_where_the_old_one_ended(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "floor.journal"
    board, name, lines = an_hour(path)
    db.write_now(partial(contacts.write, name=name, lines=lines))
    journal = Journal(path)
    journal.open()
    journal.renew({"record": board.books.records, "callback": board.books.callbacks})
    journal.append(board.ended("c2", NOON + timedelta(minutes=2)))
    journal.close()
    again = list(read(path, kept := Kept()))
    db.write_now(partial(contacts.write, name=kept.name, lines=again))
    rows, events, _ = in_the_tables(db)
    assert rows["c2"][0] == "abandoned"
    assert events == sum(one.contact.seq for one in board.books.records.values())
