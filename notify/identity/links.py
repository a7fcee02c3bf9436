"""Whose account at the identity provider is whose here. One transaction each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import col, select

from notify import audit
from notify.audit import Act
from notify.identity.claims import LONGEST_SUBJECT
from notify.identity.identity_tables import IdentityLink
from notify.staff import accounts, people
from notify.staff.people import BadPerson

NONE_HERE: Final = "This instance has no identity provider: TOCSIN_OIDC_ISSUER is empty."


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at a provider. subject: the provider's own name for it, which stays when names and mailboxes change."""

    issuer: str
    subject: str


def check(conn: Connection, person_id: str, account: Account) -> None:
    """Raises BadPerson when the two cannot be linked."""
    if not (0 < len(account.subject) <= LONGEST_SUBJECT and account.subject.isprintable()):
        raise BadPerson(f"The subject must have 1 to {LONGEST_SUBJECT} letters that can be seen.")
    if people.active(conn, person_id) is None:
        raise BadPerson(f"There is no {person_id}, or they are disabled.")
    holder = owner(conn, account)
    if holder is not None and holder != person_id:
        raise BadPerson(f"This account is linked to {holder}. Unlink it there first.")


def link(conn: Connection, person_id: str, account: Account, by: str, now: datetime) -> None:
    """From now on whoever signs in there as this account is this person here. An account linked to them before opens nothing
    any more, nor do sessions it may have opened. Raises BadPerson."""
    check(conn, person_id, account)
    before = of(conn, person_id)
    if before is not None and (before.issuer, before.subject) == (account.issuer, account.subject):
        return
    conn.execute(delete(IdentityLink).where(col(IdentityLink.person_id) == person_id))
    row = IdentityLink(issuer=account.issuer, subject=account.subject, person_id=person_id, linked_by=by, linked_at=now)
    conn.execute(insert(IdentityLink).values(**row.model_dump()))
    ended = accounts.end_all(conn, person_id, now) if before is not None else 0
    _log(conn, by, "linked an account of the identity provider", person_id, now, account=account.subject, sessions=ended)


def unlink(conn: Connection, person_id: str, by: str, now: datetime) -> bool:
    """The account opens nothing any more, and every session of theirs ends. False when there was none."""
    gone = delete(IdentityLink).where(col(IdentityLink.person_id) == person_id)
    if conn.execute(gone).rowcount != 1:
        return False
    ended = accounts.end_all(conn, person_id, now)
    _log(conn, by, "unlinked an account of the identity provider", person_id, now, sessions=ended)
    return True


def owner(conn: Connection, account: Account) -> str | None:
    """Who an account is linked to, disabled or not."""
    query = select(col(IdentityLink.person_id)).where(
        col(IdentityLink.issuer) == account.issuer, col(IdentityLink.subject) == account.subject
    )
    found = conn.execute(query).first()
    return found[0] if found else None


def used(conn: Connection, account: Account, now: datetime) -> None:
    one = update(IdentityLink).where(col(IdentityLink.issuer) == account.issuer, col(IdentityLink.subject) == account.subject)
    conn.execute(one.values(used_at=now))


def of(conn: Connection, person_id: str) -> IdentityLink | None:
    found = conn.execute(select(IdentityLink).where(col(IdentityLink.person_id) == person_id)).first()
    return IdentityLink(**found._mapping) if found else None


def everybodys(conn: Connection) -> dict[str, IdentityLink]:
    """Who is linked to what."""
    rows = [IdentityLink(**row._mapping) for row in conn.execute(select(IdentityLink))]
    return {row.person_id: row for row in rows}


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)
