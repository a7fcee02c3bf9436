"""What is done when the clock of the machine was set: lengths of time that are kept as times of day go on as lengths.

Expiry, scheduled times, promises and night go by the clock, as people do. A lease, a countdown, a pause before another try is
so many seconds whatever the clock says: set back by an hour, it would last an hour longer, and an approved alert would wait for
it. Set forward, it ends sooner, and nothing waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, text, update
from sqlmodel import col, or_, select

from notify.alerts.life import Status
from notify.clock import micros
from notify.staff.staff_tables import Login
from notify.tables import AlertRow, Due, EventRow

COUNTDOWN: Final = "send"
BY_THE_CLOCK: Final = ("promise", "expire", "renewal warning")  # kinds of due work that stand for a time of day
LONGEST_WAIT: Final = timedelta(minutes=2)  # what was kept since the clock was set lies within this, and is right as it is
WORTH_A_PAGE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBack:
    """The clock says `now` where it would have said `before`. lease: how long a sender's lease is."""

    before: datetime
    now: datetime
    lease: timedelta

    @property
    def by(self) -> timedelta:
        """Negative."""
        return self.now - self.before

    @property
    def too_long(self) -> datetime:
        """What lasts longer than until then was reckoned by the clock as it was before."""
        return self.now + max(LONGEST_WAIT, self.lease)


def carry(conn: Connection, step: SetBack) -> None:
    """Moves everything that is a length of time back with the clock."""
    for due_id, event_id, due_at in _countdowns(conn, step):
        _move_due(conn, due_id, due_at=due_at + step.by)
        ends = update(EventRow).where(col(EventRow.event_id) == event_id)
        conn.execute(ends.values(countdown_until=due_at + step.by))
    for due_id, due_at in _due(conn, col(Due.due_at), col(Due.kind).not_in([*BY_THE_CLOCK, COUNTDOWN])):
        _move_due(conn, due_id, due_at=due_at + step.by)
    for due_id, until in _due(conn, col(Due.lease_until), col(Due.lease_until) > step.too_long):
        _move_due(conn, due_id, lease_until=until + step.by)
    moved = {"by": micros(step.now) - micros(step.before), "too_long": micros(step.too_long)}
    for state in ("planned", "claimed"):  # each has an index of its own
        held = f"state = '{state}' AND lease_until > :too_long"
        conn.execute(text(f"UPDATE delivery SET lease_until = lease_until + :by WHERE {held}"), moved)
    shut_out = select(Login.__table__.c.person_id, Login.__table__.c.wait_until)  # type: ignore[attr-defined]
    for person_id, until in conn.execute(shut_out.where(col(Login.wait_until) > step.now)).all():
        conn.execute(update(Login).where(col(Login.person_id) == person_id).values(wait_until=until + step.by))


def sentence(by: timedelta) -> str:
    """What the duty officer is told."""
    way = "back" if by < timedelta(0) else "forward"
    return (
        f"The clock of this machine was set {way} by {abs(by)}, or the machine slept. Expiry, scheduled alerts and promises go "
        "by it: check that it is right now (docs/operations.md#clock)."
    )


def _countdowns(conn: Connection, step: SetBack) -> Sequence[Any]:
    """Countdowns that began before the clock was set (which is the future now), but not of alerts that wait for an hour."""
    query = (
        select(col(Due.due_id), col(Due.ref), col(Due.due_at))
        .join(EventRow, col(EventRow.event_id) == col(Due.ref))
        .join(AlertRow, col(AlertRow.alert_id) == col(Due.ref))
        .where(col(Due.kind) == COUNTDOWN, col(Due.done_at).is_(None), col(AlertRow.changed_at) > step.now)
        .where(col(EventRow.status) == Status.COUNTDOWN.value)
        .where(or_(col(EventRow.not_before).is_(None), col(EventRow.not_before) <= step.before))
    )
    return conn.execute(query).all()


def _due(conn: Connection, time: Any, which: ColumnElement[bool]) -> Sequence[Any]:
    return conn.execute(select(col(Due.due_id), time).where(col(Due.done_at).is_(None), which)).all()


def _move_due(conn: Connection, due_id: int, **times: datetime) -> None:
    conn.execute(update(Due).where(col(Due.due_id) == due_id).values(**times))
