"""Whoever stops, or wants to be forgotten, gets nothing that was not already leaving when they were answered.

A sender asks about stops just before it claims a row (leases.py). On PostgreSQL a stop may commit between that question and the
claim's own commit, so the stop takes the person's waiting rows itself: it waits for a claim under way, or the claim for it.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from notify.clock import micros
from notify.sending.leases import sending
from notify.sending.statements import among, held_still, listed
from subscribers import store
from subscribers.address import EMAIL, SMS
from subscribers.store import Said


def stop(conn: Connection, address_id: int, said: Said) -> bool:
    """As store.stop, and what waits for this address is withdrawn. For a person's own wish: of a provider's report its
    gateway has stopped the number before. Raises LookupError when there is no such address."""
    fresh = store.stop(conn, address_id, said)
    withdraw(conn, [address_id], now=said.at)
    return fresh


def erase(conn: Connection, subscriber_id: int, now: datetime) -> None:
    """As store.erase, and what waits for the person's addresses is withdrawn."""
    theirs = [one.address_id for one in store.addresses_of(conn, subscriber_id)]
    store.erase(conn, subscriber_id)
    withdraw(conn, theirs, now=now, code="erased")


def remove(conn: Connection, address_id: int, now: datetime) -> None:
    """As store.remove_address, and what waits for it is withdrawn. Raises LookupError when there is no such address."""
    store.remove_address(conn, address_id)
    withdraw(conn, [address_id], now=now, code="erased")


def withdraw(conn: Connection, address_ids: Collection[int], *, now: datetime, code: str = "opted-out") -> int:
    """Withdraws what may leave now and is not claimed yet; returns how many rows. To be called once the addresses are stopped
    or gone in this transaction: what is planned for them later, or starts later, is withdrawn when it is claimed."""
    done = 0
    for event_id in sending(conn, now):
        for channel in (SMS, EMAIL):
            theirs = f"event_id = :event_id AND channel = :channel AND address_id {among(conn)} AND state = 'planned'"
            done += conn.execute(
                text(f"""
                UPDATE delivery SET state = 'withdrawn', code = :code, final_at = :now, lease_owner = NULL, lease_until = NULL
                WHERE {held_still(conn, theirs)}"""),
                {
                    "event_id": event_id,
                    "channel": channel,
                    "ids": listed(conn, address_ids),
                    "code": code,
                    "now": micros(now),
                },
            ).rowcount
    return done
