"""Which addresses can be reached at all, learnt from what failed: kept until something arrives or the person is heard of again.

A phone is given up after three failures in a row that speak of the phone (a landline, unknown, gone), and tried again after a
week and then after each month: numbers come back, and phones were switched off. A mailbox is given up after one failure that
says it does not exist, or three in a week that say it took nothing; only its owner brings it back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, case, delete, func, insert, or_, select, update

from subscribers.address import EMAIL, SMS
from subscribers.store import ADDRESS, FAILURE, batches, mark_unreachable, note_change

PHONE_FAILURES: Final = 3  # in a row
HARD_BOUNCES: Final = 1
SOFT_BOUNCES: Final = 3
SOFT_WITHIN: Final = timedelta(days=7)
TRY_AGAIN: Final = timedelta(days=7)  # a phone given up for the first time
TRY_AGAIN_LATER: Final = timedelta(days=30)  # one that failed again when it was tried
MOST_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Failed:
    """A delivery that failed on account of its address. hard: the address is no good; else it was no good just now."""

    delivery_id: int
    address_id: int
    hard: bool


def note_failures(conn: Connection, failures: Sequence[Failed], now: datetime) -> list[int]:
    """Keeps failures, each delivery's once, and gives up the addresses they are the last straw for; returns those."""
    given_up: list[int] = []
    for some in batches(failures):
        known = conn.scalars(select(FAILURE.c.delivery_id).where(FAILURE.c.delivery_id.in_([one.delivery_id for one in some])))
        seen = set(known)
        fresh = {one.delivery_id: one for one in some if one.delivery_id not in seen}
        if not fresh:
            continue
        conn.execute(
            insert(FAILURE),
            [
                {"delivery_id": one.delivery_id, "address_id": one.address_id, "hard": one.hard, "at": now}
                for one in fresh.values()
            ],
        )
        given_up += _hopeless(conn, {one.address_id for one in fresh.values()}, now)
    mark_unreachable(conn, given_up, now)
    return given_up


def any_failures(conn: Connection) -> bool:
    return conn.execute(select(FAILURE.c.delivery_id).limit(1)).first() is not None


def note_arrivals(conn: Connection, address_ids: Collection[int]) -> None:
    """Something has arrived there: what failed before counts no more."""
    for some in batches(list(address_ids)):
        conn.execute(delete(FAILURE).where(FAILURE.c.address_id.in_(some)))


def due_again(conn: Connection, now: datetime) -> list[int]:
    """Phones given up that should be tried once more, some at a time."""
    tries = select(func.count()).where(FAILURE.c.address_id == ADDRESS.c.address_id).scalar_subquery()
    first = (ADDRESS.c.unreachable_at <= now - TRY_AGAIN) & (tries <= PHONE_FAILURES)
    query = select(ADDRESS.c.address_id).where(
        ADDRESS.c.channel == SMS,
        ADDRESS.c.unreachable_at.is_not(None),
        or_(first, ADDRESS.c.unreachable_at <= now - TRY_AGAIN_LATER),
    )
    return list(conn.scalars(query.order_by(ADDRESS.c.address_id).limit(MOST_AT_ONCE)))


def try_again(conn: Connection, address_ids: Sequence[int]) -> None:
    """The next alert goes to these as well. What failed stays on record: one more failure gives them up at once."""
    for some in batches(address_ids):
        conn.execute(update(ADDRESS).where(ADDRESS.c.address_id.in_(some)).values(unreachable_at=None))
    if address_ids:
        note_change(conn, None)


def _hopeless(conn: Connection, address_ids: Collection[int], now: datetime) -> list[int]:
    """Of these addresses, those that have now failed once too often and have not been given up yet."""
    recent = FAILURE.c.at > now - SOFT_WITHIN
    hard, soft = func.sum(case((FAILURE.c.hard, 1), else_=0)), func.sum(case((~FAILURE.c.hard & recent, 1), else_=0))
    query = (
        select(ADDRESS.c.address_id)
        .join(FAILURE, FAILURE.c.address_id == ADDRESS.c.address_id)
        .where(ADDRESS.c.address_id.in_(address_ids), ADDRESS.c.unreachable_at.is_(None))
        .group_by(ADDRESS.c.address_id, ADDRESS.c.channel)
        .having(
            or_(
                (ADDRESS.c.channel == SMS) & (hard >= PHONE_FAILURES),
                (ADDRESS.c.channel == EMAIL) & or_(hard >= HARD_BOUNCES, soft >= SOFT_BOUNCES),
            )
        )
    )
    return list(conn.scalars(query))
