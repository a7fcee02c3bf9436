"""One writer, many readers. Work is a plain function of a Connection; the database runs it in a transaction of its own.

SQLite has one writer thread a process and a second, read-only engine. Its writes are group-committed: whatever waits when a
transaction opens shares its commit (and its fsync), each piece of work under a savepoint, so that one failing piece undoes
only itself. PostgreSQL has a few writer threads, and shares an fsync among them by itself; there each piece has a transaction
of its own. A piece locks its rows in the order of their ids; two pieces in one transaction would not, and would meet others
in deadlocks, each of which stops a writer for a second. A future resolves only after the commit is on disk.
"""

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from notify import primary
from notify.full_disk import no_room

T = TypeVar("T")
Work = Callable[[Connection], T]

GROUP_LIMIT: Final = 64  # pieces of work that may share one commit on SQLite
READERS: Final = 4
POSTGRES_WRITERS: Final = 4
DEADLOCK, STOOD_STILL = "40P01", "25P03"  # PostgreSQL's codes: for a deadlock, for a transaction idle longer than IDLE_MS
TRIES: Final = {DEADLOCK: 5, STOOD_STILL: 2}  # of work that was undone and may well succeed when done again
AGAIN_S: Final = 0.02  # before another try, times the tries so far: in a deadlock, the other one must get its lock first
BUSY_TIMEOUT_MS: Final = 5_000  # how long a statement waits for another process's write before it is an error
IDLE_MS: Final = (
    10_000  # after which PostgreSQL ends the transaction of a process that froze in the middle of one, with its locks
)
# The same where nobody waits for it: readers hold no lock, and `thinks` says of itself that it holds none that a send needs.
THINKING_MS: Final = 120_000


# How soon a database that does not answer any more is noticed (seconds; the last in milliseconds). A URL may say otherwise.
UNREACHED: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}


def connection_settings(url: str) -> dict[str, Any]:
    """How PostgreSQL is connected to. Of several hosts the one that takes writes is used: after a failover, the new one, also
    when the old one comes back (primary.py)."""
    given = make_url(url).query
    settings = UNREACHED | {"target_session_attrs": "read-write"}
    return {name: value for name, value in settings.items() if name not in given}


def is_sqlite(conn: Connection) -> bool:
    return conn.dialect.name == "sqlite"


def thinks(conn: Connection) -> None:
    """To be called by work that thinks for long between its statements, as freezing an alert's texts does: on a machine that is
    too busy, PostgreSQL would take it for frozen. It may hold no lock that a send waits for."""
    if not is_sqlite(conn):
        conn.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {THINKING_MS}")


def of_one_moment(conn: Connection) -> None:
    """To be called before anything else in a transaction: all that it reads is then as it stands at its first question. That of
    SQLite always is."""
    if not is_sqlite(conn):
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def engine_for(url: str, *, read_only: bool = False, size: int = 1) -> Engine:
    """An engine with our settings: WAL and synchronous=FULL on SQLite, checked connections on PostgreSQL. Its errors name no
    values: they are logged, and a value may be an address."""
    shared: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "hide_parameters": True}
    if make_url(url).get_backend_name() != "sqlite":
        idle_ms = THINKING_MS if read_only else IDLE_MS
        session = connection_settings(url) | {"options": f"-c idle_in_transaction_session_timeout={idle_ms}"}
        shared |= {"connect_args": session, "execution_options": {"postgresql_readonly": read_only}}
        several = create_engine(url, pool_pre_ping=True, **shared)
        primary.guard(several)
        return several
    engine = create_engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False}, **shared)
    if not read_only:
        event.listen(engine, "do_connect", lambda *_: _made_for_us_alone(make_url(url).database))

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, in words
        for pragma in _pragmas(read_only):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a write fails at once when somebody else wrote: take the lock first.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _made_for_us_alone(file: str | None) -> None:
    """SQLite would make a file that every account may read; its journal has the rights of the file."""
    if file and file != ":memory:":
        with suppress(OSError):  # there already; or not to be made, which SQLite says in its own words
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _pragmas(read_only: bool) -> list[str]:
    pragmas = [f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "temp_store=MEMORY"]
    if read_only:  # several of them, and what one has read the system keeps for all
        return [*pragmas, "cache_size=-2048", "query_only=ON"]
    # FULL: an accepted alert survives a power cut. NORMAL would not promise that in WAL mode.
    return [*pragmas, "cache_size=-49152", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000"]


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    done: Future[Any]
    result: Any = None
    error: BaseException | None = None
    tries: int = 1


class Database:
    """Opens engines and threads on construction; `close` ends them. Safe to use from any number of tasks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        writers = 1 if self.sqlite else POSTGRES_WRITERS
        self._together = GROUP_LIMIT if self.sqlite else 1
        self.writer = engine_for(url, size=writers)
        self.reader = engine_for(url, read_only=True, size=READERS)
        self.relief: Callable[[BaseException], bool] = lambda _: False  # of a full disk: whether work may be tried again
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reading = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writers = [
            threading.Thread(target=self._write_forever, name=f"write-{number}", daemon=True) for number in range(writers)
        ]
        for thread in self._writers:
            thread.start()

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queues work for the writer; the future resolves after its commit."""
        job = _Job(work, Future())
        self._jobs.put(job)
        return cast("Future[T]", job.done)

    async def write(self, work: Work[T]) -> T:
        """Runs work in a transaction; returns after the commit. Raises what the work raised (and nothing was written)."""
        return await asyncio.wrap_future(self.submit(work))

    async def check(self) -> None:
        """Raises what a write would. On SQLite it is one, of a number that nobody reads: else a full disk is not noticed."""
        await self.write(lambda conn: conn.exec_driver_sql("PRAGMA user_version = 0" if self.sqlite else "SELECT 1"))

    async def read(self, work: Work[T]) -> T:
        """Runs work on a read-only connection, in one snapshot on SQLite."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def write_now(self, work: Work[T]) -> T:
        """As `write`, for commands without an event loop."""
        return self.submit(work).result()

    def read_now(self, work: Work[T]) -> T:
        """Inside another read of this thread it goes on with that one's connection: readers that each held one and waited for
        another would wait for ever."""
        held: Connection | None = getattr(self._reading, "conn", None)
        if held is not None:
            return work(held)
        with self.reader.begin() as conn:
            self._reading.conn = conn
            try:
                return work(conn)
            finally:
                self._reading.conn = None

    def close(self) -> None:
        """Finishes what is queued, then disconnects."""
        for _ in self._writers:
            self._jobs.put(None)
        for thread in self._writers:
            thread.join()
        self._readers.shutdown()
        self.writer.dispose()
        self.reader.dispose()

    def _write_forever(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs = [first]
            while len(jobs) < self._together:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:  # closing: this group first, then the end
                    self._jobs.put(None)
                    break
                jobs.append(job)
            self._run_group(jobs)

    def _run_group(self, jobs: Sequence[_Job]) -> None:
        try:
            with self.writer.begin() as conn:
                for job in jobs:
                    _run_one(conn, job, alone=len(jobs) == 1)
        except BaseException as error:
            # The loop must outlive any error; each waiting caller is told the transaction did not happen.
            for job in jobs:
                job.error = job.error or error
        if self._finds_room(jobs):
            # Each by itself: one that needs much room must not take a neighbour's STOP with it.
            for job in jobs:
                self._run_group([_Job(job.work, job.done, tries=job.tries + 1)])
            return
        for job in [job for job in jobs if job.tries < TRIES.get(_code(job.error), 1)]:
            jobs = [other for other in jobs if other is not job]
            # On the writer's own thread, which nobody else runs on: whoever won a deadlock ends first, then we try again.
            time.sleep(AGAIN_S * job.tries)
            self._run_group([_Job(job.work, job.done, tries=job.tries + 1)])
        for job in jobs:
            if not job.done.set_running_or_notify_cancel():
                continue
            if job.error is not None:
                job.done.set_exception(job.error)
            else:
                job.done.set_result(job.result)

    def _finds_room(self, jobs: Sequence[_Job]) -> bool:
        """Whether work that found a full disk is worth another try: SQLite undid all of the group over it."""
        full = next((job.error for job in jobs if no_room(job.error)), None) if self.sqlite else None
        if full is None or jobs[0].tries > 1:
            return False
        relieved = self.relief(full)
        return self._fold() or relieved or len(jobs) > 1

    def _fold(self) -> bool:
        """Brings what stands in the write-ahead log into the database's own file: the log then begins anew, in the room that it
        has. Whether it could."""
        try:
            with closing(self.writer.raw_connection()) as connection:
                _, pages, folded = connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (sqlite3.Error, SQLAlchemyError):
            return False
        return bool(0 < pages == folded)


def went_away(error: BaseException | None) -> bool:
    """Whether an error says nothing about the work, only that the database cannot be reached or ended the session: the same
    work may be done again."""
    return isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def _code(error: BaseException | None) -> str:
    """PostgreSQL's own for an undone transaction that may be done again, else nothing. Of two that wait for each other one is
    undone. So is one whose process said nothing for long: frozen, or busy between two statements on a slow machine, as with the
    texts of an alert in twelve languages, which it then has."""
    return str(getattr(error.orig, "sqlstate", None) or "") if isinstance(error, DBAPIError) else ""


def _run_one(conn: Connection, job: _Job, *, alone: bool) -> None:
    if alone:
        job.result = job.work(conn)
        return
    try:
        conn.exec_driver_sql("SAVEPOINT work")  # in words: SQLAlchemy's own takes longer than SQLite does
        job.result = job.work(conn)
        conn.exec_driver_sql("RELEASE SAVEPOINT work")
    except BaseException as error:
        job.error = error
        if conn.closed or conn.invalidated or (no_room(error) and is_sqlite(conn)):  # it may have undone it all
            raise
        conn.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        conn.exec_driver_sql("RELEASE SAVEPOINT work")
