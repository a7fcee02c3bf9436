"""Drills in the audit log: begun, ended, and read back. There is no other record of one."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func
from sqlmodel import col, select

from notify import audit
from notify.alerts import register
from notify.alerts.alert import Mode
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Role, Staff
from notify.audit import Act
from notify.staff import drills
from notify.staff.drills import Drill, Script
from notify.tables import AuditLine

STARTED, ENDED = "drill started", "drill ended"
LEADERS = frozenset({Role.ADMIN, Role.APPROVER})
WATCHERS = LEADERS | {Role.VIEWER, Role.AUTHOR}


def may_start(conn: Connection, staff: Staff, script: Script, mode: Mode, known: Collection[str]) -> None:
    """known: the city's areas. Raises Unfit outside training or for areas that the city does not have, NotAllowed, and Conflict
    while another drill runs."""
    _may(staff, mode)
    lacking = sorted({name for one in script.right for name in one.areas} - set(known))
    if lacking:
        raise Unfit([f"The city has no area {', '.join(lacking)}, which the script {script.key} needs."])
    running = [one for one in all_drills(conn) if one.ended_at is None]
    if running:
        raise register.Conflict(f"{running[0].started_by} runs {running[0].drill_id} already; it must end first.")


def start(conn: Connection, staff: Staff, script: Script, mode: Mode, now: datetime, known: Collection[str]) -> str:
    """Begins a drill and returns its id. Raises as may_start."""
    audit.lock(conn)
    may_start(conn, staff, script, mode, known)
    begun = select(func.count()).select_from(AuditLine).where(col(AuditLine.action) == STARTED)
    drill_id = f"drill-{conn.execute(begun).scalar_one() + 1}"
    detail = {"script": script.key}
    audit.append(conn, Act(actor=staff.person_id, action=STARTED, subject=drill_id, detail=detail), now)
    return drill_id


def end(
    conn: Connection, staff: Staff, drill_id: str, mode: Mode, now: datetime, parts: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Ends a drill. parts: what everybody did, as the log keeps it (certificate.as_detail). Raises Unfit, NotAllowed,
    NoSuchAlert, Conflict when it has ended."""
    audit.lock(conn)
    _may(staff, mode)
    if one(conn, drill_id).ended_at is not None:
        raise register.Conflict(f"{drill_id} has ended already.")
    audit.append(conn, Act(actor=staff.person_id, action=ENDED, subject=drill_id, detail={"parts": list(parts)}), now)


def all_drills(conn: Connection, scripts: Mapping[str, Script] | None = None) -> list[Drill]:
    """Every drill whose script is still there, in the order they began."""
    known = drills.catalogue() if scripts is None else scripts
    query = select(AuditLine).where(col(AuditLine.action).in_([STARTED, ENDED])).order_by(col(AuditLine.seq))
    found: dict[str, Drill] = {}
    for line in (AuditLine(**row._mapping) for row in conn.execute(query)):
        at = datetime.fromisoformat(line.at)
        if line.action == STARTED and (key := json.loads(line.detail)["script"]) in known:
            found[line.subject] = Drill(
                drill_id=line.subject, script=known[key], started_by=line.actor, started_at=at, first_line=line.seq
            )
        elif line.action == ENDED and line.subject in found:
            found[line.subject] = replace(found[line.subject], ended_at=at, last_line=line.seq)
    return list(found.values())


def one(conn: Connection, drill_id: str) -> Drill:
    """Raises NoSuchAlert."""
    found = next((each for each in all_drills(conn) if each.drill_id == drill_id), None)
    if found is None:
        raise register.NoSuchAlert(f"There is no drill {drill_id}.")
    return found


def lines(conn: Connection, drill: Drill) -> list[AuditLine]:
    """What the log has between its beginning and its end."""
    query = select(AuditLine).where(col(AuditLine.seq) > drill.first_line).order_by(col(AuditLine.seq))
    if drill.last_line is not None:
        query = query.where(col(AuditLine.seq) < drill.last_line)
    return [AuditLine(**row._mapping) for row in conn.execute(query)]


def _may(staff: Staff, mode: Mode) -> None:
    if problems := drills.mode_problems(mode):
        raise Unfit(problems)
    if not staff.roles & LEADERS:
        raise NotAllowed([f"{staff.person_id} has neither the role approver nor admin, which a drill takes."])
