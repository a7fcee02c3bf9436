"""Which process drives a sender that has a rate: one at a time, the one that holds its post. So its pace is one pace, however
many processes there are."""

import logging
import math
from collections.abc import Sequence
from typing import Final

from notify.processes.posts import Crew, Kind, post_of
from notify.sending.desk import Light, Sender, Way
from notify.sending.pace import Pace, Slot
from notify.sending.route import Route

logger = logging.getLogger(__name__)

ELSEWHERE_S: Final = 0.1  # a message outside the ledger waits so long where another process drives the sender, and counts it


class Driving:
    """Of one sender in this process."""

    def __init__(self, sender: Sender, crew: Crew, pace: Pace) -> None:
        self._sender, self._crew, self._pace = sender, crew, pace
        self._post = "" if math.isinf(sender.rate) else post_of(sender.name)  # without a rate there is nothing to keep
        self._term = crew.term(self._post)

    @property
    def limited(self) -> bool:
        """Whether there is a rate to keep."""
        return bool(self._post)

    @property
    def ours(self) -> bool:
        """Whether this process still has the post it has had since it last took it."""
        return not self._post or self._term == self._crew.term(self._post) != 0

    def take(self, now: float) -> bool:
        """Looks whether the post is ours. One just taken is quiet for a moment: whoever had it may have used its rate."""
        if not self.ours:
            self._term = self._crew.term(self._post)
            if self._term:
                self._pace.hold_until(now + self._crew.quiet_s)
        return self.ours

    def reserve(self, units: int, now: float) -> float:
        """Takes a message that is not in the ledger out of the pace; returns the seconds until its slot. The process that
        drives the sender is told, if it is another one."""
        if not self.ours:
            self._crew.tell(Kind.SPEND, f"{self._sender.name} {units}")
            return ELSEWHERE_S
        return self._pace.slot(units, now).at - now

    def carries(self, light: Light, route: Route, now: float) -> bool:
        """Whether whoever knows the number should wait for it: it is in order, at its full rate, and not paused. Of a sender
        that another process drives, that one says so every few seconds."""
        if self.ours:
            light.carries = route.stands.is_open and route.share == 1.0 and not self._pace.held_for(now)
        return light.carries and not light.trouble

    def way(self, light: Light, route: Route) -> Way:
        """How the sender's route stands, for pages of any process: as `carries`."""
        if self.ours:
            why = route.stands.why.value if route.share < 1.0 else ""
            light.way = Way(route.stands.is_open, route.share, why)
        return light.way

    def began(self, slots: Sequence[Slot], now: float) -> None:
        """Messages start together. What each process has in its log shows that a number kept its rate while it passed from one
        to another: `now` means the same to all processes of a machine."""
        for slot in slots:
            self._pace.started(slot, now)
        logger.debug("sender %s starts %d units at %.6f s", self._sender.name, sum(slot.units for slot in slots), now)
