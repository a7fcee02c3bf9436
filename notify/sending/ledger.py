"""The ledger's SQL: plan, record, withdraw, count. (Who may send a row: leases.py.)

Every function takes a Connection and is one step of the caller's transaction; nothing here waits, sends or reads a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from sqlalchemy import Connection, text

from channels.base import Handed, Outcome, Receipt, Retry, Unknown
from notify.alerts.alert import Wording
from notify.clock import micros
from notify.db import is_sqlite
from notify.sending.deliveries import FINAL, State, Tally, advance, after, code_of, retry_at
from notify.sending.leases import Leased
from notify.sending.statements import OPEN, Rows, among, first_planned, held_still, listed, one_of, parts_of
from notify.tables import EventRow

# Everybody who has, or may have, an event's text. An ambiguous row counts even if it was withdrawn before a second attempt.
TOLD: Final = "(state IN ('handed', 'delivered', 'unknown') OR ambiguous)"
WORDINGS: Final = tuple(Wording)  # a wording's number is its place here; the first INTRODUCING of them introduce us
INTRODUCING: Final = 2
WORDING_BITS: Final = 8
CHANNELS: Final = ("sms", "email")  # those with addresses
NOT_STARTED: Final = Retry(timedelta(0), "not started")  # claimed, but no call was made: it is no attempt
# `event_id || ''` below keeps the planner on the partial index of planned rows: by event it would sort the whole event.


def pack(address_id: int, wording: Wording) -> int:
    """An address and its wording as one number, so that a million of them travel to the database as plain integers."""
    return (address_id << WORDING_BITS) | WORDINGS.index(wording)


def ahead(priority: int) -> int:
    """The priority of rows that do not wait behind an event's many: that of corrections of the same severity."""
    return priority // 2 * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How rows are planned. first: before everybody else of the event. word: which word of the event to their addresses.
    waits: texts are held until morning, but for those who stay up (night.py). full: who has had enough for now (enough.py)."""

    first: bool = False
    word: int = 1
    waits: bool = False
    full: frozenset[int] = frozenset()


USUAL: Final = Manner()
AT_NIGHT: Final = 100  # added to the priority of a row that is held until morning: senders lease rows below this only
FOR_ROOM: Final = 200  # and of one whose phone has had enough texts for now
# Nobody with NIGHT OFF in what the dialog remembers of them. {of}: the table that has the address_id.
ASLEEP: Final = r"""NOT EXISTS (
    SELECT 1 FROM address n JOIN contact c ON c.channel = n.channel AND c.blind = n.blind
    WHERE n.address_id = {of}.address_id AND c.memory LIKE '%"night"\:false%')"""
# Listed people not yet told why they get our texts get the "/why" form of the words that introduce us.
_WHY: Final = "CASE WHEN a.basis <> 'opt-in' AND a.introduced_at IS NULL AND {introduces} THEN '/why' ELSE '' END"


def plan(conn: Connection, event: EventRow, packed: Sequence[int], now: datetime, manner: Manner = USUAL) -> int:
    """Adds a `planned` row for each packed address and wording not planned yet, in the order given; returns how many were
    added. Planning twice is planning once."""
    source = (
        "json_each(:ids) j CROSS JOIN"
        if is_sqlite(conn)
        else "unnest(CAST(:ids AS bigint[])) WITH ORDINALITY j(value, key) JOIN"
    )
    cases = " ".join(f"WHEN {number} THEN '{wording}'" for number, wording in enumerate(WORDINGS))
    mask = (1 << WORDING_BITS) - 1
    held = f"CASE WHEN a.channel = 'sms' AND {ASLEEP.format(of='a')} THEN {AT_NIGHT} ELSE 0 END" if manner.waits else "0"
    if manner.full:
        enough = f"a.channel = 'sms' AND a.address_id {among(conn).replace(':ids', ':full')}"
        held = f"CASE WHEN {enough} THEN {FOR_ROOM} ELSE {held} END"
    done = conn.execute(
        text(f"""
        INSERT INTO delivery (event_id, address_id, channel, language, wording, word, priority, state, fence, attempts,
                              ambiguous, planned_at)
        SELECT :event_id, a.address_id, a.channel, a.language,
               CASE (j.value & {mask}) {cases} END || {_WHY.format(introduces=f"(j.value & {mask}) < {INTRODUCING}")},
               :word, :priority + {held}, 'planned', 0, 0, :no, :now
        FROM {source} address a ON a.address_id = (j.value >> {WORDING_BITS})
        WHERE a.stopped_at IS NULL
        ORDER BY j.key
        ON CONFLICT (event_id, channel, address_id, word) DO NOTHING"""),
        {
            "ids": listed(conn, packed),
            "event_id": event.event_id,
            "word": manner.word,
            "priority": ahead(event.priority) if manner.first else event.priority,
            "no": False,
            "now": micros(now),
        }
        | ({"full": listed(conn, manner.full)} if manner.full else {}),
    )
    return done.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A row as it was read, and what its person should read instead."""

    delivery_id: int
    fence: int
    wording: Wording


def plan_again(conn: Connection, event: EventRow, again: Again, now: datetime) -> bool:
    """Plans a row anew, before everybody else of the event, under a new fence. Only a row that never left: one still planned,
    or withdrawn or refused without an attempt in doubt. False when it has moved since it was read, or its person may not be
    sent to."""
    introduces = WORDINGS.index(again.wording) < INTRODUCING
    done = conn.execute(
        text(f"""
        UPDATE delivery SET state = 'planned', wording = :wording || {_WHY.format(introduces=":introduces")},
               language = a.language, priority = :priority, fence = fence + 1, code = NULL, final_at = NULL,
               lease_owner = NULL, lease_until = NULL, planned_at = :now
        FROM address a
        WHERE delivery_id = :delivery_id AND fence = :fence AND a.address_id = delivery.address_id AND a.stopped_at IS NULL
          AND (state = 'planned' OR (state IN ('withdrawn', 'refused') AND NOT ambiguous))"""),
        {
            "wording": again.wording.value,
            "introduces": introduces,
            "priority": ahead(event.priority),
            "now": micros(now),
            "delivery_id": again.delivery_id,
            "fence": again.fence,
        },
    )
    return done.rowcount == 1


_OUTCOMES = Rows(
    "state text, provider_id text, code text, handed_at bigint, final_at bigint, ambiguous boolean, not_tried integer,"
    " again_at bigint, delivery_id bigint, fence integer"
)
_RECORD = """state = {state}, provider_id = COALESCE({provider_id}, delivery.provider_id), code = {code},
    handed_at = {handed_at}, final_at = {final_at}, ambiguous = (delivery.ambiguous OR {ambiguous}),
    attempts = delivery.attempts - {not_tried}, lease_owner = NULL, lease_until = {again_at}"""
_OURS = "delivery.fence = {fence} AND delivery.state = 'claimed'"

_SAID = Rows("delivery_id bigint, provider_id text, outcome text, code text, at bigint")
_MOVED = Rows("state text, provider_id text, code text, handed_at bigint, final_at bigint, delivery_id bigint")
_MOVE = """state = {state}, provider_id = COALESCE({provider_id}, delivery.provider_id), code = {code},
    handed_at = COALESCE(delivery.handed_at, {handed_at}), final_at = {final_at}, lease_owner = NULL, lease_until = NULL"""


def _entry(leased: Leased, outcome: Outcome, now: datetime) -> tuple[Any, ...]:
    """A row of _OUTCOMES."""
    state = after(outcome)
    again = retry_at(outcome, leased.attempts + 1, now) if isinstance(outcome, Retry) else None
    return (
        state.value,
        outcome.provider_id if isinstance(outcome, Handed) else None,
        code_of(outcome),
        micros(now) if state is State.HANDED else None,
        micros(now) if state in FINAL else None,
        isinstance(outcome, Unknown),
        int(outcome == NOT_STARTED),
        micros(again) if again is not None and outcome != NOT_STARTED else None,
        leased.delivery_id,
        leased.fence,
    )


def _by_id(result: tuple[Leased, Receipt]) -> int:
    return result[0].delivery_id


def record(conn: Connection, results: Sequence[tuple[Leased, Receipt]], *, now: datetime) -> int:
    """Writes what channels said of claimed rows; returns how many were still ours to write (the fence)."""
    at = micros(now)
    # In one order of locks for everybody. Nearly all are taken at once: those are written down without a question.
    rows = [
        ("handed", outcome.provider_id, None, at, None, False, 0, None, leased.delivery_id, leased.fence)
        if type(outcome := receipt.outcome) is Handed
        else _entry(leased, outcome, now)
        for leased, receipt in sorted(results, key=_by_id)
    ]
    return _OUTCOMES.update(conn, _RECORD, rows, only=_OURS)


def end_waiting(conn: Connection, event: EventRow, into: State, *, code: str, limit: int, now: datetime) -> int:
    """Turns up to `limit` planned rows of an event into `withdrawn` or `expired`; returns how many. Repeat until 0."""
    done = 0
    chosen = f"state = 'planned' AND delivery_id {one_of(conn, first_planned(conn, 'delivery_id'))}"
    for channel, priority in product(CHANNELS, _priorities(event)):
        done += conn.execute(
            text(f"""
            UPDATE delivery SET state = :into, code = :code, final_at = :now, lease_owner = NULL, lease_until = NULL
            WHERE {held_still(conn, chosen)}"""),
            {
                "into": into.value,
                "code": code,
                "now": micros(now),
                "channel": channel,
                "priority": priority,
                "event_id": event.event_id,
                "limit": limit - done,
            },
        ).rowcount
        if done >= limit:
            break
    return done


def _priorities(event: EventRow) -> list[int]:
    """Those that planned rows of an event may have."""
    return sorted({ahead(event.priority), *(event.priority + held for held in (0, AT_NIGHT, FOR_ROOM))})


def apply_reports(conn: Connection, reports: Sequence[Receipt], *, now: datetime) -> int:
    """Appends reports as they came, then moves their rows forward (never back); returns how many moved.

    Reports of one batch are applied in order. A report that carries our delivery id adopts an unknown row at once.
    """
    at = micros(now)
    said = [(r.delivery_id, r.provider_id, after(r.outcome).value, code_of(r.outcome) or "", at) for r in reports]
    _SAID.insert(conn, "report", said)
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
    return _MOVED.update(conn, _MOVE, rows)


def waiting(conn: Connection, event: EventRow, left_to_staff: str) -> bool:
    """Whether any row of the event may still leave, is leaving now, or is being asked about.

    One statement, so one snapshot: a row that goes from planned to claimed or back meanwhile is not overlooked.
    """
    first = first_planned(conn, "1")
    planned, bound = [], {"event_id": event.event_id, "limit": 1, "left": f"{left_to_staff}%"}
    for number, (channel, priority) in enumerate(product(CHANNELS, _priorities(event))):
        planned.append(f"({first.replace(':channel', f':c{number}').replace(':priority', f':p{number}')}) IS NOT NULL")
        bound |= {f"c{number}": channel, f"p{number}": priority}
    being_asked = f"""EXISTS (SELECT 1 FROM delivery WHERE {OPEN} AND event_id || '' = :event_id
                             AND (state = 'claimed' OR code IS NULL OR code NOT LIKE :left))"""
    return bool(conn.execute(text(f"SELECT {' OR '.join([*planned, being_asked])}"), bound).scalar_one())


def tally(conn: Connection, event_id: str) -> Mapping[tuple[str, str, str], Tally]:
    """Counts by (channel, language, wording)."""
    counts: dict[tuple[str, str, str], dict[State, int]] = {}
    # One word to group by: a million rows are sorted for it, and four columns take three times as long.
    kind = "channel || ' ' || language || ' ' || wording || ' ' || state"
    for part in parts_of(conn, event_id):
        counted = text(f"SELECT {kind}, COUNT(*) FROM delivery WHERE {part} GROUP BY {kind}")
        for found, count in conn.execute(counted, {"event_id": event_id}):
            channel, language, wording, state = found.split(" ")
            states = counts.setdefault((channel, language, wording), {})
            states[State(state)] = states.get(State(state), 0) + count
    return {key: Tally(states) for key, states in counts.items()}


def by_route(conn: Connection, event_id: str) -> dict[str, dict[str, int]]:
    """How many messages of an event each route was last given, by channel; nothing of a channel with one route."""
    counts: dict[str, dict[str, int]] = {}
    for channel, route, count in conn.execute(
        text("SELECT channel, route, COUNT(*) FROM delivery WHERE event_id = :event_id GROUP BY channel, route"),
        {"event_id": event_id},
    ):
        if route is not None:
            counts.setdefault(channel, {})[route] = count
    return {channel: routes for channel, routes in counts.items() if len(routes) > 1}
