"""A half-sent alert survives an upgrade: an older version's service was killed with -9 in the middle of it, its database is
brought to this version, and this version's service goes on. Nobody is lost, nobody is told twice.

half_sent/ is what version 0015 of the schema (the program of 21 November 2026, 16:59) left: 30 people, a carrier of 8 segments
a second, killed when it had taken 11 texts. Two rows were claimed: of one the carrier had the text, of the other it had not."""

import asyncio
import gzip
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from channels.simulator import SimulatedSender, running
from notify import app, keys, schema
from notify.alerts import register
from notify.clock import HurriedClock
from notify.db import Database, engine_for
from notify.schema import WrongSchema
from notify.sending import ledger_check
from notify.settings import load
from tests.channels.simulator_factories import a_config, lines
from tests.nemesis.dump import dump
from tests.notify.cli.command_line import Shell
from tests.stories.town import SENDER, Town

LEFT: Final = Path(__file__).parent / "half_sent"
KILLED_AT: Final = datetime(2026, 11, 22, 5, 44, 30, tzinfo=UTC)
PEOPLE, TOLD, PATIENCE_S = 30, 11, 120


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The data folder of the dead service, and its carrier's log."""
    home = tmp_path / "var"
    home.mkdir()
    with closing(sqlite3.connect(home / "tocsin.db")) as database:
        database.executescript(gzip.decompress((LEFT / "tocsin-0015.sql.gz").read_bytes()).decode())
    shutil.copy(LEFT / "keys.toml", home / "keys.toml")
    (home / "keys.toml").chmod(0o600)  # a checkout gives it to everybody
    (tmp_path / "log").mkdir()
    shutil.copy(LEFT / "sms.jsonl", tmp_path / "log" / "sms.jsonl")
    return home


def states(database: Path) -> Counter[str]:
    with closing(sqlite3.connect(database)) as conn:
        return Counter(state for (state,) in conn.execute("SELECT state FROM delivery"))


def version(database: Path) -> str:
    with closing(sqlite3.connect(database)) as conn:
        return str(conn.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_a_newer_version_goes_on_where_an_older_one_was_killed(home: Path, tmp_path: Path) -> None:
    database = home / "tocsin.db"
    assert version(database) == "0015" and states(database) == {"delivered": 4, "handed": 6, "claimed": 2, "planned": 18}
    shell = Shell(home, {})
    said = shell("migrate", "--json")
    assert said.code == 0
    kept = Path(said.data["backup"])
    assert version(kept) == "0015" and states(kept) == states(database)
    assert version(database) != "0015" and shell("migrate", "--json").data["backup"] is None
    town = Town(home, f"sqlite:///{database}", keys.load(home / "keys.toml"), {}, rate=1000.0)
    await goes_on(town, tmp_path)
    told = Counter(line["to"] for line in lines(tmp_path) if line["event"] == "accepted")
    assert len(told) == PEOPLE and set(told.values()) == {1}
    with closing(Database(town.database_url)) as db:
        verdict = ledger_check.check(*judged(db, town, tmp_path))
    assert verdict.problems == [] and (verdict.rows, verdict.lost, verdict.doubles) == (PEOPLE, 0, 0)


def judged(db: Database, town: Town, folder: Path) -> tuple[Path, Path, Path]:
    dumped, texts = dump(db, town.ring, folder)
    return dumped, folder / "log", texts


async def goes_on(town: Town, folder: Path) -> None:
    """This version's service, at the hour of the kill, with the carrier that remembers what it took then."""
    config = a_config(
        folder, sms_port=town.sms_port, smtp_port=town.smtp_port, senders=(SimulatedSender(number=SENDER, rate=1000.0),)
    )
    settings = load(**town.given, not_found_after_s="1")
    async with running(config), app.running(settings, HurriedClock(KILLED_AT, 1.0)) as service, asyncio.timeout(PATIENCE_S):
        db = service.service.db
        while (await db.read(lambda conn: register.all_alerts(conn)[0].status)) != "active":
            await asyncio.sleep(0.1)


def test_the_older_program_is_given_its_database_back_with_everything_that_has_left_since(home: Path) -> None:
    """Going back after the newer version has sent: the migrations are undone, and the ledger forgets nothing."""
    database, shell = home / "tocsin.db", Shell(home, {})
    assert shell("migrate").code == 0
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("UPDATE delivery SET state = 'handed', handed_at = 1 WHERE state = 'planned' AND delivery_id % 2 = 0")
    sent = states(database)
    said = shell("migrate", "--back-to", "0015")
    assert said.code == 0 and version(database) == "0015" and states(database) == sent
    wrong = shell("migrate", "--back-to", "1789")
    assert wrong.code == 1 and "knows no schema '1789'" in wrong.errors
    engine = engine_for(f"sqlite:///{database}")
    with pytest.raises(WrongSchema, match="older than this program"):
        schema.check(engine)
    engine.dispose()
