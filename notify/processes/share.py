"""Which posts a process takes and gives up. Pure: moments are monotonic seconds."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

LATER_S: Final = 3.0  # a post that others should rather have is taken when nobody has had it for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """at_once: taken when free. later: taken when nobody else wants them. divided: shared out evenly among all that send."""

    at_once: Sequence[str] = ()
    later: Sequence[str] = ()
    divided: Sequence[str] = ()

    @property
    def every(self) -> list[str]:
        return [*self.at_once, *self.later, *self.divided]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """At one look: posts that somebody holds, this process among them, and how many processes send."""

    held: Set[str]
    crew: int


def fair(posts: int, crew: int) -> int:
    """How many of the posts one process may have: all of them are held, by as many processes as there are."""
    return -(-posts // max(1, crew))


def to_take(wants: Wants, ours: Collection[str], seen: Seen, free_since: Mapping[str, float], now: float) -> list[str]:
    """What to try for. free_since: since when nobody was seen to hold a post."""
    free = [post for post in wants.every if post not in seen.held and post not in ours]
    room = fair(len(wants.divided), seen.crew) - sum(post in ours for post in wants.divided)
    divided = [post for post in free if post in wants.divided][: max(0, room)]
    patient = [post for post in free if post in wants.later and now - free_since.get(post, now) >= LATER_S]
    return [post for post in free if post in wants.at_once] + patient + divided


def to_give_up(wants: Wants, ours: Collection[str], crew: int) -> list[str]:
    """What others should have: more of the divided posts than this process's share, the last ones first."""
    have = [post for post in wants.divided if post in ours]
    return have[fair(len(wants.divided), crew) :]
