"""How a process comes to its database: alone on an embedded one, as one of several on PostgreSQL."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import psycopg
from sqlalchemy import Connection, text

from notify import due, schema
from notify.clock import Clock, HurriedClock, SharedClock, SystemClock
from notify.db import Database, engine_for
from notify.partners import webhook_rows
from notify.processes.hearing import Hearing
from notify.processes.posts import DUTIES, FLOOR, PAGES, Alone, Role, post_of
from notify.processes.session import Session, first_time
from notify.processes.share import Wants
from notify.schedule import Tick
from notify.sending import leases
from notify.service import Service
from notify.settings import Settings
from notify.wiring import CannotStart, Place, process_name

OLDEST_SERVER: Final = 140_000  # PostgreSQL 14: the first that ends a session which has fallen silent


@contextmanager
def only_one(settings: Settings, role: Role) -> Iterator[None]:
    """An embedded database has one service: a second one is refused. (The lock goes with the process, however it dies.)"""
    if not settings.database.startswith("sqlite"):
        yield
        return
    if role is not Role.ALL:
        raise CannotStart(
            [
                f"'tocsin {role}' is one of several processes, and SQLite is for one: run 'tocsin serve', which does it all, "
                "or set TOCSIN_DATABASE_URL to PostgreSQL (docs/deployment.md)."
            ]
        )
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with open(settings.data_dir / "service.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart([f"Another service already runs on {settings.data_dir}."]) from None
        yield


def open_database(settings: Settings) -> Database:
    """Raises CannotStart, or SchemaError for a database that this program does not fit."""
    engine = engine_for(settings.database)
    try:
        schema.check(engine)
        if engine.dialect.name != "sqlite":
            with engine.connect() as conn:
                version = int(conn.execute(text("SELECT current_setting('server_version_num')")).scalar_one())
            if version < OLDEST_SERVER:
                raise CannotStart([f"PostgreSQL 14 or newer is needed; this server is {version // 10_000}."])
    finally:
        engine.dispose()
    return Database(settings.database)


def clock_for(settings: Settings, db: Database) -> Clock:
    """The machine's own; the database's where several machines have to agree; that of a day which is replayed."""
    if settings.replay_from is not None:
        return HurriedClock(settings.replay_from, settings.replay_speed)
    if db.sqlite:
        return SystemClock()
    try:
        return SharedClock(*first_time(db))
    except psycopg.Error as error:
        raise CannotStart([f"The database does not say what time it is: {error}"]) from None


async def place_in(db: Database, role: Role, clock: Clock) -> Place:
    """Where the process stands; on PostgreSQL its session has yet to begin. Leases on an embedded database are of the dead:
    we hold its lock."""
    if db.sqlite:
        await db.write(partial(_take_over, clock=clock))
        return Place(role, Alone(process_name()))
    shared = clock if isinstance(clock, SharedClock) else None
    return Place(role, Session(db, process_name(), shared, sends=role.sends))


def _take_over(conn: Connection, clock: Clock) -> None:
    leases.end_leases(conn, now=clock.now())
    leases.release_expired(conn, now=clock.now())
    due.end_leases(conn)
    webhook_rows.end_leases(conn)


def wants(role: Role, service: Service) -> Wants:
    """The posts that a process tries for. The duties belong near the listeners; a sender takes them when no listener lives."""
    rated = [post_of(one.sender.name) for one in service.dispatchers if one.driving.limited]
    return Wants(
        at_once=(DUTIES, FLOOR) if role.listens else (),
        later=() if role.listens else (DUTIES,),
        divided=tuple(rated) if role.sends else (),
    )


def floor_first(session: Session, *, ours: bool) -> None:
    """Who has 311's line, and its callers, takes it again at once when the database is back; others wait until that one is
    surely gone (share.LATER_S)."""
    wants, at_once = session.wants, session.wants.at_once
    rest, later = (tuple(post for post in posts if post != FLOOR) for posts in (at_once, wants.later))
    session.wants = replace(wants, at_once=(*rest, FLOOR) if ours else rest, later=later if ours else (*later, FLOOR))


def ticks_of(ticks: Sequence[Tick], place: Place, hearing: Hearing | None) -> list[Tick]:
    """What this process looks at by itself: what belongs to a post only while it holds it."""
    here = [one for one in ticks if place.role.listens or one.post != PAGES]
    if hearing is not None and place.role.sends:
        here.append(Tick("lights of senders", 5, hearing.tell_lights))
    return [replace(one, run=partial(_while_held, one, place)) if one.post not in ("", PAGES) else one for one in here]


async def _while_held(tick: Tick, place: Place) -> None:
    if place.crew.term(tick.post):
        await tick.run()
