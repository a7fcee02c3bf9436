"""The SQL of who may answer. Each function is one step of the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, update
from sqlmodel import col, select

from subscribers.sealing import Keyring
from surge.desk.desk_rows import once
from surge.tables import AgentRow

PURPOSE: Final = "agent line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """line: a number or SIP address; "" for none, None to keep what there is."""

    languages: Collection[str]
    skills: Collection[str] = ()
    interpreter: bool = True
    home: str = ""
    until: datetime | None = None
    line: str | None = None


def put(conn: Connection, person_id: str, given: Given, ring: Keyring) -> None:
    """Adds somebody to who may answer, or changes what is known of them. That they have practised stays."""
    conn.execute(
        once(conn, AgentRow).values(person_id=person_id, key_id="", languages="", skills="", interpreter=True, home="")
    )
    values: dict[str, object] = {
        "languages": ",".join(sorted(given.languages)),
        "skills": ",".join(sorted(given.skills)),
        "interpreter": given.interpreter,
        "home": given.home,
        "until": given.until,
    }
    if given.line is not None:
        sealed = ring.seal(PURPOSE, given.line) if given.line else None
        values |= {"line": sealed.data if sealed else None, "key_id": sealed.key_id if sealed else ""}
    conn.execute(update(AgentRow).where(col(AgentRow.person_id) == person_id).values(**values))


def trained(conn: Connection, person_id: str, now: datetime) -> None:
    """Somebody has ended the practice calls; whoever is not on the list yet is put on it, with English and an interpreter."""
    conn.execute(
        once(conn, AgentRow).values(person_id=person_id, key_id="", languages="en", skills="", interpreter=True, home="")
    )
    conn.execute(update(AgentRow).where(col(AgentRow.person_id) == person_id).values(trained_at=now))


def end(conn: Connection, person_id: str, now: datetime) -> bool:
    """Their time at the desk is over; False for somebody who is not on the list."""
    return bool(conn.execute(update(AgentRow).where(col(AgentRow.person_id) == person_id).values(until=now)).rowcount)


def everybody(conn: Connection) -> list[AgentRow]:
    return [AgentRow(**row._mapping) for row in conn.execute(select(AgentRow).order_by(col(AgentRow.person_id)))]


def line_of(row: AgentRow, ring: Keyring) -> str:
    """The number or address of somebody's line; "" for none."""
    return ring.open(PURPOSE, row.key_id, row.line) if row.line else ""
