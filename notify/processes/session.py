"""One connection to PostgreSQL, kept by a thread of its own: the posts this process holds, what other processes tell, and the
time that all of them go by.

A post is an advisory lock of this session. A killed process loses its posts at once, because its session ends with it; one that
froze, or that nobody reaches, loses them when the server ends a session that has said nothing for DEAD_S. Such a process stops
believing in its posts a second earlier, by its own clock that never jumps. No clock of two machines is ever compared.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy.engine import make_url

from notify import primary
from notify.clock import SharedClock
from notify.db import Database, connection_settings
from notify.processes import share
from notify.processes.posts import Kind, Standing, key
from notify.processes.share import Seen, Wants

logger = logging.getLogger(__name__)

DEAD_S: Final = 5.0  # the server ends a session that was silent for so long
SURE: Final = 0.8  # of that time without an answer, after which nothing here is believed to be held any more
LOOK_S: Final = 0.5
AGAIN_S: Final = 0.5  # before a lost connection is tried anew
QUIET_S: Final = 1.25  # more than a second of the rate, and more than what a group that was claimed before may take
CHANNEL: Final = "tocsin"
LOCKS: Final = 0x70C51  # class of our advisory locks with two keys
CREW: Final = key("crew")  # held shared by everybody who sends
MOST: Final = 7_900  # bytes a notification may have

WHO = f"""
    SELECT objid::bigint, count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {LOCKS} AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY objid"""


class Session:
    """Runs from `start` to `close`. hear: called on this thread with what another process told; changed: when posts were taken
    or lost. sends: counts as one of those among whom the senders are divided."""

    quiet_s = QUIET_S
    dead_s = DEAD_S

    def __init__(self, db: Database, process: str, clock: SharedClock | None, *, sends: bool) -> None:
        self.process = process
        self.wants = Wants()
        self.hear: Callable[[Kind, str], None] = lambda kind, ref: None
        self.changed: Callable[[], None] = lambda: None
        self._db, self._clock, self._sends = db, clock, sends
        self._terms: dict[str, int] = {}
        self._terms_so_far = 0
        self._sure_until = 0.0
        self.away = False  # the server does not answer: nobody can take a post
        self.looks = 0  # over the connection that is in use
        self._free_since: dict[str, float] = {}
        self._closing = False
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="posts", daemon=True)

    def term(self, post: str) -> int:
        return self._terms.get(post, 0) if time.monotonic() < self._sure_until else 0

    def standing(self, post: str) -> Standing:
        """What is known of a post that this process wants."""
        if self.term(post):
            return Standing.OURS
        if self.away:
            return Standing.NOBODY
        return Standing.THEIRS if self.looks and time.monotonic() < self._sure_until else Standing.UNKNOWN

    def tell(self, kind: Kind, ref: str = "") -> None:
        said = f"{self.process} {kind} {ref}"
        if len(said.encode()) > MOST:
            logger.error("what other processes should be told of %s is too long; they find it themselves", kind)
            return
        query = "SELECT pg_notify(%s, %s)"
        self._db.submit(lambda conn: conn.exec_driver_sql(query, (CHANNEL, said))).add_done_callback(_log_silence)

    def start(self) -> None:
        """Returns after the first look."""
        self._thread.start()
        self._looked.wait()

    def close(self) -> None:
        """Gives every post up."""
        self._closing = True
        self.tell(Kind.LOOK)  # our own thread hears it, and ends
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            try:
                self._hold()
            except psycopg.Error as error:
                logger.warning("the database is not reached; this process holds no post: %s", error)
            finally:
                self.looks = 0  # what was seen over the lost connection says nothing of now
                self._lose(list(self._terms))
                self._looked.set()
            if not self._closing:
                time.sleep(AGAIN_S)  # on a thread that nobody waits for

    def _hold(self) -> None:
        with self._connected() as connection:
            connection.execute(f"SET idle_session_timeout = {self.dead_s * 1000:.0f}".encode())
            connection.execute(f"LISTEN {CHANNEL}".encode())
            if self._sends:
                connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (LOCKS, CREW))
            while not self._closing:
                asked_at = time.monotonic()
                self._look(connection, asked_at)
                self._sure_until = asked_at + self.dead_s * SURE
                self.looks += 1
                self._looked.set()
                for note in connection.notifies(timeout=LOOK_S):
                    self._hear(note.payload)
                    if self._closing:  # for no other reason: what came together with this note would be lost
                        break

    def _connected(self) -> "psycopg.Connection[Any]":
        try:
            connection, _ = primary.connect(_keywords(self._db.url))
        except psycopg.Error:
            self.away = True
            raise
        self.away = False
        return connection

    def _look(self, connection: "psycopg.Connection[Any]", now: float) -> None:
        if self._clock is not None:
            self._clock.learn(*database_time(connection))
        counts = {int(objid): int(count) for objid, count in connection.execute(WHO)}
        seen = Seen(held={post for post in self.wants.every if key(post) in counts}, crew=counts.get(CREW, 0))
        self._free_since = {post: self._free_since.get(post, now) for post in self.wants.every if post not in seen.held}
        if extra := share.to_give_up(self.wants, self._terms, seen.crew):
            self._lose(extra)  # believed no more before anybody else can have it
            for post in extra:
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, key(post)))
        else:
            self._take(connection, share.to_take(self.wants, self._terms, seen, self._free_since, now))

    def _take(self, connection: "psycopg.Connection[Any]", posts: Iterable[str]) -> None:
        for post in posts:
            (taken,) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, key(post))).fetchone() or (False,)
            if taken:
                self._terms_so_far += 1
                self._terms[post] = self._terms_so_far
                logger.info("%s has taken the post '%s'", self.process, post)
                self.changed()

    def _lose(self, posts: Iterable[str]) -> None:
        gone = [post for post in posts if self._terms.pop(post, None)]
        for post in gone:
            logger.info("%s has given up the post '%s'", self.process, post)
        if gone:
            self.changed()

    def _hear(self, payload: str) -> None:
        process, _, rest = payload.partition(" ")
        kind, _, ref = rest.partition(" ")
        if process != self.process and kind in set(Kind):
            self.hear(Kind(kind), ref)


def database_time(connection: "psycopg.Connection[Any]") -> tuple[datetime, float]:
    """The server's clock, and when that was by the clock of this process that never jumps."""
    before = time.monotonic()
    (at,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    if not isinstance(at, datetime):
        raise psycopg.OperationalError("the server does not say what time it is")
    return at, (before + time.monotonic()) / 2


def first_time(db: Database) -> tuple[datetime, float]:
    """As `database_time`, before there is a session. Raises psycopg.Error."""
    connected, _ = primary.connect(_keywords(db.url))
    with connected as connection:
        return database_time(connection)


def _keywords(url: str) -> dict[str, Any]:
    engine_url = make_url(url)
    _, keywords = engine_url.get_dialect()().create_connect_args(engine_url)
    return {**keywords, **connection_settings(url), "autocommit": True}


def _log_silence(told: Any) -> None:
    if not told.cancelled() and (error := told.exception()) is not None:
        logger.warning("other processes could not be told; they look themselves: %s", error)
