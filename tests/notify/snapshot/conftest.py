"""A snapshot of a small town, and the shell that made it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from notify import keys
from notify.db import Database
from subscribers import contacts, store
from tests.notify.cli.command_line import Shell
from tests.notify.cli.conftest import installed, shell, wide_screen
from tests.stories.town import ACCOUNT, EAST, SENDER, TOKEN, WEST, Town

__all__ = ["installed", "shell", "wide_screen"]

PEOPLE = 300


@dataclass(frozen=True, slots=True)
class Safe:
    """A snapshot and the key to it."""

    town: Town
    snapshot: Path
    key: Path
    shell: Shell


def phone(number: int) -> str:
    return f"+1503555{number:04}"


@pytest.fixture(scope="session")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Safe]:
    """300 in the west by text, half of them Spanish; 50 in the east; one stopped, one who may be somebody else, some mail."""
    home = tmp_path_factory.mktemp("safe")
    town = Town.create(home / "var", f"sqlite:///{home / 'var' / 'tocsin.db'}")
    town.settle([phone(number) for number in range(1000, 1000 + PEOPLE // 2)])
    town.settle([phone(number) for number in range(2000, 2000 + PEOPLE // 2)], language="es")
    town.settle([phone(number) for number in range(3000, 3050)], inside=EAST)
    town.settle([f"resident{number}@example.gov" for number in range(20)], channel="email", inside=WEST)
    with closing(Database(town.database_url)) as db:
        db.write_now(lambda conn: _stand_apart(conn, town))
    outside = Shell(home / "var", {"TOCSIN_DATABASE_URL": town.database_url})
    public = outside("snapshot", "key", home / "private.pem", "--json").data["public"]
    made = Shell(home / "var", {**outside.variables, "TOCSIN_SNAPSHOT_KEY": public})
    assert made("snapshot", "make", home / "one.sealed").code == 0
    gateway = {
        "TOCSIN_TWILIO_ACCOUNT_SID": ACCOUNT,
        "TOCSIN_TWILIO_AUTH_TOKEN": TOKEN,
        "TOCSIN_TWILIO_URL": "http://127.0.0.1:1",
        "TOCSIN_SMS_SENDERS": f"{SENDER}=100",
        "TOCSIN_NOT_FOUND_AFTER_S": "0.2",
        "TOCSIN_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/gone",  # there is none any more
    }
    keys.load(home / "var" / "keys.toml")
    yield Safe(town, home / "one.sealed", home / "private.pem", Shell(home / "nothing-here", gateway))


def _stand_apart(conn: Connection, town: Town) -> None:
    now = datetime.now(UTC)
    for number, change in ((1000, "stopped_at"), (1001, "unreachable_at")):
        blind = town.ring.blind("sms", phone(number))
        conn.execute(text(f"UPDATE address SET {change} = :now WHERE blind = :blind"), {"now": now.isoformat(), "blind": blind})
    contact = contacts.meet(conn, "sms", town.ring.blind("sms", phone(1002)), now)
    contacts.remember(conn, contact.contact_id, contact.memory, now, suspect_at=now)
    store.note_change(conn, None)
