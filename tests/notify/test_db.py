"""One writer, many readers: what is promised of a power cut, of a failing neighbour, and of who may write."""

import asyncio
import os
import stat
import threading
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from notify import schema
from notify.db import GROUP_LIMIT, READERS, Database, engine_for, went_away

WAIT_S = 60


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"
    engine = engine_for(url)
    schema.migrate(engine)
    engine.dispose()
    return url


def open_incident(incident_id: str) -> Any:
    query = text("INSERT INTO incident (incident_id, hazard, opened_at) VALUES (:id, 'flood', '2014-05-23 15:15:00+00:00')")
    return lambda conn: conn.execute(query, {"id": incident_id}).rowcount


def incidents(db: Database) -> set[str]:
    return set(db.read_now(lambda conn: conn.execute(text("SELECT incident_id FROM incident")).scalars().all()))


class Gate:
    """Holds every writer of a database until it is opened, so that what is queued meanwhile shares a transaction."""

    def __init__(self, db: Database) -> None:
        self._open = threading.Event()
        writers = 1 if db.sqlite else len(db._writers)
        entered = threading.Barrier(writers + 1)

        def hold(_: Connection) -> None:
            entered.wait(WAIT_S)
            self._open.wait(WAIT_S)

        self.held: list[Future[None]] = []
        for _ in range(writers):
            # One at a time, so that each is taken by a writer of its own and none shares a group.
            self.held.append(db.submit(hold))
            while not db._jobs.empty():
                threading.Event().wait(0.001)
        entered.wait(WAIT_S)

    def open(self) -> None:
        self._open.set()
        for one in self.held:
            one.result(WAIT_S)


def test_sqlite_is_set_to_survive_a_power_cut(sqlite: str) -> None:
    db = Database(sqlite)
    found = db.write_now(
        lambda conn: [
            conn.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    )
    db.close()
    assert found == ["wal", 2, 1, 5_000]


def test_a_new_file_and_its_journal_can_be_read_by_this_account_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with closing(Database(f"sqlite:///{tmp_path / 'new.db'}")) as db:
            db.write_now(lambda conn: conn.exec_driver_sql("CREATE TABLE told (id INTEGER)"))
            rights = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert rights == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


def test_the_reader_cannot_write(db: Database) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
        db.read_now(open_incident("AAAAA"))
    assert incidents(db) == set()


def test_what_failed_is_undone_and_its_neighbours_are_not(db: Database) -> None:
    db.write_now(open_incident("TWICE"))

    def fail(conn: Connection) -> None:
        open_incident("GONE")(conn)
        raise ValueError("this one fails")

    gate = Gate(db)
    jobs = [
        db.submit(work) for work in (open_incident("A"), fail, open_incident("B"), open_incident("TWICE"), open_incident("C"))
    ]
    gate.open()
    assert [type(job.exception(WAIT_S)) for job in jobs] == [type(None), ValueError, type(None), IntegrityError, type(None)]
    assert incidents(db) == {"A", "B", "C", "TWICE"}


def test_one_that_fails_alone_is_undone_too(db: Database) -> None:
    def fail(conn: Connection) -> None:
        open_incident("GONE")(conn)
        raise ValueError("this one fails")

    with pytest.raises(ValueError, match="this one fails"):
        db.write_now(fail)
    assert incidents(db) == set()


def test_nobody_is_told_before_the_commit(sqlite: str) -> None:
    db, other = Database(sqlite), Database(sqlite)
    seen: list[set[str]] = []
    jobs: list[Future[int]] = []
    gate = Gate(db)
    first = db.submit(open_incident("A"))
    last = db.submit(lambda conn: (seen.append(incidents(other)), first.done()))
    gate.open()
    _, told_early = last.result(WAIT_S)
    assert told_early is False and seen == [set()], "the first piece of a group waits for the commit of all"
    assert first.result(WAIT_S) == 1 and incidents(other) == {"A"}
    assert jobs == []
    db.close()
    other.close()


def test_a_commit_that_fails_is_told_to_everybody_in_the_group(sqlite: str) -> None:
    db = Database(sqlite)
    gate = Gate(db)
    good = db.submit(open_incident("A"))
    bad = db.submit(lambda conn: conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON") and orphan(conn))
    gate.open()
    assert isinstance(good.exception(WAIT_S), IntegrityError)
    assert isinstance(bad.exception(WAIT_S), IntegrityError)
    assert incidents(db) == set()
    assert db.write_now(open_incident("B")) == 1, "and the writer goes on"
    db.close()


def orphan(conn: Connection) -> None:
    """A row whose foreign key is only looked at by the commit."""
    conn.execute(
        text("""
        INSERT INTO alert (alert_id, incident_id, stage, hazard, status, content, version, author, last_editor, reason,
                           ended_why, created_at, changed_at)
        VALUES ('X-1', 'NOBODY', 'first', 'flood', 'draft', '{}', 1, 'a', 'a', '', '', '2014-05-23', '2014-05-23')""")
    )


def test_more_than_a_group_at_once_all_arrive(db: Database) -> None:
    gate = Gate(db)
    jobs = [db.submit(open_incident(f"I{number}")) for number in range(GROUP_LIMIT * 2 + 5)]
    gate.open()
    assert [job.result(WAIT_S) for job in jobs] == [1] * len(jobs)
    assert len(incidents(db)) == len(jobs)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_postgresql_no_two_pieces_of_work_hold_their_locks_together(db: Database) -> None:
    """A send of 5,000 took twice as long: claims, outcomes and reports that shared transactions met in deadlocks."""
    gate = Gate(db)
    jobs = [db.submit(lambda conn: conn.execute(text("SELECT txid_current()")).scalar_one()) for _ in range(40)]
    gate.open()
    assert len({job.result(WAIT_S) for job in jobs}) == len(jobs)


def test_closing_finishes_what_is_queued(database_url: str) -> None:
    db = Database(database_url)
    jobs = [db.submit(open_incident(f"I{number}")) for number in range(100)]
    db.close()
    assert all(job.done() for job in jobs)


async def test_whoever_gives_up_waiting_does_not_stop_the_writer(db: Database) -> None:
    gate = Gate(db)
    waiting = asyncio.create_task(db.write(open_incident("A")))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await db.write(open_incident("B")) == 1


def test_errors_name_no_values(db: Database) -> None:
    """They are logged, and a value may be an address."""
    db.write_now(open_incident("SECRET-VALUE"))
    with pytest.raises(IntegrityError) as failed:
        db.write_now(open_incident("SECRET-VALUE"))
    assert "SECRET-VALUE" not in str(failed.value).split("[SQL:")[-1]


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_two_that_wait_for_each_other_both_get_through(db: Database) -> None:
    for name in ("A", "B"):
        db.write_now(open_incident(name))
    both = threading.Barrier(2, timeout=WAIT_S)
    begun = threading.Event()
    tries: list[str] = []

    def take(first: str, second: str) -> Any:
        def work(conn: Connection) -> str:
            tries.append(first)
            begun.set()
            change = text("UPDATE incident SET hazard = 'taken' WHERE incident_id = :id")
            conn.execute(change, {"id": first})
            if len(tries) <= 2:
                both.wait()
            conn.execute(change, {"id": second})
            return first

        return work

    jobs = [db.submit(take("A", "B"))]
    assert begun.wait(WAIT_S), "each must have a transaction of its own"
    jobs.append(db.submit(take("B", "A")))
    assert [job.result(WAIT_S) for job in jobs] == ["A", "B"]
    assert len(tries) >= 3


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_process_that_freezes_in_a_transaction_loses_it_and_its_locks_and_can_go_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify.db.IDLE_MS", 200)
    with closing(Database(database_url)) as frozen:
        frozen.write_now(open_incident("A"))
        change = text("UPDATE incident SET hazard = :hazard WHERE incident_id = 'A'")

        def freeze(conn: Connection) -> None:
            conn.execute(change, {"hazard": "frozen"})
            with closing(Database(database_url)) as other:
                other.write_now(lambda conn: conn.execute(change, {"hazard": "other"}))  # waits for the lock, and gets it
            conn.execute(change, {"hazard": "late"})

        with pytest.raises(DBAPIError) as lost:
            frozen.write_now(freeze)
        assert went_away(lost.value)
        said = frozen.write_now(lambda conn: conn.execute(text("SELECT hazard FROM incident")).scalar_one())
        assert said == "other"


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("beside", [0, 2])
def test_work_that_stood_still_too_long_between_two_statements_is_done_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch, beside: int
) -> None:
    """As an alert's texts in twelve languages did on a machine with too much to do: its author was told to try again."""
    monkeypatch.setattr("notify.db.IDLE_MS", 200)
    with closing(Database(database_url)) as db:
        sessions: list[int] = []

        def slow(conn: Connection) -> int:
            sessions.append(conn.execute(text("SELECT pg_backend_pid()")).scalar_one())
            if len(sessions) == 1:
                with closing(psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True)) as other:
                    while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (sessions[0],)).fetchone():
                        pass  # until the server has ended the session
            return open_incident("SLOW")(conn)

        gate = Gate(db)
        jobs = [db.submit(slow), *(db.submit(open_incident(f"I{number}")) for number in range(beside))]
        gate.open()
        assert [job.result(WAIT_S) for job in jobs] == [1] * (beside + 1)
        assert incidents(db) == {"SLOW", *(f"I{number}" for number in range(beside))}
        assert len(set(sessions)) == 2


def test_an_error_that_is_no_deadlock_is_not_tried_again(db: Database) -> None:
    tries = []

    def fail(conn: Connection) -> None:
        tries.append(1)
        conn.execute(text("SELECT * FROM no_such_table"))

    with pytest.raises((OperationalError, DBAPIError)):
        db.write_now(fail)
    assert tries == [1]


async def test_reads_inside_reads_wait_for_no_connection_that_another_of_them_holds(db: Database) -> None:
    everybody = threading.Barrier(READERS)

    def outer(conn: Connection) -> int:
        everybody.wait(WAIT_S)  # every connection is taken
        return db.read_now(lambda inner: int(inner.execute(text("SELECT 1")).scalar_one()))

    assert await asyncio.gather(*(db.read(outer) for _ in range(READERS))) == [1] * READERS
