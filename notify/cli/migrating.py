"""`tocsin migrate`: brings the database to this version's schema, or back to an older one, keeping a copy of what was."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from notify import schema
from notify.cli.backup import copied
from notify.cli.say import Json, refuse, sentences, show
from notify.db import engine_for
from notify.settings import Settings, load


def migrate(
    back_to: Annotated[str, typer.Option(help="Undo migrations down to this schema, for an older program.")] = "",
    json: Json = False,
) -> None:
    """Brings the database to this version's schema, no service running. An embedded one is copied first, beside itself; for
    PostgreSQL make the dump yourself (docs/operations.md)."""
    with sentences():
        settings = load()
        if back_to and back_to not in schema.known():
            refuse([f"--back-to: this program knows no schema '{back_to}'. It knows {', '.join(sorted(schema.known()))}."])
        kept = _migrated(settings, back_to)
    what = f"The database is at schema {back_to}." if back_to else "The database is at this version's schema."
    lines = [what] if kept is None else [what, f"As it was before, it lies in {kept}."]
    show({"migrated": True, "backup": str(kept) if kept else None}, json, lines)


def _migrated(settings: Settings, back_to: str) -> Path | None:
    """Where the database as it was has been copied to; None when nothing changed, or it is not embedded."""
    engine, kept = engine_for(settings.database), None
    try:
        current = schema.current(engine)
        if current in (back_to or schema.newest(), None):
            schema.migrate(engine, back_to or "head")
            return None
        if settings.embedded:
            kept = _kept(settings.embedded, str(current))
        if back_to:
            schema.undo(engine, back_to)
        else:
            schema.migrate(engine)
    finally:
        engine.dispose()
    return kept


def _kept(source: Path, current: str) -> Path:
    """A copy of the embedded database, whole and checked, named for its schema and the moment."""
    target = source.with_name(f"{source.stem}-before-{current}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db")
    if (state := copied(source, target)) != "ok":
        refuse([f"The database is not sound, so nothing was changed: {state}"])
    return target
