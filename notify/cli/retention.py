"""`tocsin retention`: what is old enough to be erased, and erasing it now."""

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from notify import retention as old
from notify.cli.admin import opened
from notify.cli.say import Json, sentences, show
from notify.retention import Keeping


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and erase nothing.")] = False,
    json: Json = False,
) -> None:
    """Erases what is older than the settings keep it, as the service does once a day by itself. Proof and counts stay."""
    with sentences():
        settings, db = opened()
        keeping, now = Keeping.of(settings), datetime.now(UTC)
        with closing(db):
            gone = db.read_now(partial(old.look, keeping=keeping, now=now))
            while not dry_run and any(db.write_now(partial(old.erase, keeping=keeping, now=now)).values()):
                continue
            if not dry_run and any(gone.values()):
                db.write_now(partial(old.note, gone=gone, keeping=keeping, actor="shell", now=now))
    verb = "Would be erased" if dry_run else "Erased"
    limits = {"TOCSIN_KEEP_TEXTS_DAYS": settings.keep_texts_days, "TOCSIN_KEEP_STOPPED_DAYS": settings.keep_stopped_days}
    lines = [f"{verb}: {count:,} {old.NAMES[name]}." for name, count in gone.items() if count] or [f"{verb}: nothing."]
    lines += [f"{name} is 0: nothing of its kind is ever erased." for name, days in limits.items() if not days]
    show(gone | {"dry_run": dry_run}, json, lines)
