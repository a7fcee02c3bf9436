"""Who practised, in the audit log: a drill's end says it on the training instance, a certificate taken says it on the live one.
There is no other record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlmodel import col, select

from notify import audit
from notify.alerts.alert import Mode
from notify.alerts.life import Staff
from notify.audit import Act
from notify.settings import Settings
from notify.staff import people, training
from notify.staff.certificate import PARTS, as_detail
from notify.staff.drill_log import ENDED
from notify.staff.staff_tables import Person
from notify.staff.training import Member, Part, Rule, Standing, Waiting
from notify.tables import AuditLine

TAKEN: Final = "took a certificate of drills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What became of a certificate: how many parts were new, how many known, and names that nobody here has."""

    new: int
    known: int
    strangers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What the start page says of practice. glass: the last drill in which somebody broke the glass."""

    glass: Part | None
    glass_late: bool
    overdue: Sequence[Standing]


@dataclass(slots=True)
class Training:
    """rule: when somebody is overdue. practice: this is the training instance, where nobody is kept from practising."""

    rule: Rule
    practice: bool = False
    _read: tuple[int, dict[tuple[str, datetime, str], Part]] = field(default=(0, {}))

    @classmethod
    def of(cls, settings: Settings) -> "Training":
        refuse = timedelta(days=settings.drill_refuse_days) if settings.drill_refuse_days else None
        rule = Rule(due=timedelta(days=settings.drill_due_days), refuse=refuse)
        return cls(rule, practice=settings.mode is Mode.TRAINING)

    def parts(self, conn: Connection) -> list[Part]:
        """Everybody's part in every drill known here. The log only grows: what was read before is not read again."""
        seq, known = self._read
        return list((known | recorded(conn, after=seq)).values())

    def follow(self, conn: Connection) -> list[Part]:
        """As parts, and remembers how far it has read. Not for a transaction that may still be undone."""
        last = conn.execute(select(col(AuditLine.seq)).order_by(col(AuditLine.seq).desc()).limit(1)).scalar() or 0
        found = self.parts(conn)
        self._read = last, {part.key: part for part in found}
        return found

    def standings(self, conn: Connection, now: datetime) -> list[Standing]:
        return training.standings(members(conn), self.parts(conn), now)

    def duty(self, conn: Connection, now: datetime) -> Duty:
        known = self.follow(conn)
        glass = training.last_glass(known)
        standing = training.standings(members(conn), known, now)
        return Duty(
            glass=glass,
            glass_late=glass is None or now - glass.ended > training.GLASS_EVERY,
            overdue=[one for one in standing if one.member.approves and one.is_overdue(self.rule.due)],
        )

    def refusal(self, conn: Connection, people: Sequence[Staff], waiting: Waiting) -> dict[str, list[str]]:
        """Why these may not approve for want of practice, by name: training.refusal."""
        if self.practice or self.rule.refuse is None or not people:
            return {}
        standing = {one.member.staff.person_id: one for one in self.standings(conn, waiting.now)}
        return {one.person_id: training.refusal(self.rule, one, standing, waiting) for one in people}


def recorded(conn: Connection, after: int = 0) -> dict[tuple[str, datetime, str], Part]:
    """What the log has after a line, each part once."""
    query = select(col(AuditLine.detail)).where(col(AuditLine.seq) > after, col(AuditLine.action).in_([ENDED, TAKEN]))
    details = [json.loads(detail) for detail in conn.scalars(query.order_by(col(AuditLine.seq)))]
    return {part.key: part for detail in details for part in PARTS.validate_python(detail.get("parts", []))}


def members(conn: Connection) -> list[Member]:
    """Everybody active, with when they were added."""
    since = {row[0]: row[1] for row in conn.execute(select(col(Person.person_id), col(Person.created_at)))}
    return [Member(staff=staff, since=since[staff.person_id]) for staff, active in people.everybody(conn) if active]


def take(conn: Connection, parts: Sequence[Part], actor: str, key: str, now: datetime) -> Took:
    """Writes what a certificate says that was not known into the log. key: the public key it was signed with."""
    before = recorded(conn)
    names = {staff.person_id for staff, _ in people.everybody(conn)}
    ours = [part for part in parts if part.person_id in names]
    new = [part for part in ours if part.key not in before]
    strangers = sorted({part.person_id for part in parts} - names)
    if new:
        detail = {"parts": as_detail(new), "key": key}
        audit.append(conn, Act(actor=actor, action=TAKEN, subject="drills", detail=detail), now)
    return Took(new=len(new), known=len(ours) - len(new), strangers=strangers)
