"""A runbook: one hazard's page for people, which is also the script that call-takers follow. Values only; `reading` makes
them from a file and `review` says what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Ending(StrEnum):
    """How a contact may end, as `End:` says it."""

    INFORMED = "informed"  # got the answer
    EMERGENCY = "emergency"  # handed to the emergency centre, or told to hang up and dial 911
    TRANSFERRED = "transferred"  # handed to another line, by a call-taker who stayed on
    REFERRED = "referred"  # told whom to ask
    NEED_LOGGED = "need logged"  # something is to be brought or done
    CALLBACK = "callback"  # the city calls back
    OUT_OF_AREA = "out of area"  # another city's or district's
    WRONG_NUMBER = "wrong number"
    ABUSIVE = "abusive"


EMERGENCY_LINE: Final = "911"  # as `Transfer:` names it; which ten digits that dials is the city's setting
ELSE: Final = "anything else"  # the answer that all other answers fall to
NEXT: Final = "next"  # the one choice of a step that asks nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`- answer -> [text](#step)`. most: how often in one call this choice may be taken; None for no bound."""

    answer: str
    to: str  # the step's anchor
    line: int
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """`Say: "..."` or `Never: "..."`, as written, facts still in braces."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`### heading` and what stands below it.

    asks: names of the values it records. transfers: lines it hands to. needs: codes of what it logs. told: prose for the
    call-taker alone. offers: what may be texted to the caller ("guide", "sign-up").
    """

    anchor: str
    heading: str
    line: int
    says: tuple[Saying, ...] = ()
    never: tuple[Saying, ...] = ()
    asks: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    transfers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    ends: Ending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSlot:
    """A value that the words leave open: who issues it is known only when it happens. unit: None for text."""

    name: str
    asks: str  # the question its issuer answers
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When the load itself suggests surge: enter_at and leave_at are multiples of what is usual at this minute of the week."""

    enter_at: float
    leave_at: float
    enter_minutes: int  # of the last window_minutes, this many have to be above enter_at
    window_minutes: int
    dwell_minutes: int  # the shortest time it stays on
    leave_minutes: int  # this long below leave_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """steps: in the order of the page, the first is where every call begins; empty for a page of operations, which has no
    script. checklist: (what to do, its line)."""

    name: str
    title: str
    hazard: str | None
    steps: tuple[Step, ...] = ()
    facts: Mapping[str, FactSlot] = field(default_factory=dict)
    checklist: tuple[tuple[str, int], ...] = ()
    trigger: Trigger | None = None
    interpreter: tuple[str, ...] = ()  # languages that go to the interpreter on purpose

    def step(self, anchor: str) -> Step | None:
        return next((step for step in self.steps if step.anchor == anchor), None)

    def sayings(self) -> Iterator[tuple[Step, Saying]]:
        """Everything that is read aloud, in the order of the page."""
        return ((step, saying) for step in self.steps for saying in step.says)
