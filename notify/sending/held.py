"""What is held after a restore, alert by alert, and what two people decide about it: one asks, another one agrees.

Asked is for everything at once: which of the alerts must not go on, and that all others do. Nothing leaves until somebody else
has agreed to exactly that, while exactly those alerts are held: a decision about what nobody looked at would be none."""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, text, update
from sqlmodel import col, select

from notify import audit
from notify.alerts.life import LEAVING, Status
from notify.alerts.register import Conflict
from notify.audit import Act
from notify.sending import hold, ledger
from notify.sending.deliveries import State
from notify.sending.statements import OPEN
from notify.tables import AlertRow, EventRow, Hold

DROPPED: Final = "dropped"  # the code of messages that were held and were not to go on
CHUNK: Final = 5_000
CHANGED: Final = "What is held has changed since, or somebody else has asked for something else. Look again."

Stop = Callable[[Connection, str, str], object]  # ends an alert that is leaving: its id, why


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlert:
    """waiting: messages that would leave; in_doubt: calls under way, or answered by nobody, when the backup was made."""

    alert_id: str
    incident_id: str
    hazard: str
    stage: str
    status: str
    approved_at: datetime
    waiting: int
    in_doubt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """by: who may therefore not agree. drops: alerts that are to be dropped. digest: names exactly this, for whoever agrees."""

    at: datetime
    by: str
    reason: str
    drops: Sequence[str]
    of: Sequence[str]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    standing: Hold
    alerts: Sequence[HeldAlert]
    asked: Asked | None

    @property
    def answerable(self) -> bool:
        """Whether what was asked is about exactly what is held."""
        return self.asked is not None and list(self.asked.of) == [one.alert_id for one in self.alerts]


class NotSaid(Exception):
    """What keeps somebody's word from being one, as sentences."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def look(conn: Connection, now: datetime) -> Held | None:
    """None when nothing is held. The newest hold counts: it holds whatever the older ones do."""
    standing = hold.standing(conn)
    if standing is None:
        return None
    return Held(standing=standing, alerts=_alerts(conn, now), asked=_asked(standing))


def _alerts(conn: Connection, now: datetime) -> list[HeldAlert]:
    """Alerts in force with something that would leave, the most urgent first."""
    waiting = _counts(conn, "state = 'planned'")
    in_doubt = _counts(conn, OPEN)
    leaving = [*(status.value for status in LEAVING), Status.ACTIVE.value]
    query = (
        select(EventRow, AlertRow)
        .where(col(EventRow.alert_id) == col(AlertRow.alert_id), col(EventRow.status).in_(leaving))
        .where(col(EventRow.expires_at) > now, col(EventRow.incident_id).in_(hold.held_incidents()))
        .order_by(col(EventRow.priority), col(EventRow.event_id))
    )
    columns = (EventRow.event_id, EventRow.incident_id, EventRow.stage, EventRow.status, EventRow.approved_at)
    found = conn.execute(query.with_only_columns(*columns, AlertRow.hazard))  # type: ignore[call-overload]
    return [
        HeldAlert(
            alert_id=event_id,
            incident_id=incident_id,
            hazard=hazard,
            stage=stage,
            status=status,
            approved_at=approved_at,
            waiting=waiting.get(event_id, 0),
            in_doubt=in_doubt.get(event_id, 0),
        )
        for event_id, incident_id, stage, status, approved_at, hazard in found
        if status != Status.ACTIVE or waiting.get(event_id) or in_doubt.get(event_id)
    ]


def _counts(conn: Connection, where: str) -> dict[str, int]:
    found = conn.execute(text(f"SELECT event_id, COUNT(*) FROM delivery WHERE {where} GROUP BY event_id"))
    return {event_id: int(count) for event_id, count in found}


def _asked(standing: Hold) -> Asked | None:
    if standing.asked_at is None:
        return None
    said = [standing.hold_id, str(standing.asked_at), standing.asked_by, standing.asked_reason]
    sealed = json.dumps([*said, standing.asked_of, standing.asked_drops])
    return Asked(
        at=standing.asked_at,
        by=standing.asked_by,
        reason=standing.asked_reason,
        drops=json.loads(standing.asked_drops),
        of=json.loads(standing.asked_of),
        digest=hashlib.sha256(sealed.encode()).hexdigest()[:16],
    )


def ask(conn: Connection, by: str, reason: str, drops: Collection[str], now: datetime) -> Held:
    """One person says what should become of everything that is held. Whoever asks last is heard. Raises NotSaid, Conflict."""
    found = _standing(conn, now)
    of = [one.alert_id for one in found.alerts]
    problems = [f"drop: {one} is not held." for one in drops if one not in of]
    if not reason.strip():
        problems.append("reason: say what you have looked at; it stands in the log.")
    if problems:
        raise NotSaid(problems)
    kept = {"asked_at": now, "asked_by": by, "asked_reason": reason.strip(), "asked_of": json.dumps(of)}
    _set(conn, found.standing, kept | {"asked_drops": json.dumps([one for one in of if one in drops])})
    _log(conn, by, "asked to release", {"reason": reason.strip(), "of": of, "drop": [one for one in of if one in drops]}, now)
    return _standing(conn, now)


def agree(conn: Connection, by: str, digest: str, stop: Stop, now: datetime) -> Sequence[str]:
    """Another person agrees to exactly what was asked: what is to be dropped is ended, and everything else may leave. All in
    one transaction. Returns the alerts that were stopped by it. Raises Conflict, and what `stop` raises."""
    found = _standing(conn, now)
    asked = found.asked
    if asked is None:
        raise Conflict("Nobody has asked for anything yet.")
    if asked.by == by:
        raise Conflict(f"{by} has asked for it; somebody else must agree.")
    if asked.digest != digest or not found.answerable:
        raise Conflict(CHANGED)
    why = f"dropped after a restore: {asked.reason}"
    for one in found.alerts:
        if one.alert_id in asked.drops:
            _drop(conn, one, partial(stop, conn, one.alert_id, why), now)
    hold.release(conn, by, {"reason": asked.reason, "asked by": asked.by, "dropped": list(asked.drops)}, now)
    return [one.alert_id for one in found.alerts if one.alert_id in asked.drops and one.status in LEAVING]


def refuse(conn: Connection, by: str, now: datetime) -> Held:
    """What was asked is off the table; everything stays held. Whoever asked may say so, too. Raises Conflict."""
    found = _standing(conn, now)
    if found.asked is None:
        raise Conflict("Nobody has asked for anything yet.")
    _set(conn, found.standing, {"asked_at": None, "asked_by": "", "asked_reason": "", "asked_of": "[]", "asked_drops": "[]"})
    _log(conn, by, "refused to release", {"asked by": found.asked.by}, now)
    return _standing(conn, now)


def _drop(conn: Connection, one: HeldAlert, stop: Callable[[], object], now: datetime) -> None:
    """An alert that was leaving is stopped, as by its button. One that had left, and is in force, only loses what waits."""
    event = EventRow(**conn.execute(select(EventRow).where(col(EventRow.event_id) == one.alert_id)).one()._mapping)
    if Status(one.status) in LEAVING:
        stop()
    while ledger.end_waiting(conn, event, State.WITHDRAWN, code=DROPPED, limit=CHUNK, now=now):
        pass


def _standing(conn: Connection, now: datetime) -> Held:
    found = look(conn, now)
    if found is None:
        raise Conflict("Nothing is held.")
    return found


def _set(conn: Connection, standing: Hold, values: dict[str, object]) -> None:
    """Raises Conflict when it was released meanwhile."""
    open_one = (col(Hold.hold_id) == standing.hold_id, col(Hold.released_at).is_(None))
    if not conn.execute(update(Hold).where(*open_one).values(**values)).rowcount:
        raise Conflict("Nothing is held.")


def _log(conn: Connection, by: str, action: str, detail: dict[str, object], now: datetime) -> None:
    audit.append(conn, Act(actor=by, action=action, subject="senders", detail=detail), now)
