"""Every text the gateway knows, found by id or listed as Twilio lists them: newest first, by To, From and day sent."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Final

from channels.simulator.listing import Listing, page_of
from channels.simulator.messages import Message
from channels.simulator.refusals import Refusal

DAY_S: Final = 86_400
FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")


class Archive:
    """Messages in order of arrival."""

    def __init__(self) -> None:
        self._all: list[Message] = []
        self._by_sid: dict[str, Message] = {}
        self._by_to: dict[str, list[Message]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, message: Message) -> None:
        message.index = len(self._all)
        self._all.append(message)
        self._by_sid[message.sid] = message
        self._by_to.setdefault(message.to, []).append(message)

    def get(self, sid: str) -> Message | None:
        return self._by_sid.get(sid)

    def unsettled(self) -> list[Message]:
        """The messages that are still to change, oldest first."""
        return [message for message in self._all if message.status in ("queued", "sent")]

    def page(self, query: Mapping[str, str]) -> Listing[Message] | Refusal:
        window = _window(query)
        if window is None:
            return Refusal(20001)
        return page_of(query, FILTERS, self._by_sid, partial(self._matching, query, window))

    def _matching(
        self, query: Mapping[str, str], window: tuple[float, float], anchor: Message | None, backward: bool
    ) -> Iterator[Message]:
        messages = self._by_to.get(query["To"], []) if query.get("To") else self._all
        at = len(messages) if anchor is None else bisect_left(messages, anchor.index, key=attrgetter("index"))
        sender = query.get("From")
        dated = window != (0.0, float("inf"))
        steps = range(at + 1, len(messages)) if backward else range(at - 1, -1, -1)
        for position in steps:
            message = messages[position]
            if sender and message.sender != sender:
                continue
            if not dated or (message.sent_at is not None and window[0] <= message.sent_at < window[1]):
                yield message


def _window(query: Mapping[str, str]) -> tuple[float, float] | None:
    """From when until when (excluded) a message must have been sent: whole days, GMT. None when a date is no date."""
    start, end = 0.0, float("inf")
    for key in ("DateSent", "DateSent<", "DateSent>"):
        text = query.get(key)
        if not text:
            continue
        try:
            day = datetime.strptime(text[:10], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
        start = start if key == "DateSent<" else max(start, day)
        end = end if key == "DateSent>" else min(end, day + DAY_S)
    return start, end
