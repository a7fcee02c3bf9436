"""What every test may ask for: a migrated database on SQLite and on PostgreSQL, and a clock that moves when told."""

import gc
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from notify import schema
from notify.clock import ManualClock
from notify.db import Database, engine_for
from notify.staff import passwords

# A hash that costs nothing: hundreds of people are enrolled here. What a real one costs is looked at in test_passwords.py.
passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc]

# A busy machine is no fault of the code: neither one that is slow, nor one that stands still while examples are drawn.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")

for _name in [name for name in os.environ if name.startswith("TOCSIN_")]:
    del os.environ[_name]
os.environ["TOCSIN_RESERVE_MB"] = "0"  # hundreds of services would each keep 64 MB of the memory that tests lie in


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is imported and collected stays: to look through a million objects for garbage again and again takes seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def postgres_url(database: str) -> str:
    host, port = os.environ["PGHOST"], os.environ.get("PGPORT", "5432")
    return f"postgresql+psycopg://{os.environ['PGUSER']}:{os.environ['PGPASSWORD']}@{host}:{port}/{database}"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "migrated.db"
    engine = engine_for(f"sqlite:///{path}")
    schema.migrate(engine)
    engine.dispose()
    return path


def admin(statement: str) -> None:
    with psycopg.connect(dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


class Emptied:
    """One PostgreSQL database for all tests of this process, emptied after each: to make one takes half a second. Every test
    has it under a new name: nobody whom an earlier one left behind gets in. Whoever changes more than rows costs it."""

    def __init__(self) -> None:
        self._name, self._shape = "", ""
        self._admin = psycopg.connect(dbname="postgres", autocommit=True)

    def named_anew(self) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        if self._name:
            self._admin.execute(f"ALTER DATABASE {self._name} RENAME TO {name}".encode())
            self._name = name
            return name
        self._admin.execute(f"CREATE DATABASE {name}".encode())
        engine = engine_for(postgres_url(name))
        schema.migrate(engine)
        engine.dispose()
        self._name = name
        with psycopg.connect(dbname=name) as connection:
            self._shape = _shape(connection)
        return name

    def empty(self) -> None:
        with psycopg.connect(dbname=self._name, autocommit=True) as connection:
            connection.execute(OTHERS_OUT)
            if _shape(connection) == self._shape:
                connection.execute("SET session_replication_role = replica")
                used = connection.execute(USED).fetchall()
                again = [statement for (statement,) in (*used, *connection.execute(COUNTED))]
                connection.execute(";".join(again).encode())
                return
        self.drop()

    def drop(self) -> None:
        if self._name:
            self._admin.execute(f"DROP DATABASE {self._name} WITH (FORCE)".encode())
            self._name = ""

    def close(self) -> None:
        self.drop()
        self._admin.close()


# A table that never held a row has no page; most have none.
USED = """
    SELECT format('DELETE FROM %I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0"""
COUNTED = """
    SELECT format('ALTER SEQUENCE %I RESTART', sequencename) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL"""
OTHERS_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _shape(connection: psycopg.Connection[Any]) -> str:
    """Tables, indexes and their columns, triggers, the version of the schema, and what is granted."""
    relations = "SELECT relname, relnatts, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    others = """
        SELECT (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_proc),
            (SELECT max(version_num) FROM alembic_version)"""
    return repr((connection.execute(relations).fetchall(), connection.execute(others).fetchall()))


@pytest.fixture(scope="session")
def emptied() -> Iterator[Emptied]:
    """Fails, never skips, when there is no server."""
    assert "PGHOST" in os.environ, "PostgreSQL tests need a server: run them through ./dev test (or pg_virtualenv)"
    found = Emptied()
    yield found
    found.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database; tests that use it run once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "tocsin.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    emptied = request.getfixturevalue("emptied")
    yield postgres_url(emptied.named_anew())
    emptied.empty()


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def store(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Database]:
    """A fresh migrated database on SQLite, for what has nothing to do with its kind."""
    path = tmp_path / "tocsin.db"
    shutil.copy(migrated_sqlite, path)
    with closing(Database(f"sqlite:///{path}")) as database:
        yield database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2014, 5, 23, 15, 15, tzinfo=UTC))
