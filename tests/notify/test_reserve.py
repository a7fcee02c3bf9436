"""A full disk is told from every other fault, and what was kept for it is given back once and made again."""

import errno
import logging
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from notify import reserve
from notify.db import Database
from notify.full_disk import no_room
from notify.readiness import house
from notify.readiness.findings import Verdict
from notify.reserve import MB, Caller, Reserve, reserves, size_on
from notify.settings import load
from tests.notify.test_db import Gate, open_incident

Usage = namedtuple("Usage", "total used free")
SPARE_PAGES = 3


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Says how many bytes the disk has free from now on."""

    def set_free(count: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000 * MB, 0, count))

    return set_free


def big(conn: Connection) -> None:
    conn.execute(text("CREATE TABLE big (x BLOB)"))
    conn.execute(text("INSERT INTO big VALUES (zeroblob(1000000))"))


def cramp(db: Database, pages: int) -> None:
    """From now on the database has room for so many pages more."""
    with closing(db.writer.raw_connection()) as connection:
        (now,) = connection.cursor().execute("PRAGMA page_count").fetchone()
        connection.cursor().execute(f"PRAGMA max_page_count = {now + pages}")


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (OSError("disk full"), False),
        (OperationalError("UPDATE", {}, Exception("disk full")), False),
        (ValueError("no room"), False),
        (None, False),
    ],
)
def test_a_full_disk_is_told_by_its_code_and_not_by_its_words(error: BaseException | None, full: bool) -> None:
    assert no_room(error) is full


def test_what_both_databases_say_of_a_full_disk_is_understood(db: Database) -> None:
    if db.sqlite:
        cramp(db, 0)
        with pytest.raises(OperationalError) as raised:
            db.write_now(big)
    else:
        with pytest.raises(OperationalError) as raised:
            db.write_now(lambda conn: conn.execute(text("DO $$ BEGIN RAISE disk_full; END $$")))
    assert no_room(raised.value)
    with pytest.raises(DBAPIError) as other:
        db.write_now(lambda conn: conn.execute(text("SELECT nothing")))
    assert not no_room(other.value)


def test_work_that_finds_the_disk_full_is_done_in_the_room_given_back_and_nobody_notices(store: Database) -> None:
    asked: list[BaseException] = []

    def relieve(error: BaseException) -> bool:
        asked.append(error)
        cramp(store, 1_000)
        return True

    cramp(store, 0)
    store.relief = relieve
    store.write_now(big)
    assert len(asked) == 1 and no_room(asked[0])
    with pytest.raises(IntegrityError):
        store.write_now(lambda conn: conn.execute(text("INSERT INTO incident (incident_id) VALUES (NULL)")))
    assert len(asked) == 1, "nothing else asks for it"


def test_work_that_needs_more_than_there_is_takes_no_neighbours_stop_with_it(store: Database) -> None:
    cramp(store, SPARE_PAGES)
    gate = Gate(store)
    small, large, last = (store.submit(work) for work in (open_incident("AAAAA"), big, open_incident("BBBBB")))
    gate.open()
    assert small.result(60) == last.result(60) == 1
    error = large.exception(60)
    assert no_room(error), error
    found = store.read_now(lambda conn: set(conn.execute(text("SELECT incident_id FROM incident")).scalars()))
    assert found == {"AAAAA", "BBBBB"}


def test_a_neighbour_of_what_found_no_room_is_done_once(store: Database) -> None:
    """Of a statement about several rows SQLite undoes that statement alone."""

    def several(conn: Connection) -> None:
        rows = "SELECT x FROM (SELECT 1 AS x UNION SELECT 2)"
        conn.execute(text(f"INSERT INTO kept (x, more) SELECT x, zeroblob(1000000) FROM ({rows})"))

    store.write_now(lambda conn: conn.execute(text("CREATE TABLE kept (x INTEGER NOT NULL UNIQUE, more BLOB)")))
    cramp(store, SPARE_PAGES)
    gate = Gate(store)
    one, refused = store.submit(open_incident("AAAAA")), store.submit(several)
    gate.open()
    assert one.result(60) == 1 and no_room(refused.exception(60))


async def test_a_look_whether_the_ledger_can_be_written_writes(store: Database) -> None:
    def changes() -> int:
        with closing(sqlite3.connect(store.url.removeprefix("sqlite:///"))) as connection:
            return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])

    before = changes()
    await store.check()
    assert changes() != before


@pytest.mark.parametrize(
    ("total_mb", "wanted_mb", "kept_mb"),
    [(1_000_000, 64, 64), (1_024, 64, 64), (512, 64, 32), (32, 64, 2), (15, 64, 0), (512, 0, 0)],
)
def test_a_small_disk_keeps_less(total_mb: int, wanted_mb: int, kept_mb: int) -> None:
    assert size_on(total_mb * MB, wanted_mb) == kept_mb * MB


def test_it_is_real_room_given_back_once_and_made_again_when_there_is_plenty(
    tmp_path: Path, free: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one = Reserve(tmp_path, 2 * MB)
    free(4 * MB - 1)
    one.look()
    assert one.missing and "at 4 MB the reserve of 2 MB is kept again" in one.problem()
    free(4 * MB)
    one.look()
    assert not one.missing and not one.problem()
    assert one.file.stat().st_blocks * 512 >= 2 * MB and one.file.stat().st_mode & 0o777 == 0o600
    free(0)
    assert not one.relieve(OSError(errno.EIO, "not this")) and not one.missing
    assert one.relieve(OSError(errno.ENOSPC, "this")) and not one.file.exists()
    assert not one.relieve(OSError(errno.ENOSPC, "again")), "there is nothing left to give"
    one.look()
    assert one.missing
    free(4 * MB)
    one.look()
    assert not one.missing
    (loud,) = [line for line in caplog.records if line.levelno >= logging.ERROR]
    assert "docs/operations.md#disk-full" in loud.getMessage()
    assert [line.getMessage() for line in caplog.records if line.levelno == logging.INFO] == [
        "2 MB of the disk are kept in reserve"
    ] * 2


def test_it_is_given_back_before_anything_fails(tmp_path: Path, free: Callable[[int], None]) -> None:
    one = Reserve(tmp_path, 8 * MB)
    free(16 * MB)
    one.look()
    free(MB)
    one.look()
    assert not one.missing
    free(MB - 1)
    one.look()
    assert one.missing


def test_where_none_is_wanted_none_is_missing(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(1_000 * MB)
    one = Reserve(tmp_path, 0)
    one.file.write_bytes(bytes(MB))  # of a setting of before
    one.look()
    assert not one.file.exists() and not one.missing and not one.give_back() and one.problem() == ""


def test_a_disk_that_fills_while_it_is_made_keeps_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(reserve.os, "fsync", full)
    one = Reserve(tmp_path, MB)
    one.look()
    assert list(tmp_path.iterdir()) == [] and one.missing


def test_a_database_on_another_disk_has_a_reserve_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, base = tmp_path / "data", tmp_path / "base"
    data.mkdir()
    base.mkdir()
    given = {"mode": "demo", "data_dir": data, "reserve_mb": 64}
    elsewhere = load(**given, database_url=f"sqlite:///{base / 'tocsin.db'}")
    assert [one.folder for one in reserves(elsewhere)] == [data]
    monkeypatch.setattr(reserve, "_device", lambda folder: (folder.stat().st_ino, 1_024 * MB))
    assert [one.folder for one in reserves(elsewhere)] == [data, base]
    assert [one.folder for one in reserves(load(**given, database_url="postgresql+psycopg://nowhere/x"))] == [data]
    assert [one.folder for one in reserves(load(**given))] == [data]
    monkeypatch.undo()
    assert [one.size for one in reserves(load(**(given | {"data_dir": tmp_path / "nowhere"})))] == [0]


def test_the_duty_officer_is_told_once_and_anew_when_it_goes_again(tmp_path: Path) -> None:
    pages: list[str] = []
    one, caller = Reserve(tmp_path, MB), Caller(pages.append)
    for there in (False, False, True, False, False):
        one.file.write_bytes(bytes(MB if there else 0))
        caller.look([one])
    assert len(pages) == 2 and pages[0].startswith("The disk is full, or nearly: ")


def test_the_doctor_fails_without_it(tmp_path: Path) -> None:
    def found(mb: int) -> Verdict:
        return house.reserve(load(mode="demo", data_dir=tmp_path, reserve_mb=mb)).verdict

    assert found(0) is found(1) is Verdict.FAIL
    (tmp_path / reserve.FILE).write_bytes(bytes(MB))
    assert found(1) is Verdict.PASS
