"""Agents at their seats: where each stands, and the leases that hold one for a contact while the telephone rings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from surge.floor.queue import Agent


class AgentState(StrEnum):
    OFFLINE = "offline"
    READY = "ready"
    RESERVED = "reserved"  # is rung for somebody, or shown a written question
    TALKING = "talking"  # or writes an answer
    WRAP = "wrap"  # the caller is gone, the agent notes what it was
    BREAK = "break"


ON_DUTY: Final = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP})
CHOSEN: Final = frozenset({AgentState.OFFLINE, AgentState.READY, AgentState.BREAK})  # what an agent may ask to be
BUSY: Final = frozenset({AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP})
NEXT: Final[Mapping[AgentState, frozenset[AgentState]]] = {
    AgentState.OFFLINE: frozenset({AgentState.READY, AgentState.BREAK}),
    AgentState.READY: frozenset({AgentState.RESERVED, AgentState.OFFLINE, AgentState.BREAK}),
    AgentState.RESERVED: frozenset({AgentState.TALKING, AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
    AgentState.TALKING: frozenset({AgentState.WRAP, AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
    AgentState.WRAP: frozenset({AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
    AgentState.BREAK: frozenset({AgentState.READY, AgentState.OFFLINE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who sits down. has_line: a telephone rings for them; without one they get what is written alone."""

    agent_id: str
    languages: frozenset[str]
    skills: frozenset[str] = frozenset()
    interpreter: bool = True
    has_line: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """misses: rings in a row that were not answered. wanted: what they asked to be while busy, taken up when they are free.
    turns: how often the state has changed, so that each change is written down once."""

    profile: Profile
    state: AgentState
    since: datetime
    misses: int = 0
    contact_id: str | None = None
    wanted: AgentState | None = None
    why: str = ""
    turns: int = 0

    @property
    def agent_id(self) -> str:
        return self.profile.agent_id

    def as_agent(self) -> Agent:
        who = self.profile
        return Agent(
            agent_id=who.agent_id,
            languages=who.languages,
            skills=who.skills,
            free_since=self.since,
            interpreter=who.interpreter,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """An agent held for a contact. until: when an unanswered ring ends; None once it was answered. callback_id: where the
    contact is a callback."""

    reservation_id: str
    agent_id: str
    contact_id: str
    made_at: datetime
    until: datetime | None
    call_sid: str | None = None
    callback_id: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.until is None
