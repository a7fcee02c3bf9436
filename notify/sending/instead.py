"""E-mail instead of a text that did not arrive: whoever has both, and whose text has failed for good, gets the e-mail now.

An alert that uses both channels has planned both anyway; this is for one that went out by text alone. Its e-mails were frozen
and approved with it. The ledger's rule of one row for an event and an address makes it once. Not for tests, not for somebody
who has opted out of texts, and only where the mailbox itself may be written to about this: it was given on the same basis as
the phone, or by opting in.

No mail speaks of an earlier message to somebody who cannot have one. Whoever's alert failed too is mailed the whole alert in
the place of an update, and nothing of an end: as a latecomer is (late.py).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text
from sqlmodel import col, select

from channels.base import Receipt, Refused, Undelivered
from notify.alerts.alert import Stage
from notify.alerts.life import REACHING
from notify.clock import micros
from notify.sending import ledger
from notify.sending.statements import among, listed
from notify.tables import EventRow

OURS: Final = frozenset({"erased", "sealed", "wrong-mode"})  # codes of our own: such a message may not leave at all
# Whether phone `p` or mailbox `m` has, or may have, a message of the incident from before event `e`, which is in force.
_TOLD_BEFORE: Final = f"""EXISTS (
    SELECT 1 FROM event earlier JOIN delivery said ON said.event_id = earlier.event_id
      AND said.channel IN ('sms', 'email') AND said.address_id IN (p.address_id, m.address_id)
    WHERE earlier.incident_id = e.incident_id AND earlier.event_id <> e.event_id AND (state = 'claimed' OR {ledger.TOLD}))"""
# What the mail says where text `d` has failed; NULL: nothing. A correction says what holds, and no other text says it.
_WORDING: Final = f"""CASE
    WHEN d.wording NOT IN ('update', 'outside', 'all_clear', 'false_alarm') THEN REPLACE(d.wording, '/why', '')
    WHEN {_TOLD_BEFORE} THEN d.wording
    WHEN d.wording = 'update' THEN 'first' END"""


def failed_for_good(receipts: Iterable[Receipt]) -> list[int]:
    """Deliveries of which the provider says that they will never arrive, for another reason than a STOP."""
    return sorted({one.delivery_id for one in receipts if _is_final(one)})


def _is_final(receipt: Receipt) -> bool:
    outcome = receipt.outcome
    return isinstance(outcome, Refused | Undelivered) and not outcome.opted_out and outcome.code not in OURS


def plan(conn: Connection, delivery_ids: Sequence[int], now: datetime) -> int:
    """Plans the e-mail of whoever was not reached by these texts, as one step of the transaction that learns of it; returns how
    many. Planning twice is planning once."""
    if not delivery_ids:
        return 0
    events = _lock(conn, delivery_ids, now)
    if not events:
        return 0
    names = {f"e{number}": event_id for number, event_id in enumerate(events)}
    planned = conn.execute(
        text(f"""
        WITH lost AS (
            SELECT d.event_id, m.address_id, m.language, {_WORDING} AS wording, e.priority,
                   m.basis <> 'opt-in' AND m.introduced_at IS NULL AS asks_why
            FROM delivery d
            JOIN event e ON e.event_id = d.event_id
            JOIN address p ON p.address_id = d.address_id
            JOIN address m ON m.subscriber_id = p.subscriber_id AND m.channel = 'email' AND m.stopped_at IS NULL
              AND m.unreachable_at IS NULL AND m.basis IN (p.basis, 'opt-in')
            WHERE d.delivery_id {among(conn)} AND d.channel = 'sms' AND d.state IN ('refused', 'undelivered')
              AND p.stopped_at IS NULL AND d.event_id IN ({", ".join(f":{name}" for name in names)})
        )
        INSERT INTO delivery (event_id, address_id, channel, language, wording, word, priority, state, fence, attempts,
                              ambiguous, planned_at)
        SELECT event_id, address_id, 'email', language,
               wording || CASE WHEN asks_why AND wording IN ('first', 'short') THEN '/why' ELSE '' END,
               1, priority, 'planned', 0, 0, :no, :now
        FROM lost WHERE wording IS NOT NULL
        ON CONFLICT (event_id, channel, address_id, word) DO NOTHING
        RETURNING event_id"""),
        names | {"ids": listed(conn, delivery_ids), "now": micros(now), "no": False},
    ).all()
    for event_id in {row[0] for row in planned}:  # one that had handed everything over has work again
        conn.execute(text("UPDATE event SET done_at = NULL WHERE event_id = :id AND done_at IS NOT NULL"), {"id": event_id})
    return len(planned)


def _lock(conn: Connection, delivery_ids: Sequence[int], now: datetime) -> list[str]:
    """The events of these texts whose messages may leave, held until this transaction ends: a row planned after a stop would
    wait for ever."""
    of = text(f"SELECT DISTINCT event_id FROM delivery WHERE delivery_id {among(conn)} AND channel = 'sms'")
    named = list(conn.scalars(of, {"ids": listed(conn, delivery_ids)}))
    leaving = (col(EventRow.status).in_(REACHING), col(EventRow.expires_at) > now, col(EventRow.stage) != Stage.TEST)
    query = select(col(EventRow.event_id)).where(col(EventRow.event_id).in_(named), *leaving)
    return list(conn.scalars(query.order_by(col(EventRow.event_id)).with_for_update(read=True)))
