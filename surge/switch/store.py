"""The SQL of activations, facts and scripts. Each function is one step of the caller's transaction."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, text, update
from sqlmodel import SQLModel, col, select

from notify.alerts.register import Conflict
from notify.db import is_sqlite
from notify.tables import AuditLine
from surge.contact import TERMINAL
from surge.scripts.facts import Fact
from surge.switch.activation import OVER, Activation, Left, Status
from surge.tables import ActivationRow, AgentRow, CallbackRow, ContactRow, FactRow, ScriptRow

TESTED: Final = "tested a line"  # the log's word for a test call that came through
FALLBACK: Final = "fallback"  # the number's own; partners are named "partner NAME"
_ONE_AT_A_TIME: Final = 0x50_311  # any number; the advisory lock that keeps two from being made beside each other
_VALUES: Final = tuple(one.name for one in fields(Activation))


def lock(conn: Connection) -> None:
    """Until this transaction ends nobody else makes an activation, or enters or publishes anything of one."""
    if not is_sqlite(conn):  # SQLite has one writer at a time already
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})


def value(row: ActivationRow) -> Activation:
    """The row as the rules see it."""
    given: dict[str, Any] = {name: getattr(row, name) for name in _VALUES}
    return Activation(**given | {"status": Status(row.status)})


def new_id() -> str:
    return f"S-{secrets.token_hex(4)}"


def current(conn: Connection) -> ActivationRow | None:
    """The one that is not closed."""
    query = select(ActivationRow).where(col(ActivationRow.status).not_in([one.value for one in OVER]))
    found = conn.execute(query.order_by(col(ActivationRow.made_at).desc())).first()
    return ActivationRow(**found._mapping) if found else None


def activation(conn: Connection, activation_id: str, *, locked: bool = False) -> ActivationRow | None:
    """locked: nobody else changes it before this transaction ends."""
    query = select(ActivationRow).where(col(ActivationRow.activation_id) == activation_id)
    found = conn.execute(query.with_for_update() if locked else query).first()
    return ActivationRow(**found._mapping) if found else None


def activations(conn: Connection, limit: int | None = None) -> list[ActivationRow]:
    """The newest first."""
    query = select(ActivationRow).order_by(col(ActivationRow.made_at).desc(), col(ActivationRow.activation_id)).limit(limit)
    return [ActivationRow(**row._mapping) for row in conn.execute(query)]


def add(conn: Connection, row: SQLModel) -> None:
    conn.execute(insert(type(row)).values(**row.model_dump()))


def keep(conn: Connection, before: Activation, after: Activation) -> ActivationRow:
    """Writes what has changed over the row as it was read. Raises Conflict when somebody changed it since."""
    given = {name: getattr(after, name) for name in _VALUES} | {"status": after.status.value, "rev": before.rev + 1}
    done = conn.execute(
        update(ActivationRow)
        .where(col(ActivationRow.activation_id) == before.activation_id, col(ActivationRow.rev) == before.rev)
        .values(**given)
    )
    row = activation(conn, before.activation_id)
    if done.rowcount != 1 or row is None:
        raise Conflict(f"Surge mode has been changed meanwhile and is now {row.status if row else 'gone'}.")
    return row


def facts(conn: Connection, activation_id: str) -> list[FactRow]:
    """Every value that was ever entered, the first first."""
    query = select(FactRow).where(col(FactRow.activation_id) == activation_id).order_by(col(FactRow.fact_id))
    return [FactRow(**row._mapping) for row in conn.execute(query)]


def fact(row: FactRow) -> Fact:
    given = row.model_dump(exclude={"activation_id"})
    return Fact(**given)


def add_fact(conn: Connection, row: FactRow) -> int:
    """The number it got. Its rev is the next of its name and language."""
    query = select(func.max(col(FactRow.rev))).where(
        col(FactRow.activation_id) == row.activation_id, col(FactRow.name) == row.name, col(FactRow.language) == row.language
    )
    last = conn.execute(query).scalar_one() or 0
    given = row.model_dump(exclude={"fact_id"}) | {"rev": last + 1}
    return conn.execute(insert(FactRow).values(**given).returning(col(FactRow.fact_id))).scalar_one() or 0


def recall(conn: Connection, fact_ids: Collection[int], why: str, now: datetime) -> None:
    """Those that were recalled before keep when and why."""
    query = update(FactRow).where(col(FactRow.fact_id).in_(fact_ids), col(FactRow.recalled_at).is_(None))
    conn.execute(query.values(recalled_at=now, recalled_why=why))


def script(conn: Connection, activation_id: str, version: int | None = None) -> ScriptRow | None:
    """One version, or the newest."""
    query = select(ScriptRow).where(col(ScriptRow.activation_id) == activation_id)
    if version is not None:
        query = query.where(col(ScriptRow.version) == version)
    found = conn.execute(query.order_by(col(ScriptRow.version).desc())).first()
    return ScriptRow(**found._mapping) if found else None


def scripts(conn: Connection, activation_id: str) -> list[ScriptRow]:
    query = select(ScriptRow).where(col(ScriptRow.activation_id) == activation_id).order_by(col(ScriptRow.version))
    return [ScriptRow(**row._mapping) for row in conn.execute(query)]


def left(conn: Connection, activation_id: str) -> Left:
    """Whoever of an activation still waits, talks, or was promised a call."""
    ended = [one.value for one in TERMINAL] + ["callback"]
    waiting = select(func.count()).where(col(ContactRow.activation_id) == activation_id, col(ContactRow.standing).not_in(ended))
    promised = (
        select(func.count())
        .select_from(CallbackRow)
        .join(ContactRow, col(ContactRow.contact_id) == col(CallbackRow.contact_id))
        .where(col(ContactRow.activation_id) == activation_id, col(CallbackRow.ended_at).is_(None))
    )
    return Left(waiting=conn.execute(waiting).scalar_one(), callbacks=conn.execute(promised).scalar_one())


def listeners(conn: Connection, activation_id: str) -> Sequence[ContactRow]:
    """Every contact of an activation that went by a version of its script."""
    query = select(ContactRow).where(col(ContactRow.activation_id) == activation_id, col(ContactRow.script).is_not(None))
    found = conn.execute(query.order_by(col(ContactRow.offered_at), col(ContactRow.contact_id)))
    return [ContactRow(**row._mapping) for row in found]


def trained(conn: Connection, now: datetime) -> int:
    """Agents who have ended the practice call and whose role has not run out."""
    query = select(col(AgentRow.until)).where(col(AgentRow.trained_at).is_not(None))
    return sum(until is None or until > now for until in conn.execute(query).scalars())


def tested(conn: Connection, line: str) -> datetime | None:
    """When a test call last came through on a line. The log is where that stands: nobody can put it right afterwards."""
    query = select(col(AuditLine.at)).where(col(AuditLine.action) == TESTED, col(AuditLine.subject) == f"line {line}")
    found = conn.execute(query.order_by(col(AuditLine.seq).desc()).limit(1)).scalar_one_or_none()
    return datetime.fromisoformat(found) if found else None
