"""The SQL of what leaves the desk. A row stands before anything leaves; what was under way when a process died is unknown, and
is never sent again by itself."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, func, update
from sqlmodel import col, select

from subscribers.sealing import Keyring
from surge.desk.desk_rows import once
from surge.desk.desk_tables import DeskReplyRow

PURPOSE: Final = "desk reply"
LEASE: Final = timedelta(minutes=2)  # a provider answers or times out long before


class State(StrEnum):
    PLANNED = "planned"  # stands here, nothing has left
    CLAIMED = "claimed"  # the provider is being asked
    HANDED = "handed"  # the provider has it
    REFUSED = "refused"  # it certainly did not leave
    UNKNOWN = "unknown"  # perhaps it left: a person looks, nobody sends it again by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """mark: made by the page; the same one leaves once. ours: the number of ours it leaves from; "" for any."""

    mark: str
    channel: str
    to: str
    words: str
    language: str
    source: str
    consent: str
    by: str
    contact_id: str | None = None
    activation_id: str | None = None
    ours: str = ""
    subject: str = ""
    thread: str = ""


def plan(conn: Connection, reply: Reply, ring: Keyring, now: datetime) -> str | None:
    """Writes down what is to leave, claimed for this process; its id. None for a mark that was used before."""
    sealed = ring.seal(PURPOSE, json.dumps({"to": reply.to, "words": reply.words, "ours": reply.ours}, ensure_ascii=False))
    reply_id = f"R-{secrets.token_hex(6).upper()}"
    row = DeskReplyRow(
        reply_id=reply_id,
        mark=reply.mark,
        contact_id=reply.contact_id,
        activation_id=reply.activation_id,
        channel=reply.channel,
        language=reply.language,
        sealed=sealed.data,
        key_id=sealed.key_id,
        source=reply.source,
        consent=reply.consent,
        state=State.CLAIMED,
        made_by=reply.by,
        made_at=now,
        claimed_at=now,
    )
    return reply_id if conn.execute(once(conn, DeskReplyRow).values(**row.model_dump())).rowcount else None


def settle(conn: Connection, reply_id: str, outcome: tuple[bool | None, str], now: datetime) -> State:
    """What became of it: see outgoing.came."""
    left, ref = outcome
    state = State.UNKNOWN if left is None else State.HANDED if left else State.REFUSED
    values = {"state": state.value, "handed_at": now if left else None, "ref": ref if left else None}
    values |= {} if left else {"code": ref[:120]}
    conn.execute(update(DeskReplyRow).where(col(DeskReplyRow.reply_id) == reply_id).values(**values))
    return state


def strand(conn: Connection, now: datetime) -> int:
    """What a process that died was sending: nobody knows whether it left. How many."""
    dead = (col(DeskReplyRow.state) == State.CLAIMED.value, col(DeskReplyRow.claimed_at) < now - LEASE)
    return int(conn.execute(update(DeskReplyRow).where(*dead).values(state=State.UNKNOWN.value)).rowcount)


def of_contact(conn: Connection, contact_id: str) -> list[DeskReplyRow]:
    query = select(DeskReplyRow).where(col(DeskReplyRow.contact_id) == contact_id).order_by(col(DeskReplyRow.made_at))
    return [DeskReplyRow(**row._mapping) for row in conn.execute(query)]


def counted(conn: Connection, activation_id: str | None) -> dict[str, int]:
    """How many replies of an activation are in each state."""
    here = col(DeskReplyRow.activation_id)
    where = here == activation_id if activation_id is not None else here.is_(None)
    query = select(col(DeskReplyRow.state), func.count()).where(where).group_by(col(DeskReplyRow.state))
    return {str(state): int(count) for state, count in conn.execute(query)}
