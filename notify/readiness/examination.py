"""Every check of `tocsin doctor --live`, one after the other; a fault in one never keeps the others from being made."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from notify.city import City
from notify.db import Database
from notify.readiness import house, outside, provider, sign_in
from notify.readiness.findings import Finding, unknown
from notify.settings import Settings
from notify.wording import reviews
from notify.wording.words import Words

logger = logging.getLogger(__name__)

PHONES: Final = text("SELECT COUNT(*) FROM address WHERE channel = 'sms' AND stopped_at IS NULL AND unreachable_at IS NULL")
SELDOM: Final = (TimeoutError, OSError, ValueError, LookupError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is looked at. read_reviews: every review in the database; trusted: whose certificates count; the system's."""

    settings: Settings
    city: City
    db: Database
    words: Words
    read_reviews: Callable[[Connection], Sequence[reviews.Review]]
    trusted: ssl.SSLContext | None = None


async def everything(seen: Examined) -> list[Finding]:
    settings, now = seen.settings, datetime.now(UTC)
    domain = seen.city.pack.sender.partition("@")[2]
    found = [*house.instance(settings), *house.answers(settings)]
    texts, skew_s = await _texts(seen)
    found += texts
    found += await _safely("mail: records", lambda: outside.mail(settings, domain))
    found += await _safely("public: reached", lambda: outside.public(settings, now))
    found += await _safely(outside.TLS, lambda: _one(outside.certificate(settings, now, seen.trusted)))
    found += [outside.clock(skew_s)]
    found += await _safely(sign_in.PROVIDER, lambda: sign_in.provider(settings))
    found += await _safely("instance: database", lambda: asyncio.to_thread(_kept, seen, now))
    found += [*house.keys(settings), house.backups(settings, now), house.snapshots(settings, now)]
    found += [house.disk(settings.data_dir), house.reserve(settings)]
    return found


async def _texts(seen: Examined) -> tuple[list[Finding], float | None]:
    """What the provider says, and how far its clock is ahead of ours."""
    if not seen.settings.twilio_account_sid:
        return [], None  # "instance: channels" has failed already
    try:
        account = await provider.read(seen.settings)
    except provider.CannotAsk as error:
        says = f"The provider cannot be asked: {error}."
        return [unknown(provider.ACCOUNT, says, "Check account, token and network; then look in Twilio's console.")], None
    phones = await asyncio.to_thread(seen.db.read_now, lambda conn: int(conn.execute(PHONES).scalar_one()))
    cost = seen.city.policy.cost["sms_segment"]
    return provider.judge(account, seen.settings, phones=phones, cost=cost), account.skew_s


def _kept(seen: Examined, now: datetime) -> list[Finding]:
    """What stands in the database."""
    found = [*seen.db.read_now(house.staff), seen.db.read_now(lambda conn: house.reports(conn, now))]
    found += [seen.db.read_now(house.identity)] if seen.settings.oidc is not None else []
    found += [seen.db.read_now(house.seeds), seen.db.read_now(house.held)]
    standings = reviews.standings(seen.words, reviews.arrange(seen.db.read_now(seen.read_reviews)))
    return [*found, *house.languages(standings, seen.city.pack.tags)]


async def _one(finding: Awaitable[Finding]) -> list[Finding]:
    return [await finding]


async def _safely(check: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look()
    except SELDOM as error:
        logger.exception("the check %s could not be made", check)
        return [unknown(check, f"The check could not be made: {type(error).__name__}: {error}", "Read the log; then again.")]
