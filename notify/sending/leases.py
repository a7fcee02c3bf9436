"""Who may send a row: leases on planned rows, claims committed just before a call, and what is free again when a sender dies.

Every function takes a Connection and is one step of the caller's transaction; nothing here waits, sends or reads a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam
from sqlmodel import col, select

from notify.alerts.life import Status
from notify.clock import micros
from notify.db import is_sqlite
from notify.sending.affinity import NOBODY, Others
from notify.sending.hold import held_incidents
from notify.sending.statements import OPEN, among, driven, held_still, listed, one_of
from notify.tables import EventRow

MAY_LEAVE: Final = (Status.SENDING, Status.ACTIVE)  # in force and handed over, an event is still sent to latecomers
_SENDING: Final = (
    select(col(EventRow.event_id))
    .where(col(EventRow.status).in_(MAY_LEAVE), col(EventRow.expires_at) > bindparam("now"))
    .where(col(EventRow.incident_id).not_in(held_incidents()))
    .order_by(col(EventRow.event_id))
)
_SENDING_LOCKED: Final = _SENDING.with_for_update(read=True)
NO_LIMITS: Final[Mapping[str, int]] = MappingProxyType({})


class Leased(NamedTuple):
    """A row one sender holds for a while. `fence` rises with every lease: outcomes under an older one are refused.
    `sealed` is None when the person has been erased since planning."""

    delivery_id: int
    fence: int
    event_id: str
    language: str
    wording: str
    attempts: int
    address_id: int
    sealed: bytes | None
    key_id: str | None


def lease(
    conn: Connection,
    owner: str,
    channel: str,
    *,
    limit: int,
    below: int,
    now: datetime,
    until: datetime,
    most: Mapping[str, int] = NO_LIMITS,
    others: Others = NOBODY,
) -> list[Leased]:
    """Takes up to `limit` planned rows of events being sent and not expired, most urgent first, for `owner` until `until`.

    below: only rows whose priority is smaller (the urgent pool); 100 takes any that does not wait
    for morning. most: of a slowed event no more rows than this. All others come in their order, as if it had no more.
    others: whose rows are left to them.
    """
    live = sending(conn, now)
    if not live:
        return []
    wanted = {"channel": channel, "below": below, "now": micros(now)} | others.bound
    lessee = {"owner": owner, "until": micros(until)}
    if most.keys() & set(live):
        lanes = [([name], most[name]) for name in live if name in most] + [([name for name in live if name not in most], limit)]
        due = [
            one
            for events, at_most in lanes
            if events and at_most
            for one in _next(conn, events, others, wanted | {"limit": at_most})
        ]
        ids = _keep(conn, [delivery_id for _, delivery_id in sorted(due)[:limit]], lessee)
    else:
        ids = _take(conn, live, others, wanted | lessee | {"limit": limit})
    if not ids:
        return []
    found = driven(
        conn,
        f"""
        SELECT d.delivery_id, d.fence, d.event_id, d.language, d.wording, d.attempts, d.address_id, a.sealed, a.key_id
        FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
        WHERE d.delivery_id {among(conn)} ORDER BY d.priority, d.delivery_id""",
        {"ids": listed(conn, ids)},
    )
    return [Leased._make(row) for row in found.all()]


def _take(conn: Connection, events: Sequence[str], others: Others, bound: Mapping[str, object]) -> list[int]:
    """Leases the next planned rows of these events; their ids."""
    taken = driven(
        conn,
        f"""
        UPDATE delivery SET lease_owner = :owner, lease_until = :until, fence = fence + 1
        WHERE delivery_id {one_of(conn, _chosen(conn, "delivery_id", len(events), others))}
        RETURNING delivery_id""",
        {**bound, **_bound(events)},
    )
    return [row[0] for row in taken.all()]


def _next(conn: Connection, events: Sequence[str], others: Others, bound: Mapping[str, object]) -> list[tuple[int, int]]:
    """(priority, id) of the next planned rows of these events, locked until this transaction ends."""
    chosen = _chosen(conn, "priority, delivery_id", len(events), others)
    rows: Sequence[Sequence[int]] = driven(conn, chosen, {**bound, **_bound(events)}).all()
    return [(row[0], row[1]) for row in rows]


def _chosen(conn: Connection, columns: str, events: int, others: Others) -> str:
    names = ", ".join(f":e{number}" for number in range(events))
    # PostgreSQL guesses that hardly any row is of these events, and then reads and sorts every planned row for each lease. Of a
    # CASE it guesses nothing (half of them), and takes the first rows of the index (docs/benchmarks.md, `growth`).
    named = f"IN ({names})"
    live = f"event_id || '' {named}" if is_sqlite(conn) else f"CASE WHEN event_id {named} THEN TRUE ELSE FALSE END"
    waits = f"""state = 'planned' AND channel = :channel AND priority < :below
              AND (lease_until IS NULL OR lease_until <= :now)
              AND {live}"""
    return f"""
            SELECT {columns} FROM delivery
            WHERE {others.narrowed(conn, waits)}
            ORDER BY priority, delivery_id LIMIT :limit{"" if is_sqlite(conn) else " FOR UPDATE SKIP LOCKED"}"""


def _keep(conn: Connection, ids: Sequence[int], lessee: Mapping[str, object]) -> list[int]:
    """Leases these rows, which this transaction has locked."""
    if ids:
        driven(
            conn,
            f"""
            UPDATE delivery SET lease_owner = :owner, lease_until = :until, fence = fence + 1
            WHERE delivery_id {among(conn)}""",
            {**lessee, "ids": listed(conn, ids)},
        )
    return list(ids)


def claim(conn: Connection, owner: str, ids: Sequence[int], *, now: datetime, route: str = "") -> set[int]:
    """Marks rows of this owner's lease `claimed`, by this route: to be committed just before their calls start.

    Leaves out every row that may not be sent any more: its lease has gone, its event was stopped or has expired, or its
    address has opted out or been erased since (those are withdrawn here).
    """
    events = _bound(sending(conn, now, lock=True))  # a stop waits for this commit, or is seen here
    if not events:
        return set()
    bound = {"ids": listed(conn, ids), "owner": owner, "now": micros(now)}
    held = f"delivery_id {among(conn)} AND state = 'planned' AND lease_owner = :owner"
    known = "SELECT 1 FROM address a WHERE a.address_id = delivery.address_id"
    may_be_told = f"EXISTS ({known} AND a.stopped_at IS NULL)"
    driven(
        conn,
        f"""
        UPDATE delivery SET state = 'withdrawn', final_at = :now, lease_owner = NULL, lease_until = NULL,
               code = CASE WHEN EXISTS ({known}) THEN 'opted-out' ELSE 'erased' END
        WHERE {held_still(conn, f"{held} AND NOT {may_be_told}")}""",
        bound,
    )
    claimed = driven(
        conn,
        f"""
        UPDATE delivery SET state = 'claimed', claimed_at = :now, attempts = attempts + 1, route = :route
        WHERE {held_still(conn, f"{held} AND lease_until > :now AND event_id || '' IN ({_names(events)})")}
        RETURNING delivery_id""",
        bound | events | {"route": route or None},
    )
    return {row[0] for row in claimed.all()}


def take_back(conn: Connection, owner: str, ids: Iterable[int]) -> None:
    """For rows of this owner whose claim was committed, or was not, when the database went away: none of them was started, and
    they may be claimed anew."""
    driven(
        conn,
        f"""
        UPDATE delivery SET state = 'planned', attempts = attempts - 1
        WHERE {held_still(conn, f"delivery_id {among(conn)} AND lease_owner = :owner AND state = 'claimed'")}""",
        {"ids": listed(conn, ids), "owner": owner},
    )


def sending(conn: Connection, now: datetime, *, lock: bool = False) -> list[str]:
    """The events whose messages may leave now: those being sent, and those in force that latecomers are still told of. With
    `lock`, none of them is stopped before this transaction ends. None of what is held after a restore."""
    return list(conn.scalars(_SENDING_LOCKED if lock else _SENDING, {"now": now}))


def _bound(events: Sequence[str]) -> dict[str, str]:
    return {f"e{number}": event_id for number, event_id in enumerate(events)}


def _names(bound: Mapping[str, str]) -> str:
    return ", ".join(f":{name}" for name in bound)


def release_expired(conn: Connection, *, now: datetime) -> int:
    """Rows whose call was never reported back before their lease ended become `unknown`, and flagged. (A lease on a planned
    row ends by itself.) A row that a frozen sender holds locked is left to the next time. Returns how many."""
    done = driven(
        conn,
        f"""
        UPDATE delivery SET state = 'unknown', ambiguous = :yes, code = 'lease ended', fence = fence + 1,
               lease_owner = NULL, lease_until = NULL
        WHERE {held_still(conn, f"{OPEN} AND state = 'claimed' AND lease_until <= :now", skip_locked=True)}""",
        {"now": micros(now), "yes": True},
    )
    return done.rowcount


def end_leases(conn: Connection, *, now: datetime) -> None:
    """Ends every lease at once: for a process that has just locked an embedded database and so knows nobody else sends."""
    for held in (f"{OPEN} AND state = 'claimed'", "state = 'planned' AND lease_owner IS NOT NULL"):
        driven(conn, f"UPDATE delivery SET lease_until = :now WHERE {held}", {"now": micros(now)})


def renew(conn: Connection, owner: str, ids: Iterable[int], *, until: datetime) -> set[int]:
    """Keeps this owner's leases while it lives; returns the rows it still holds."""
    ours = f"delivery_id {among(conn)} AND lease_owner = :owner AND state IN ('planned', 'claimed')"
    kept = driven(
        conn,
        f"""
        UPDATE delivery SET lease_until = :until
        WHERE {held_still(conn, ours)}
        RETURNING delivery_id""",
        {"ids": listed(conn, ids), "until": micros(until), "owner": owner},
    )
    return {row[0] for row in kept.all()}


def give_back(conn: Connection, owner: str, ids: Iterable[int]) -> None:
    """Frees leased rows this owner will not get to; their calls never started."""
    ours = f"delivery_id {among(conn)} AND lease_owner = :owner AND state = 'planned'"
    driven(
        conn,
        f"""
        UPDATE delivery SET lease_owner = NULL, lease_until = NULL WHERE {held_still(conn, ours)}""",
        {"ids": listed(conn, ids), "owner": owner},
    )
