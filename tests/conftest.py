"""What every test may ask for: a migrated database on SQLite and on PostgreSQL, and a clock that moves when told."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from notify import passwords, schema
from notify.clock import ManualClock
from notify.db import Database, engine_for

# A hash that costs nothing: hundreds of people are enrolled here. What a real one costs is looked at in test_passwords.py.
passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc]

settings.register_profile("tocsin", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("tocsin")

for _name in [name for name in os.environ if name.startswith("TOCSIN_")]:
    del os.environ[_name]


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


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    """The name of a migrated template database. Fails, never skips, when there is no server."""
    assert "PGHOST" in os.environ, "PostgreSQL tests need a server: run them through ./dev test (or pg_virtualenv)"
    name = f"template_{uuid.uuid4().hex[:12]}"
    admin(f"CREATE DATABASE {name}")
    engine = engine_for(postgres_url(name))
    schema.migrate(engine)
    engine.dispose()
    yield name
    admin(f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database; tests that use it run once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "tocsin.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin(f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")
    yield postgres_url(name)
    admin(f"DROP DATABASE {name} WITH (FORCE)")


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
