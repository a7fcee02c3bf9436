"""What a process says of a post it wants: ours, theirs, nobody's, or that it does not know. Two never say "ours" at once, and
one that cannot know does not say that it is theirs."""

import time

from notify.processes.joining import floor_first
from notify.processes.posts import DUTIES, FLOOR, Alone, Standing
from notify.processes.session import Session
from notify.processes.share import LATER_S, Seen, Wants, to_take


def a_session(*, sure_s: float, looks: int = 1, away: bool = False, holds: bool = False) -> Session:
    """Not begun: as it stands after this much. sure_s: from now on, of what was seen last."""
    found = Session(None, "p", None, sends=False)  # type: ignore[arg-type]
    found._sure_until, found.looks, found.away = time.monotonic() + sure_s, looks, away
    found._terms = {FLOOR: 1} if holds else {}
    return found


def test_a_post_that_is_held_is_ours_only_as_long_as_that_is_sure() -> None:
    assert a_session(sure_s=60, holds=True).standing(FLOOR) is Standing.OURS
    assert a_session(sure_s=-1, holds=True).standing(FLOOR) is Standing.UNKNOWN, "it stood still: somebody else may have it"


def test_a_post_that_is_not_held_is_theirs_once_that_was_seen() -> None:
    assert a_session(sure_s=60).standing(FLOOR) is Standing.THEIRS
    assert a_session(sure_s=60, looks=0).standing(FLOOR) is Standing.UNKNOWN, "the connection broke a moment ago"


def test_nobody_takes_a_post_while_the_database_does_not_answer() -> None:
    assert a_session(sure_s=-1, looks=0, away=True).standing(FLOOR) is Standing.NOBODY
    assert Alone().standing(FLOOR) is Standing.OURS


def test_whoever_had_the_line_takes_it_at_once_and_others_wait() -> None:
    holder, other = a_session(sure_s=60), a_session(sure_s=60)
    for one in (holder, other):
        one.wants = Wants(at_once=(DUTIES, FLOOR))
    floor_first(holder, ours=True)
    floor_first(other, ours=False)
    free = Seen(held={DUTIES}, crew=0)
    assert to_take(holder.wants, (), free, {FLOOR: 100.0}, 100.0) == [FLOOR]
    assert to_take(other.wants, (), free, {FLOOR: 100.0}, 100.0 + LATER_S / 2) == []
    assert to_take(other.wants, (), free, {FLOOR: 100.0}, 100.0 + LATER_S) == [FLOOR]
    floor_first(other, ours=True)
    assert other.wants == holder.wants and other.wants.every.count(FLOOR) == 1
