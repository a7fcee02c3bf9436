"""What came of it for people: whether one contact was enough, promises of a call kept, who was overtaken, how agents spent
their time, and what people said of their answer."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from subscribers.dialog.grading import GRADES
from surge.contact import Contact
from surge.floor.callback import State
from surge.floor.queue import Place
from surge.numbers.measures import HELPED, Share

GOOD: Final = 4  # and better
SETTLED: Final = frozenset({State.DONE, State.EXPIRED, State.NO_ANSWER, State.BUSY, State.MACHINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A callback as the report needs it. reached_at: when somebody spoke with them; where only the end of the conversation is
    known, that: a kept promise is then never overstated."""

    contact_id: str
    state: State
    asked_at: datetime
    begins: datetime
    ends: datetime
    attempts: int = 0
    reached_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """kept: reached by the promised end, of those whose end has passed or who were reached; who called again themselves or
    wanted nothing any more is in neither. late: mean of reached less promised end, of those reached after it."""

    asked: int
    kept: Share
    reached: Share
    states: Mapping[State, int]
    late: timedelta | None
    late_people: int


def promises(callbacks: Collection[Promised], now: datetime) -> Promises:
    due = [
        one
        for one in callbacks
        if one.state not in (State.MERGED, State.DECLINED) and (one.reached_at or one.state in SETTLED or one.ends <= now)
    ]
    kept = sum(one.reached_at is not None and one.reached_at <= one.ends for one in due)
    late = [one.reached_at - one.ends for one in due if one.reached_at is not None and one.reached_at > one.ends]
    return Promises(
        asked=len(callbacks),
        kept=Share(part=kept, whole=len(due)),
        reached=Share(part=kept + len(late), whole=len(due)),
        states=Counter(one.state for one in callbacks),
        late=sum(late, timedelta()) / len(late) if late else None,
        late_people=len(late),
    )


def most_overtaken(contacts: Iterable[Contact], places: Mapping[str, Place]) -> int:
    """The most people who were served before somebody although their place was behind theirs. Head starts are part of a place;
    what is left comes of languages and skills, and of nothing else."""
    queued = sorted(
        (
            (places[one.contact_id], one)
            for one in contacts
            if one.contact_id in places and one.left_queue_at is not None and one.enqueued_at is not None
        ),
        key=lambda pair: pair[0],
        reverse=True,
    )
    answered: list[datetime] = []  # of everybody behind, ascending
    most = 0
    for _, one in queued:
        assert one.left_queue_at is not None, "taken only with it"
        most = max(most, bisect_left(answered, one.left_queue_at))
        if one.answered_at is not None:
            insort(answered, one.answered_at)
    return most


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """First-contact resolution. once: people who were answered and did not turn to the city again, of all who were answered.
    attempts: contacts of all whose number is known; people: how many they are."""

    once: Share
    attempts: int
    people: int


def reached(callbacks: Iterable[Promised]) -> frozenset[str]:
    """Contacts whose caller was called back and spoke with somebody. Their contact ended as a callback, not as answered."""
    return frozenset(one.contact_id for one in callbacks if one.reached_at is not None)


def access(contacts: Iterable[Contact], called: Collection[str] = ()) -> Share:
    """As surge.numbers.measures.access, those counted as helped who were called back: called, by contact id."""
    helped: dict[str, bool] = {}
    for one in contacts:
        who = one.caller or f"contact {one.contact_id}"
        got = one.standing in HELPED or one.answered_at is not None or one.contact_id in called
        helped[who] = helped.get(who, False) or got
    return Share(part=sum(helped.values()), whole=len(helped))


def first_contact(contacts: Iterable[Contact], called: Collection[str] = ()) -> First:
    """Who has no number is not in it: nobody can tell whether they came again. called: as in `access`."""
    of_one: dict[str, list[Contact]] = {}
    for one in sorted(contacts, key=lambda contact: contact.offered_at):
        if one.caller:
            of_one.setdefault(one.caller, []).append(one)
    firsts = [
        (next((place for place, one in enumerate(several) if one.answered_at or one.contact_id in called), None), len(several))
        for several in of_one.values()
    ]
    answered = [(first, attempts) for first, attempts in firsts if first is not None]
    once = sum(first == attempts - 1 for first, attempts in answered)
    return First(
        once=Share(part=once, whole=len(answered)),
        attempts=sum(len(several) for several in of_one.values()),
        people=len(of_one),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTime:
    """How long one agent was signed in, and of it on a break, talking (from their answer on: holding, writing and waiting for
    a resident who is being called back are in it), wrapping up, reserved (rung, or shown what was written), and available."""

    agent_id: str
    signed_in: timedelta
    paused: timedelta = field(default_factory=timedelta)
    talking: timedelta = field(default_factory=timedelta)
    wrapping: timedelta = field(default_factory=timedelta)
    reserved: timedelta = field(default_factory=timedelta)
    available: timedelta = field(default_factory=timedelta)


def occupancy(agents: Iterable[AgentTime]) -> Share:
    """(talk + hold + wrap + reserved) / (signed in - break), in seconds."""
    busy, there = timedelta(), timedelta()
    for one in agents:
        busy += one.talking + one.wrapping + one.reserved
        there += one.signed_in - one.paused
    return Share(part=round(busy.total_seconds()), whole=round(there.total_seconds()))


def handling(contacts: Iterable[Contact]) -> tuple[timedelta | None, int]:
    """Mean time an agent needs for a contact, (talk + hold + wrap)/answered, and of how many."""
    answered = [one for one in contacts if one.answered_at is not None]
    if not answered:
        return None, 0
    return sum((one.talked + one.wrapped for one in answered), timedelta()) / len(answered), len(answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """grade: None while nobody answered the question."""

    contact_id: str
    grade: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """answered: of those asked. good: GOOD and better, of those who answered. each: how many gave which grade."""

    answered: Share
    good: Share
    each: Mapping[int, int]


def satisfaction(grades: Sequence[Graded]) -> Satisfaction:
    given = Counter(one.grade for one in grades if one.grade is not None)
    answers = sum(given.values())
    return Satisfaction(
        answered=Share(part=answers, whole=len(grades)),
        good=Share(part=sum(given[grade] for grade in GRADES if grade >= GOOD), whole=answers),
        each={grade: given[grade] for grade in GRADES},
    )
