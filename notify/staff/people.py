"""Staff and their tokens. One token is one person; the database keeps only its hash."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, update
from sqlmodel import col, select

from notify.alerts.life import Role, Staff
from notify.staff.staff_tables import Person

TOKEN_BYTES: Final = 24  # 192 bits: guessing one is hopeless, so a plain hash is enough to keep


class BadPerson(ValueError):
    """The person cannot be added or changed as given. problems: every reason, a sentence each."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def check(conn: Connection, person_id: str, roles: Sequence[str], *, new: bool) -> None:
    """Raises BadPerson when there can be no such person, or, not new, there is none."""
    known = conn.execute(select(col(Person.person_id)).where(col(Person.person_id) == person_id)).first() is not None
    if not new:
        if not known:
            raise BadPerson(f"There is no {person_id}.")
        return
    problems = []
    unknown = sorted(set(roles) - {role.value for role in Role})
    if unknown or not roles:
        problems.append(f"{', '.join(unknown) or 'No role'} is not a role; roles are {', '.join(Role)}.")
    if not person_id.isascii() or not person_id.replace("-", "").isalnum():
        problems.append(f"'{person_id}' cannot be a name: use letters, digits and hyphens.")
    if known:
        problems.append(f"There is a {person_id} already; 'tocsin user token {person_id}' makes a new token.")
    if problems:
        raise BadPerson(*problems)


def add(conn: Connection, person_id: str, roles: Sequence[str], scope: Mapping[str, Sequence[str]], now: datetime) -> str:
    """Adds a member of staff and returns their token, which nobody can ever read again. Raises BadPerson."""
    check(conn, person_id, roles, new=True)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = Person(
        person_id=person_id,
        roles=",".join(sorted(set(roles))),
        scope=json.dumps({key: list(values) for key, values in scope.items() if values}),
        token_hash=token_hash(token),
        created_at=now,
    )
    conn.execute(insert(Person).values(**row.model_dump()))
    return token


def new_token(conn: Connection, person_id: str) -> str:
    """Replaces a person's token; the old one is void at once. Raises BadPerson."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    query = update(Person).where(col(Person.person_id) == person_id).values(token_hash=token_hash(token))
    if conn.execute(query).rowcount != 1:
        raise BadPerson(f"There is no {person_id}.")
    return token


def disable(conn: Connection, person_id: str, now: datetime) -> None:
    """The person may do nothing any more. Raises BadPerson."""
    query = update(Person).where(col(Person.person_id) == person_id).values(disabled_at=now)
    if conn.execute(query).rowcount != 1:
        raise BadPerson(f"There is no {person_id}.")


def by_token(conn: Connection, token: str) -> Staff | None:
    """Who this token is, unless they were disabled."""
    query = select(Person).where(col(Person.token_hash) == token_hash(token), col(Person.disabled_at).is_(None))
    found = conn.execute(query).first()
    return _staff(Person(**found._mapping)) if found else None


def active(conn: Connection, person_id: str) -> Staff | None:
    """A person by name, unless they were disabled."""
    query = select(Person).where(col(Person.person_id) == person_id, col(Person.disabled_at).is_(None))
    found = conn.execute(query).first()
    return _staff(Person(**found._mapping)) if found else None


def everybody(conn: Connection) -> list[tuple[Staff, bool]]:
    """All staff with whether they are still active."""
    rows = [Person(**row._mapping) for row in conn.execute(select(Person).order_by(col(Person.person_id)))]
    return [(_staff(row), row.disabled_at is None) for row in rows]


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _staff(row: Person) -> Staff:
    scope = json.loads(row.scope)
    return Staff(
        person_id=row.person_id,
        roles=frozenset(Role(role) for role in row.roles.split(",")),
        hazards=frozenset(scope.get("hazards", ())),
        areas=frozenset(scope.get("areas", ())),
        channels=frozenset(scope.get("channels", ())),
    )
