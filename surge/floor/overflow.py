"""Whether a partner may be given another caller: its hours, its languages, the quota and pace of the agreement, and a breaker
that leaves alone who does not answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from surge.pack import Partner

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one partner was given. taken: of this activation; began: of the last minute; under_way: contacts being put through
    or talking; lately: whether the last ones were answered, oldest first; rests_until: the breaker."""

    name: str
    taken: int = 0
    began: tuple[datetime, ...] = ()
    under_way: frozenset[str] = frozenset()
    lately: tuple[bool, ...] = ()
    rests_until: datetime | None = None


def refusal(partner: Partner, use: Use, language: str, now: datetime) -> str | None:
    """Why this partner gets nobody now, as words for the wallboard; None when it may."""
    if not partner.hours.is_open(now):
        return "closed"
    if language not in partner.languages:
        return "does not speak the caller's language"
    if use.taken >= partner.quota:
        return "quota used up"
    if len(use.under_way) >= partner.at_once:
        return "all lines taken"
    if sum(now - at < MINUTE for at in use.began) >= partner.per_minute:
        return "as many as it takes a minute"
    if use.rests_until is not None and now < use.rests_until:
        return "does not answer"
    return None


def chosen(partners: Iterable[Partner], uses: dict[str, Use], language: str, now: datetime) -> Partner | None:
    """The first partner, in the pack's order, that may take somebody of this language."""
    for partner in partners:
        if refusal(partner, uses.get(partner.name, Use(name=partner.name)), language, now) is None:
            return partner
    return None


def given(use: Use, contact_id: str, now: datetime) -> Use:
    recent = tuple(at for at in use.began if now - at < MINUTE)
    return replace(use, taken=use.taken + 1, began=(*recent, now), under_way=use.under_way | {contact_id})


def ended(partner: Partner, use: Use, contact_id: str, now: datetime, *, answered: bool) -> Use:
    """A call put through has ended. One that was not answered does not count against the quota, but against the breaker."""
    lately = (*use.lately, answered)[-partner.breaker.window :]
    failures = lately.count(False)
    resting = not answered and failures >= partner.breaker.failures
    return replace(
        use,
        taken=use.taken - (not answered),
        under_way=use.under_way - {contact_id},
        lately=() if resting else lately,
        rests_until=now + timedelta(seconds=partner.breaker.rest_s) if resting else use.rests_until,
    )
