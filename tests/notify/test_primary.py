"""Of several database servers the one that takes writes is used, and after a failover never the one from before."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from notify import primary
from notify.db import READERS, Database, went_away
from notify.primary import Newest
from notify.processes.session import _keywords
from tests.nemesis.cluster import Pair, pair

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as both:
        yield both


def port(conn: Connection) -> int:
    return int(conn.execute(text("SHOW port")).scalar_one())


def test_after_a_failover_nobody_goes_back_to_a_primary_that_returns(servers: Pair) -> None:
    keywords, log = _keywords(servers.url), text("SELECT pg_is_in_recovery()")
    with closing(Database(servers.url)) as db:
        assert db.write_now(port) == db.read_now(port) == servers.first.port
        servers.fail_over()
        with suppress(Exception):
            db.write_now(port)  # notices
        assert db.write_now(port) == servers.standby.port
        assert not db.write_now(lambda conn: conn.execute(log).scalar_one())
        servers.first.back()
        with psycopg.connect(host="127.0.0.1", port=servers.first.port, user="tocsin", dbname="postgres") as old:
            assert old.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        with ExitStack() as held:  # every connection that its pool may have, those not made yet too
            conns = [held.enter_context(db.reader.connect()) for _ in range(READERS)]
            assert {port(conn) for conn in conns} == {servers.standby.port}
        started_later, timeline = primary.connect(keywords, Newest())
        with started_later as conn:
            assert (conn.info.port, timeline) == (servers.standby.port, 2)
        _a_pooled_connection_that_was_left_behind_is_dropped(db)
        servers.standby.kill()
        with pytest.raises(psycopg.OperationalError, match=r"is a primary from before a failover .* shut it down"):
            primary.connect(keywords)
        with pytest.raises(Exception) as unreached:
            db.write_now(port)
        assert went_away(unreached.value), "what was under way is kept, and tried again"


def _a_pooled_connection_that_was_left_behind_is_dropped(db: Database) -> None:
    """The old primary was cut off, not dead: its connections outlive the failover."""
    with db.reader.connect() as conn:
        info: Any = conn.connection.record_info
        before, info[primary.KEPT] = conn.connection.dbapi_connection, 1
    with db.reader.connect() as conn:
        assert conn.connection.dbapi_connection is not before


def test_a_server_that_is_alone_is_not_asked(tmp_path: Path) -> None:
    seen = Newest()
    with pytest.raises(psycopg.OperationalError):
        primary.connect({"host": str(tmp_path), "dbname": "nobody"}, seen)
    assert seen.of(f"{tmp_path} None nobody") == 0


def test_servers_are_tried_one_by_one_each_at_its_port() -> None:
    keywords = {"host": "a,b", "port": "5432,5433", "user": "tocsin"}
    assert list(primary._apart(keywords)) == [
        {"host": "a", "port": "5432", "user": "tocsin"},
        {"host": "b", "port": "5433", "user": "tocsin"},
    ]
    assert list(primary._apart({"host": "a,b", "port": ","})) == [{"host": "a"}, {"host": "b"}]
    assert list(primary._apart({"host": "a,b", "port": "5433"})) == [{"host": each, "port": "5433"} for each in "ab"]
    assert list(primary._apart({"dbname": "tocsin"})) == [{"dbname": "tocsin"}]
