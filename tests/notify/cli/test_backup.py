"""A backup is one moment of a database that is written meanwhile; a restore holds, and a drill says how long it takes."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from notify import schema
from notify.cli.backup import copied
from notify.db import engine_for
from tests.notify.cli.command_line import Shell


def test_a_backup_under_load_is_one_moment_and_holds_nobody_up(tmp_path: Path) -> None:
    """Every transaction moves one from the left to the right: in any moment both add up."""
    source, target = tmp_path / "live.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source)) as conn:
        conn.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE sides (side TEXT, n INTEGER); CREATE TABLE ballast (pad BLOB);"
        )
        conn.executemany("INSERT INTO sides VALUES (?, ?)", [("left", 1000), ("right", 0)])
        conn.executemany("INSERT INTO ballast VALUES (zeroblob(?))", [(2000,)] * 8000)
        conn.commit()
    end, written = threading.Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(source, timeout=5)) as conn:
            while not end.is_set():
                conn.execute("UPDATE sides SET n = n + CASE side WHEN 'left' THEN -1 ELSE 1 END")
                conn.commit()
                written[0] += 1

    def one_moment() -> int:
        """Copies, and says how often was written meanwhile."""
        before = written[0]
        assert copied(source, target) == "ok"
        during = written[0] - before
        with closing(sqlite3.connect(target)) as copy:
            assert copy.execute("SELECT SUM(n) FROM sides").fetchone() == (1000,)
        return during

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert any(one_moment() for _ in range(20)), "whoever writes was held up by every one of the copies"
    finally:
        end.set()
        writer.join()
    assert [one.name for one in tmp_path.iterdir() if "copy" in one.name] == ["copy.db"]
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_restore_holds_and_a_drill_changes_nothing(installed: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert installed("backup", folder / "one.db").code == 0
    before = sorted(one.name for one in installed.home.iterdir())
    ours = Shell(installed.home, {"TOCSIN_BACKUP_DIR": str(folder)})
    said = ours("restore", "--drill", "--json")
    assert said.code == 0 and said.data["restored_s"] > 0 and said.data["lines"] == 1  # that it is held
    assert sorted(one.name for one in installed.home.iterdir()) == before
    for file in installed.home.glob("tocsin.db*"):
        file.unlink()
    said = ours("restore", folder / "one.db")
    assert said.code == 0 and "held" in said.out and "restored, in" in said.out
    with closing(sqlite3.connect(installed.home / "tocsin.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM hold WHERE released_at IS NULL").fetchone() == (1,)
    assert ours("hold", "--why", "pg_restore of 02:00").code == 0


def test_a_backup_that_is_torn_or_newer_leaves_nothing_behind(installed: Shell, tmp_path: Path) -> None:
    assert installed("backup", tmp_path / "one.db").code == 0
    with closing(sqlite3.connect(tmp_path / "one.db")) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
        copy.commit()
    for file in installed.home.glob("tocsin.db*"):
        file.unlink()
    said = installed("restore", tmp_path / "one.db")
    assert said.code == 1 and "newer than this program knows" in said.errors
    assert not list(installed.home.glob("tocsin.db*"))
    assert installed("restore", "--drill").code == 1


def test_a_backup_of_an_older_version_is_brought_to_this_one(installed: Shell, tmp_path: Path) -> None:
    assert installed("backup", tmp_path / "one.db").code == 0
    engine = engine_for(f"sqlite:///{tmp_path / 'one.db'}")
    schema.undo(engine, "0022")
    engine.dispose()
    assert installed("restore", tmp_path / "one.db", "--drill").code == 0
