"""What the desk needs of the floor: the one line of all ways in. Without it the desk has script, tally and needs alone, and
calls stay in the city's own call centre."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from surge.contact import Contact, Way
from surge.floor.seats import AgentState
from surge.floor.summons import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What somebody wrote, as the desk shows it. reply_to: the number or address, "" for somebody at the counter. ours: the
    number they wrote to. danger: they may be in danger."""

    contact_id: str
    way: Way
    language: str
    words: str
    at: datetime
    reply_to: str = ""
    ours: str = ""
    area: str | None = None
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """How far the emergency centre is that an agent calls for their caller, and what to read out to it. number: "" if withheld.
    area: as far as anybody asked."""

    state: State
    number: str
    area: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The line in numbers. longest: how long whoever waits longest has waited."""

    waiting: int = 0
    longest: timedelta = timedelta()
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    deflected: int = 0
    callbacks: int = 0
    agents: Mapping[str, int] = field(default_factory=dict)  # by state
    languages: Mapping[str, int] = field(default_factory=dict)  # who waits, by language


class DeskLine(Protocol):
    """Raises ValueError with a sentence for what cannot be done now."""

    def figures(self) -> Figures: ...

    def contacts(self) -> Sequence[Contact]:
        """Of the open activation, and all of the last day."""

    def state_of(self, person_id: str) -> AgentState:
        """OFFLINE for whoever never sat down."""

    def held_by(self, person_id: str) -> Contact | None:
        """Whom this agent talks or writes to, or is being rung for."""

    def waiting(self) -> Sequence[Contact]:
        """Who waits, in the order of their places."""

    async def letter(self, contact_id: str) -> Letter | None:
        """What was written; None for a call and for what there is not."""

    async def offer(self, letter: Letter, provider_id: str | None = None) -> str:
        """Into the line; the contact's id. A provider_id that was offered before changes nothing."""

    async def set_state(self, person_id: str, state: AgentState) -> None: ...

    async def take_next(self, person_id: str) -> str | None:
        """The contact that was next for this agent; None where nobody waits whom they can serve."""

    async def take(self, person_id: str, contact_id: str) -> None:
        """This very contact: somebody in danger comes before their turn."""

    async def finish(self, person_id: str, contact_id: str, disposition: str, script: int | None = None) -> None: ...

    async def summon(self, person_id: str, contact_id: str) -> None:
        """Calls the emergency centre into the talk of this agent, who stays on."""

    def handed(self, contact_id: str) -> Handed | None:
        """How far that has got; None where nobody was called."""
