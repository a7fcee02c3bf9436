"""Everything that is done to a running service while it sends, and what it may cost. To add one: a fault in faults.py, an entry
here; `./dev nemesis --only NAME` runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.nemesis import faults
from tests.nemesis.field import OURS, WINDOW, Field, Injury


class Base(StrEnum):
    """What the service keeps its ledger in."""

    SQLITE = "SQLite"
    POSTGRES = "PostgreSQL"
    PAIR = "PostgreSQL with a standby"
    TRIO = "PostgreSQL, three servers"


Fault = Callable[[Field], Awaitable[Sequence[Injury]]]
BOTH: Final = (Base.SQLITE, Base.POSTGRES)
ALONE: Final = ("serve",)
SEVERAL: Final = ("web", "sender", "sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """promises: rows of the table of promises. windows: each time it happens, so many windows of each number may be doubled;
    share: and this share of all deliveries. tools: programs that it needs. small_disk: the database lies on one.
    poisoned: some people cannot be reached (poison.py)."""

    name: str
    promises: str
    fault: Fault
    windows: int = 0
    share: float = 0.0
    bases: Sequence[Base] = BOTH
    several: bool = False  # on PostgreSQL: two senders and a listener, not one process that does all
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = "notify"
    tools: Sequence[str] = ()
    small_disk: bool = False
    poisoned: bool = False

    @property
    def done(self) -> str:
        """What is done, as a sentence."""
        return str(self.fault.__doc__).strip()

    def roles(self, base: Base) -> Sequence[str]:
        return SEVERAL if self.several and base is not Base.SQLITE else ALONE

    def bound(self, deliveries: int, injuries: Sequence[Injury]) -> int:
        """How many texts may reach somebody who has it."""
        return self.windows * WINDOW * len(OURS) * len(injuries) + round(self.share * deliveries)


SCENARIOS: Final = (
    Scenario(name="kill", promises="A1, P9", fault=faults.killed, windows=1, several=True),
    Scenario(name="failover", promises="A12", fault=faults.failed_over, windows=1, bases=(Base.PAIR,), several=True),
    Scenario(name="standby", promises="A12", fault=faults.standby_silent, windows=1, bases=(Base.PAIR,), several=True),
    Scenario(name="three", promises="A12", fault=faults.one_after_the_other, windows=1, bases=(Base.TRIO,), several=True),
    Scenario(name="restart", promises="A1", fault=faults.database_restarted, windows=1, bases=(Base.POSTGRES,), several=True),
    Scenario(name="disk-full", promises="A11", fault=faults.disk_full, windows=1, small_disk=True),
    Scenario(name="fsync", promises="A10", fault=faults.fsync_fails, windows=1, tools=("strace",)),
    Scenario(name="clock", promises="D20", fault=faults.clock_set, module="tests.nemesis.set_clock_service"),
    Scenario(name="freeze", promises="A7", fault=faults.frozen, windows=1, several=True),
    Scenario(name="cut", promises="A2", fault=faults.cut_after_accepting, share=0.02),
    Scenario(name="hang", promises="B1, B3", fault=faults.hang, windows=1, settings={"TOCSIN_SMS_TIMEOUT_S": "4"}),
    Scenario(name="5xx", promises="B1, A2", fault=faults.server_errors, share=0.02),
    Scenario(name="429", promises="B4", fault=faults.too_many_requests),
    Scenario(name="slow", promises="B3", fault=faults.slow),
    Scenario(name="poison", promises="A9", fault=faults.unreachable, poisoned=True),
)
