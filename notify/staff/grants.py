"""Who may give whom which power: what lets people send alerts or give powers takes two administrators, everything else one."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, insert, update
from sqlmodel import col, select

from notify import audit
from notify.alerts.broadcast import NotAllowed
from notify.alerts.draft import CHANNELS
from notify.alerts.life import Role, Staff
from notify.alerts.register import Conflict
from notify.audit import Act
from notify.identity import links
from notify.identity.links import Account
from notify.staff import accounts, people
from notify.staff.staff_tables import Grant

STRONG: Final = frozenset({Role.APPROVER, Role.ADMIN})


class Power(StrEnum):
    PERSON = "person"  # to be a member of staff with these roles
    TOKEN = "token"  # a token for the API
    IDENTITY = "identity"  # to sign in as an account of the identity provider


Scope = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody is to get. scope: the hazards, areas and channels they are limited to; an absent key means all. Of
    IDENTITY it names issuer and subject of the account."""

    what: Power
    person_id: str
    roles: frozenset[Role] = frozenset()
    scope: Scope = field(default_factory=dict)


def unknown(scope: Scope, hazards: Collection[str], areas: Collection[str]) -> list[str]:
    """A sentence for every hazard, area and channel of a limit that there is not: a limit to nothing would be a trap."""
    there = {"hazards": hazards, "areas": areas, "channels": CHANNELS}
    return [f"{what}: there is no '{name}'." for what, names in scope.items() for name in names if name not in there[what]]


def ask(conn: Connection, admin: Staff, wanted: Wanted, now: datetime) -> str | None:
    """Gives a power at once where one administrator is enough, and returns the person's invitation link's token ("" for an
    account, which comes with none); else notes that it is asked for. Raises people.BadPerson."""
    people.check(conn, wanted.person_id, sorted(wanted.roles), new=wanted.what is Power.PERSON)
    if wanted.what is Power.IDENTITY:
        links.check(conn, wanted.person_id, account(wanted.scope))
        holder = people.active(conn, wanted.person_id)
        if holder is not None and not holder.roles & STRONG:
            return _give(conn, wanted, admin.person_id, now)
    if wanted.what is Power.PERSON and not wanted.roles & STRONG:
        return _give(conn, wanted, admin.person_id, now)
    row = Grant(
        what=wanted.what.value,
        person_id=wanted.person_id,
        roles=",".join(sorted(wanted.roles)),
        scope=json.dumps({key: list(values) for key, values in wanted.scope.items() if values}),
        asked_by=admin.person_id,
        asked_at=now,
    )
    conn.execute(insert(Grant).values(**row.model_dump(exclude={"grant_id"})))
    _log(conn, admin.person_id, "asked for a power", wanted.person_id, now, power=row.what, roles=row.roles, scope=row.scope)
    return None


def answer(conn: Connection, admin: Staff, grant_id: int, give: bool, now: datetime) -> str | None:
    """Another administrator's word. Returns what the person gets: an invitation's token, the API token, or "" for an account,
    which comes with none; None when refused.
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
    wanted = Wanted(what=Power(row.what), person_id=row.person_id, roles=roles, scope=json.loads(row.scope))
    return _give(conn, wanted, admin.person_id, now)


def account(scope: Scope) -> Account:
    """The account that a wanted IDENTITY names."""
    return Account(issuer=scope["issuer"][0], subject=scope["subject"][0])


def open_ones(conn: Connection) -> list[Grant]:
    query = select(Grant).where(col(Grant.answered_at).is_(None)).order_by(col(Grant.grant_id))
    return [Grant(**row._mapping) for row in conn.execute(query)]


def _give(conn: Connection, wanted: Wanted, by: str, now: datetime) -> str:
    roles = sorted(wanted.roles)
    _log(conn, by, "gave a power", wanted.person_id, now, power=wanted.what.value, roles=",".join(roles))
    if wanted.what is Power.TOKEN:
        return people.new_token(conn, wanted.person_id)
    if wanted.what is Power.IDENTITY:
        links.link(conn, wanted.person_id, account(wanted.scope), by, now)
        return ""
    people.add(conn, wanted.person_id, roles, wanted.scope, now)  # the token is nobody's: whoever needs one asks for it
    return accounts.invite(conn, wanted.person_id, by, now)


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)
