"""How an alert of another agency stands: in force, updated, cancelled, over, expired; and which of them are one and the same.

An alert is known by identifier, sender and sent together (CAP 1.2, 3.2.1). A later message speaks about an earlier one only
when it came from the same source, names the same sender, and is as real: a test never cancels an alert. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from notify.alerts.alert import Reference


class Standing(StrEnum):
    IN_FORCE = "in force"
    UPDATED = "updated"  # a later message of its source takes its place
    CANCELLED = "cancelled"  # its source took it back
    EXPIRED = "expired"
    OVER = "over"  # it says itself that it is over: an all clear, or a Cancel
    NOTICE = "notice"  # about messages, not about a danger: Ack, Error, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A stored alert, as far as its standing goes."""

    received_id: str
    source: str
    own: Reference  # its identity
    actual: bool
    msg_type: str
    all_clear: bool
    references: tuple[Reference, ...]
    ends_at: datetime
    came_at: datetime
    system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One alert, from however many sources; the first of `copies` came first. by: what replaced it or took it back."""

    copies: tuple[Known, ...]
    standing: Standing
    by: str = ""

    @property
    def one(self) -> Known:
        return self.copies[0]


Thread = tuple[str, str, bool]  # source, sender, actual
ENDS: Final[Mapping[str, Standing]] = {"Update": Standing.UPDATED, "Cancel": Standing.CANCELLED}


def shown(known: Iterable[Known], now: datetime) -> list[Shown]:
    """Every alert once, the newest first."""
    every = sorted(known, key=lambda one: (one.came_at, one.received_id))
    later = _later(every)
    groups: dict[tuple[Reference, bool], list[Known]] = {}
    for one in every:
        groups.setdefault((one.own, one.actual), []).append(one)
    found = [_joined(copies, later, now) for copies in groups.values()]
    return sorted(found, key=lambda one: (one.one.own.sent, one.one.received_id), reverse=True)


def _later(every: Sequence[Known]) -> Mapping[tuple[Thread, Reference], Known]:
    """For each reference that somebody makes, whoever makes it; of several a Cancel, else the newest."""
    found: dict[tuple[Thread, Reference], Known] = {}
    for one in every:
        for reference in one.references if one.msg_type in ENDS else ():
            key = (_thread(one), reference)
            before = found.get(key)
            if before is None or (before.msg_type != "Cancel" and (one.msg_type == "Cancel" or one.own.sent > before.own.sent)):
                found[key] = one
    return found


def _joined(copies: Sequence[Known], later: Mapping[tuple[Thread, Reference], Known], now: datetime) -> Shown:
    """In force while one of its sources says so: a source that fell silent must not end what another still says."""
    found = [_standing(one, later, now) for one in copies]
    standing, by = next((one for one in found if one[0] is Standing.IN_FORCE), found[0])
    return Shown(copies=tuple(copies), standing=standing, by=by)


def _standing(one: Known, later: Mapping[tuple[Thread, Reference], Known], now: datetime) -> tuple[Standing, str]:
    if one.system or one.msg_type in ("Ack", "Error"):
        return Standing.NOTICE, ""
    newer = later.get((_thread(one), one.own))
    if newer is not None and newer.received_id != one.received_id:
        return ENDS[newer.msg_type], newer.received_id
    if one.msg_type == "Cancel" or one.all_clear:
        return Standing.OVER, ""
    return (Standing.EXPIRED if one.ends_at <= now else Standing.IN_FORCE), ""


def _thread(one: Known) -> Thread:
    return one.source, one.own.sender, one.actual
