"""The emergency centre, brought into a call by the agent who has it. Values only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    RINGING = "ringing"
    THERE = "there"  # in the conference with both
    MISSED = "missed"  # did not answer in time: the caller is told to hang up and dial 911
    OVER = "over"  # was there, and has gone; or the caller went first


@dataclass(frozen=True, slots=True, kw_only=True)
class Summons:
    """until: when an unanswered ring ends. call_sid: the call to the centre, once the provider has taken it."""

    contact_id: str
    agent_id: str
    state: State
    until: datetime
    call_sid: str | None = None
