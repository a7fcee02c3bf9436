"""Migrations go up and down on both databases, and a database of another version is refused in one clear line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from notify import schema
from notify.db import engine_for
from notify.schema import WrongSchema


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engine_for(database_url)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_the_code(engine: Engine) -> None:
    assert schema.differences(engine) == []
    schema.check(engine)


def test_down_leaves_nothing_and_up_again_leaves_all(engine: Engine) -> None:
    before = tables(engine)
    assert "delivery" in before
    schema.undo(engine, "base")
    assert tables(engine) == set()
    with pytest.raises(WrongSchema, match="empty"):
        schema.check(engine)
    schema.migrate(engine)
    assert tables(engine) == before
    assert schema.differences(engine) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = tables(engine)
    schema.migrate(engine)
    assert tables(engine) == before


def test_a_newer_schema_is_refused_in_one_line(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongSchema) as refused:
        schema.check(engine)
    told = str(refused.value)
    assert "9999, which is newer than this program knows" in told and "restore the backup" in told
    assert "\n" not in told


def test_an_empty_database_says_init(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(WrongSchema, match="'tocsin init'"):
        schema.check(engine)
    engine.dispose()
