"""All SQL of the hub. Secrets are sealed at rest, as addresses are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, update
from sqlmodel import col, select

from notify.websub.asking import MOST_HELD, MOST_OF_HOST, MOST_WAITING, Asked
from notify.websub.websub_tables import WebSubAsk, WebSubSubscription
from subscribers.sealing import Keyring, Sealed

CHANNEL = "websub"  # what a secret is sealed for


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A subscription as it is delivered to."""

    mark: str
    topic: str
    callback: str
    sealed: Sealed | None = field(repr=False)
    told: str
    failures: int
    failing_since: datetime | None
    again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A subscription as administrators see it. The rest of the callback's address, and the secret, are nobody's to read."""

    host: str
    topic: str
    signed: bool
    since: datetime
    lease_until: datetime
    delivered_at: datetime | None
    failures: int  # one after the other
    failing_since: datetime | None


def keep(conn: Connection, asked: Asked, ring: Keyring, now: datetime) -> str:
    """Keeps what was asked for its challenge. Why not, as a sentence; "" when it is kept. To end what is not there is no
    error and costs nobody a challenge."""
    held = col(WebSubSubscription.mark) == asked.mark
    is_held = conn.execute(select(func.count()).where(held)).scalar_one()
    if not asked.subscribes and not is_held:
        return ""
    if _count(conn, WebSubAsk) >= MOST_WAITING:
        return "Too many requests wait to be verified."
    if not is_held and asked.subscribes:
        of_host = col(WebSubSubscription.host) == asked.host
        if conn.execute(select(func.count()).where(of_host)).scalar_one() >= MOST_OF_HOST:
            return f"{asked.host} holds {MOST_OF_HOST} subscriptions already."
        if _count(conn, WebSubSubscription) >= MOST_HELD:
            return "The hub holds as many subscriptions as it can."
    sealed = ring.seal(CHANNEL, asked.secret) if asked.secret else None
    conn.execute(delete(WebSubAsk).where(col(WebSubAsk.mark) == asked.mark))
    values = _shared(asked, sealed) | {
        "subscribes": asked.subscribes,
        "lease_s": int(asked.lease.total_seconds()),
        "asked_at": now,
    }
    conn.execute(insert(WebSubAsk).values(**values))
    return ""


def take(conn: Connection, ring: Keyring, most: int) -> list[Asked]:
    """What is to be challenged, oldest first; nobody gets it a second time, whatever happens to us."""
    columns = [col(getattr(WebSubAsk, name)) for name in _ASKED]
    query = select(*columns).order_by(col(WebSubAsk.asked_at), col(WebSubAsk.mark)).limit(most)
    rows = list(conn.execute(query.with_for_update(skip_locked=True)))
    conn.execute(delete(WebSubAsk).where(col(WebSubAsk.mark).in_([row.mark for row in rows])))
    return [
        Asked(
            subscribes=row.subscribes,
            topic=row.topic,
            callback=row.callback,
            secret=ring.open(CHANNEL, row.key_id, row.secret) if row.secret is not None else "",
            lease=timedelta(seconds=row.lease_s),
        )
        for row in rows
    ]


def verified(conn: Connection, asked: Asked, ring: Keyring, now: datetime) -> None:
    """Begins, prolongs or ends a subscription. One that is prolonged keeps what it was told."""
    mine = col(WebSubSubscription.mark) == asked.mark
    if not asked.subscribes:
        conn.execute(delete(WebSubSubscription).where(mine))
        return
    sealed = ring.seal(CHANNEL, asked.secret) if asked.secret else None
    values = _shared(asked, sealed) | {"lease_until": now + asked.lease, "failures": 0, "failing_since": None, "again_at": None}
    if conn.execute(update(WebSubSubscription).where(mine).values(**values)).rowcount == 0:
        conn.execute(insert(WebSubSubscription).values(**values, since=now, told=""))


def standing(conn: Connection, now: datetime) -> list[Held]:
    """Every subscription that holds, those that work first."""
    query = select(*_COLUMNS).where(col(WebSubSubscription.lease_until) > now)
    return [_held(row) for row in conn.execute(query.order_by(col(WebSubSubscription.failures), col(WebSubSubscription.since)))]


def shown(conn: Connection, now: datetime, most: int) -> list[Subscriber]:
    """The subscriptions that hold, those that fail first."""
    columns: list[Any] = [col(getattr(WebSubSubscription, name)) for name in _SHOWN]
    columns.append(col(WebSubSubscription.secret).is_not(None).label("signed"))
    query = select(*columns).where(col(WebSubSubscription.lease_until) > now)
    order = (col(WebSubSubscription.failures).desc(), col(WebSubSubscription.host), col(WebSubSubscription.topic))
    return [Subscriber(**row._mapping) for row in conn.execute(query.order_by(*order).limit(most))]


def delivered(conn: Connection, mark: str, digest: str, now: datetime) -> None:
    values = {"told": digest, "delivered_at": now, "failures": 0, "failing_since": None, "again_at": None}
    conn.execute(update(WebSubSubscription).where(col(WebSubSubscription.mark) == mark).values(**values))


def failed(conn: Connection, held: Held, now: datetime, wait: timedelta) -> None:
    values = {"failures": held.failures + 1, "failing_since": held.failing_since or now, "again_at": now + wait}
    conn.execute(update(WebSubSubscription).where(col(WebSubSubscription.mark) == held.mark).values(**values))


def end(conn: Connection, mark: str) -> None:
    conn.execute(delete(WebSubSubscription).where(col(WebSubSubscription.mark) == mark))


def end_expired(conn: Connection, now: datetime) -> int:
    """Ends what was not renewed; how many that were."""
    return conn.execute(delete(WebSubSubscription).where(col(WebSubSubscription.lease_until) <= now)).rowcount


def count(conn: Connection) -> int:
    return _count(conn, WebSubSubscription)


_ASKED = ("mark", "subscribes", "topic", "callback", "secret", "key_id", "lease_s")
_SHOWN = ("host", "topic", "since", "lease_until", "delivered_at", "failures", "failing_since")
_COLUMNS: Sequence[Any] = [
    col(getattr(WebSubSubscription, name))
    for name in ("mark", "topic", "callback", "secret", "key_id", "told", "failures", "failing_since", "again_at")
]


def _held(row: Any) -> Held:
    return Held(
        mark=row.mark,
        topic=row.topic,
        callback=row.callback,
        sealed=Sealed(key_id=row.key_id, data=row.secret) if row.secret is not None else None,
        told=row.told,
        failures=row.failures,
        failing_since=row.failing_since,
        again_at=row.again_at,
    )


def _shared(asked: Asked, sealed: Sealed | None) -> dict[str, Any]:
    return {
        "mark": asked.mark,
        "topic": asked.topic,
        "callback": asked.callback,
        "host": asked.host,
        "secret": sealed.data if sealed else None,
        "key_id": sealed.key_id if sealed else "",
    }


def _count(conn: Connection, table: type[WebSubAsk] | type[WebSubSubscription]) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())
