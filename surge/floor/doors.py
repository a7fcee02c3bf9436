"""Where the process is reached that has 311's line: written when it takes the line, read by all others of the instance."""

import socket
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from sqlalchemy import Connection, delete, insert
from sqlmodel import select

from surge.floor.floor_tables import DoorRow

ONLY: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """public, private: addresses of its two listeners, as in http://10.0.0.11:41234."""

    process: str
    public: str
    private: str


def put(conn: Connection, door: Door, now: datetime) -> None:
    """This process has the line now."""
    conn.execute(delete(DoorRow))
    row = DoorRow(only=ONLY, process=door.process, public=door.public, private=door.private, since=now)
    conn.execute(insert(DoorRow).values(**row.model_dump()))


def find(conn: Connection) -> Door | None:
    """Whoever took the line last; they may be dead, or on another machine that nobody reaches from here."""
    row = conn.execute(select(DoorRow)).first()
    if row is None:
        return None
    return Door(process=row.process, public=row.public, private=row.private)


def leads_there(door: Door, host: str) -> bool:
    """Whether its address means that process here: a loopback address does only on its own machine."""
    machine, _, _ = door.process.partition(":")
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:  # a name
        loopback = host == "localhost"
    return not loopback or machine == socket.gethostname()
