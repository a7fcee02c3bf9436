"""After a restore nothing of an older incident leaves until two people say so (held.py): nobody knows what has left since.

Held is every message of an incident that was opened before the restore: its alerts, their updates, renewals and latecomers.
A new alert, about a new incident, leaves as ever: two people have just approved it, and nobody can have had it yet.

A restore by `tocsin restore` holds by itself. One made by other means (pg_restore, a copied file) is seen at the start from the
mark: the last line of the log, kept beside the database, that an older database does not have."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, insert, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from notify import audit
from notify.audit import Act
from notify.tables import AuditLine, Hold, Incident

MARK: Final = "last-line.json"
EVERY_S: Final = 10.0
SYSTEM: Final = "tocsin"


def begin(conn: Connection, why: str, by: str, now: datetime) -> None:
    """Holds everything of incidents opened until now."""
    conn.execute(insert(Hold).values(since=now, why=why, released_by=""))
    audit.append(conn, Act(actor=by, action="held", subject="senders", detail={"why": why}), now)


def standing(conn: Connection) -> Hold | None:
    """The hold in force, the newest one; None when nothing is held."""
    found = conn.execute(select(Hold).where(col(Hold.released_at).is_(None)).order_by(col(Hold.since).desc())).first()
    return Hold(**found._mapping) if found is not None else None


def release(conn: Connection, by: str, detail: Mapping[str, Any], now: datetime) -> bool:
    """Lets everything go on. False when nothing was held. detail: what the log is to say of it."""
    open_ones = col(Hold.released_at).is_(None)
    if not conn.execute(update(Hold).where(open_ones).values(released_at=now, released_by=by)).rowcount:
        return False
    audit.append(conn, Act(actor=by, action="released", subject="senders", detail=dict(detail)), now)
    return True


def held_incidents() -> SelectOfScalar[str]:
    """The incidents of which nothing may leave. None without a hold: nothing is smaller than NULL."""
    since = select(func.max(col(Hold.since))).where(col(Hold.released_at).is_(None)).scalar_subquery()
    return select(col(Incident.incident_id)).where(col(Incident.opened_at) <= since)


def sentence(hold: Hold) -> str:
    return (
        f"Everything of incidents opened before {hold.since:%Y-%m-%d %H:%M} UTC is held: {hold.why} "
        "Two people decide what goes on: the console's page of what is held, or 'tocsin release' "
        "(docs/operations.md#held-after-a-restore)."
    )


def mark(conn: Connection, folder: Path) -> None:
    """Writes down how far the log has come, whole or not at all. Raises OSError."""
    line, head = audit.last(conn)
    path = folder / MARK
    text = json.dumps({"line": line, "head": head}) + "\n"
    if path.is_file() and path.read_text("ascii") == text:
        return
    fresh = path.with_suffix(".new")
    with open(fresh, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def went_back(conn: Connection, folder: Path) -> str:
    """Why this database is older than the one this folder has seen last; "" when it is not, or nobody can tell."""
    try:
        kept = json.loads((folder / MARK).read_text("ascii"))
        line, head = int(kept["line"]), str(kept["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not line:
        return ""
    found = conn.scalars(select(col(AuditLine.hash)).where(col(AuditLine.seq) == line)).first()
    if found == head:
        return ""
    return f"the log of this database does not hold line {line}, which stood in it before: it is an older copy."
