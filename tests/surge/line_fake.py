"""The one line in memory: as much of the floor as the desk needs, for tests of the desk alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from notify.clock import Clock
from surge.contact import TERMINAL, Contact, Moved, Standing, Way, moved
from surge.desk.desk_line import Figures, Handed, Letter
from surge.floor.seats import AgentState
from surge.floor.summons import State

ENDS = {"emergency": Standing.EMERGENCY_OUT}


@dataclass(slots=True)
class FakeLine:
    """Implements surge.desk.desk_line.DeskLine. Nobody is rung: agents take."""

    clock: Clock
    found: dict[str, Contact] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    states: dict[str, AgentState] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    centre: dict[str, Handed] = field(default_factory=dict)

    def figures(self) -> Figures:
        waits = self.waiting()
        agents: dict[str, int] = {}
        for state in self.states.values():
            agents[state.value] = agents.get(state.value, 0) + 1
        languages: dict[str, int] = {}
        for one in waits:
            languages[one.language] = languages.get(one.language, 0) + 1
        longest = max((self.clock.now() - one.offered_at for one in waits), default=Figures().longest)
        done = [one for one in self.found.values() if one.standing is Standing.DONE]
        return Figures(
            waiting=len(waits),
            longest=longest,
            offered=len(self.found),
            answered=len(done),
            agents=agents,
            languages=languages,
        )

    def contacts(self) -> Sequence[Contact]:
        return list(self.found.values())

    def state_of(self, person_id: str) -> AgentState:
        return self.states.get(person_id, AgentState.OFFLINE)

    def held_by(self, person_id: str) -> Contact | None:
        held = self.holds.get(person_id)
        return self.found[held] if held else None

    def waiting(self) -> Sequence[Contact]:
        return [one for one in self.found.values() if one.standing is Standing.QUEUEING]

    async def letter(self, contact_id: str) -> Letter | None:
        return self.letters.get(contact_id)

    async def offer(self, letter: Letter, provider_id: str | None = None) -> str:
        if provider_id is not None and provider_id in self.known:
            return self.known[provider_id]
        contact_id = f"C{len(self.found) + 1}"
        if provider_id is not None:
            self.known[provider_id] = contact_id
        contact = Contact(
            contact_id=contact_id, offered_at=self.clock.now(), language=letter.language, way=letter.way, area=letter.area
        )
        self.found[contact_id] = contact
        self.letters[contact_id] = replace(letter, contact_id=contact_id)
        self._move(contact_id, Standing.QUEUEING)
        return contact_id

    async def set_state(self, person_id: str, state: AgentState) -> None:
        self.states[person_id] = state

    async def take_next(self, person_id: str) -> str | None:
        waits = self.waiting()
        if not waits:
            return None
        await self.take(person_id, waits[0].contact_id)
        return waits[0].contact_id

    async def take(self, person_id: str, contact_id: str) -> None:
        if person_id in self.holds:
            raise ValueError("Finish the contact you have first.")
        if self.found[contact_id].standing is not Standing.QUEUEING:
            raise ValueError("Somebody else has taken it.")
        self._move(contact_id, Standing.RESERVED)
        self._move(contact_id, Standing.TALKING)
        self.holds[person_id], self.states[person_id] = contact_id, AgentState.TALKING

    async def finish(self, person_id: str, contact_id: str, disposition: str, script: int | None = None) -> None:
        if self.holds.get(person_id) != contact_id:
            raise ValueError("This is not the contact you have.")
        self._move(contact_id, ENDS.get(disposition, Standing.DONE))
        self.ended[contact_id] = disposition
        del self.holds[person_id]
        self.states[person_id] = AgentState.READY

    async def summon(self, person_id: str, contact_id: str) -> None:
        if self.holds.get(person_id) != contact_id or self.found[contact_id].way is not Way.VOICE:
            raise ValueError("You talk to nobody by telephone now, or the emergency centre is being called already.")
        self.centre[contact_id] = Handed(state=State.RINGING, number="+15035550143", area="97206")

    def handed(self, contact_id: str) -> Handed | None:
        return self.centre.get(contact_id)

    def _move(self, contact_id: str, to: Standing) -> None:
        contact = self.found[contact_id]
        assert contact.standing not in TERMINAL
        self.found[contact_id] = moved(contact, Moved(seq=contact.seq + 1, at=self.clock.now(), to=to))
