"""The routes of a channel in this process: what was seen of each, how it stands, and who is told when that changes.

A route is what fails together: an account, a provider, a relay. All its senders (numbers) share what is known of it. The
decisions are in routing.py.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from channels.base import Outcome, Retry, Unknown
from notify.sending import lateness, routing
from notify.sending.desk import Light, Sender
from notify.sending.lateness import Known, Lot
from notify.sending.routing import Seen, Standing

logger = logging.getLogger(__name__)

WINDOW_S: Final = 60
SLOW_S: Final = 2.0  # an answer that took longer is slow


def failed(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the route. A refusal of one address does not: somebody was there and answered."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, Retry) and outcome.pause_sender)


@dataclass(slots=True)
class _Second:
    """What ended within one second."""

    at: int
    calls: int = 0
    failed: int = 0
    slow: int = 0


@dataclass(slots=True, eq=False)
class Route:
    """lights: of its senders. carried: calls it has handed over since the start. on_change: called when it opens or shuts.
    known: of its delivery reports."""

    name: str
    routes: "Routes"
    lights: list[Light] = field(default_factory=list)
    carried: int = 0
    on_change: list[Callable[[], None]] = field(default_factory=list)
    known: Known = lateness.UNKNOWN
    _ended: deque[_Second] = field(default_factory=deque)
    _in_a_row: int = 0
    _under_way: deque[float] = field(default_factory=deque)  # when they began; ends are taken off in order of beginning
    _answered_at: float = -math.inf
    _probing: bool = False

    @property
    def stands(self) -> Standing:
        return self.routes.standings[self.name]

    @property
    def works(self) -> bool:
        """Whether it carries now: open, and one of its senders is in order."""
        return self.stands.is_open and (not self.lights or any(not light.trouble for light in self.lights))

    @property
    def alone(self) -> bool:
        """Whether no other route of the channel works now."""
        return not any(one.works for one in self.routes.members.values() if one is not self)

    @property
    def share(self) -> float:
        return routing.share(self.stands, alone=self.alone)

    def at_once(self, sender: Sender) -> int:
        """Calls of a sender that may be under way. Without a rate, this is what a smaller share makes smaller."""
        return max(1, int(sender.concurrency * self.share)) if math.isinf(sender.rate) else sender.concurrency

    def seen(self, now: float) -> Seen:
        while self._ended and self._ended[0].at <= now - WINDOW_S:
            self._ended.popleft()
        due, late = self.known.due(now)
        return Seen(
            calls=sum(one.calls for one in self._ended),
            failed=sum(one.failed for one in self._ended),
            slow=sum(one.slow for one in self._ended),
            in_a_row=self._in_a_row,
            silent_s=now - max(self._under_way[0], self._answered_at) if self._under_way else 0.0,
            stopped=bool(self.lights) and all(light.trouble for light in self.lights),
            due=due,
            late=late,
        )

    def began(self, calls: int, now: float) -> None:
        self._under_way.extend([now] * calls)

    def ended(self, outcome: Outcome, took: float, now: float) -> None:
        """A call has ended. A shut route by which something arrives, even late, is open again."""
        if self._under_way:
            self._under_way.popleft()
        if not self._ended or self._ended[-1].at != int(now):
            self._ended.append(_Second(int(now)))
        second, bad = self._ended[-1], failed(outcome)
        second.calls += 1
        second.failed += bad
        second.slow += took >= SLOW_S
        if bad:
            self._in_a_row += 1
            if self._in_a_row >= routing.FAILED_IN_A_ROW:
                self.routes.look(now)
            return
        self.carried += 1
        self._in_a_row, self._answered_at = 0, now
        if not self.stands.is_open:
            self.routes.change(self, routing.opened(self.stands, now))

    def repaired(self, now: float) -> None:
        """A person has set right what was wrong with one of its senders, and the provider says so."""
        self._in_a_row = 0
        self.routes.change(self, routing.opened(self.stands, now))

    def probe_due(self, now: float) -> bool:
        """Whether a shut route may be tried now. Only one of its senders tries at a time: `probed` ends it."""
        return not self.stands.is_open and not self._probing and now >= self.stands.probe_at

    def probing(self) -> None:
        self._probing = True

    def probed(self, now: float, *, tried: bool = True) -> None:
        """A probe has ended. tried: there was something to try it with, and it did not open the route."""
        self._probing = False
        if tried and not self.stands.is_open:
            self.routes.change(self, routing.shut(self.stands, now, alone=self.alone))


class Routes:
    """The routes of one channel."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.numbers: dict[str, Callable[[], bool]] = {}  # that phones know: whether each carries now, at its full rate
        self.members: dict[str, Route] = {}
        self.standings: dict[str, Standing] = {}

    def route(self, name: str) -> Route:
        """The one of this name, new or known."""
        if name not in self.members:
            self.members[name] = Route(name, self)
            self.standings[name] = Standing()
        return self.members[name]

    def others(self, number: str) -> tuple[str, ...]:
        """The other numbers that carry now."""
        return tuple(name for name, carries in self.numbers.items() if name != number and carries()) if number else ()

    def known_as(self, number: str) -> str:
        """What a phone is to know it by; "" where there is no other, and so nothing to tell apart."""
        return number if len(self.numbers) > 1 else ""

    def look(self, now: float) -> None:
        """Judges all of them anew."""
        seen = {name: one.seen(now) for name, one in self.members.items()}
        for name, standing in routing.judged(self.standings, seen, now).items():
            if standing != self.standings[name]:
                self.change(self.members[name], standing)

    def learn(self, found: Mapping[str, tuple[Lot, Lot]], now: float) -> None:
        """What the ledger says of the reports of each: of the window, and of texts of more than an hour ago. The next look
        judges by it."""
        for name, (recent, earlier) in found.items():
            self.members[name].known = lateness.learnt(self.members[name].known, recent, earlier, now)

    def change(self, route: Route, standing: Standing) -> None:
        before = self.standings[route.name]
        self.standings[route.name] = standing
        if before.is_open != standing.is_open or before.share != standing.share:
            logger.warning(
                "route %s of %s is %s now, at %d tenths of its pace%s",
                route.name or "only",
                self.channel,
                "open" if standing.is_open else "shut",
                standing.share,
                f": {standing.why}" if standing.is_open and standing.why else "",
            )
        if before.is_open != standing.is_open:
            if standing.is_open:
                route._in_a_row = 0
            for one in self.members.values():
                for tell in one.on_change:
                    tell()
