"""The ledger's SQL: plan, lease, claim, record, release, withdraw, count.

Every function takes a Connection and is one step of the caller's transaction; nothing here waits, sends or reads a clock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlmodel import col, select

from channels.base import Handed, Receipt, Retry, Unknown
from notify.alert import Wording
from notify.clock import micros
from notify.db import is_sqlite
from notify.deliveries import FINAL, State, Tally, advance, after, code_of, retry_at
from notify.tables import EventRow

# Everybody who has, or may have, an event's text. An ambiguous row counts even if it was withdrawn before a second attempt.
TOLD: Final = "(state IN ('handed', 'delivered', 'unknown') OR ambiguous)"
WORDINGS: Final = tuple(Wording)  # a wording's number is its place here; the first INTRODUCING of them introduce us
INTRODUCING: Final = 2
WORDING_BITS: Final = 8
CHANNELS: Final = ("sms", "email")  # those with addresses
NOT_STARTED: Final = Retry(timedelta(0), "not started")  # claimed, but no call was made: it is no attempt
# `event_id || ''` below keeps the planner on the partial index of planned rows: by event it would sort the whole event.


@dataclass(frozen=True, slots=True)
class Leased:
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


def among(conn: Connection) -> str:
    """SQL for "is in the list bound as :ids", the same text whatever the list's length."""
    return "IN (SELECT value FROM json_each(:ids))" if is_sqlite(conn) else "= ANY(CAST(:ids AS bigint[]))"


def listed(conn: Connection, ids: Iterable[int]) -> Any:
    """The value to bind for `among`."""
    values = list(ids)
    return json.dumps(values) if is_sqlite(conn) else values


def _held_still(conn: Connection, where: str) -> str:
    """SQL for "is one of these rows". PostgreSQL locks them first, in the order of their ids: two transactions that want the
    same rows then wait for each other instead of ending each other as a deadlock."""
    if is_sqlite(conn):
        return where
    return f"delivery_id = ANY(ARRAY(SELECT delivery_id FROM delivery WHERE {where} ORDER BY delivery_id FOR UPDATE))"


def pack(address_id: int, wording: Wording) -> int:
    """An address and its wording as one number, so that a million of them travel to the database as plain integers."""
    return (address_id << WORDING_BITS) | WORDINGS.index(wording)


def plan(conn: Connection, event: EventRow, packed: Sequence[int], now: datetime) -> int:
    """Adds a `planned` row for each packed address and wording not planned yet, in the order given; returns how many were
    added. Planning twice is planning once. Listed people not yet told why they get our texts get the "/why" form."""
    source = (
        "json_each(:ids) j CROSS JOIN"
        if is_sqlite(conn)
        else "unnest(CAST(:ids AS bigint[])) WITH ORDINALITY j(value, key) JOIN"
    )
    cases = " ".join(f"WHEN {number} THEN '{wording}'" for number, wording in enumerate(WORDINGS))
    mask = (1 << WORDING_BITS) - 1
    done = conn.execute(
        text(f"""
        INSERT INTO delivery (event_id, address_id, channel, language, wording, priority, state, fence, attempts,
                              ambiguous, planned_at)
        SELECT :event_id, a.address_id, a.channel, a.language,
               CASE (j.value & {mask}) {cases} END ||
               CASE WHEN a.basis <> 'opt-in' AND a.introduced_at IS NULL AND (j.value & {mask}) < {INTRODUCING}
                    THEN '/why' ELSE '' END,
               :priority, 'planned', 0, 0, :no, :now
        FROM {source} address a ON a.address_id = (j.value >> {WORDING_BITS})
        WHERE a.stopped_at IS NULL
        ORDER BY j.key
        ON CONFLICT (event_id, channel, address_id) DO NOTHING"""),
        {
            "ids": listed(conn, packed),
            "event_id": event.event_id,
            "priority": event.priority,
            "no": False,
            "now": micros(now),
        },
    )
    return done.rowcount


def lease(
    conn: Connection, owner: str, channel: str, *, limit: int, below: int, now: datetime, until: datetime
) -> list[Leased]:
    """Takes up to `limit` planned rows of events being sent and not expired, most urgent first, for `owner` until `until`.

    below: only rows whose priority is smaller (the urgent pool); 100 takes any.
    """
    live = _bound(sending(conn, now))
    if not live:
        return []
    # As an array the rows are chosen once; a plan that runs the choice again would lock, and lease, more than `limit`.
    one_of, skip = ("IN (", ")") if is_sqlite(conn) else ("= ANY(ARRAY(", " FOR UPDATE SKIP LOCKED))")
    bound = {"owner": owner, "until": micros(until), "channel": channel, "below": below, "now": micros(now)}
    taken = conn.execute(
        text(f"""
        UPDATE delivery SET lease_owner = :owner, lease_until = :until, fence = fence + 1
        WHERE delivery_id {one_of}
            SELECT delivery_id FROM delivery
            WHERE state = 'planned' AND channel = :channel AND priority < :below
              AND (lease_until IS NULL OR lease_until <= :now)
              AND event_id || '' IN ({_names(live)})
            ORDER BY priority, delivery_id LIMIT :limit{skip}
        RETURNING delivery_id"""),
        bound | live | {"limit": limit},
    )
    ids = [row[0] for row in taken]
    if not ids:
        return []
    found = conn.execute(
        text(f"""
        SELECT d.delivery_id, d.fence, d.event_id, d.language, d.wording, d.attempts, d.address_id, a.sealed, a.key_id
        FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
        WHERE d.delivery_id {among(conn)} ORDER BY d.priority, d.delivery_id"""),
        {"ids": listed(conn, ids)},
    )
    return [Leased(*row) for row in found]


def claim(conn: Connection, owner: str, ids: Sequence[int], *, now: datetime) -> set[int]:
    """Marks rows of this owner's lease `claimed`: to be committed just before their calls start.

    Leaves out every row that may not be sent any more: its lease has gone, its event was stopped or has expired, or its
    address has opted out since planning (those are withdrawn here).
    """
    events = _bound(sending(conn, now, lock=True))  # a stop waits for this commit, or is seen here
    if not events:
        return set()
    bound = {"ids": listed(conn, ids), "owner": owner, "now": micros(now)}
    held = f"delivery_id {among(conn)} AND state = 'planned' AND lease_owner = :owner"
    opted_out = "EXISTS (SELECT 1 FROM address a WHERE a.address_id = delivery.address_id AND a.stopped_at IS NOT NULL)"
    conn.execute(
        text(f"""
        UPDATE delivery SET state = 'withdrawn', code = 'opted-out', final_at = :now, lease_owner = NULL, lease_until = NULL
        WHERE {_held_still(conn, f"{held} AND {opted_out}")}"""),
        bound,
    )
    claimed = conn.execute(
        text(f"""
        UPDATE delivery SET state = 'claimed', claimed_at = :now, attempts = attempts + 1
        WHERE {_held_still(conn, f"{held} AND lease_until > :now AND event_id || '' IN ({_names(events)})")}
        RETURNING delivery_id"""),
        bound | events,
    )
    return {row[0] for row in claimed}


def sending(conn: Connection, now: datetime, *, lock: bool = False) -> list[str]:
    """The events whose messages may leave now: those being sent, and those in force that latecomers are still told of. With
    `lock`, none of them is stopped before this transaction ends."""
    leaving = col(EventRow.status).in_(("sending", "active"))
    query = select(col(EventRow.event_id)).where(leaving, col(EventRow.expires_at) > now)
    return list(conn.scalars(query.order_by(col(EventRow.event_id)).with_for_update(read=True) if lock else query))


def _bound(events: Sequence[str]) -> dict[str, str]:
    return {f"e{number}": event_id for number, event_id in enumerate(events)}


def _names(bound: Mapping[str, str]) -> str:
    return ", ".join(f":{name}" for name in bound)


_RECORD = """
UPDATE delivery SET state = ?, provider_id = COALESCE(?, provider_id), code = ?, handed_at = ?, final_at = ?,
       ambiguous = (ambiguous OR ?), attempts = attempts - ?, lease_owner = NULL, lease_until = ?
WHERE delivery_id = ? AND fence = ? AND state = 'claimed'"""


def record(conn: Connection, results: Sequence[tuple[Leased, Receipt]], *, now: datetime) -> int:
    """Writes what channels said of claimed rows; returns how many were still ours to write (the fence)."""
    at = micros(now)
    rows = []
    for leased, receipt in sorted(results, key=lambda result: result[0].delivery_id):  # one order of locks for everybody
        outcome, state = receipt.outcome, after(receipt.outcome)
        again = retry_at(outcome, leased.attempts + 1, now) if isinstance(outcome, Retry) else None
        rows.append(
            (
                state.value,
                outcome.provider_id if isinstance(outcome, Handed) else None,
                code_of(outcome),
                at if state is State.HANDED else None,
                at if state in FINAL else None,
                isinstance(outcome, Unknown),
                int(outcome == NOT_STARTED),
                micros(again) if again is not None and outcome != NOT_STARTED else None,
                leased.delivery_id,
                leased.fence,
            )
        )
    return _many(conn, _RECORD, rows)


def release_expired(conn: Connection, *, now: datetime) -> int:
    """Rows whose call was never reported back before their lease ended become `unknown`, and flagged. (A lease on a planned
    row ends by itself.) Returns how many."""
    done = conn.execute(
        text(f"""
        UPDATE delivery SET state = 'unknown', ambiguous = :yes, code = 'lease ended', fence = fence + 1,
               lease_owner = NULL, lease_until = NULL
        WHERE {_held_still(conn, "state = 'claimed' AND lease_until <= :now")}"""),
        {"now": micros(now), "yes": True},
    )
    return done.rowcount


def end_leases(conn: Connection, *, now: datetime) -> None:
    """Ends every lease at once: for a process that has just locked an embedded database and so knows nobody else sends."""
    conn.execute(
        text(
            "UPDATE delivery SET lease_until = :now WHERE state = 'claimed' OR (state = 'planned' AND lease_owner IS NOT NULL)"
        ),
        {"now": micros(now)},
    )


def renew(conn: Connection, owner: str, ids: Iterable[int], *, until: datetime) -> set[int]:
    """Keeps this owner's leases while it lives; returns the rows it still holds."""
    ours = f"delivery_id {among(conn)} AND lease_owner = :owner AND state IN ('planned', 'claimed')"
    kept = conn.execute(
        text(f"""
        UPDATE delivery SET lease_until = :until
        WHERE {_held_still(conn, ours)}
        RETURNING delivery_id"""),
        {"ids": listed(conn, ids), "until": micros(until), "owner": owner},
    )
    return {row[0] for row in kept}


def give_back(conn: Connection, owner: str, ids: Iterable[int]) -> None:
    """Frees leased rows this owner will not get to; their calls never started."""
    ours = f"delivery_id {among(conn)} AND lease_owner = :owner AND state = 'planned'"
    conn.execute(
        text(f"""
        UPDATE delivery SET lease_owner = NULL, lease_until = NULL WHERE {_held_still(conn, ours)}"""),
        {"ids": listed(conn, ids), "owner": owner},
    )


def end_waiting(conn: Connection, event: EventRow, into: State, *, code: str, limit: int, now: datetime) -> int:
    """Turns up to `limit` planned rows of an event into `withdrawn` or `expired`; returns how many. Repeat until 0."""
    done = 0
    lock = "" if is_sqlite(conn) else "FOR UPDATE"
    for channel in CHANNELS:
        done += conn.execute(
            text(f"""
            UPDATE delivery SET state = :into, code = :code, final_at = :now, lease_owner = NULL, lease_until = NULL
            WHERE delivery_id IN (SELECT delivery_id FROM delivery
                                  WHERE state = 'planned' AND channel = :channel AND priority = :priority
                                    AND event_id || '' = :event_id ORDER BY delivery_id LIMIT :limit {lock})"""),
            {
                "into": into.value,
                "code": code,
                "now": micros(now),
                "channel": channel,
                "priority": event.priority,
                "event_id": event.event_id,
                "limit": limit - done,
            },
        ).rowcount
        if done >= limit:
            break
    return done


def apply_reports(conn: Connection, reports: Sequence[Receipt], *, now: datetime) -> int:
    """Appends reports as they came, then moves their rows forward (never back); returns how many moved.

    Reports of one batch are applied in order. A report that carries our delivery id adopts an unknown row at once.
    """
    at = micros(now)
    _many(
        conn,
        "INSERT INTO report (delivery_id, provider_id, outcome, code, at) VALUES (?, ?, ?, ?, ?)",
        [(r.delivery_id, r.provider_id, after(r.outcome).value, code_of(r.outcome) or "", at) for r in reports],
    )
    lock = "" if is_sqlite(conn) else "FOR UPDATE"
    ids = sorted({report.delivery_id for report in reports})
    standing = {
        row[0]: (State(row[1]), bool(row[2]))
        for row in conn.execute(
            text(
                "SELECT delivery_id, state, ambiguous FROM delivery"
                f" WHERE delivery_id {among(conn)} ORDER BY delivery_id {lock}"
            ),
            {"ids": listed(conn, ids)},
        )
    }
    moved: dict[int, tuple[State, Receipt]] = {}
    for report in reports:
        if report.delivery_id not in standing:
            continue
        state, ambiguous = standing[report.delivery_id]
        new = advance(state, report.outcome, ambiguous=ambiguous)
        if new is not state and new is not State.PLANNED:
            moved[report.delivery_id] = (new, report)
            standing[report.delivery_id] = (new, ambiguous)
    rows = [
        (
            new.value,
            report.provider_id or None,
            code_of(report.outcome),
            at,
            at if new in FINAL else None,
            delivery_id,
        )
        for delivery_id, (new, report) in moved.items()
    ]
    return _many(
        conn,
        """
        UPDATE delivery SET state = ?, provider_id = COALESCE(?, provider_id), code = ?,
               handed_at = COALESCE(handed_at, ?), final_at = ?, lease_owner = NULL, lease_until = NULL
        WHERE delivery_id = ?""",
        rows,
    )


def waiting(conn: Connection, event: EventRow, left_to_staff: str) -> bool:
    """Whether any row of the event may still leave, is leaving now, or is being asked about.

    One statement, so one snapshot: a row that goes from planned to claimed or back meanwhile is not overlooked.
    """
    planned = [
        f"""EXISTS (SELECT 1 FROM delivery WHERE state = 'planned' AND channel = '{channel}' AND priority = :priority
                     AND event_id || '' = :event_id)"""
        for channel in CHANNELS
    ]
    being_asked = """EXISTS (SELECT 1 FROM delivery WHERE state IN ('claimed', 'unknown') AND event_id || '' = :event_id
                             AND (state = 'claimed' OR code IS NULL OR code NOT LIKE :left))"""
    bound = {"event_id": event.event_id, "priority": event.priority, "left": f"{left_to_staff}%"}
    return bool(conn.execute(text(f"SELECT {' OR '.join([*planned, being_asked])}"), bound).scalar_one())


def tally(conn: Connection, event_id: str) -> Mapping[tuple[str, str, str], Tally]:
    """Counts by (channel, language, wording)."""
    counts: dict[tuple[str, str, str], dict[State, int]] = {}
    for channel, language, wording, state, count in conn.execute(
        text("""
        SELECT channel, language, wording, state, COUNT(*) FROM delivery WHERE event_id = :event_id
        GROUP BY channel, language, wording, state"""),
        {"event_id": event_id},
    ):
        counts.setdefault((channel, language, wording), {})[State(state)] = count
    return {key: Tally(states) for key, states in counts.items()}


def _many(conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """executemany straight on the driver: SQLAlchemy's own adds more per row than SQLite itself takes."""
    if not rows:
        return 0
    return conn.exec_driver_sql(statement if is_sqlite(conn) else statement.replace("?", "%s"), list(rows)).rowcount
