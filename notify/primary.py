"""Which of several database servers is spoken to: one that takes writes, and never one from before a failover.

A primary that comes back after its standby was promoted takes writes again. Its ledger is that of before: whoever was told
since would be told once more, and a stop since then is unknown to it. PostgreSQL counts promotions: its timeline. A process
asks all servers before it connects, and goes back to no earlier timeline than it has seen.
"""

import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

logger = logging.getLogger(__name__)

TIMELINE: Final = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
ASK_S: Final = 5.0  # before another new connection all servers are asked again: one may have been promoted meanwhile
KEPT: Final = "timeline of the server"  # under which a pooled connection remembers it
OF: Final = "its servers"  # and of whom it is one

Connection = psycopg.Connection[Any]


class Newest:
    """The newest timeline that this process has seen, of each set of servers."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._asked_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, servers: str) -> int:
        """0 before anybody was asked."""
        return self._seen.get(servers, 0)

    def is_due(self, servers: str, now: float) -> bool:
        """Whether all of them are to be asked again; whoever hears so asks."""
        with self._lock:
            due = now >= self._asked_at.get(servers, -math.inf) + ASK_S
            if due:
                self._asked_at[servers] = now
            return due

    def saw(self, servers: str, timeline: int) -> None:
        with self._lock:
            self._seen[servers] = max(timeline, self.of(servers))


newest: Final = Newest()


def connect(keywords: Mapping[str, Any], seen: Newest = newest) -> tuple[Connection, int]:
    """A connection as libpq would make it, and its timeline (0 when there is one server only, which is not asked). Raises
    psycopg.OperationalError when no server will do, with the reason of each."""
    each, servers = list(_apart(keywords)), _named(keywords)
    if len(each) == 1:
        return psycopg.connect(**keywords), 0
    if seen.is_due(servers, time.monotonic()):
        for one in each:
            _ask(one, servers, seen)
    reasons = []
    for one in each:
        try:
            connection = psycopg.connect(**one)
        except psycopg.OperationalError as error:
            reasons.append(str(error))
            continue
        timeline = _timeline(connection)
        if timeline >= seen.of(servers):
            seen.saw(servers, timeline)
            return connection, timeline
        connection.close()
        reasons.append(
            f"{one['host']}:{one.get('port', '')} is a primary from before a failover (timeline {timeline}, not "
            f"{seen.of(servers)}): shut it down, it must come back as a standby (docs/deployment.md#failover)."
        )
        logger.error("%s", reasons[-1])
    raise psycopg.OperationalError("\n".join(reasons))


def guard(engine: Engine, seen: Newest = newest) -> None:
    """Every connection of the engine is made by `connect`; one in its pool that a failover has left behind is dropped."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, record: Any, _given: Any, keywords: dict[str, Any]) -> Connection:
        connection, record.info[KEPT] = connect(keywords, seen)
        record.info[OF] = _named(keywords)
        return connection

    @event.listens_for(engine, "checkout")
    def _check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info[KEPT] and record.info[KEPT] < seen.of(record.info[OF]):
            raise DisconnectionError("this server is from before a failover")


def _ask(one: Mapping[str, Any], servers: str, seen: Newest) -> None:
    """Notes the timeline of a server that takes writes; one that does not, or is not there, has none to note."""
    try:
        with psycopg.connect(**one) as connection:
            seen.saw(servers, _timeline(connection))
    except psycopg.OperationalError as error:
        logger.info("a server of the database is not asked: %s", error)


def _timeline(connection: Connection) -> int:
    before, connection.autocommit = connection.autocommit, True
    (timeline,) = connection.execute(TIMELINE).fetchone() or (0,)
    connection.autocommit = before
    return int(timeline)


def _named(keywords: Mapping[str, Any]) -> str:
    return f"{keywords.get('host')} {keywords.get('port')} {keywords.get('dbname')}"


def _apart(keywords: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same for each server alone."""
    hosts, ports = (str(keywords.get(name) or "").split(",") for name in ("host", "port"))
    for host, port in zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=True):
        alone = {name: value for name, value in (("host", host), ("port", port)) if value}
        yield {name: value for name, value in keywords.items() if name not in ("host", "port")} | alone
