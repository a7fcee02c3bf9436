"""`tocsin retention` says what would go, and erases it when told to."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from notify.db import Database
from subscribers import store
from subscribers.store import Said
from tests.notify.cli.command_line import Shell
from tests.subscribers.factories import a_person


def test_what_is_old_is_counted_then_erased_and_the_log_still_holds(installed: Shell) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2000)
    with closing(Database(f"sqlite:///{installed.home / 'tocsin.db'}")) as db:
        _, address_id = db.write_now(lambda conn: a_person(conn, "+15035550101"))
        db.write_now(lambda conn: store.stop(conn, address_id, Said(at=long_ago, source="text")))
    said = installed("retention", "--dry-run")
    assert said.code == 0 and "Would be erased: 1 addresses that have opted out." in said.out
    assert installed("retention", "--dry-run", "--json").data["addresses"] == 1, "a dry run erases nothing"
    assert "Erased: 1 addresses" in installed("retention").out
    assert "Erased: nothing." in installed("retention").out
    assert installed("audit", "verify", "--json").data["lines"] >= 1


def test_what_is_kept_for_ever_is_said(installed: Shell) -> None:
    said = Shell(installed.home, {"TOCSIN_KEEP_STOPPED_DAYS": "0"})("retention", "--dry-run")
    assert "TOCSIN_KEEP_STOPPED_DAYS is 0: nothing of its kind is ever erased." in said.out
