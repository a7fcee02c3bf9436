"""How runs are told: one table, on the screen and in docs/nemesis.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.nemesis.field import WINDOW
from tests.nemesis.playing import ANSWERED_S, COUNTED, LEASE_S, Run, p99
from tests.nemesis.scenarios import Base, Scenario

HEAD: Final = (
    "| fault | promise | database | runs | times | deliveries | lost | duplicates / bound | flagged | unknown | texts after |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)
MOST_SAID: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A scenario on a database. run: all its runs added up; None when it was not played to its end, `why` says why."""

    scenario: Scenario
    base: Base
    runs: int
    run: Run | None
    why: str = ""
    failed: bool = False

    @property
    def held(self) -> bool:
        return not self.failed and (self.run is None or not self.run.problems)


def row(line: Line) -> str:
    name = line.scenario.name if line.held else f"**{line.scenario.name}: FAILED**"
    first = f"| {name} | {line.scenario.promises} | {line.base} | {line.runs} |"
    run = line.run
    if run is None:
        return f"{first} {'' if line.failed else 'not injected: '}{line.why} | | | | | | |"
    counts = f"{run.injuries or 'all along'} | {run.deliveries:,} | {run.lost} | {run.doubles} / {run.bound}"
    return f"{first} {counts} | {run.flagged} | {run.unknown} | {again(run.recovered_s)} |"


def again(seconds: Sequence[float]) -> str:
    """The worst, and the median when there are several."""
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    median = f" (median {ordered[len(ordered) // 2]:.1f} s)" if len(ordered) > 1 else ""
    return f"{ordered[-1]:.1f} s{median}"


def faults(line: Line) -> list[str]:
    """What was found, a sentence each."""
    found = list(line.run.problems) if line.run is not None else []
    more = [f"    ... and {len(found) - MOST_SAID} more"] if len(found) > MOST_SAID else []
    return [f"    {problem}" for problem in found[:MOST_SAID]] + more


def answers(line: Line) -> list[str]:
    """How the API answered while the fault lasted, where it was asked."""
    seconds = line.run.answered_s if line.run is not None else ()
    if not seconds:
        return []
    return [
        f"{line.scenario.name} on {line.base}: asked {len(seconds)} times meanwhile, the API answered 99 of a hundred within "
        f"{p99(seconds) * 1000:.0f} ms, all within {max(seconds) * 1000:.0f} ms."
    ]


def summary(lines: Sequence[Line]) -> str:
    runs = [line.run for line in lines if line.run is not None]
    deliveries, lost, doubles, bound, unknown = (sum(getattr(one, name) for one in runs) for name in COUNTED[:5])
    failed, left_out = sum(not line.held for line in lines), sum(line.run is None and not line.failed for line in lines)
    return (
        f"{deliveries:,} deliveries in {len(runs)} lines: {lost} lost, {doubles} duplicates (at most {bound} allowed), "
        f"{unknown} unknown. {failed} lines did not hold, {left_out} were not injected."
    )


def document(lines: Sequence[Line], where: Sequence[str]) -> str:
    """docs/nemesis.md."""
    done = {line.scenario.name: line.scenario.done for line in lines}
    found = [f"- {line.scenario.name} on {line.base}: {one.strip()}" for line in lines for one in faults(line)]
    parts = [
        BEFORE,
        *where,
        SET.format(window=WINDOW, lease=LEASE_S),
        summary(lines),
        "",
        *HEAD,
        *(row(line) for line in lines),
        "",
        *(["What did not hold:", "", *found, ""] if found else []),
        ASKED.format(bound=round(ANSWERED_S * 1000)),
        *(f"- {said}" for line in lines for said in answers(line)),
        "",
        AFTER,
        *(f"- *{name}*: {what}" for name, what in done.items()),
        NOT_DONE,
        FOUND,
    ]
    return "\n".join(parts)


BEFORE: Final = """\
# Faults in the middle of an alert

Written by `./dev nemesis --document`. A whole service sends one alert by SMS to so many people; a fault hits it in the middle.
The judge then reads the dump of the ledger, the carrier's own synced log and the list of people, nothing else
(`notify/sending/ledger_check.py`). The carrier is the simulator, in a process of its own.
"""
SET: Final = """\
- A sender's window is {window} rows, a lease {lease} s, 'not found' counts after 3 s. PostgreSQL keeps its files on the disk,
  with fsync; where a process of several is hit, one listens and two send.
"""
ASKED: Final = """\
While the carrier is out of order the API is asked for the alert's progress, for all alerts, and to keep a draft; 99 of a
hundred answers may take {bound} ms. On PostgreSQL a process has four connections to read and four to write.
"""
AFTER: Final = """\
**lost**: people without a row, rows that say reached and that the carrier never took, rows that are still open.
**duplicates / bound**: texts beyond the first to one person, and how many the faults may cost (each time a window of each of
two numbers; of answers that get lost, two in a hundred of all texts). **flagged**: rows marked as ambiguous, every duplicate
among them. **unknown**: rows of which nobody can say, at the end. **texts after**: from the harm, or from its end where nothing
can leave before, to the next text that the carrier took; the worst. No number there: everything had left before the end. A
process that is started again is a fork of one that has imported everything: on a user's machine Python takes seconds more.

"""
NOT_DONE: Final = """
Not injected: a write that the disk calls done and loses; a torn page; a network between service and database that loses some
packets; a real provider. One provider of two that is out of order: `tests/stories/test_two_routes.py`.
"""
FOUND: Final = """\
Found by earlier runs, and repaired: on PostgreSQL a machine too busy to make the texts of an alert within ten seconds was
taken for frozen in the middle of its transaction (`thinks` in `notify/db.py`); a process went back to the old primary when it
came back after a failover (`notify/primary.py`); a 503 said that nothing was changed when nobody could know.
"""
