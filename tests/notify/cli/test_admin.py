"""First run, staff, keys, backups: each command does its one thing, or says in sentences why not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.notify.cli.command_line import Shell


def test_the_first_run_makes_keys_database_and_an_administrator(shell: Shell) -> None:
    said = shell("init", "--json")
    assert said.code == 0
    assert said.data["person"] == "admin" and len(said.data["token"]) >= 32
    assert (shell.home / "keys.toml").stat().st_mode & 0o777 == 0o600
    assert [one["roles"] for one in shell("user", "list", "--json").data] == ["admin"]


def test_a_second_first_run_overwrites_nothing(installed: Shell) -> None:
    before = (installed.home / "keys.toml").read_bytes()
    said = installed("init")
    assert said.code == 1 and "exists already and is kept" in said.errors
    assert (installed.home / "keys.toml").read_bytes() == before


def test_without_a_first_run_every_command_says_so(shell: Shell) -> None:
    shell.home.mkdir()
    for command in (("user", "list"), ("audit", "verify"), ("areas", "list"), ("words", "status")):
        said = shell(*command)
        assert (said.code, said.out) == (1, ""), command
        assert "Run 'tocsin init' first." in said.errors


def test_a_newer_database_is_refused_in_one_line(installed: Shell) -> None:
    with closing(sqlite3.connect(installed.home / "tocsin.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    said = installed("user", "list")
    assert said.code == 1
    assert len(said.errors.strip().splitlines()) == 1 and "newer than this program knows" in said.errors


def test_settings_that_cannot_be_used_are_named_one_a_line(shell: Shell) -> None:
    bad = Shell(shell.home, {"TOCSIN_PUBLIC_PORT": "-1", "TOCSIN_COLOUR": "red"})
    said = bad("init")
    assert said.code == 1
    assert len(said.errors.strip().splitlines()) == 2
    assert not shell.home.exists()


def test_a_database_that_cannot_be_reached_is_a_sentence(shell: Shell) -> None:
    shell.home.mkdir()
    unreachable = Shell(shell.home, {"TOCSIN_DATABASE_URL": "sqlite:////no/such/folder/tocsin.db"})
    said = unreachable("user", "list")
    assert said.code == 1 and "The database cannot be used" in said.errors


def test_staff_are_added_limited_and_disabled(installed: Shell) -> None:
    said = installed("user", "add", "night-desk", "--role", "author", "--role", "viewer", "--hazard", "flood", "--json")
    assert said.code == 0 and said.data["token"]
    again = installed("user", "token", "night-desk", "--json")
    assert again.data["token"] != said.data["token"]
    assert installed("user", "disable", "night-desk").code == 0
    (found,) = [one for one in installed("user", "list", "--json").data if one["person"] == "night-desk"]
    assert found == {"person": "night-desk", "roles": "author, viewer", "hazards": "flood", "active": False}
    assert "night-desk" in installed("user", "list").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("user", "add", "somebody", "--role", "boss"), 1),
        (("user", "add", "admin", "--role", "author"), 1),
        (("user", "add", "somebody"), 2),
        (("user", "token", "nobody"), 1),
        (("user", "disable", "nobody"), 1),
        (("nonsense",), 2),
        (("restore", "no-such-file"), 1),
    ],
)
def test_refused_is_one_and_wrong_usage_is_two(installed: Shell, arguments: tuple[str, ...], code: int) -> None:
    said = installed(*arguments)
    assert said.code == code and said.errors.strip()


def test_the_log_is_verified_and_a_change_is_found(installed: Shell) -> None:
    said = installed("audit", "verify", "--json")
    assert said.code == 0 and said.data["lines"] == 0
    wrong = installed("audit", "verify", "--head", "f" * 64)
    assert wrong.code == 1 and "lines were removed" in wrong.errors


def test_a_key_is_added_and_the_old_ones_stay(installed: Shell) -> None:
    assert installed("keys", "rotate", "--json").data == {"current": "k2"}
    assert (installed.home / "keys.toml").read_text().count("k1 =") == 1


def test_a_backup_is_checked_and_put_back_and_nothing_is_overwritten(installed: Shell, tmp_path: Path) -> None:
    copy, database = tmp_path / "copy.db", installed.home / "tocsin.db"
    assert installed("backup", copy, "--json").code == 0
    assert "never overwrites" in installed("backup", copy).errors
    assert "never overwrites" in installed("restore", copy).errors
    for file in installed.home.glob("tocsin.db*"):
        file.unlink()
    assert installed("backup", tmp_path / "other.db").code == 1
    assert installed("restore", copy).code == 0
    assert database.exists() and installed("user", "list").code == 0


def test_migrating_again_changes_nothing(installed: Shell) -> None:
    assert installed("migrate", "--json").data == {"migrated": True, "backup": None}
