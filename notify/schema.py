"""Brings a database to this version's schema, and refuses one that is newer."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlmodel import SQLModel

FOLDER: Final = Path(__file__).parent / "migrations"


class WrongSchema(Exception):
    """The database does not fit this program; the message says what to do."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Applies every migration not applied yet, in one transaction."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def undo(engine: Engine, revision: str) -> None:
    """Takes migrations back down to `revision` ("base": all of them)."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def newest() -> str:
    """The schema of this program."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def known() -> frozenset[str]:
    """Every schema this program can bring a database to."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def current(engine: Engine) -> str | None:
    """The schema of a database; None when it is empty."""
    with engine.begin() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check(engine: Engine) -> None:
    """Raises WrongSchema unless the database is exactly at this version's schema."""
    known = ScriptDirectory.from_config(_config())
    found = current(engine)
    if found == known.get_current_head():
        return
    if found is None:
        raise WrongSchema("This database is empty. Run 'tocsin init' first.")
    if found in {script.revision for script in known.walk_revisions()}:
        raise WrongSchema(f"This database is at schema {found}, older than this program. Run 'tocsin migrate' first.")
    raise WrongSchema(
        f"This database is at schema {found}, which is newer than this program knows. "
        "Start the newer program again, or restore the backup made before the upgrade."
    )


def differences(engine: Engine) -> list[object]:
    """What the tables in code and in the database differ in: empty when the migrations are complete."""
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))
