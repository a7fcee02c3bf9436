"""An empty database for each test, on SQLite and on PostgreSQL."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from subscribers import contacts, store

TABLES = [store.SUBSCRIBER, store.ADDRESS, store.PLACE, store.CHANGE, store.CONSENT, store.AREA, store.FAILURE]
TABLES += [contacts.CONTACT, contacts.WORDS]


def sqlite_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres_engine(schema: str) -> Engine:
    return create_engine("postgresql+psycopg://", poolclass=NullPool, connect_args={"options": f"-csearch_path={schema}"})


def _postgres() -> Iterator[Engine]:
    if "PGHOST" not in os.environ:
        pytest.fail("This test needs a PostgreSQL server: run it under pg_virtualenv, or set PGHOST and its companions.")
    schema = f"test_{secrets.token_hex(8)}"
    engine = _postgres_engine(schema)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    source = iter([sqlite_engine(tmp_path / "people.db")]) if request.param == "sqlite" else _postgres()
    for made in source:
        SQLModel.metadata.create_all(made, tables=TABLES)
        yield made
        made.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection
