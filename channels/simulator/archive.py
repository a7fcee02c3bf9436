"""Every text the gateway knows, found by id or listed as Twilio lists them: newest first, by To, From and day sent."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import Final
from urllib.parse import urlencode

from channels.simulator.messages import Message
from channels.simulator.refusals import Refusal

LARGEST_PAGE: Final = 1000
DAY_S: Final = 86_400
TOKEN: Final = re.compile(r"P([AB])((?:SM|MM)[0-9a-f]{32})")
FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of messages, newest first, and the queries of the pages around it (None where there is none)."""

    messages: Sequence[Message]
    page: int
    page_size: int
    here: str
    first: str
    following: str | None
    previous: str | None


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

    def page(self, query: Mapping[str, str]) -> Listing | Refusal:
        """The page a query asks for. A page token names the last message (PA, going on) or the first one (PB, going
        back) of the page it was given with, so that texts arriving meanwhile shift nothing."""
        size_text, page_text, token_text = (query.get(key, "") for key in ("PageSize", "Page", "PageToken"))
        token = TOKEN.fullmatch(token_text)
        anchor = self._by_sid.get(token[2]) if token else None
        window = _window(query)
        if window is None:
            return Refusal(20001)
        if size_text and not _whole(size_text, 1, LARGEST_PAGE):
            return Refusal(20007)
        if (page_text and not _whole(page_text, 0, 10**9)) or (token_text and anchor is None):
            return Refusal(20404, "page")
        size, page = int(size_text or 50), int(page_text or 0)
        backward = token is not None and token[1] == "B"
        found = list(islice(self._matching(query, window, anchor, backward=backward), size + 1))
        more, shown = len(found) > size, found[:size][:: -1 if backward else 1]
        kept = {key: query[key] for key in FILTERS if key in query} | {"PageSize": str(size)}

        def address(number: int, mark: str = "") -> str:
            return urlencode(kept | {"Page": str(number)} | ({"PageToken": mark} if mark else {}))

        follows = (more or backward) and bool(shown)
        return Listing(
            messages=shown,
            page=page,
            page_size=size,
            here=address(page, token_text),
            first=address(0),
            following=address(page + 1, f"PA{shown[-1].sid}") if follows else None,
            previous=address(page - 1, f"PB{shown[0].sid}") if page and shown else None,
        )

    def _matching(
        self, query: Mapping[str, str], window: tuple[float, float], anchor: Message | None, *, backward: bool
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


def _whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most


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
