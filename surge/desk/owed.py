"""Texts that the desk is to get. A text and that the desk is owed it reach the disk together: no crash comes between."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import col

from subscribers.sealing import Keyring
from surge.desk.desk_tables import DeskOwedRow

PURPOSE: Final = "owed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """language: what it was answered in. address, ours: E.164."""

    provider_id: str
    words: str
    language: str
    address: str
    ours: str


def put(conn: Connection, owed: Owed, ring: Keyring) -> None:
    sealed = ring.seal(PURPOSE, json.dumps(asdict(owed)))
    conn.execute(insert(DeskOwedRow).values(provider_id=owed.provider_id, sealed=sealed.data, key_id=sealed.key_id))


def everything(conn: Connection, ring: Keyring) -> Sequence[Owed]:
    """In no order: the line has its own. Raises Unopenable."""
    rows = conn.execute(select(col(DeskOwedRow.key_id), col(DeskOwedRow.sealed)))
    return [Owed(**json.loads(ring.open(PURPOSE, row.key_id, row.sealed))) for row in rows]


def paid(conn: Connection, provider_ids: Sequence[str]) -> None:
    """The desk has these."""
    conn.execute(delete(DeskOwedRow).where(col(DeskOwedRow.provider_id).in_(provider_ids)))
