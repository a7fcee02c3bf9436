"""Paging our own staff: who is called next, what a page says, and the link in it. Pure.

A page wakes a person; it gives no power. Its link opens one page for the person it names, who still signs in and still types
the code to decide.
"""

import hashlib
import hmac
import html
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from channels.base import Content
from channels.text import sanitise
from notify.alerts.alert import Mode
from notify.clock import from_micros, micros

ASK: Final = "page approvers"  # kinds of due rows
GLASS: Final = "page deputies"
LINK_FOR: Final = timedelta(hours=1)
MOST_ROUNDS: Final = 6  # times that everybody is paged anew about an alert that nobody decides on
AGAIN_AFTER: Final = timedelta(minutes=1)  # "page them again" does nothing sooner
USUAL_TURN: Final = 100
LONGEST_REASON: Final = 120  # letters of a reason that a page repeats
# What a page begins with where nobody outside is told anything.
MARKS: Final = {Mode.LIVE: "", Mode.TRAINING: "TRAINING. ", Mode.DEMO: "DEMO. "}
_TOKEN: Final = re.compile(r"([0-9]{1,15})-([0-9a-f]{32})", re.ASCII)
_BODY: Final = re.compile(r"<body[^>]*>", re.IGNORECASE)


class Kind(StrEnum):
    APPROVAL = "approval"  # an alert waits for somebody to decide
    AGAIN = "again"  # the same, because its author asked once more
    ALONE = "alone"  # somebody sends an alert that nobody else approved
    REHEARSAL = "rehearsal"  # an alert's text, to whoever writes it
    DUTY_REHEARSAL = "rehearsal of all"  # and to everybody who may come to approve it
    CODE = "code"  # proves that an address is somebody's
    CALL_IN = "call in"  # surge mode has opened and nobody is at the desks


REHEARSALS: Final = frozenset({Kind.REHEARSAL, Kind.DUTY_REHEARSAL})  # they tell nobody to do anything


class PageState(StrEnum):
    WAITING = "waiting"  # nobody has sent it yet
    LEAVING = "leaving"  # it is being handed over
    ACCEPTED = "accepted"  # the carrier or relay has taken it
    FAILED = "failed"  # it did not leave, and will not
    NOT_NEEDED = "not needed"  # the alert was decided on first


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who may decide and can be reached."""

    person_id: str
    turn: int = USUAL_TURN
    on_call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """next_after: from one approver to the next. again_after: from everybody to everybody once more."""

    next_after: timedelta
    again_after: timedelta


def in_order(members: Collection[Member]) -> list[Member]:
    return sorted(members, key=lambda one: (not one.on_call, one.turn, one.person_id))


def next_called(members: Collection[Member], paged: Collection[str]) -> list[str]:
    """Whom the next step pages. First all who are on call, or everybody if nobody is; then one after the other, by turn; and
    everybody anew when all have been paged. Who came on call since is paged beside the next one."""
    order = in_order(members)
    waiting = [one.person_id for one in order if one.person_id not in paged]
    on_call = [one.person_id for one in order if one.on_call and one.person_id in waiting]
    if not waiting:
        return [one.person_id for one in order]
    if not paged:
        return on_call or waiting
    return on_call or waiting[:1]


def wait_after(members: Collection[Member], paged: Collection[str], pace: Pace) -> timedelta:
    """How long after a step the next one comes. paged: the people of this step and of all before."""
    return pace.next_after if any(one.person_id not in paged for one in members) else pace.again_after


def is_last(step: int, members: Collection[Member]) -> bool:
    """Whether paging ends here: everybody was paged time and again, and more of it helps nobody."""
    return step >= len(members) + MOST_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One step of paging about one submission, as a due row names it. A submission made later has a chain of its own."""

    alert_id: str
    asked_at: datetime
    step: int

    def __str__(self) -> str:
        return f"{self.alert_id} {micros(self.asked_at)} {self.step}"

    @classmethod
    def read(cls, text: str) -> Self:
        """What was written by `str`. Raises ValueError for anything else."""
        alert_id, at, step = text.split(" ")
        return cls(alert_id=alert_id, asked_at=from_micros(int(at)), step=int(step))


@dataclass(frozen=True, slots=True)
class Links:
    """Signed links of pages. url: of the console, as staff reach it."""

    key: bytes = field(repr=False)
    url: str

    def token(self, page_id: int, sealing: str) -> str:
        """sealing: what the page is, so that another page under the same number has another token."""
        mac = hmac.new(self.key, f"page link {page_id} {sealing}".encode(), hashlib.sha256).hexdigest()[:32]
        return f"{page_id}-{mac}"

    def link(self, page_id: int, sealing: str) -> str:
        return f"{self.url.rstrip('/')}/p/{self.token(page_id, sealing)}"

    def holds(self, token: str, sealing: str) -> bool:
        found = page_of(token)
        return found is not None and hmac.compare_digest(token, self.token(found, sealing))


def page_of(token: str) -> int | None:
    """The page that a token says it belongs to; None for what is no token."""
    found = _TOKEN.fullmatch(token)
    return int(found[1]) if found else None


def is_open(sent_at: datetime | None, opened_at: datetime | None, now: datetime) -> bool:
    """Whether a page's link still leads anywhere: once, and for an hour."""
    return sent_at is not None and opened_at is None and now < sent_at + LINK_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a page is about. headline: danger and place; who: the author, or whoever sent it alone."""

    mode: Mode
    alert_id: str
    headline: str
    who: str
    reason: str = ""


def approval(channel: str, news: News, link: str) -> Content:
    said = f"{MARKS[news.mode]}Approval wanted: {news.headline}"
    if channel == "sms":
        return _text(f"{said}. Alert {news.alert_id} by {news.who}. {link}")
    body = (
        f"{news.who} asks you to decide on alert {news.alert_id}: {news.headline}.\n\n{link}\n\n"
        "The link opens the page for you, once, within an hour, after you have signed in. Deciding takes your code.\n"
    )
    return _mail(said, body)


def alone(channel: str, news: News, link: str) -> Content:
    said = f"{MARKS[news.mode]}SENT BY ONE PERSON ALONE: {news.headline}"
    reason = news.reason if len(news.reason) <= LONGEST_REASON else f"{news.reason[: LONGEST_REASON - 3]}..."
    if channel == "sms":
        return _text(f"{said}. Alert {news.alert_id} by {news.who}: {reason} {link}")
    body = (
        f"{news.who} broke the glass: alert {news.alert_id}, {news.headline}, leaves with nobody else's approval.\n"
        f"Their reason: {news.reason}\n\n{link}\n\nYou can stop it on that page.\n"
    )
    return _mail(said, body)


def call_in(channel: str, news: News, link: str) -> Content:
    """news.headline: what surge mode is about; alert_id: the activation."""
    said = f"{MARKS[news.mode]}311 NEEDS YOU: {news.headline}"
    if channel == "sms":
        return _text(f"{said}. Surge mode is open and nobody is at the desks. Opened by {news.who}. {link}")
    body = (
        f"Surge mode is open for {news.headline}, and nobody is at the desks. Opened by {news.who}.\n\n{link}\n\n"
        "You can answer from any phone. The page says how to begin; the script is on it.\n"
    )
    return _mail(said, body)


def code(channel: str, mode: Mode, digits: str) -> Content:
    said = f"{MARKS[mode]}{digits} is the code that confirms this address for pages to staff."
    return _text(said) if channel == "sms" else _mail(said, f"{said}\n\nIf you did not ask for it, do nothing.\n")


def rehearsed(content: Content, mark: str, begins_so: bool) -> Content:
    """An alert's own text as staff may get it: it begins by saying that it is a test. begins_so: it does already."""
    channel = content.key.partition("/")[0]
    own = replace(content, key=f"rehearsal/{content.key}", thread="")
    if begins_so:
        return own
    if channel == "sms":
        return replace(own, body=f"{mark}. {content.body}")
    line = f"<p><strong>{html.escape(mark)}</strong></p>"
    page = _BODY.sub(lambda found: found[0] + line, content.html, count=1) if _BODY.search(content.html) else ""
    return replace(own, subject=f"{mark}: {content.subject}", body=f"{mark}.\n\n{content.body}", html=page)


def _text(body: str) -> Content:
    return Content(key="page/sms", language="en", body=sanitise(" ".join(body.split())).text)


def _mail(subject: str, body: str) -> Content:
    return Content(key="page/email", language="en", subject=subject, body=body)
