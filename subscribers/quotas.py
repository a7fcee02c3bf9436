"""How often something may happen within a window: verification texts of a number an hour, of everybody a day.

Windows are fixed (they begin on the hour or at midnight UTC), so that one row counts one window; around a window's edge up to
twice the limit can pass. Rows name nobody: what is counted goes by a keyed hash, which changes with the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from subscribers.address import SMS
from subscribers.sealing import Keyring
from subscribers.signup import Reach
from subscribers.store import table_of
from subscribers.tables import Quota

QUOTA = table_of(Quota)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
PREFIX_DIGITS: Final = len("+1503555")  # the first seven digits: a block of 10,000 numbers, which one carrier is paid for
IPV6_CUSTOMER: Final = 64  # bits; one household has at least as many addresses as are left


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """At most `most` in a window. by: number, prefix, mailbox, ip or all."""

    name: str
    by: str
    most: int
    window: timedelta


# Texts of both pages (sign-up and one's own page) count together: what costs money and rings at strangers is the text. The
# limit that a bot meets first stands first: most of its requests then cost one look.
TEXTS: Final = (
    Rule(name="texts", by="ip", most=20, window=HOUR),
    Rule(name="texts", by="number", most=3, window=HOUR),
    Rule(name="texts", by="number", most=5, window=DAY),
    Rule(name="texts", by="prefix", most=30, window=HOUR),
)
# A mailbox gets two mails a day that ask to confirm, and two that lead to one's own page, whoever asks for them.
SIGN_UP_MAILS: Final = (
    Rule(name="mails", by="ip", most=20, window=HOUR),
    Rule(name="confirm", by="mailbox", most=2, window=DAY),
)
OWN_PAGE_MAILS: Final = (
    Rule(name="mails", by="ip", most=20, window=HOUR),
    Rule(name="manage", by="mailbox", most=2, window=DAY),
)


class Spent(Exception):
    """A limit is reached. The transaction it leaves is undone, so that what is refused counts for nothing."""


def rules_for(reach: Reach, *, own_page: bool, texts_a_day: int, mails_a_day: int) -> tuple[Rule, ...]:
    """What one message of ours to this address has to pass. own_page: it leads to the page of somebody signed up."""
    if reach.channel == SMS:
        return (*TEXTS, Rule(name="texts", by="all", most=texts_a_day, window=DAY))
    mails = OWN_PAGE_MAILS if own_page else SIGN_UP_MAILS
    return (*mails, Rule(name="mails", by="all", most=mails_a_day, window=DAY))


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts on one connection, at one moment."""

    conn: Connection
    keyring: Keyring
    now: datetime

    def spend(self, rules: Sequence[Rule], reach: Reach, client: str) -> None:
        """Counts one more under every rule. client: the IP address it comes from. Raises Spent when there is no room in one."""
        for rule in rules:
            name, start = self._window(rule, reach, client)
            if not _took(self.conn, name, start, rule.most):
                raise Spent(f"A limit on {rule.name} is reached.")

    def check(self, rules: Sequence[Rule], reach: Reach, client: str) -> None:
        """As `spend`, but counts nothing and writes nothing: so that a flood of refusals never stands in a writer's way."""
        for rule in rules:
            name, start = self._window(rule, reach, client)
            counted = select(QUOTA.c.count).where(QUOTA.c.name == name, QUOTA.c.window_start == start)
            if (self.conn.execute(counted).scalar() or 0) >= rule.most:
                raise Spent(f"A limit on {rule.name} is reached.")

    def _window(self, rule: Rule, reach: Reach, client: str) -> tuple[str, datetime]:
        """The row that counts. Its name holds a keyed hash, of the window too: nobody can be followed from one to the next."""
        start = window_start(self.now, rule.window)
        counted = _counted(rule, reach, client)
        kind = f"{rule.name}/{rule.by}/{'day' if rule.window >= DAY else 'hour'}"
        if not counted:
            return kind, start
        return f"{kind}/{self.keyring.blind(f'quota {kind} {start.isoformat()}', counted).hex()}", start

    def forget(self) -> int:
        """Deletes windows that are over; returns how many."""
        return self.conn.execute(delete(QUOTA).where(QUOTA.c.window_start < window_start(self.now, DAY))).rowcount


def window_start(now: datetime, window: timedelta) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0, hour=0 if window >= DAY else now.hour)


def household(client: str) -> str:
    """The part of an IP address that one customer has: all of IPv4, 64 bits of IPv6. Anything else stands for itself."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((int(address), IPV6_CUSTOMER), strict=False).network_address)
    return str(address)


def _counted(rule: Rule, reach: Reach, client: str) -> str:
    match rule.by:
        case "number":
            return reach.address
        case "mailbox":
            local, _, domain = reach.address.lower().rpartition("@")
            return f"{local.partition('+')[0]}@{domain}"  # name+1@ and name+2@ are mostly one mailbox: its owner is one victim
        case "prefix":
            return reach.address[:PREFIX_DIGITS]
        case "ip":
            return household(client)
        case _:
            return ""


def _took(conn: Connection, name: str, start: datetime, most: int) -> bool:
    """Counts one more, in one statement, unless there are as many as may be."""
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    more = dialect.insert(QUOTA).values(name=name, window_start=start, count=1)
    more = more.on_conflict_do_update(
        index_elements=["name", "window_start"], set_={"count": QUOTA.c.count + 1}, where=QUOTA.c.count < most
    )
    return most > 0 and conn.execute(more.returning(QUOTA.c.count)).first() is not None
