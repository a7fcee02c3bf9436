"""Who tries what on whose alert: the people, the alerts and the rules that the matrices of console and API are made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts import register
from notify.alerts.conductor import begin
from notify.alerts.life import Role, Staff, Status
from notify.service import Service
from notify.staff import people
from tests.notify.newsroom_factory import a_draft

BOTH: Final = ("author", "approver")
# Who is limited to something that the alerts here are not.
LIMITED: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "flood-only": {"hazards": ["flood"]},
    "lents-only": {"areas": ["Lents"]},
    "mail-only": {"channels": ["email"]},
}
WRITER, SECOND, SENDER, OTHER = "writer", "second", "sender", "other"  # who wrote it, two colleagues, another approver


class Rule(StrEnum):
    """What decides, beside the role, whether somebody may do it. The role alone is tried elsewhere."""

    ROLE = "role"  # there is no object, or every one is everybody's who has the role
    LIMITS = "limits"  # within one's limits, one's own or a colleague's alike
    MENDS = "mends"  # within one's limits, by whoever wrote or approved what was wrong, or any approver
    NOT_OWN = "not own"  # within one's limits, and somebody else's
    SENDER = "sender"  # by whoever approved it, and nobody else
    OWN = "own"  # what belongs to one person is theirs alone
    SECOND_ADMIN = "second admin"  # not by the administrator who asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """rule: what decides. state: in which the alert must be for it to be done. given: what is sent with it."""

    rule: Rule
    state: Status = Status.DRAFT
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may(self) -> Sequence[str]:
        """Those people of the matrix who have the role, and may."""
        return {
            Rule.ROLE: (WRITER, SECOND, SENDER, OTHER, *LIMITED),
            Rule.LIMITS: (WRITER, SECOND, SENDER),
            Rule.MENDS: (WRITER, SENDER, OTHER),
            Rule.NOT_OWN: (SENDER, OTHER),
            Rule.SENDER: (SENDER,),
        }[self.rule]

    @property
    def may_not(self) -> Sequence[str]:
        return [who for who in (WRITER, SECOND, SENDER, OTHER, *LIMITED) if who not in (*self.may, *self._unasked)]

    @property
    def _unasked(self) -> Sequence[str]:
        """Of OTHER nothing is said that is not said of SENDER."""
        return (OTHER,) if self.rule is Rule.LIMITS else ()


def hire(service: Service, keep: Callable[[str, str], object]) -> None:
    """Adds the people of the matrix. keep: takes each one's name and token."""
    now = datetime.now(UTC)
    roles = {WRITER: ["author"], SECOND: ["author"], SENDER: ["approver"], OTHER: ["approver"]}
    for who in (*roles, *LIMITED):
        add = partial(people.add, person_id=who, roles=roles.get(who, list(BOTH)), scope=LIMITED.get(who, {}), now=now)
        keep(who, service.db.write_now(add))


def an_alert(service: Service, state: Status) -> str:
    """A citywide alert about water, written by WRITER; from there on SENDER's hands brought it to its state."""
    writer = Staff(person_id=WRITER, roles=frozenset({Role.AUTHOR}))
    sender = Staff(person_id=SENDER, roles=frozenset({Role.APPROVER}))
    room = service.newsroom
    happened, learned = "2026-05-03T14:00-07:00", "2026-05-04T08:15-07:00"

    def make(conn: Connection) -> str:
        alert_id = room.compose(conn, writer, a_draft(slots={"happened": happened, "learned": learned})).alert_id
        steps: list[Callable[[], object]] = [
            lambda: room.submit(conn, writer, alert_id),
            lambda: room.approve(conn, sender, alert_id, register.alert(conn, alert_id).digest or ""),
            lambda: room.send(conn, sender, alert_id),
            lambda: begin(conn, alert_id, service.clock.now()),
            lambda: room.stop(conn, sender, alert_id, "Why not."),
        ]
        order = [Status.DRAFT, Status.PENDING, Status.APPROVED, Status.COUNTDOWN, Status.PUBLISHING, Status.STOPPED]
        for step in steps[: order.index(state)]:
            step()
        return alert_id

    return service.db.write_now(make)


def how_things_stand(service: Service) -> tuple[Any, ...]:
    """Every alert and event, and every line of the log but refusals, sign-ins and what was only proved."""

    def read(conn: Connection) -> tuple[Any, ...]:
        lines = [line.seq for line in audit.lines(conn) if line.action not in ("was refused", "signed in")]
        alerts = [(row.alert_id, row.version, row.status, row.content) for row in register.all_alerts(conn)]
        events = [(row.event_id, row.status) for row in register.standing(conn)]
        return alerts, events, lines

    return service.db.read_now(read)
