"""Contacts, their events, callbacks and agents' changes in the database, in batches from the journal, each exactly once.

How far it has got is written in the same transaction, so a batch that is written again after a crash finds itself done. Every
statement would also be harmless twice: events are added where they are not there, rows replaced by how they stand.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col, select

from notify.db import is_sqlite
from surge.floor.callback import Callback
from surge.floor.floor_tables import JournalLineRow, JournalRow
from surge.floor.journal import Line, parsed
from surge.floor.orders import Happened
from surge.floor.records import Record
from surge.floor.seats import Seat
from surge.tables import CallbackRow, ContactEventRow, ContactRow, SeatRow

ONLY: Final = 1


def position(conn: Connection) -> tuple[str, int]:
    """The journal's name and how far it is in the database; ("", 0) before the first time."""
    row = conn.execute(select(JournalRow.name, JournalRow.ends).where(col(JournalRow.only) == ONLY)).one_or_none()
    return (row.name, row.ends) if row is not None else ("", 0)


class Superseded(RuntimeError):
    """Another process has gone on with the floor: nothing of this one's journal counts any more."""


def write(conn: Connection, name: str, lines: Sequence[Line], after: str | None = None) -> int:
    """One batch of this journal, in its order. Turns that are there already are left out. Returns how far it has got.

    after: where several processes share the database, the journal that this one follows; the lines are kept as well. Raises
    Superseded for a journal that is neither, of a process that froze while another one went on."""
    if after is not None:
        _alone(conn)
    known, done = position(conn)
    if after is not None and known not in ("", name, after):
        raise Superseded(f"The journal {name} follows {after or 'none'}, and {known} has gone on.")
    if known != name:
        done = 0
    fresh = [line for line in lines if line.ends > done]
    if not fresh:
        return done
    if after is not None:
        _copy(conn, name, fresh)
    _tell(conn, [line for line in fresh if not line.whole])
    _replace(conn, JournalRow, "only", [{"only": ONLY, "name": name, "ends": fresh[-1].ends}])
    return fresh[-1].ends


def copied(conn: Connection, name: str) -> list[Line]:
    """The lines of a journal as far as the database has them; nobody writes to it until the caller's transaction ends."""
    _alone(conn)
    mine = select(JournalLineRow).where(col(JournalLineRow.journal) == name).order_by(col(JournalLineRow.ends))
    found = (parsed(bytes(row.line), row.ends) for row in conn.execute(mine))
    return [line for line in found if line is not None]


def _alone(conn: Connection) -> None:
    """Until this transaction ends nobody else moves on in a journal."""
    conn.execute(select(JournalRow.name).with_for_update())


def _copy(conn: Connection, name: str, lines: Sequence[Line]) -> None:
    if lines[0].whole:  # a journal begins: what stood in earlier ones stands in its first line
        conn.execute(delete(JournalLineRow).where(col(JournalLineRow.journal) != name))
    conn.execute(insert(JournalLineRow), [{"journal": name, "ends": line.ends, "line": line.raw} for line in lines])


def _tell(conn: Connection, fresh: Sequence[Line]) -> None:
    records: dict[str, Record] = {}
    callbacks: dict[str, Callback] = {}
    for line in fresh:
        records |= {key: one for key, one in line.changed.get("record", {}).items() if isinstance(one, Record)}
        callbacks |= {key: one for key, one in line.changed.get("callback", {}).items() if isinstance(one, Callback)}
    _replace(conn, ContactRow, "contact_id", [_contact(one) for one in records.values()])
    _add(conn, ContactEventRow, [_event(event) for line in fresh for event in line.events])
    _replace(conn, CallbackRow, "callback_id", [_callback(one) for one in callbacks.values()])
    _add(
        conn, SeatRow, [_seat(one) for line in fresh for one in line.changed.get("seat", {}).values() if isinstance(one, Seat)]
    )


def _contact(record: Record) -> dict[str, Any]:
    one, place = record.contact, record.place
    return {
        "contact_id": one.contact_id,
        "activation_id": one.activation_id,
        "way": one.way.value,
        "provider_id": record.provider_id,
        "caller": bytes.fromhex(one.caller) if one.caller else None,
        "sealed": record.sealed,
        "words": record.words,
        "key_id": record.key_id,
        "language": one.language,
        "area": one.area,
        "head": record.head.value,
        "skill": record.skill,
        "seq": one.seq,
        "standing": one.standing.value,
        "offered_at": one.offered_at,
        "enqueued_at": one.enqueued_at,
        "virtual": place.virtual if place is not None else None,
        "place": place.seq if place is not None else None,
        "answered_at": one.answered_at,
        "left_queue_at": one.left_queue_at,
        "ended_at": record.ended_at,
        "talked_s": one.talked.total_seconds(),
        "wrapped_s": one.wrapped.total_seconds(),
        "agent": record.agent,
        "script": record.script,
        "disposition": record.disposition,
    }


def _event(event: Happened) -> dict[str, Any]:
    return {
        "contact_id": event.contact_id,
        "seq": event.seq,
        "at": event.at,
        "stands": event.stands.value,
        "actor": event.actor,
        "why": event.why,
        "data": "{}",
    }


def _callback(one: Callback) -> dict[str, Any]:
    return {
        "callback_id": one.callback_id,
        "contact_id": one.contact_id,
        "state": one.state.value,
        "asked_at": one.asked_at,
        "promised_from": one.promise.begins,
        "promised_to": one.promise.ends,
        "attempts": one.attempts,
        "next_at": one.next_at,
        "rev": one.rev,
        "connected_at": one.connected_at,
        "ended_at": one.ended_at,
        "why": one.why,
    }


def _seat(one: Seat) -> dict[str, Any]:
    """What stays the same while its state does: written again it is there already."""
    return {"agent": one.agent_id, "at": one.since, "turns": one.turns, "state": one.state.value}


def _replace(conn: Connection, row: type[SQLModel], key: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        statement = _insert(conn, row)
        others = {name: statement.excluded[name] for name in rows[0] if name != key}
        conn.execute(statement.on_conflict_do_update(index_elements=[key], set_=others), rows)


def _add(conn: Connection, row: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        conn.execute(_insert(conn, row).on_conflict_do_nothing(), rows)


def _insert(conn: Connection, row: type[SQLModel]) -> Any:
    """Both databases have ON CONFLICT, each under a name of its own."""
    table = cast(Table, row.__table__)  # type: ignore[attr-defined]
    return sqlite.insert(table) if is_sqlite(conn) else postgresql.insert(table)
