import os
from datetime import timedelta
from pathlib import Path

import pytest

from surge.contact import Standing
from surge.floor.board import Board
from surge.floor.callback import Promise
from surge.floor.journal import Held, Journal, Kept, read
from surge.floor.queue import Head
from surge.floor.records import Surge
from surge.voice.voice_call import Call, Step
from tests.surge.floor_factory import NOON, a_call, a_letter, a_partner, ready, rules

RULES = rules(partners=(a_partner(),))


def an_hour(journal: Journal) -> Board:
    """A bit of everything, written as it goes."""
    board = Board(RULES)
    journal.append(board.activate(Surge(activation_id="s1", drill=True), NOON))
    for number in range(6):
        arrival = a_call(f"c{number}", head=Head.VULNERABLE if number == 2 else Head.NONE)
        journal.append(
            board.arrive(arrival, NOON), {arrival.contact_id: Call(call_sid=f"CA{number}", contact_id="c", step=Step.ZIP)}
        )
        journal.append(board.move(f"c{number}", Standing.QUEUEING, NOON + timedelta(seconds=number)))
    journal.append(board.arrive(a_letter(), NOON))
    journal.append(board.book("c0", Promise(begins=NOON, ends=NOON + timedelta(hours=1)), NOON))
    journal.append(board.forward("c1", "county", NOON))
    journal.append(ready(board))
    journal.append(ready(board, "a2", has_line=False))
    journal.append(board.take_next("a2", NOON))
    journal.append(board.ended("c3", NOON + timedelta(minutes=1)))
    return board


def books_of(board: Board) -> tuple[object, ...]:
    books = board.books
    return books.records, books.seats, books.reservations, books.callbacks, books.uses, books.surge, list(books.line)


def test_after_a_kill_the_books_are_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "floor.journal")
    journal.open()
    board = an_hour(journal)
    os_left_it = (tmp_path / "floor.journal").read_bytes()
    journal.close()
    (tmp_path / "copy.journal").write_bytes(os_left_it)
    again = Board(RULES)
    kept = Journal(tmp_path / "copy.journal").open()
    again.load(kept.entities)
    assert books_of(again) == books_of(board)
    assert again.books.last_seq == board.books.last_seq
    assert kept.entities["call"]["c0"] == Call(call_sid="CA0", contact_id="c", step=Step.ZIP)


def test_a_torn_last_line_is_left_out_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "floor.journal"
    journal = Journal(path)
    journal.open()
    an_hour(journal)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"e":[{"contact_id":"c')
    again = Journal(path)
    kept = again.open()
    assert kept.ends == len(whole) and again.ends == len(whole)
    again.append(Board(RULES).arrive(a_call("late"), NOON))
    again.close()
    found = Kept()
    assert [sorted(line.changed["record"]) for line in read(path, found, len(whole))] == [["late"]]


def test_every_prefix_of_a_journal_gives_books_that_hold(tmp_path: Path) -> None:
    path = tmp_path / "floor.journal"
    journal = Journal(path)
    journal.open()
    an_hour(journal)
    journal.close()
    whole = path.read_bytes()
    for length in range(len(whole.splitlines(keepends=True)[0]), len(whole), 97):
        (tmp_path / "cut.journal").write_bytes(whole[:length])
        cut = Journal(tmp_path / "cut.journal")
        board = Board(RULES)
        board.load(cut.open().entities)
        cut.close()
        board.tick(NOON + timedelta(minutes=5))


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "floor.journal")
    journal.open()
    with pytest.raises(Held):
        Journal(tmp_path / "floor.journal").open()
    journal.close()
    Journal(tmp_path / "floor.journal").open()


def test_a_renewed_journal_holds_what_still_counts_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "floor.journal"
    journal = Journal(path)
    journal.open()
    board = an_hour(journal)
    before, name = path.stat().st_size, journal.name
    journal.renew({"record": board.books.records, "callback": board.books.callbacks})
    journal.append(board.arrive(a_call("c9"), NOON))
    journal.close()
    assert path.stat().st_size < before
    kept = Journal(path).open()
    assert kept.name != name and set(kept.entities["record"]) == set(board.books.records)


def test_a_journal_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "floor.journal").open()
    assert (tmp_path / "floor.journal").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("written", [0, 5])
def test_a_full_disk_leaves_no_half_line_that_would_swallow_later_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path = tmp_path / "floor.journal"
    journal, board = Journal(path), Board(RULES)
    journal.open()
    journal.append(board.arrive(a_call("c1"), NOON))
    whole, write = path.read_bytes(), os.write
    with monkeypatch.context() as full:
        full.setattr("surge.floor.journal.os.write", lambda file, line: write(file, line[:written]))
        with pytest.raises(OSError, match="disk is full"):
            journal.append(board.arrive(a_call("c2"), NOON))
    assert path.read_bytes() == whole
    journal.append(board.arrive(a_call("c3"), NOON))
    journal.close()
    kept = Kept()
    for line in read(path, kept):
        kept.take(line.changed)
    assert set(kept.entities["record"]) == {"c1", "c3"}
