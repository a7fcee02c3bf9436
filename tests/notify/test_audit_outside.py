"""The log of acts is held from outside: its head is public, and the service's own database role can only add to it."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from notify import audit
from notify.audit import Act
from notify.clock import ManualClock
from notify.db import Database
from notify.figures import PINNED_EVERY, Gauges
from tests.conftest import admin
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room
from tests.notify.service_factory import serving

SCRIPT: Final = Path(__file__).parents[2] / "notify" / "service_role.sql"
LOGIN: Final = "tocsin_under_test"
WAIT_S: Final = 60


def act(conn: Connection, clock: ManualClock, number: int) -> None:
    audit.append(conn, Act(actor="author", action="composed", subject=f"AAAAA-{number}", detail={}), clock.now())


async def test_the_head_is_taken_once_an_hour_and_a_shortened_or_rebuilt_log_does_not_hold_it(
    db: Database, clock: ManualClock
) -> None:
    gauges, pinned = Gauges(db, clock, []), []
    for number in range(3):
        db.write_now(lambda conn, n=number: act(conn, clock, n))  # type: ignore[misc]
        found = (await gauges.read()).log
        assert found is not None
        pinned.append(found)
        clock.forward(timedelta(minutes=1) if number == 0 else PINNED_EVERY)
    assert [one.line for one in pinned] == [1, 1, 3]
    lines = db.read_now(audit.lines)
    assert pinned[-1].head == lines[-1].hash and audit.problems(lines, pinned[-1].head) == []
    assert "lines were removed" in audit.problems(lines[:2], pinned[-1].head)[0]
    db.write_now(lambda conn: conn.execute(text("DELETE FROM audit WHERE seq > 1")))
    db.write_now(lambda conn: act(conn, clock, 9))
    assert "is not in this log" in audit.problems(db.read_now(audit.lines), pinned[-1].head)[0]


async def test_anybody_can_read_the_head_that_the_log_has(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "home", migrated_sqlite) as served:
        path = served.running.service.assembly.site.prefix + "status.json"
        file = served.home / "public" / path
        async with asyncio.timeout(WAIT_S):
            while not file.exists():
                await asyncio.sleep(0.05)
        told = json.loads(file.read_text())
        line, head = served.running.service.db.read_now(audit.last)
        assert told["log"]["head"] == head and told["log"]["line"] == line
        assert told["mode"] == "demo" and set(told) == {"mode", "log"}
        public = f"http://127.0.0.1:{served.running.public_port}"
        async with aiohttp.ClientSession() as session, session.get(f"{public}/{path}") as answer:
            assert answer.status == 200 and await answer.json() == told


@pytest.fixture
def as_service(database_url: str) -> Iterator[str]:
    """The database's address for a login that is a member of the service's role, made by the script that ships."""
    url = make_url(database_url)
    env = os.environ | {
        "PGHOST": url.host or "",
        "PGPORT": str(url.port),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
    }
    for _ in range(2):  # after every migration: it may be run again
        done = subprocess.run(
            ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(SCRIPT), url.database or ""],
            env=env, capture_output=True, text=True, timeout=WAIT_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    admin(f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'for-this-test' IN ROLE tocsin_service")
    try:
        yield url.set(username=LOGIN, password="for-this-test").render_as_string(hide_password=False)
    finally:
        admin(f"DROP ROLE {LOGIN}")


FORBIDDEN: Final = (
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "ALTER TABLE audit ADD COLUMN more text",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "DROP TABLE audit",
    "CREATE TABLE mine (one text)",
    "ALTER TABLE audit OWNER TO tocsin_service",
    "UPDATE alembic_version SET version_num = '0001'",
    "GRANT UPDATE ON audit TO tocsin_service",
    "CREATE RULE quiet AS ON INSERT TO audit DO INSTEAD NOTHING",
)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_the_service_s_role_does_all_the_work_and_can_only_add_to_the_log(
    as_service: str, database_url: str, clock: ManualClock
) -> None:
    with closing(Database(as_service)) as db:
        room = Room.on(db, clock)
        alert_id = room.left()
        room.do("stop", AUTHOR, alert_id, "Wrong area.")
        room.submitted()
        lines = db.read_now(audit.lines)
        assert [line.action for line in lines if line.actor != "tocsin"].count("stopped") == 1 and audit.problems(lines) == []
    where: Any = as_service.replace("postgresql+psycopg", "postgresql")
    for statement in FORBIDDEN:
        with psycopg.connect(where, autocommit=True) as session:
            if statement.startswith("GRANT"):  # PostgreSQL only warns: nothing is granted by whoever has nothing to give
                session.execute(statement.encode())
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())
    with closing(Database(database_url)) as db:
        assert db.read_now(audit.lines) == lines
    assert APPROVER.person_id in {line.actor for line in lines}
