"""The life of an alert: what may become what, who may do it, and how far its sending has come. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from notify.alerts.alert import Stage


class Status(StrEnum):
    DRAFT = "draft"  # being written
    PENDING = "pending"  # submitted; an approver's turn
    RETURNED = "returned"  # sent back with a reason; may be edited and submitted again
    REJECTED = "rejected"  # refused with a reason; the end
    APPROVED = "approved"  # frozen as an Event; nothing has left
    COUNTDOWN = "countdown"  # send was pressed; leaves at the countdown's end
    PUBLISHING = "publishing"  # page, feeds and CAP are being written
    SENDING = "sending"  # messages are leaving
    STOPPED = "stopped"  # stopped by a person; what had not left never will
    ACTIVE = "active"  # everything has been handed over; in force
    ENDED = "ended"  # no longer in force; ended_why says why


class EndedWhy(StrEnum):
    CLEARED = "cleared"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FALSE_ALARM = "false alarm"
    UPDATED = "updated"  # a later alert of the incident took its place


ALLOWED: Mapping[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.PENDING}),
    Status.PENDING: frozenset({Status.RETURNED, Status.REJECTED, Status.APPROVED}),
    Status.RETURNED: frozenset({Status.PENDING}),
    Status.REJECTED: frozenset(),
    Status.APPROVED: frozenset({Status.COUNTDOWN, Status.RETURNED, Status.ENDED}),
    Status.COUNTDOWN: frozenset({Status.PUBLISHING, Status.STOPPED, Status.ENDED}),
    Status.PUBLISHING: frozenset({Status.SENDING, Status.STOPPED, Status.ENDED}),
    Status.SENDING: frozenset({Status.ACTIVE, Status.STOPPED, Status.ENDED}),
    Status.STOPPED: frozenset({Status.ENDED}),
    Status.ACTIVE: frozenset({Status.ENDED}),
    Status.ENDED: frozenset(),
}
EXPIRY_LEAD: Final = timedelta(seconds=5)  # a renewal is out this long before its alert expires: no reader sees a gap
EDITABLE = frozenset({Status.DRAFT, Status.RETURNED})
LEAVING = frozenset({Status.COUNTDOWN, Status.PUBLISHING, Status.SENDING})
REACHING: Final = (Status.PUBLISHING, Status.SENDING, Status.ACTIVE)  # its texts may leave: at once, held, or to latecomers
IN_FORCE = frozenset({*LEAVING, Status.STOPPED, Status.ACTIVE})


class Role(StrEnum):
    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    AGENT311 = "agent311"
    LEAD311 = "lead311"
    TRANSLATOR = "translator"
    ADMIN = "admin"
    RELAY = "relay"  # a program of another agency: hands alerts in, and may do nothing else


WRITERS: Final = frozenset({Role.AUTHOR, Role.APPROVER})  # who words alerts
ADMINS: Final = frozenset({Role.ADMIN})
LOOKERS: Final = frozenset({Role.ADMIN, Role.APPROVER, Role.LEAD311})  # who may look a resident up, saying why


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who acts. An empty scope set means no limit; author and approver count only inside their scope."""

    person_id: str
    roles: frozenset[Role]
    hazards: frozenset[str] = field(default_factory=frozenset)
    areas: frozenset[str] = field(default_factory=frozenset)
    channels: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What somebody wants to write or approve, as far as permission goes."""

    stage: Stage
    hazard: str
    areas: frozenset[str]
    channels: frozenset[str]
    author: str
    last_editor: str
    original_people: frozenset[str] = frozenset()  # author and approver of the alert this corrects


def may_write(staff: Staff, matter: Matter) -> list[str]:
    """Why this person may not write this alert, as sentences; empty when they may."""
    if not staff.roles & {Role.AUTHOR, Role.APPROVER}:
        return [f"{staff.person_id} has neither the role author nor approver."]
    return _out_of_scope(staff, matter)


def may_approve(staff: Staff, matter: Matter, people_needed: int) -> list[str]:
    """Why this person may not approve this alert, as sentences; empty when they may.

    people_needed counts everybody: 2 is an author and an approver who neither wrote nor last edited it; with 1 the author
    alone may approve. A correction or false alarm takes one person, but not anybody: the author or approver of the alert it is
    about, or any approver.
    """
    problems = _out_of_scope(staff, matter)
    mends = matter.stage in (Stage.CORRECTION, Stage.FALSE_ALARM)
    original = staff.person_id in matter.original_people and Role.AUTHOR in staff.roles
    if mends:
        stranger = f"{staff.person_id} neither wrote nor approved the alert before, and does not have the role approver."
        return problems if original or Role.APPROVER in staff.roles else [*problems, stranger]
    if people_needed == 1 and staff.person_id == matter.author and Role.AUTHOR in staff.roles:
        return problems
    if Role.APPROVER not in staff.roles:
        problems.append(f"{staff.person_id} does not have the role approver.")
    if people_needed > 1:
        if staff.person_id == matter.author:
            problems.append(f"{staff.person_id} wrote this alert; somebody else must approve it.")
        elif staff.person_id == matter.last_editor:
            problems.append(f"{staff.person_id} was the last to edit this alert; somebody else must approve it.")
    return problems


def _out_of_scope(staff: Staff, matter: Matter) -> list[str]:
    problems = []
    if staff.hazards and matter.hazard not in staff.hazards:
        problems.append(f"{staff.person_id} may not act on '{matter.hazard}', only on {_listed(staff.hazards)}.")
    for what, allowed, wanted in (("area", staff.areas, matter.areas), ("channel", staff.channels, matter.channels)):
        if allowed and (beyond := wanted - allowed):
            problems.append(f"{staff.person_id} may not use {what} {_listed(beyond)}, only {_listed(allowed)}.")
    return problems


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
