"""The same figures by language and by area, so that nobody's worse service hides in an average; and no group so small that its
figures tell of somebody."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from surge.contact import Contact
from surge.numbers.measures import Share, by, service_levels, waits
from surge.numbers.outcomes import access
from surge.numbers.sections import Count, Lasting, Line, Part, Ratio, Said

FEWEST: Final = 10  # contacts; a smaller group's figures are withheld
UNKNOWN: Final = "not known"
WITHHELD: Final = "all smaller ones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """shown: (name, contacts), the largest first. rest: everybody else's contacts together; withheld: of how many groups."""

    shown: tuple[tuple[str, Sequence[Contact]], ...]
    rest: Sequence[Contact]
    withheld: int


def groups(contacts: Collection[Contact], key: Callable[[Contact], str], fewest: int = FEWEST) -> Groups:
    """Where the small ones together are too few as well, the smallest of the others joins them: with the total known, they
    could be worked out by subtraction."""
    sized = sorted(by(contacts, key).items(), key=lambda one: (-len(one[1]), one[0]))
    shown = [one for one in sized if len(one[1]) >= fewest]
    small = sized[len(shown) :]
    if shown and 0 < sum(len(some) for _, some in small) < fewest:
        small = [shown.pop(), *small]
    rest = [contact for _, some in small for contact in some]
    return Groups(shown=tuple(shown), rest=rest, withheld=len(small))


def language(contact: Contact) -> str:
    return contact.language or UNKNOWN


def area(contact: Contact) -> str:
    return contact.area or UNKNOWN


def lines(found: Groups, within: timedelta, called: Collection[str] = ()) -> tuple[Line, ...]:
    """Contacts, callers helped, answers in time and mean wait of each group, and how far the worst is from the best. called:
    ids of contacts whose caller was called back and reached."""
    named = [*found.shown, *([(WITHHELD, found.rest)] if len(found.rest) >= FEWEST else [])]
    each = [line for name, some in named for line in _of_one(name, some, within, called)]
    note = f"{found.withheld} with too few contacts to be shown one by one." if found.withheld else ""
    return (Line(name="groups_shown", value=Count(number=len(found.shown)), note=note), *each, *_apart(found.shown, called))


def _of_one(name: str, contacts: Sequence[Contact], within: timedelta, called: Collection[str]) -> tuple[Line, ...]:
    waited = waits(contacts)
    gone = sum(one.waited is not None for one in contacts)
    levels = service_levels(contacts, within)
    return (
        Line(name="offered", about=name, value=Count(number=len(contacts))),
        Line(name="access", about=name, value=Part(share=access(contacts, called), whole="callers")),
        Line(name="answered_in_time", about=name, value=Part(share=levels.offered, whole="queued")),
        Line(name="mean_wait", about=name, value=Lasting(after=waited.everybody_mean, people=gone)),
    )


def _apart(shown: Sequence[tuple[str, Sequence[Contact]]], called: Collection[str]) -> tuple[Line, ...]:
    reached = [(name, access(some, called)) for name, some in shown]
    waited = [(name, mean.total_seconds()) for name, some in shown if (mean := waits(some).everybody_mean) is not None]
    return _access_apart(reached), _wait_apart(waited)


def _access_apart(reached: Sequence[tuple[str, Share]]) -> Line:
    rated = [(share.part / share.whole, name, share) for name, share in reached if share.whole]
    name = "access_worst_to_best"
    if len(rated) < 2 or not max(rated, key=lambda one: one[0])[0]:
        return Line(name=name, value=Said(words="There are no two groups to compare."))
    worst, best = min(rated, key=lambda one: one[:2]), max(rated, key=lambda one: one[:2])
    told = [f"{group}: {share.part:,} of {share.whole:,} callers" for _, group, share in (worst, best)]
    return Line(name=name, value=Ratio(value=worst[0] / best[0], worst=told[0], best=told[1]))


def _wait_apart(waited: Sequence[tuple[str, float]]) -> Line:
    name = "mean_wait_worst_to_best"
    rated = [(seconds, group) for group, seconds in waited]
    if len(rated) < 2 or not min(rated)[0]:
        return Line(name=name, value=Said(words="There are no two groups to compare."))
    worst, best = max(rated), min(rated)
    told = [f"{group}: {seconds:,.0f} s" for seconds, group in (worst, best)]
    return Line(name=name, value=Ratio(value=worst[0] / best[0], worst=told[0], best=told[1]))
