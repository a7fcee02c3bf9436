"""Who may give whom which power: what lets people send alerts or give powers takes two administrators, everything else one."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, insert, update
from sqlmodel import col, select

from notify import accounts, audit, people
from notify.audit import Act
from notify.broadcast import NotAllowed
from notify.life import Role, Staff
from notify.register import Conflict
from notify.tables import Grant

STRONG: Final = frozenset({Role.APPROVER, Role.ADMIN})


class Power(StrEnum):
    PERSON = "person"  # to be a member of staff with these roles
    TOKEN = "token"  # a token for the API


def ask(conn: Connection, admin: Staff, power: Power, person_id: str, roles: frozenset[Role], now: datetime) -> str | None:
    """Gives a power at once where one administrator is enough, and returns the person's invitation link's token; else notes
    that it is asked for. Raises people.BadPerson."""
    people.check(conn, person_id, sorted(roles), new=power is Power.PERSON)
    if power is Power.PERSON and not roles & STRONG:
        return _give(conn, power, person_id, roles, admin.person_id, now)
    row = {"what": power.value, "person_id": person_id, "roles": ",".join(sorted(roles)), "given": False}
    conn.execute(insert(Grant).values(**row, asked_by=admin.person_id, asked_at=now))
    _log(conn, admin.person_id, "asked for a power", person_id, now, power=power.value, roles=row["roles"])
    return None


def answer(conn: Connection, admin: Staff, grant_id: int, give: bool, now: datetime) -> str | None:
    """Another administrator's word. Returns what the person gets: an invitation's token, or the API token; None when refused.
    Raises NotAllowed for whoever asked, Conflict when it was answered already."""
    found = conn.execute(select(Grant).where(col(Grant.grant_id) == grant_id).with_for_update()).first()
    if found is None:
        raise Conflict("Nobody asked for this.")
    row = Grant(**found._mapping)
    if row.answered_at is not None:
        raise Conflict(f"{row.answered_by} has answered this already.")
    if row.asked_by == admin.person_id:
        raise NotAllowed(["You asked for this; another administrator must give it."])
    done = update(Grant).where(col(Grant.grant_id) == grant_id)
    conn.execute(done.values(answered_by=admin.person_id, answered_at=now, given=give))
    if not give:
        _log(conn, admin.person_id, "refused a power", row.person_id, now)
        return None
    roles = frozenset(Role(role) for role in row.roles.split(",") if role)
    return _give(conn, Power(row.what), row.person_id, roles, admin.person_id, now)


def open_ones(conn: Connection) -> list[Grant]:
    query = select(Grant).where(col(Grant.answered_at).is_(None)).order_by(col(Grant.grant_id))
    return [Grant(**row._mapping) for row in conn.execute(query)]


def _give(conn: Connection, power: Power, person_id: str, roles: frozenset[Role], by: str, now: datetime) -> str:
    _log(conn, by, "gave a power", person_id, now, power=power.value, roles=",".join(sorted(roles)))
    if power is Power.TOKEN:
        return people.new_token(conn, person_id)
    people.add(conn, person_id, sorted(roles), {}, now)  # the token is nobody's: whoever needs one asks for it
    return accounts.invite(conn, person_id, by, now)


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)
