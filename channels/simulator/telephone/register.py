"""Every call there was, found by id or listed as Twilio lists them: newest first.

https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Final

from channels.simulator.listing import Listing, page_of
from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import STATUSES, Call

TIMES: Final = ("StartTime", "StartTime<", "StartTime>", "EndTime", "EndTime<", "EndTime>")
FILTERS: Final = ("To", "From", "ParentCallSid", "Status", *TIMES)
DAY_S: Final = 86_400


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

    def page(self, query: Mapping[str, str]) -> Listing[Call] | Refusal:
        return _unfit(query) or page_of(query, FILTERS, self._by_sid, partial(self._matching, query))

    def _matching(self, query: Mapping[str, str], anchor: Call | None, backward: bool) -> Iterator[Call]:
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
    if query.get("Status") and query["Status"] not in STATUSES:
        return Refusal(21218, f"Status={query['Status']}")
    try:
        for name in TIMES:
            _moment(query.get(name, ""))
    except ValueError:
        return Refusal(20001)
    return None


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
