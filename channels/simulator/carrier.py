"""The network behind the gateway: sender queues at their rate, expiry, delivery, opt-outs. Pure: the time is an argument.

A message goes queued -> sent -> delivered | undelivered(code), or queued -> failed(30036) when its validity ends in the
queue, or queued -> canceled.
"""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from typing import Final

from channels.simulator.archive import Archive
from channels.simulator.config import SimulatedSender
from channels.simulator.drafts import Draft
from channels.simulator.handsets import Handsets, delay_s, ending
from channels.simulator.messages import OUTBOUND, Change, Message
from channels.simulator.refusals import Refusal

FULLEST_QUEUE_S: Final = 36_000  # a sender's queue holds ten hours of segments
VALIDITY_EXPIRED: Final = 30036
_RANDOM: Final = random.Random(random.SystemRandom().getrandbits(128))  # ids differ between runs; nothing secret hangs on them


@dataclass(slots=True)
class _Line:
    """One sender's queue. `free_at` is when the segments sent so far will have left at its rate."""

    rate: float
    free_at: float = 0.0
    waiting_segments: int = 0
    queue: deque[Message] = field(default_factory=deque)


class Carrier:
    """Times are seconds since 1970; a time handed in never lies before an earlier one."""

    def __init__(self, senders: Sequence[SimulatedSender], handsets: Handsets) -> None:
        self.archive = Archive()
        self.opted_out: set[tuple[str, str]] = set()  # (sender, phone), as a gateway keeps them for single numbers
        self.handsets = handsets  # replaced as a whole when a phone's line changes
        self._lines = {sender.number: _Line(sender.rate) for sender in senders}
        self._due: list[tuple[float, int, Message]] = []  # (time, rank, message): when to look at the message again
        self._rank = count()  # keeps the heap from comparing messages

    @property
    def senders(self) -> frozenset[str]:
        return frozenset(self._lines)

    @property
    def waiting(self) -> int:
        """Segments that have not left the gateway."""
        return sum(line.waiting_segments for line in self._lines.values())

    def objection(self, draft: Draft) -> Refusal | None:
        """Why a draft in good form cannot be queued now."""
        if (draft.sender, draft.to) in self.opted_out:
            return Refusal(21610, draft.to)
        line = self._lines[draft.sender]
        if line.waiting_segments + draft.segments > line.rate * FULLEST_QUEUE_S:
            return Refusal(21611, draft.sender)
        return None

    def accept(self, draft: Draft, now: float, *, direction: str = OUTBOUND) -> Message:
        """Queues a draft that met no objection."""
        message = Message(
            sid=new_sid(),
            sender=draft.sender,
            to=draft.to,
            body=draft.body,
            segments=draft.segments,
            direction=direction,
            status="queued",
            created_at=now,
            updated_at=now,
            expires_at=now + draft.valid_for_s,
            callback=draft.callback,
        )
        self.archive.add(message)
        self._queue(message)
        return message

    def resume(self, message: Message, now: float) -> None:
        """Takes up a message of the archive where an earlier run left it, unless its sender is no longer ours."""
        line = self._lines.get(message.sender)
        if line is None:
            return
        if message.status == "sent" and message.sent_at is not None:
            self._wait_until(max(message.sent_at + delay_s(self.handsets, message.to), now), message)
        elif message.status == "queued":
            line.free_at = max(line.free_at, now)
            self._queue(message)

    def _queue(self, message: Message) -> None:
        line = self._lines[message.sender]
        ahead = line.waiting_segments
        line.queue.append(message)
        line.waiting_segments += message.segments
        leaves_at = max(line.free_at, message.created_at) + ahead / line.rate
        if leaves_at > message.expires_at:  # a cancellation ahead of it may still save it
            self._wait_until(message.expires_at, message)

    def cancel(self, message: Message, now: float) -> Change | Refusal:
        if message.status != "queued":
            return Refusal(30409)
        self._lines[message.sender].waiting_segments -= message.segments
        return _become(message, "canceled", None, now)

    def advance(self, now: float) -> list[Change]:
        """All changes that have fallen due, in order of time."""
        changes: list[Change] = []
        for line in self._lines.values():
            self._send(line, now, changes)
        while self._due and self._due[0][0] <= now:
            at, _, message = heapq.heappop(self._due)
            if message.status == "queued":
                self._lines[message.sender].waiting_segments -= message.segments
                changes.append(_become(message, "failed", VALIDITY_EXPIRED, at))
            elif message.status == "sent":
                code = ending(self.handsets, message.to)
                changes.append(_become(message, "undelivered" if code else "delivered", code, at))
        changes.sort(key=attrgetter("at"))  # stable: of one message's changes at one time, the first stays first
        return changes

    def next_due(self) -> float | None:
        """When the next change falls due; None when all is settled."""
        times = [entry[0] for entry in self._due[:1]]
        for line in self._lines.values():
            first = _first(line)
            if first is not None:
                times.append(max(line.free_at, first.created_at))
        return min(times, default=None)

    def _send(self, line: _Line, now: float, changes: list[Change]) -> None:
        while (message := _first(line)) is not None:
            at = max(line.free_at, message.created_at)
            if at > now:
                return
            line.queue.popleft()
            line.waiting_segments -= message.segments
            if message.expires_at < at:
                changes.append(_become(message, "failed", VALIDITY_EXPIRED, message.expires_at))
                continue
            line.free_at = at + message.segments / line.rate
            message.sent_at = at
            changes.append(_become(message, "sent", None, at))
            self._wait_until(at + delay_s(self.handsets, message.to), message)

    def _wait_until(self, at: float, message: Message) -> None:
        heapq.heappush(self._due, (at, next(self._rank), message))


def new_sid(kind: str = "SM") -> str:
    """kind: SM for a text, MM for a picture message."""
    return f"{kind}{_RANDOM.getrandbits(128):032x}"


def _first(line: _Line) -> Message | None:
    """The next message to leave; those canceled or failed meanwhile fall out here."""
    while line.queue and line.queue[0].status != "queued":
        line.queue.popleft()
    return line.queue[0] if line.queue else None


def _become(message: Message, status: str, code: int | None, at: float) -> Change:
    message.status, message.code, message.updated_at = status, code, at
    return Change(message, status, code, at)
