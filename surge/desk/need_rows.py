"""The SQL of needs: noted, moved on, found again. Each function is one step of the caller's transaction."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, update
from sqlmodel import col, select

from subscribers.sealing import Keyring
from surge.desk import needs
from surge.desk.desk_rows import add
from surge.desk.desk_tables import NeedEventRow, NeedRow
from surge.desk.needs import ACCOMMODATIONS, TERMINAL, Need, NeedStatus, cell
from surge.tables import ActivationRow

PURPOSE: Final = "need"  # what the seals are bound to
ENDED: Final = tuple(status.value for status in TERMINAL)
MOST: Final = 500  # on one page


class ChangedSince(Exception):
    """Somebody else has changed it since it was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A need as somebody notes it. reply_to, address, words: only whoever brings it reads them."""

    code: str
    people: int = 1
    language: str = "en"
    area: str | None = None
    lat: float | None = None
    lon: float | None = None
    address: str = ""
    reply_to: str = ""
    words: str = ""
    consent_to_share: bool = False
    due_at: datetime | None = None
    routed_to: str = ""
    contact_id: str | None = None
    activation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A need with what is sealed in it."""

    row: NeedRow
    held: dict[str, Any] = field(default_factory=dict)


def log(conn: Connection, asked: Asked, by: str, ring: Keyring, now: datetime) -> str:
    """Notes a need; one whose taker is known at once is routed. Returns its id."""
    held = {"address": asked.address, "lat": asked.lat, "lon": asked.lon, "reply_to": asked.reply_to, "words": asked.words}
    sealed = ring.seal(PURPOSE, json.dumps(held, ensure_ascii=False)) if any(held.values()) else None
    row = NeedRow(
        need_id=f"N-{secrets.token_hex(5).upper()}",
        activation_id=asked.activation_id,
        contact_id=asked.contact_id,
        code=asked.code,
        accommodation=asked.code in ACCOMMODATIONS,
        language=asked.language,
        people=asked.people,
        area=asked.area,
        cell=cell(asked.lat, asked.lon) if asked.lat is not None and asked.lon is not None else None,
        sealed=sealed.data if sealed else None,
        key_id=sealed.key_id if sealed else "",
        consent_to_share=asked.consent_to_share,
        status=NeedStatus.ROUTED if asked.routed_to else NeedStatus.LOGGED,
        routed_to=asked.routed_to,
        due_at=asked.due_at,
        logged_by=by,
        logged_at=now,
        changed_at=now,
    )
    add(conn, row)
    add(conn, NeedEventRow(need_id=row.need_id, seq=1, at=now, status=row.status, actor=by, routed_to=row.routed_to))
    return row.need_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """rev: of the need as it was looked at; None: whatever it is."""

    to: NeedStatus
    routed_to: str = ""
    note: str = ""
    rev: int | None = None


def change(conn: Connection, need_id: str, change: Change, by: tuple[str, Keyring], now: datetime) -> NeedRow:
    """Moves a need on. by: who, and what seals their note. Raises LookupError, needs.NotThere and ChangedSince."""
    person_id, ring = by
    row = one(conn, need_id)
    if change.rev is not None and change.rev != row.rev:
        raise ChangedSince(f"{need_id} was changed meanwhile: it is {row.status} now.")
    to = needs.step(NeedStatus(row.status), change.to)
    routed_to = change.routed_to or row.routed_to
    ended_at = now if to in TERMINAL else None
    table = NeedRow
    changed = (
        update(table)
        .where(col(table.need_id) == need_id, col(table.rev) == row.rev)
        .values(status=to.value, routed_to=routed_to, changed_at=now, ended_at=ended_at, rev=row.rev + 1)
    )
    if not conn.execute(changed).rowcount:
        raise ChangedSince(f"{need_id} was changed meanwhile.")
    note = ring.seal(PURPOSE, change.note) if change.note else None
    seq = conn.execute(select(func.count()).where(col(NeedEventRow.need_id) == need_id)).scalar_one() + 1
    add(
        conn,
        NeedEventRow(
            need_id=need_id,
            seq=seq,
            at=now,
            status=to,
            actor=person_id,
            routed_to=routed_to,
            note=note.data if note else None,
            key_id=note.key_id if note else "",
        ),
    )
    return one(conn, need_id)


def one(conn: Connection, need_id: str) -> NeedRow:
    """Raises LookupError."""
    row = conn.execute(select(NeedRow).where(col(NeedRow.need_id) == need_id)).first()
    if row is None:
        raise LookupError(f"There is no need {need_id}.")
    return NeedRow(**row._mapping)


def opened(ring: Keyring, row: NeedRow) -> Opened:
    held = json.loads(ring.open(PURPOSE, row.key_id, row.sealed)) if row.sealed else {}
    return Opened(row=row, held=held)


def events(conn: Connection, need_id: str) -> list[NeedEventRow]:
    query = select(NeedEventRow).where(col(NeedEventRow.need_id) == need_id).order_by(col(NeedEventRow.seq))
    return [NeedEventRow(**row._mapping) for row in conn.execute(query)]


def listed(conn: Connection, *, ended: bool) -> list[NeedRow]:
    """Those that are still to be met, what is due first first; or those that have ended, the last first."""
    where = col(NeedRow.status).in_(ENDED) if ended else col(NeedRow.status).not_in(ENDED)
    query = select(NeedRow).where(where).order_by(col(NeedRow.logged_at).desc()).limit(MOST)
    found = [NeedRow(**row._mapping) for row in conn.execute(query)]
    if ended:
        return found
    return sorted(found, key=lambda row: (row.due_at is None, row.due_at or row.logged_at, row.logged_at))


def wanted(conn: Connection, activation_id: str | None = None) -> list[Need]:
    """What is still to be met, for the map. A drill's needs are on no map but its own activation's."""
    return [
        Need(code=row.code, people=row.people, cell=row.cell or "", area=row.area or "")
        for row in conn.execute(_open_ones(activation_id))
    ]


def _open_ones(activation_id: str | None) -> Any:
    drills = select(col(ActivationRow.activation_id)).where(col(ActivationRow.drill))
    query = select(NeedRow).where(col(NeedRow.status).not_in(ENDED))
    if activation_id is not None:
        return query.where(col(NeedRow.activation_id) == activation_id)
    here = col(NeedRow.activation_id)
    return query.where(here.is_(None) | here.not_in(drills))


def waiting(conn: Connection) -> Sequence[tuple[str, str, int]]:
    """(code, status, how many) of all there are."""
    query = select(col(NeedRow.code), col(NeedRow.status), func.count()).group_by(col(NeedRow.code), col(NeedRow.status))
    return [(str(code), str(status), int(count)) for code, status, count in conn.execute(query)]
