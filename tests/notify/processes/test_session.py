"""Posts on a real PostgreSQL: one holder at a time, whoever dies, freezes or is cut off."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from notify.clock import SharedClock, SystemClock
from notify.db import Database
from notify.processes import session
from notify.processes.posts import Kind
from notify.processes.session import Session
from notify.processes.share import Wants
from tests.conftest import Emptied, postgres_url
from tests.stories.town import start

pytestmark = pytest.mark.postgres
PATIENCE_S = 60.0
OF_THIS_DATABASE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"


@pytest.fixture
def db(emptied: Emptied) -> Iterator[Database]:
    with closing(Database(postgres_url(emptied.named_anew()))) as found:
        yield found
    emptied.empty()


class Watched:
    """A session of which one waits until something holds."""

    def __init__(self, db: Database, name: str, wants: Wants, clock: SharedClock | None = None) -> None:
        self.session = Session(db, name, clock, sends=True)
        self.session.wants = wants
        self.session.dead_s = PATIENCE_S  # nobody dies of standing still for a moment
        self.heard: list[tuple[Kind, str]] = []
        self._moved = threading.Condition()
        self.session.hear = self._hear
        self.session.changed = self._tell

    def _hear(self, kind: Kind, ref: str) -> None:
        self.heard.append((kind, ref))
        self._tell()

    def _tell(self) -> None:
        with self._moved:
            self._moved.notify_all()

    def until(self, wanted: Callable[[], bool]) -> None:
        with self._moved:
            assert self._moved.wait_for(wanted, PATIENCE_S), wanted

    def has(self, *posts: str) -> bool:
        return all(self.session.term(post) for post in posts)


@contextmanager
def joined(db: Database, name: str, wants: Wants, clock: SharedClock | None = None) -> Iterator[Watched]:
    watched = Watched(db, name, wants, clock)
    watched.session.start()
    try:
        yield watched
    finally:
        watched.session.close()


def test_two_processes_share_the_senders_and_what_one_leaves_the_other_takes(db: Database) -> None:
    wants = Wants(at_once=("duties",), divided=("sender a", "sender b"))
    with joined(db, "first", wants) as first:
        assert first.has("duties", "sender a", "sender b")
        with joined(db, "second", wants) as second:
            second.until(lambda: second.has("sender b"))
            assert not first.has("sender b") and first.has("sender a", "duties") and not second.has("duties")
        before = first.session.term("sender a")
        first.until(lambda: first.has("sender b"))
        assert first.session.term("sender a") == before


def test_a_process_that_is_cut_off_believes_in_nothing_any_more_and_comes_back_under_a_new_term(db: Database) -> None:
    with joined(db, "first", Wants(at_once=("duties",))) as first:
        term = first.session.term("duties")
        lost: list[int] = []
        first.session.changed = lambda: (lost.append(first.session.term("duties")), first._tell())[0]
        with psycopg.connect(db.url.replace("+psycopg", ""), autocommit=True) as admin:
            ours = (
                f"locktype = 'advisory' AND mode = 'ExclusiveLock' AND {OF_THIS_DATABASE}"  # not those of tests beside this one
            )
            admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {ours}".encode())
        first.until(lambda: first.session.term("duties") > term)
        assert lost[0] == 0


async def test_a_frozen_process_loses_its_post_and_gets_it_back_only_when_it_is_free(db: Database, tmp_path: Path) -> None:
    holder = await start(["-m", "tests.nemesis.post_holder", db.url, "sender a", "3.0"], {}, tmp_path / "holder.log")
    try:
        with joined(db, "heir", Wants(at_once=("sender a",))) as heir:
            assert not heir.has("sender a")
            holder.child.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(heir.until, lambda: heir.has("sender a"))
            holder.child.send_signal(signal.SIGCONT)
            assert heir.has("sender a")
    finally:
        holder.child.send_signal(signal.SIGCONT)
        await holder.end()


def test_what_one_process_tells_every_other_one_hears_and_itself_does_not(db: Database) -> None:
    with joined(db, "first", Wants()) as first, joined(db, "second", Wants()) as second:
        first.session.tell(Kind.STOP, "K7Q2-1")
        second.until(lambda: (Kind.STOP, "K7Q2-1") in second.heard)
        second.session.tell(Kind.SPEND, "+15035550100 3")
        first.until(lambda: (Kind.SPEND, "+15035550100 3") in first.heard)
        assert (Kind.STOP, "K7Q2-1") not in first.heard


def test_what_is_told_together_is_heard_whole_by_a_process_whose_look_was_slow(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LOOK_S", 0.1)
    look, looking, told = Session._look, threading.Event(), threading.Event()

    def slowly(one: Session, connection: "psycopg.Connection[Any]", now: float) -> None:
        look(one, connection, now)
        if one.looks:  # the first look is what `start` waits for
            looking.set()
            told.wait(PATIENCE_S)
            while time.monotonic() <= now + 2 * session.LOOK_S:
                time.sleep(session.LOOK_S)  # a slow database, played: the look itself takes this long

    monkeypatch.setattr(Session, "_look", slowly)
    said = [(Kind.STOP, f"K7Q2-{number}") for number in range(1, 4)]
    with joined(db, "first", Wants()) as first:
        assert looking.wait(PATIENCE_S)
        with psycopg.connect(db.url.replace("+psycopg", "")) as second:  # one transaction, so one group
            for kind, ref in said:
                second.execute("SELECT pg_notify(%s, %s)", (session.CHANNEL, f"second {kind} {ref}"))
        told.set()
        first.until(lambda: first.heard[-1:] == said[-1:])
        assert first.heard == said


def test_processes_go_by_the_clock_of_the_database_whatever_their_machines_say(db: Database) -> None:
    wrong = SharedClock(datetime(2001, 1, 1, tzinfo=UTC), 0.0)
    with joined(db, "first", Wants(), wrong):
        assert abs(wrong.now() - SystemClock().now()) < timedelta(minutes=1)
