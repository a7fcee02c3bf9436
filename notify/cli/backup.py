"""`tocsin backup`, `restore`, `hold`, `release`: copies of an embedded database, and what a restore holds."""

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, text

from notify import audit, schema
from notify.cli.admin import opened
from notify.cli.client import Client
from notify.cli.say import Exit, Json, refuse, sentences, show
from notify.db import Database, engine_for
from notify.schema import WrongSchema
from notify.sending import hold
from notify.settings import Settings, load

RESTORED = "it was restored from {name}, and does not know what has left since."
COMMAND_LINE = "command line"

Source = Annotated[Path | None, typer.Argument(help="A backup made by 'tocsin backup'; with --drill the newest, if left out.")]


def backup(target: Annotated[Path, typer.Argument(help="A file that does not exist yet.")], json: Json = False) -> None:
    """Copies an embedded database while the service runs. Keys are not in it; keep keys.toml apart."""
    with sentences():
        settings = load()
        source = _embedded(settings)
        if not source.exists():
            refuse([f"There is no database at {source}."])
        if target.exists():
            refuse([f"{target} exists already; a backup never overwrites."])
        begun = time.monotonic()
        state = copied(source, target)
        took = time.monotonic() - begun
    if state != "ok":
        refuse([f"{target} is not sound: {state}"])
    said = f"{target} holds the database, checked, in {took:.1f} s ({target.stat().st_size / 1e6:,.1f} MB)."
    show({"backup": str(target), "seconds": round(took, 3)}, json, [said])


def copied(source: Path, target: Path) -> str:
    """One moment of a database that may be written meanwhile; under its name once it is whole, checked and on disk."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(sqlite3.connect(part)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete by itself
        (state,) = copy.execute("PRAGMA integrity_check").fetchone()
    if state != "ok":
        part.unlink()
        return str(state)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    return "ok"


def restore(
    source: Source = None,
    drill: Annotated[bool, typer.Option(help="Restore into a scratch folder, check everything, say how long it took.")] = False,
    json: Json = False,
) -> None:
    """Puts a backup in place of a database that is gone. Never overwrites one. Afterwards senders hold what is older."""
    with sentences():
        settings = load()
        target = _embedded(settings)
        found = source or (_newest(settings) if drill else None)
        if found is None:
            refuse(["Name the backup to restore."], Exit.USAGE)
        if not found.exists():
            refuse([f"{found} is not there."])
        if drill:
            _drill(found, json)
            return
        if target.exists():
            refuse([f"{target} exists. Move it away first; restoring never overwrites."])
        target.parent.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        fresh = target.with_name(target.name + ".restoring")
        put_back(found, fresh, found.name)
        for stale in (f"{target}-wal", f"{target}-shm"):  # of the database that is gone: they would spoil this one
            Path(stale).unlink(missing_ok=True)
        os.replace(fresh, target)
        took = time.monotonic() - begun
    lines = [
        f"{target} is restored, in {took:.1f} s.",
        "Everything of incidents opened before now is held: nothing of it leaves until two people say so ('tocsin release').",
        "Next: docs/operations.md, 'Held after a restore'.",
    ]
    show({"restored": str(target), "held": True, "seconds": round(took, 3)}, json, lines)


def put_back(source: Path, target: Path, name: str) -> None:
    """A copy at this version's schema, with a hold in it. Raises WrongSchema for a newer one; then nothing is left."""
    shutil.copyfile(source, target)
    target.chmod(0o600)
    url = f"sqlite:///{target.absolute()}"
    try:
        engine = engine_for(url)
        try:
            _migrated(engine)
        finally:
            engine.dispose()
        with closing(Database(url)) as db:
            db.write_now(lambda conn: hold.begin(conn, RESTORED.format(name=name), COMMAND_LINE, datetime.now(UTC)))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


def _migrated(engine: Any) -> None:
    """A backup of an older version is brought to this one's schema; of a newer one it is refused."""
    try:
        schema.check(engine)
    except WrongSchema as error:
        if "older" not in str(error):
            raise
        schema.migrate(engine)


def _newest(settings: Settings) -> Path | None:
    folder = settings.backup_dir
    files = [one for one in folder.iterdir() if one.suffix == ".db"] if folder and folder.is_dir() else []
    if not files:
        refuse(["There is no backup (*.db) in TOCSIN_BACKUP_DIR; name one."])
    return max(files, key=lambda one: one.stat().st_mtime)


def _drill(source: Path, as_json: bool) -> None:
    """Restores for the sake of it; nothing that runs is touched."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tocsin-drill-") as folder:
        target = Path(folder) / "tocsin.db"
        put_back(source, target, source.name)
        restored = time.monotonic() - begun
        with closing(Database(f"sqlite:///{target}")) as db:
            seen = db.read_now(_seen)
    took = time.monotonic() - begun
    if problems := seen.pop("problems"):
        refuse([f"{source}: {problem}" for problem in problems])
    age = (datetime.now(UTC).timestamp() - source.stat().st_mtime) / 3600
    lines = [
        f"{source.name}, {age:.1f} hours old: restored in {restored:.1f} s, checked in {took:.1f} s.",
        f"{seen['addresses']:,} addresses, {seen['deliveries']:,} messages; the log of {seen['lines']:,} lines holds together.",
        "Nothing was changed. What is not in it: keys.toml, city pack, DKIM key, provider settings.",
    ]
    data = {
        "source": str(source),
        "restored_s": round(restored, 3),
        "checked_s": round(took, 3),
        "age_h": round(age, 1),
        **seen,
    }
    show(data, as_json, lines)


def _seen(conn: Connection) -> dict[str, Any]:
    log = audit.lines(conn)
    counts = {
        name: conn.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()
        for name, table in (("addresses", "address"), ("deliveries", "delivery"))
    }
    return {"lines": len(log), "problems": audit.problems(log), **counts}


def held(
    why: Annotated[str, typer.Option(help="What was restored, and from when; it stands in the log.")], json: Json = False
) -> None:
    """Holds everything of incidents opened until now: before a service starts on a database that pg_restore has put back."""
    with sentences():
        _, db = opened()
        with closing(db):
            db.write_now(lambda conn: hold.begin(conn, f"{why.strip().rstrip('.')}.", COMMAND_LINE, datetime.now(UTC)))
    show(
        {"held": True},
        json,
        ["Held. It goes on when two people say so: the console's page of what is held, or 'tocsin release'."],
    )


def release(
    reason: Annotated[str, typer.Option(help="What you have looked at; it stands in the log.")] = "",
    drop: Annotated[list[str] | None, typer.Option(help="An alert that must not go on; may be given several times.")] = None,
    agree: Annotated[bool, typer.Option("--agree", help="To what somebody else has asked for; it is done at once.")] = False,
    refuse_it: Annotated[bool, typer.Option("--refuse", help="What was asked for; everything stays held.")] = False,
    json: Json = False,
) -> None:
    """What becomes of messages held after a restore: one person asks, another one agrees (approvers and administrators of the
    running service). Without options: what is held, and what was asked."""
    if sum(map(bool, (reason or drop, agree, refuse_it))) > 1:
        refuse(["--reason and --drop, --agree and --refuse are three different things: say one."], code=Exit.USAGE)
    with sentences():
        client = Client()
        found = client.get("/hold")
        if agree:
            found = client.post("/release/agree", {"digest": (found["asked"] or {}).get("digest", "")})
        elif refuse_it:
            found = client.post("/release/refuse")
        elif reason or drop:
            found = client.post("/release", {"reason": reason, "drop": drop or []})
    show(found, json, _held_lines(found))


def _held_lines(found: dict[str, Any]) -> list[str]:
    if not found["held"]:
        return ["Nothing is held. What was not dropped leaves."]
    asked, lines = found["asked"], [f"Held since {found['since']}: {found['why']}"]
    for one in found["alerts"]:
        lines.append(
            f"  {one['alert_id']} {one['hazard']} ({one['stage']}): {one['waiting']:,} wait, {one['in_doubt']:,} in doubt"
        )
    if asked is None:
        return [*lines, "Nobody has asked for anything yet: --reason TEXT [--drop ALERT ...]."]
    dropped = ", ".join(asked["drop"]) or "nothing"
    lines.append(f"{asked['by']} asks to drop {dropped} and send the rest: {asked['reason']}")
    still = "Somebody else agrees with --agree." if asked["still"] else "What is held has changed since: ask anew."
    return [*lines, still]


def _embedded(settings: Settings) -> Path:
    if settings.embedded is None:
        refuse(["This is for the embedded database; for PostgreSQL see docs/operations.md, 'Backup and restore'."])
    return settings.embedded
