"""What the public is told now: which published messages are in force, which are over, and what each one replaced.

The rules, in one place for feeds and pages:
1. The messages of one incident are one thread. The newest speaks for it; every older one is replaced.
2. A thread is over when its newest message is an all clear or a false alarm, when staff ended it, or when it expires,
   even if nobody wrote that down. Running out of time is not an all clear, and never looks like one.
3. What is over is still shown, as over, for 24 hours, so that whoever saw it in force learns of its end.
4. Tests and exercises never share a thread, a feed or a list with alerts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notify.alerts.affected import NOT_COMPARED, Touched
from notify.alerts.alert import Event, Mode, Stage

SHOWN_AFTER_END = timedelta(hours=24)


class Status(StrEnum):
    ACTIVE = "active"  # in force: people must act on it
    REPLACED = "replaced"  # a newer message of its thread speaks instead
    CLEARED = "cleared"  # it is over, and safe: we said so
    FALSE_ALARM = "false_alarm"  # it never was
    CANCELLED = "cancelled"  # staff took it back
    EXPIRED = "expired"  # its time ran out; nobody gave an all clear


UPDATED = "updated"
ENDS_BY_STAGE = {Stage.ALL_CLEAR: Status.CLEARED, Stage.FALSE_ALARM: Status.FALSE_ALARM}
ENDS_BY_STAFF = (Status.CLEARED, Status.FALSE_ALARM, Status.CANCELLED, Status.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """One published Event: its CAP document, as stored at approval, and what became of it.

    event        its `contents` may be left out: they are not for the public
    ended_why    cleared, false alarm, cancelled or expired; anything else counts as cancelled, but "updated" ends nothing:
                 until the newer message is here, this one is the last thing people were told
    replaced_by  identifier of the message that replaced it, where that is known; a newer one of the incident always does
    touched      how the city's named areas stand to its own; nothing where that is not known
    done_at      when the last text or mail had been handed over; None while some are waiting
    """

    event: Event
    published_at: datetime
    cap: bytes
    ended_at: datetime | None = None
    ended_why: str = ""
    replaced_by: str = ""
    touched: Touched = NOT_COMPARED
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A bulletin and how it stands at one moment.

    ended_at     when it stopped being in force; None while it is
    replaces     identifiers of every message it makes obsolete, oldest first
    replaced_by  identifier of the next message of its thread, "" for the newest
    """

    event: Event
    cap: bytes
    published_at: datetime
    status: Status
    ended_at: datetime | None
    replaces: tuple[str, ...]
    replaced_by: str
    touched: Touched
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The messages of one incident, newest first."""

    incident_id: str
    test: bool
    messages: tuple[Message, ...]
    updated_at: datetime  # the last moment at which anything in it changed

    @property
    def newest(self) -> Message:
        return self.messages[0]

    @property
    def oldest(self) -> Message:
        return self.messages[-1]

    @property
    def active(self) -> bool:
        return self.newest.status is Status.ACTIVE

    def shown(self, now: datetime) -> bool:
        """Whether lists and feeds still name it."""
        return still_shown(self.newest, now)


def still_shown(message: Message, now: datetime) -> bool:
    return message.ended_at is None or now < message.ended_at + SHOWN_AFTER_END


def is_test(event: Event) -> bool:
    """No emergency: a test, or anything said in a training instance. Its CAP status is Test or Exercise, never Actual."""
    return event.stage is Stage.TEST or event.hazard == "test" or event.mode is Mode.TRAINING


def threads(bulletins: Iterable[Bulletin], now: datetime) -> tuple[Thread, ...]:
    """Every incident, the most recently changed first."""
    by_thread: dict[tuple[str, bool], list[Bulletin]] = {}
    for bulletin in bulletins:
        by_thread.setdefault((bulletin.event.incident_id, is_test(bulletin.event)), []).append(bulletin)
    found = [_thread(incident_id, test, given, now) for (incident_id, test), given in by_thread.items()]
    return tuple(sorted(found, key=lambda thread: (thread.updated_at, thread.incident_id), reverse=True))


def changed_at(bulletins: Iterable[Bulletin], now: datetime) -> datetime | None:
    """The last moment up to now at which lists and feeds changed, by a message, an end, or by dropping what is long over."""
    moments = [moment for thread in threads(bulletins, now) for moment in _moments(thread)]
    return max((moment for moment in moments if moment <= now), default=None)


def next_change(bulletins: Iterable[Bulletin], now: datetime) -> datetime | None:
    """The next moment at which the clock alone changes what is shown: an expiry, or 24 hours after an end."""
    found = threads(bulletins, now)
    moments = [moment for thread in found for moment in _moments(thread)]
    moments += [thread.newest.event.expires for thread in found if thread.active]
    return min((moment for moment in moments if moment > now), default=None)


def _thread(incident_id: str, test: bool, bulletins: Sequence[Bulletin], now: datetime) -> Thread:
    ordered = _in_order(bulletins)
    messages: list[Message] = []
    for place, bulletin in enumerate(ordered):
        newer = ordered[place + 1] if place + 1 < len(ordered) else None
        status, ended_at = _standing(bulletin, newer, now)
        earlier = [older.event.identifier for older in ordered[:place]]
        referenced = [reference.identifier for reference in bulletin.event.references]
        known = {other.event.identifier for other in ordered}
        named = bulletin.replaced_by if bulletin.replaced_by in known else ""
        messages.append(
            Message(
                event=bulletin.event,
                cap=bulletin.cap,
                published_at=bulletin.published_at,
                status=status,
                ended_at=ended_at,
                replaces=tuple(dict.fromkeys((*(name for name in referenced if name not in earlier), *earlier))),
                replaced_by=(named or newer.event.identifier) if newer else "",
                touched=bulletin.touched,
                done_at=bulletin.done_at,
            )
        )
    messages.reverse()
    updated_at = max(moment for message in messages for moment in (message.published_at, message.ended_at) if moment)
    return Thread(incident_id=incident_id, test=test, messages=tuple(messages), updated_at=updated_at)


def _in_order(bulletins: Sequence[Bulletin]) -> list[Bulletin]:
    """Oldest first, by publication; but what another message refers to is never the newest, whenever it came out."""
    ordered = sorted(
        {bulletin.event.identifier: bulletin for bulletin in bulletins}.values(),
        key=lambda bulletin: (bulletin.published_at, bulletin.event.sent, bulletin.event.identifier),
    )
    referenced = {reference.identifier for bulletin in ordered for reference in bulletin.event.references}
    heads = [bulletin for bulletin in ordered if bulletin.event.identifier not in referenced]
    if heads and heads[-1] is not ordered[-1]:
        ordered.remove(heads[-1])
        ordered.append(heads[-1])
    return ordered


def _standing(bulletin: Bulletin, newer: Bulletin | None, now: datetime) -> tuple[Status, datetime | None]:
    event = bulletin.event
    if newer is not None:
        return Status.REPLACED, newer.published_at
    if event.stage in ENDS_BY_STAGE:
        return ENDS_BY_STAGE[event.stage], bulletin.published_at
    if bulletin.ended_at is not None and bulletin.ended_at <= min(now, event.expires) and bulletin.ended_why != UPDATED:
        why = bulletin.ended_why.replace(" ", "_")
        return Status(why) if why in ENDS_BY_STAFF else Status.CANCELLED, bulletin.ended_at
    if event.expires <= now:
        return Status.EXPIRED, event.expires
    return Status.ACTIVE, None


def _moments(thread: Thread) -> list[datetime]:
    dropped = [message.ended_at + SHOWN_AFTER_END for message in thread.messages if message.ended_at]
    return [thread.updated_at, *dropped]
