"""What each of a channel's routes (an account, a provider, a relay) may carry now. Pure: moments are monotonic seconds.

Two decisions, each with a distance between its way down and its way up, so that nothing flaps:

    shut    calls failed in a row, or all stay without an answer: only probes leave by it, rarer each time, until one arrives
    share   tenths of its pace: a step down when much fails, is slow, or is reported late, a step up when next to nothing does,
            one a minute, whatever for; for late reports one in five, because no earlier do reports show what a step has done

A channel's last open route is never slowed and never shut for silence alone: waiting for it is all that is left. A route about
which nothing bad is known only ever gains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from notify.sending.lateness import FEW_LATE, is_late, is_punctual

FAILED_IN_A_ROW: Final = 5  # calls: then a route is shut
SILENT_S: Final = 3.0  # no answer to anything for so long, although another route could carry it: shut
MOST_PATIENCE_S: Final = 12.0  # longer than a call may take: the calls' own ends then say it
PROBE_S: Final = 2.0  # until the first probe of a shut route; twice as long after each that fails
MOST_PROBE_S: Final = 60.0
ALONE_PROBE_S: Final = 10.0  # where no other route is open, nobody waits longer for a probe than this
FULL: Final = 10
STEP: Final = 2
FLOOR: Final = 2  # a route that works at all keeps so much: else nobody would notice that it has recovered
BACK: Final = 6  # what a route comes back with
MOVES_S: Final = 60.0  # between two moves of a share
LATE_MOVES_S: Final = 300.0  # before one for late reports
ENOUGH: Final = 20  # calls in the last minute: fewer say nothing about shares
TOO_MANY_FAILED, FEW_FAILED = 0.05, 0.01
TOO_MANY_SLOW, FEW_SLOW = 0.15, 0.05


class Why(StrEnum):
    """Why a route has less than its full share."""

    NOTHING = ""
    FAILED = "calls fail"
    SLOW = "calls are slow"
    LATE = "reports come late"
    SHUT = "it was shut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a route. calls, failed, slow: in the last minute, calls that ended, of them those that failed, and those
    that took too long. in_a_row: failures since the last call that did not fail. silent_s: how long calls have been waiting
    without any answer; 0 with none under way. stopped: it is out of order until a person has done something. due, late: texts
    whose delivery report is due by now, and of them those that had none in time; 0 and 0 where nobody can say (lateness.py)."""

    calls: int = 0
    failed: int = 0
    slow: int = 0
    in_a_row: int = 0
    silent_s: float = 0.0
    stopped: bool = False
    due: int = 0
    late: int = 0


NOTHING: Final = Seen()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a route stands. shut_at: since when; None while it is open. probe_at: the next probe. tries: how often it was shut or
    probed in vain since it last had its full share. patience_s: how long it may be silent. moved_at: when its share moved. why:
    of its last move down, until it has its full share again."""

    share: int = FULL
    shut_at: float | None = None
    probe_at: float = 0.0
    tries: int = 0
    patience_s: float = SILENT_S
    moved_at: float = -LATE_MOVES_S
    why: Why = Why.NOTHING

    @property
    def is_open(self) -> bool:
        return self.shut_at is None


UNKNOWN: Final = Standing()


def judged(standings: Mapping[str, Standing], seen: Mapping[str, Seen], now: float) -> dict[str, Standing]:
    """How the routes of one channel stand after a look at all of them."""
    after = dict(standings)
    for name in sorted(
        after, key=lambda name: (-_trouble(seen.get(name, NOTHING)), name)
    ):  # the worst first: the others must carry
        others = [(one, seen.get(key, NOTHING)) for key, one in after.items() if key != name]
        after[name] = _judged(after[name], seen.get(name, NOTHING), others, now)
    return after


def _trouble(seen: Seen) -> float:
    return seen.silent_s + seen.in_a_row + (1_000.0 if seen.stopped else 0.0)


def _judged(standing: Standing, seen: Seen, others: list[tuple[Standing, Seen]], now: float) -> Standing:
    if not standing.is_open:
        return standing
    carried = any(one.is_open and not its.stopped for one, its in others)
    if seen.stopped or seen.in_a_row >= FAILED_IN_A_ROW or (carried and seen.silent_s >= standing.patience_s):
        return shut(standing, now, alone=not carried)
    return _moved(standing, seen, [its for one, its in others if one.is_open], now)


def _moved(standing: Standing, seen: Seen, others: list[Seen], now: float) -> Standing:
    """The standing with its share a step up or down, if one is due."""
    if now - standing.moved_at < MOVES_S:
        return standing
    if standing.share > FLOOR and (why := _down(seen, others, now - standing.moved_at)):
        return replace(standing, share=max(FLOOR, standing.share - STEP), moved_at=now, why=why)
    if standing.share < FULL and _is_good(seen):
        share = min(FULL, standing.share + STEP)
        if share == FULL:
            standing = replace(standing, tries=0, patience_s=SILENT_S, why=Why.NOTHING)
        return replace(standing, share=share, moved_at=now)
    return standing


def _down(seen: Seen, others: list[Seen], unmoved_s: float) -> Why:
    """Why a route should carry less; Why.NOTHING when it should not. Where all are slow, nothing is won. Late reports need
    another route whose reports are known to come in time: silence of both is no news of either."""
    if is_bad(seen):
        failing = seen.failed > TOO_MANY_FAILED * seen.calls
        return (Why.FAILED if failing else Why.SLOW) if any(not is_bad(one) for one in others) else Why.NOTHING
    better = any(is_punctual(one.due, one.late) and not is_bad(one) for one in others)
    return Why.LATE if better and unmoved_s >= LATE_MOVES_S and is_late(seen.due, seen.late) else Why.NOTHING


def is_bad(seen: Seen) -> bool:
    """Whether much of what it was given failed or was slow."""
    return seen.calls >= ENOUGH and (seen.failed > TOO_MANY_FAILED * seen.calls or seen.slow > TOO_MANY_SLOW * seen.calls)


def _is_good(seen: Seen) -> bool:
    """A route that carried nothing in this minute has done nothing wrong either: it must not stay low for want of work."""
    quiet = seen.in_a_row == 0 and seen.silent_s < SILENT_S
    few = seen.failed <= FEW_FAILED * seen.calls and seen.slow <= FEW_SLOW * seen.calls and seen.late <= FEW_LATE * seen.due
    return quiet and few


def shut(standing: Standing, now: float, *, alone: bool) -> Standing:
    """Nothing leaves by it but the next probe. Also after a probe in vain."""
    wait_s = min(PROBE_S * 2.0 ** min(standing.tries, 10), ALONE_PROBE_S if alone else MOST_PROBE_S)
    since = now if standing.shut_at is None else standing.shut_at
    return replace(standing, shut_at=since, probe_at=now + wait_s, tries=standing.tries + 1, moved_at=now)


def opened(standing: Standing, now: float) -> Standing:
    """Something has arrived by it: it carries again, less than before for a minute, and its silence is borne for longer."""
    if standing.is_open:
        return standing
    patience_s = min(standing.patience_s * 2, MOST_PATIENCE_S)
    why = Why.SHUT if standing.share > BACK else standing.why
    return replace(standing, shut_at=None, share=min(standing.share, BACK), patience_s=patience_s, moved_at=now, why=why)


def share(standing: Standing, *, alone: bool) -> float:
    """How much of its pace an open route may use; all of it where no other is open."""
    return 1.0 if alone else standing.share / FULL
