"""What somebody asks of the hub: understood, judged, and bounded. Pure; the moment is given.

A hub makes requests to addresses that strangers name. What keeps it from being a cannon:
1. Nothing but one small GET goes to an address that has not answered a challenge with the challenge's own words.
2. One host is challenged at most ten times a minute, whoever asks; one client asks at most thirty times a minute.
3. All together wait, and hold, no more than a number. Whoever comes too often is told when to come again.
"""

import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

from notify.partners.address import Rules
from notify.partners.address import problems as wrong_with

MOST_BYTES: Final = 8_192  # of what is posted
MOST_SECRET: Final = 199  # bytes; the standard says less than 200
MINUTE: Final = timedelta(minutes=1)
OF_ONE_CLIENT: Final = 30  # asks a minute
TO_ONE_HOST: Final = 10  # challenges a minute
TO_ALL: Final = 300
MOST_WAITING: Final = 500  # asks not yet challenged
MOST_HELD: Final = 2_000  # subscriptions
MOST_OF_HOST: Final = 50
MOST_METERED: Final = 20_000  # names a meter keeps

SHORTEST: Final = timedelta(hours=1)
USUAL: Final = timedelta(days=10)
LONGEST: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to subscribe, or to end that, not yet verified. secret: "" when deliveries are not to be signed."""

    subscribes: bool
    topic: str
    callback: str
    secret: str = field(default="", repr=False)
    lease: timedelta = USUAL

    @property
    def mark(self) -> str:
        """The name of the subscription it is about."""
        return sha256(f"{self.topic}\0{self.callback}".encode()).hexdigest()

    @property
    def host(self) -> str:
        return host_of(self.callback)


def host_of(callback: str) -> str:
    return (urlsplit(callback).hostname or "").rstrip(".").lower()


def read(form: Mapping[str, Sequence[str]], topics: Mapping[str, str], rules: Rules) -> tuple[Asked | None, list[str]]:
    """What a form asks, or everything wrong with it as sentences. topics: by address, what may be subscribed to."""
    given = {name: values[0] for name, values in form.items() if name.startswith("hub.")}
    found = [f"{name} is given more than once." for name, values in form.items() if name in given and len(values) > 1]
    mode, topic, callback = (given.get(f"hub.{name}", "") for name in ("mode", "topic", "callback"))
    if mode not in ("subscribe", "unsubscribe"):
        found.append("hub.mode must be subscribe or unsubscribe.")
    if topic not in topics:
        found.append("hub.topic must be the rel=self address of one of our feeds; feeds/index.opml lists them.")
    found += [f"hub.callback: {problem}" for problem in wrong_with(callback, rules)]
    secret = given.get("hub.secret", "")
    if len(secret.encode("utf-8", "replace")) > MOST_SECRET:
        found.append("hub.secret must have less than 200 bytes.")
    lease, wrong = _lease(given.get("hub.lease_seconds", ""))
    if found or wrong:
        return None, found + wrong
    subscribes = mode == "subscribe"
    return Asked(subscribes=subscribes, topic=topic, callback=callback, secret=secret, lease=lease), []


def _lease(text: str) -> tuple[timedelta, list[str]]:
    """How long a subscription is to last, brought within our bounds; the challenge says what it became."""
    if not text:
        return USUAL, []
    if not (text.isascii() and text.isdigit()):
        return USUAL, ["hub.lease_seconds must be a number of seconds."]
    seconds = min(int(text[:12]), int(LONGEST.total_seconds()))
    return max(timedelta(seconds=seconds), SHORTEST), []


def challenge() -> str:
    return secrets.token_urlsafe(32)


def verification(asked: Asked, words: str) -> str:
    """The address that is asked whether it meant it; what it had after "?" stays."""
    said = {"hub.mode": "subscribe" if asked.subscribes else "unsubscribe", "hub.topic": asked.topic, "hub.challenge": words}
    if asked.subscribes:
        said["hub.lease_seconds"] = str(int(asked.lease.total_seconds()))
    return f"{asked.callback}{'&' if '?' in asked.callback else '?'}{urlencode(said)}"


class Meter:
    """How often something was done for each name within the last minute. When too many names come, the longest unseen are
    forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[str, deque[datetime]] = {}

    def take(self, name: str, now: datetime) -> bool:
        """Whether it may be done once more now; if so it counts."""
        times = self._seen.pop(name, deque())
        while times and (times[0] <= now - MINUTE or times[0] > now):  # a clock set back starts anew
            times.popleft()
        self._seen[name] = times
        if len(self._seen) > MOST_METERED:
            del self._seen[next(iter(self._seen))]
        if len(times) >= self._most:
            return False
        times.append(now)
        return True
