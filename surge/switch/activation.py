"""Surge mode for one incident: which state may follow which, who may bring it about, and why somebody may not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from notify.alerts.life import Role, Staff

LEVELS: Final = (1, 2, 3)  # the calm one, in which all is told; the crowded one; the one in which only the message is told
ARMERS: Final = frozenset({Role.AUTHOR, Role.APPROVER, Role.LEAD311})
OPENERS: Final = frozenset({Role.APPROVER, Role.LEAD311})
FACT_KEEPERS: Final = frozenset({Role.AUTHOR, Role.APPROVER, Role.LEAD311})  # agents read facts and cannot change them
LOOKERS: Final = frozenset({Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.AGENT311, Role.LEAD311, Role.ADMIN})
SYSTEM: Final = "tocsin"  # who acts when a trigger does


class Status(StrEnum):
    DRAFT = "draft"  # chosen, and being got ready
    ARMED = "armed"  # everything was found ready; a second person opens it
    OPEN = "open"  # callers hear the message, desks have the script
    STANDING_DOWN = "standing down"  # serves who is there, promises nothing new
    CLOSED = "closed"  # over
    REPORTED = "reported"  # its report is written


ALLOWED: Final[Mapping[Status, frozenset[Status]]] = {
    # A draft that nobody wants any more is closed: it would stand in the way of the next one.
    Status.DRAFT: frozenset({Status.ARMED, Status.CLOSED}),
    Status.ARMED: frozenset({Status.DRAFT, Status.OPEN}),
    Status.OPEN: frozenset({Status.STANDING_DOWN}),
    Status.STANDING_DOWN: frozenset({Status.OPEN, Status.CLOSED}),
    Status.CLOSED: frozenset({Status.REPORTED}),
    Status.REPORTED: frozenset(),
}
OVER: Final = frozenset({Status.CLOSED, Status.REPORTED})
SERVING: Final = frozenset({Status.OPEN, Status.STANDING_DOWN})  # callers get something else than on any other day


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """As surge.tables.ActivationRow keeps it. drill: never in real figures; it never becomes real."""

    activation_id: str
    runbook: str
    title: str
    status: Status
    made_by: str
    made_at: datetime
    incident_id: str | None = None
    drill: bool = False
    level: int = 0
    why: str = ""
    rev: int = 1
    armed_by: str | None = None
    armed_at: datetime | None = None
    opened_by: str | None = None
    opened_at: datetime | None = None
    standing_down_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    handover: str = ""

    @property
    def over(self) -> bool:
        return self.status in OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Whoever would be left alone by closing: contacts that wait or talk, and callbacks that were promised."""

    waiting: int = 0
    callbacks: int = 0


class NotNow(ValueError):
    """It cannot become this from where it stands; the message says how it stands."""


class NotYou(ValueError):
    """This person may not; the message says why."""


class NotReady(ValueError):
    """Something has to be there first; `problems` holds every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def armed(one: Activation, who: Staff, now: datetime, problems: list[str]) -> Activation:
    """problems: of the pre-flight; arming takes none. Arming what is armed changes nothing. Raises NotNow, NotYou, NotReady."""
    _may(who, ARMERS, "arms surge mode")
    if one.status is Status.ARMED:
        return one
    _check(one, Status.ARMED)
    if problems:
        raise NotReady(problems)
    return replace(one, status=Status.ARMED, armed_by=who.person_id, armed_at=now)


def disarmed(one: Activation, who: Staff) -> Activation:
    """Back to a draft. Raises NotNow, NotYou."""
    _may(who, ARMERS, "disarms surge mode")
    if one.status is Status.DRAFT:
        return one
    _check(one, Status.DRAFT)
    return replace(one, status=Status.DRAFT, armed_by=None, armed_at=None)


def opened(one: Activation, who: Staff, level: int, now: datetime) -> Activation:
    """By a second person, never by who armed it; the same level once more changes nothing, another level is `levelled`.

    From standing down it opens again (a relapse) and keeps the moment it was first opened. Raises NotNow, NotYou, NotReady.
    """
    _may(who, OPENERS, "opens surge mode")
    _known(level)
    if one.status is Status.OPEN:
        if one.level == level:
            return one
        raise NotNow(f"Surge mode is open at level {one.level} already; change the level instead.")
    _check(one, Status.OPEN)
    if one.armed_by is None or who.person_id == one.armed_by:
        raise NotYou(f"{who.person_id} armed surge mode; somebody else must open it.")
    first = one.opened_at or now
    return replace(
        one, status=Status.OPEN, level=level, opened_by=who.person_id, opened_at=first, standing_down_at=None, handover=""
    )


def levelled(one: Activation, who: Staff, level: int) -> Activation:
    """The same level once more changes nothing. Raises NotNow, NotYou, NotReady."""
    _may(who, OPENERS, "changes the level")
    _known(level)
    if one.status is not Status.OPEN:
        raise NotNow(f"Surge mode is {one.status}; only while it is open does it have a level.")
    return one if one.level == level else replace(one, level=level)


def standing_down(one: Activation, who: Staff, now: datetime, handover: str = "") -> Activation:
    """Offers no callback any more and serves whoever is there. Raises NotNow, NotYou."""
    _may(who, OPENERS, "stands surge mode down")
    if one.status is Status.STANDING_DOWN:
        return one
    _check(one, Status.STANDING_DOWN)
    return replace(one, status=Status.STANDING_DOWN, standing_down_at=now, handover=handover or one.handover)


def closed(one: Activation, who: Staff, now: datetime, left: Left, handover: str) -> Activation:
    """Nobody may wait, no promise may be open, and there is a hand-over note; of a draft, nothing is asked. Raises NotNow,
    NotYou, NotReady."""
    _may(who, OPENERS if one.status is not Status.DRAFT else ARMERS, "closes surge mode")
    if one.status is Status.CLOSED:
        return one
    _check(one, Status.CLOSED)
    problems = []
    if one.status is Status.STANDING_DOWN:
        if left.waiting:
            problems.append(f"{left.waiting} people still wait or talk.")
        if left.callbacks:
            problems.append(f"{left.callbacks} callbacks are promised and neither made nor taken back with notice.")
        if not handover.strip():
            problems.append("A hand-over note is required: what is still open, and who looks after it.")
    if problems:
        raise NotReady(problems)
    return replace(one, status=Status.CLOSED, closed_by=who.person_id, closed_at=now, handover=handover.strip())


def reported(one: Activation, who: Staff) -> Activation:
    """Raises NotNow, NotYou."""
    _may(who, OPENERS, "says that the report is written")
    if one.status is Status.REPORTED:
        return one
    _check(one, Status.REPORTED)
    return replace(one, status=Status.REPORTED)


def set_aside(drill: Activation, who: Staff, now: datetime) -> Activation:
    """A drill gives way to what is real at once, wherever it stands. Raises NotNow for anything else."""
    if not drill.drill or drill.over:
        raise NotNow(f"{drill.title} is no running drill.")
    note = "Ended, because surge mode was needed in earnest."
    return replace(drill, status=Status.CLOSED, closed_by=who.person_id, closed_at=now, handover=note)


def in_the_way(current: Activation, *, drill: bool) -> str:
    """Why no other one can be made beside this one, as a sentence; "" where a drill has to give way to what is real."""
    if current.drill and not drill:
        return ""
    return f"Surge mode for '{current.title}' is {current.status}; close it first. There is one at a time."


def _check(one: Activation, to: Status) -> None:
    if to not in ALLOWED[one.status]:
        raise NotNow(f"Surge mode is {one.status} and cannot become {to}.")


def _may(who: Staff, roles: frozenset[Role], what: str) -> None:
    if not who.roles & roles:
        raise NotYou(f"{who.person_id} has none of the roles of who {what}: {', '.join(sorted(roles))}.")


def _known(level: int) -> None:
    if level not in LEVELS:
        raise NotReady([f"A level is {LEVELS[0]}, 2 or {LEVELS[-1]}, not {level}."])
