"""The SQL of webhooks and their postings. Each function is one step of the caller's transaction.

A process holds a webhook by a lease, so that its postings leave one after the other however many processes there are. A lease
or a pause that would last longer than any can was reckoned by a clock that has been set back since: it is over.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, update
from sqlmodel import col, select

from notify.alerts.alert import Event, Severity
from notify.alerts.life import Status
from notify.partners.patience import LONGEST_PAUSE, SPREAD
from notify.partners.webhook import KEPT_FOR, SENDING, Kind, Standing, State, wants
from notify.partners.webhook_tables import Posting, PostingTry, Webhook
from notify.tables import EventRow

LEASE: Final = timedelta(seconds=60)  # longer than any request may take
FURTHEST: Final = LONGEST_PAUSE * (1 + SPREAD)
AT_ONCE: Final = 40  # begun in one look, so that two hundred partners take no time from the texts that leave just then


def plan(conn: Connection, event: Event, now: datetime, kind: Kind = Kind.ALERT) -> int:
    """Notes an event for every webhook it is for, in the transaction that starts or ends it; returns for how many. Only numbers
    are written here: bodies are made where no alert waits for them. A webhook that pauses after a failure is tried at once."""
    planned = 0
    for row in webhooks(conn, KEPT_FOR):
        known = _knows(conn, row.webhook_id, event.incident_id)
        first = kind is Kind.ALERT and wants(event, json.loads(row.hazards), Severity(row.least), row.realities.split(","))
        if known or first:
            add(conn, row.webhook_id, kind, now, event)
            planned += 1
    return planned


def add(conn: Connection, webhook_id: str, kind: Kind, now: datetime, event: Event | None = None) -> int:
    """Plans one posting, behind all others of its webhook; returns its number. The row is held until the transaction ends, so
    that numbers are in the order of commits."""
    number = update(Webhook).where(col(Webhook.webhook_id) == webhook_id).values(seq=col(Webhook.seq) + 1, try_at=None)
    seq = int(conn.execute(number.returning(col(Webhook.seq))).scalar_one())
    row = Posting(
        webhook_id=webhook_id,
        seq=seq,
        message_id=f"msg_{secrets.token_hex(16)}",
        kind=kind.value,
        incident_id=event.incident_id if event else "",
        event_id=event.event_id if event else "",
        standing=Standing.WAITING.value,
        planned_at=now,
    )
    conn.execute(insert(Posting).values(**row.model_dump()))
    return seq


def webhooks(conn: Connection, states: frozenset[State] = frozenset(State)) -> list[Webhook]:
    """By name: whoever locks several takes them in this order."""
    query = select(Webhook).where(col(Webhook.state).in_([state.value for state in states])).order_by(col(Webhook.webhook_id))
    return [Webhook(**row._mapping) for row in conn.execute(query)]


def webhook(conn: Connection, webhook_id: str, *, lock: bool = False) -> Webhook | None:
    query = select(Webhook).where(col(Webhook.webhook_id) == webhook_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    return Webhook(**found._mapping) if found else None


def due(conn: Connection, now: datetime) -> list[str]:
    """Webhooks with something to post now, that nobody holds. Postings of an alert whose page is not out yet wait for it."""
    ready = (
        select(col(Posting.seq))
        .join(EventRow, col(EventRow.event_id) == col(Posting.event_id), isouter=True)
        .where(col(Posting.webhook_id) == col(Webhook.webhook_id), col(Posting.standing) == Standing.WAITING.value)
        .where(or_(col(EventRow.status).is_(None), col(EventRow.status) != Status.PUBLISHING.value))
    )
    query = select(col(Webhook.webhook_id)).where(
        col(Webhook.state).in_([state.value for state in SENDING]), _free(now), _may_try(now), exists(ready)
    )
    return list(conn.execute(query.order_by(col(Webhook.webhook_id)).limit(AT_ONCE)).scalars())


def claim(conn: Connection, webhook_id: str, owner: str, now: datetime) -> int | None:
    """Takes a webhook's lease; returns its fence, None when somebody else was first."""
    taken = (
        update(Webhook)
        .where(col(Webhook.webhook_id) == webhook_id, _free(now), _may_try(now))
        .values(lease_owner=owner, lease_until=now + LEASE, fence=col(Webhook.fence) + 1)
    )
    return conn.execute(taken.returning(col(Webhook.fence))).scalar()


def change(conn: Connection, webhook_id: str, fence: int, **values: Any) -> bool:
    """Writes under a lease; False when somebody else holds it now."""
    mine = update(Webhook).where(col(Webhook.webhook_id) == webhook_id, col(Webhook.fence) == fence)
    return bool(conn.execute(mine.values(**values)).rowcount)


def end_leases(conn: Connection) -> None:
    """Frees everything: for a process that has just locked an embedded database."""
    conn.execute(update(Webhook).values(lease_until=None))


def head(conn: Connection, webhook_id: str) -> Posting | None:
    """The next posting of a webhook; None when there is none, or its alert's page is not out yet."""
    query = (
        select(Posting)
        .where(col(Posting.webhook_id) == webhook_id, col(Posting.standing) == Standing.WAITING.value)
        .order_by(col(Posting.seq))
        .limit(1)
    )
    found = conn.execute(query).first()
    if found is None:
        return None
    row = Posting(**found._mapping)
    publishing = select(col(EventRow.status)).where(col(EventRow.event_id) == row.event_id)
    return None if conn.execute(publishing).scalar() == Status.PUBLISHING.value else row


def set_posting(conn: Connection, row: Posting, **values: Any) -> None:
    conn.execute(_this(update(Posting), row.webhook_id, row.seq).values(**values))


def drop_waiting(conn: Connection, webhook_id: str, now: datetime) -> None:
    """Whatever waits will never be posted: the webhook has ended."""
    waiting = update(Posting).where(col(Posting.webhook_id) == webhook_id, col(Posting.standing) == Standing.WAITING.value)
    conn.execute(waiting.values(standing=Standing.DROPPED.value, done_at=now))


def note(conn: Connection, tried: PostingTry) -> None:
    conn.execute(insert(PostingTry).values(**tried.model_dump(exclude={"try_id"})))


def postings(conn: Connection, webhook_id: str, after: int, limit: int) -> list[Posting]:
    """In the order of their numbers."""
    query = select(Posting).where(col(Posting.webhook_id) == webhook_id, col(Posting.seq) > after)
    return [Posting(**row._mapping) for row in conn.execute(query.order_by(col(Posting.seq)).limit(limit))]


def tries(conn: Connection, webhook_id: str, limit: int) -> list[PostingTry]:
    """The last ones, the newest first."""
    query = select(PostingTry).where(col(PostingTry.webhook_id) == webhook_id).order_by(col(PostingTry.try_id).desc())
    return [PostingTry(**row._mapping) for row in conn.execute(query.limit(limit))]


def waiting(conn: Connection, now: datetime) -> list[tuple[str, int, float]]:
    """Of each webhook in use: its name, how much waits for it, and for how many seconds it has failed."""
    some = select(col(Posting.webhook_id), func.count()).where(col(Posting.standing) == Standing.WAITING.value)
    counts = {str(name): int(count) for name, count in conn.execute(some.group_by(col(Posting.webhook_id)))}
    return [
        (row.webhook_id, counts.get(row.webhook_id, 0), (now - (row.failing_since or now)).total_seconds())
        for row in webhooks(conn, KEPT_FOR | SENDING)
    ]


def count_old(conn: Connection, before: datetime) -> int:
    """How many postings were done by then."""
    return int(conn.execute(select(func.count()).select_from(Posting).where(col(Posting.done_at) <= before)).scalar_one())


def erase_old(conn: Connection, before: datetime, most: int) -> int:
    """Erases postings that were done by then, with their tries; returns how many. (What waits is never erased.)"""
    query = select(col(Posting.message_id), col(Posting.webhook_id), col(Posting.seq)).where(col(Posting.done_at) <= before)
    old = conn.execute(query.limit(most)).all()
    for _, webhook_id, seq in old:
        conn.execute(delete(PostingTry).where(col(PostingTry.webhook_id) == webhook_id, col(PostingTry.seq) == seq))
    conn.execute(delete(Posting).where(col(Posting.message_id).in_([message_id for message_id, _, _ in old])))
    return len(old)


def _knows(conn: Connection, webhook_id: str, incident_id: str) -> bool:
    """Whether a webhook got, or will get, any message of an incident."""
    query = select(col(Posting.seq)).where(col(Posting.webhook_id) == webhook_id, col(Posting.incident_id) == incident_id)
    return conn.execute(query.limit(1)).first() is not None


def _free(now: datetime) -> Any:
    until = col(Webhook.lease_until)
    return or_(until.is_(None), until <= now, until > now + LEASE)


def _may_try(now: datetime) -> Any:
    at = col(Webhook.try_at)
    return or_(at.is_(None), at <= now, at > now + FURTHEST)


def _this(statement: Any, webhook_id: str, seq: int) -> Any:
    return statement.where(and_(col(Posting.webhook_id) == webhook_id, col(Posting.seq) == seq))
