"""Phones and mailboxes of our own that every alert goes to, wherever it is about, and whose silence is an alarm.

A seed is enrolled like anybody, but has no place: planning adds it to every audience on its channels. A phone has reported when
the carrier says delivered. A mailbox's robot pipes the mail it got to /reports/email, whose return path proves that it is ours
(docs/operations.md, Seeds). What has not reported `within` its planning is paged, once for each alert and seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, text
from sqlmodel import col, select

from notify import audit
from notify.audit import Act
from notify.clock import micros
from notify.tables import EventRow, Seed, SeedCopy
from subscribers import store
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from subscribers.tables import Basis

SOURCE = "seed"
EVERY_S = 5.0


class BadSeed(ValueError):
    """The seed cannot be enrolled as given; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A seed as planning and screens see it. stopped: it has opted out, so nothing reaches it."""

    address_id: int
    name: str
    channel: str
    language: str
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """A seed with what became of its newest copy. event_id: "" before the first; state: of its ledger row; silent: it was
    paged about and has not come since."""

    seed: Planted
    event_id: str
    state: str
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A copy that should have reported and has not. state: of its ledger row, "" where there is none."""

    event_id: str
    address_id: int
    name: str
    channel: str
    state: str


def enroll(conn: Connection, name: str, new: tuple[str, str, str], ring: Keyring, now: datetime) -> int:
    """new: channel, normalised address, language. Raises BadSeed."""
    channel, address, language = new
    if conn.execute(select(Seed).where(col(Seed.name) == name)).first() is not None:
        raise BadSeed(f"There is a seed {name!r} already.")
    if store.find_address(conn, channel, ring.blind(channel, address)) is not None:
        raise BadSeed("Somebody is signed up with this address: a seed must be a phone or mailbox of its own.")
    said = Said(at=now, source=SOURCE, evidence=name)
    person = store.add_subscriber(conn, now, SOURCE)
    given = NewAddress(channel=channel, address=address, language=language, basis=Basis.OPT_IN)
    address_id = store.add_address(conn, person, given, ring, said)
    conn.execute(insert(Seed).values(address_id=address_id, name=name, enrolled_at=now))
    audit.append(conn, Act(actor="command line", action="enrolled a seed", subject=name, detail={"channel": channel}), now)
    return address_id


def remove(conn: Connection, name: str, now: datetime) -> bool:
    found = conn.execute(select(Seed).where(col(Seed.name) == name)).first()
    if found is None:
        return False
    known = store.addresses(conn, [found.address_id]).get(found.address_id)
    conn.execute(delete(Seed).where(col(Seed.name) == name))
    if known is not None:
        store.erase(conn, known.subscriber_id)
    audit.append(conn, Act(actor="command line", action="removed a seed", subject=name, detail={}), now)
    return True


def planted(conn: Connection) -> list[Planted]:
    query = text("""
        SELECT s.address_id, s.name, a.channel, a.language, a.stopped_at IS NOT NULL AS stopped
        FROM seed s JOIN address a ON a.address_id = s.address_id ORDER BY s.name""")
    return [Planted(**{**row._mapping, "stopped": bool(row.stopped)}) for row in conn.execute(query)]


_NEWEST = text("""
    SELECT d.event_id, d.state, c.reported_at IS NOT NULL AS reported, c.alarmed_at IS NOT NULL AS alarmed
    FROM delivery d LEFT JOIN seed_copy c ON c.event_id = d.event_id AND c.address_id = d.address_id
    WHERE d.address_id = :seed AND d.word = 1 ORDER BY d.delivery_id DESC LIMIT 1""")


def fared(conn: Connection) -> list[Fared]:
    """Every seed, by name, and its newest copy."""
    return [_fared(one, conn.execute(_NEWEST, {"seed": one.address_id}).first()) for one in planted(conn)]


def _fared(seed: Planted, row: Any) -> Fared:
    if row is None:
        return Fared(seed=seed, event_id="", state="", silent=False)
    came = bool(row.reported) or row.state == "delivered"
    return Fared(
        seed=seed, event_id=row.event_id, state="delivered" if came else row.state, silent=bool(row.alarmed) and not came
    )


def arrived(conn: Connection, delivery_id: int, now: datetime) -> bool:
    """A seed's mailbox has got this mail. False when it is no seed's."""
    query = text("""
        SELECT d.event_id, d.address_id FROM delivery d JOIN seed s ON s.address_id = d.address_id WHERE d.delivery_id = :id""")
    found = conn.execute(query, {"id": delivery_id}).first()
    if found is None:
        return False
    _note(conn, found.event_id, found.address_id, "reported_at", now)
    return True


_SILENT = text("""
    SELECT e.event_id, s.address_id, s.name, a.channel, COALESCE(d.state, '') AS state
    FROM event e CROSS JOIN seed s JOIN address a ON a.address_id = s.address_id
    LEFT JOIN delivery d ON d.event_id = e.event_id AND d.channel = a.channel AND d.address_id = s.address_id AND d.word = 1
    LEFT JOIN seed_copy c ON c.event_id = e.event_id AND c.address_id = s.address_id
    WHERE e.status IN ('sending', 'active') AND e.planned_at <= :since AND s.enrolled_at <= e.started_at
      AND c.reported_at IS NULL AND c.alarmed_at IS NULL AND COALESCE(d.state, '') <> 'delivered'
      AND (d.state IS NULL OR d.state <> 'handed' OR d.handed_at <= :since_us)
      AND EXISTS (SELECT 1 FROM delivery o WHERE o.event_id = e.event_id AND o.channel = a.channel)
      AND NOT (COALESCE(d.state, '') = 'planned' AND EXISTS (
        SELECT 1 FROM delivery o WHERE o.event_id = e.event_id AND o.channel = a.channel AND o.handed_at > :since_us))
    ORDER BY e.event_id, s.name""").bindparams(
    bindparam("since", type_=EventRow.__table__.c.planned_at.type)  # type: ignore[attr-defined]
)


def silent(conn: Connection, within: timedelta, now: datetime) -> list[Silence]:
    """Copies that are overdue and were not paged yet, of alerts planned, or copies handed over, `within` ago. A copy that still
    waits while others of its alert leave is not silent: its turn has not come."""
    since = now - within
    rows = conn.execute(_SILENT, {"since": since, "since_us": micros(since)})
    return [Silence(**row._mapping) for row in rows]


def alarm(conn: Connection, within: timedelta, now: datetime) -> Sequence[Silence]:
    """What is newly overdue, written down as paged."""
    found = silent(conn, within, now)
    for one in found:
        _note(conn, one.event_id, one.address_id, "alarmed_at", now)
        detail = {"seed": one.name, "channel": one.channel, "state": one.state}
        audit.append(conn, Act(actor="tocsin", action="a seed is silent", subject=one.event_id, detail=detail), now)
    return found


def sentence(one: Silence, within: timedelta) -> str:
    stands = {"": "was never planned for it", "handed": "was handed over, and nobody says it arrived"}
    what = stands.get(one.state, f"stands as {one.state}")
    minutes = f"{within.total_seconds() / 60:g}"
    return (
        f"{one.event_id}: the seed '{one.name}' ({one.channel}) is silent after {minutes} minutes: its copy {what}. "
        "Residents may be as silent (docs/operations.md#a-seed-is-silent)."
    )


def _note(conn: Connection, event_id: str, address_id: int, column: str, now: datetime) -> None:
    key = {"event_id": event_id, "address_id": address_id}
    found = conn.execute(select(SeedCopy).where(col(SeedCopy.event_id) == event_id, col(SeedCopy.address_id) == address_id))
    if found.first() is None:
        conn.execute(insert(SeedCopy).values(**key, **{column: now}))
        return
    rows = SeedCopy.__table__  # type: ignore[attr-defined]
    chosen = (rows.c.event_id == event_id, rows.c.address_id == address_id)
    conn.execute(rows.update().where(*chosen).values(**{column: now}))
