"""Every call there was, found by id or listed as Twilio lists them: newest first.

https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import Final
from urllib.parse import urlencode

from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import STATUSES, Call

LARGEST_PAGE: Final = 1000
TOKEN: Final = re.compile(r"P([AB])(CA[0-9a-f]{32})")
TIMES: Final = ("StartTime", "StartTime<", "StartTime>", "EndTime", "EndTime<", "EndTime>")
FILTERS: Final = ("To", "From", "ParentCallSid", "Status", *TIMES)
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of calls, newest first, and the queries of the pages around it (None where there is none)."""

    calls: Sequence[Call]
    page: int
    page_size: int
    here: str
    first: str
    following: str | None
    previous: str | None


class Register:
    """Calls in order of creation."""

    def __init__(self) -> None:
        self._all: list[Call] = []
        self._by_sid: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._all)

    def add(self, call: Call) -> None:
        call.index = len(self._all)
        self._all.append(call)
        self._by_sid[call.sid] = call

    def get(self, sid: str) -> Call | None:
        return self._by_sid.get(sid)

    def page(self, query: Mapping[str, str]) -> Listing | Refusal:
        """The page a query asks for. A page token names the last call (PA, going on) or the first one (PB, going back) of the
        page it was given with, so that calls made meanwhile shift nothing."""
        size_text, page_text, token_text = (query.get(key, "") for key in ("PageSize", "Page", "PageToken"))
        token = TOKEN.fullmatch(token_text)
        anchor = self._by_sid.get(token[2]) if token else None
        refusal = _unfit(query)
        if refusal is not None:
            return refusal
        if token_text and anchor is None:
            return Refusal(20404, "page")
        size, page = int(size_text or 50), int(page_text or 0)
        backward = token is not None and token[1] == "B"
        found = list(islice(self._matching(query, anchor, backward=backward), size + 1))
        more, shown = len(found) > size, found[:size][:: -1 if backward else 1]
        kept = {key: query[key] for key in FILTERS if key in query} | {"PageSize": str(size)}

        def address(number: int, mark: str = "") -> str:
            return urlencode(kept | {"Page": str(number)} | ({"PageToken": mark} if mark else {}))

        follows = (more or backward) and bool(shown)
        return Listing(
            calls=shown,
            page=page,
            page_size=size,
            here=address(page, token_text),
            first=address(0),
            following=address(page + 1, f"PA{shown[-1].sid}") if follows else None,
            previous=address(page - 1, f"PB{shown[0].sid}") if page and shown else None,
        )

    def _matching(self, query: Mapping[str, str], anchor: Call | None, *, backward: bool) -> Iterator[Call]:
        at = len(self._all) if anchor is None else bisect_left(self._all, anchor.index, key=attrgetter("index"))
        steps = range(at + 1, len(self._all)) if backward else range(at - 1, -1, -1)
        wanted = [
            (attribute, query[name])
            for name, attribute in (("To", "to"), ("From", "caller"), ("ParentCallSid", "parent_sid"), ("Status", "status"))
            if query.get(name)
        ]
        windows = [(_window(query, "StartTime"), "started_date"), (_window(query, "EndTime"), "ended_date")]
        for position in steps:
            call = self._all[position]
            if all(getattr(call, attribute) == value for attribute, value in wanted) and all(
                window is None or _within(window, getattr(call, attribute)) for window, attribute in windows
            ):
                yield call


def _unfit(query: Mapping[str, str]) -> Refusal | None:
    if query.get("PageSize") and not _whole(query["PageSize"], 1, LARGEST_PAGE):
        return Refusal(20007)
    if query.get("Page") and not _whole(query["Page"], 0, 10**9):
        return Refusal(20404, "page")
    if query.get("Status") and query["Status"] not in STATUSES:
        return Refusal(21218, f"Status={query['Status']}")
    try:
        for name in TIMES:
            _moment(query.get(name, ""))
    except ValueError:
        return Refusal(20001)
    return None


def _whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most


def _moment(text: str) -> tuple[float, float] | None:
    """The stretch of time a text names: a whole day, GMT, or a moment. Raises ValueError."""
    if not text:
        return None
    if len(text) == 10:
        start = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        return start, start + DAY_S
    at = datetime.fromisoformat(text)
    start = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return start, start


def _window(query: Mapping[str, str], name: str) -> tuple[float, float] | None:
    """From when until when, both included; None for always."""
    on, until, since = (_moment(query.get(name + mark, "")) for mark in ("", "<", ">"))
    if on is None and until is None and since is None:
        return None
    starts = [each[0] for each in (on, since) if each is not None]
    ends = [each[1] for each in (on, until) if each is not None]
    return max(starts, default=0.0), min(ends, default=float("inf"))


def _within(window: tuple[float, float], at: float | None) -> bool:
    return at is not None and window[0] <= at <= window[1]
