"""What desks, the wallboard and everything written ask of the floor: the one line of all ways in."""

import logging
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from notify.wording.slots import ENGLISH
from surge.contact import Contact, Standing, Way
from surge.desk.desk_line import Figures, Handed, Letter
from surge.floor import handing
from surge.floor.callback import Promise
from surge.floor.floor import Floor
from surge.floor.records import Record
from surge.floor.seats import AgentState, Profile, Seat
from surge.floor.summons import State
from surge.numbers import measures

logger = logging.getLogger(__name__)

WORDS: Final = "surge words"  # what somebody wrote is sealed for
DESK_ALONE: Final = frozenset({ENGLISH})  # what somebody speaks who is not on the list of agents


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The line in numbers, of the open activation or of the last day. behind: turns that the database has not got yet."""

    counts: measures.Counts
    waiting: int
    longest: timedelta
    agents: Mapping[str, int] = field(default_factory=dict)  # by state
    languages: Mapping[str, int] = field(default_factory=dict)  # who waits
    callbacks: int = 0
    behind: int = 0


class DeskFloor(Floor):
    """Implements surge.desk.desk_line.DeskLine. Raises ValueError with a sentence for what cannot be done now."""

    _seen: tuple[int, Glance] | None = None

    def glance(self) -> Glance:
        """As of this second, however many screens ask."""
        second = int(self.now().timestamp())
        if self._seen is None or self._seen[0] != second:
            self._seen = second, self._look()
        return self._seen[1]

    def _look(self) -> Glance:
        waits = self.waiting()
        now, books = self.now(), self.board.books
        return Glance(
            counts=measures.counts(self._of_now()),
            waiting=len(waits),
            longest=max((now - (one.enqueued_at or now) for one in waits), default=timedelta()),
            agents=Counter(seat.state.value for seat in books.seats.values()),
            languages=Counter(one.language for one in waits),
            callbacks=sum(one.ended_at is None for one in books.callbacks.values()),
            behind=self._scribe.behind,
        )

    def figures(self) -> Figures:
        seen = self.glance()
        return Figures(
            waiting=seen.waiting,
            longest=seen.longest,
            offered=seen.counts.offered_total,
            answered=seen.counts.answered,
            abandoned=seen.counts.abandoned,
            deflected=seen.counts.before_queue,
            callbacks=seen.callbacks,
            agents=seen.agents,
            languages=seen.languages,
        )

    def agents(self) -> Sequence[Seat]:
        return list(self.board.books.seats.values())

    def state_of(self, person_id: str) -> AgentState:
        seat = self.board.books.seats.get(person_id)
        return seat.state if seat is not None else AgentState.OFFLINE

    def held_by(self, person_id: str) -> Contact | None:
        seat = self.board.books.seats.get(person_id)
        record = self.board.books.records.get(seat.contact_id or "") if seat is not None else None
        return record.contact if record is not None else None

    def waiting(self) -> Sequence[Contact]:
        """Live callers and what is written, in the order of their places; callbacks are counted apart."""
        found = [self.board.books.records[contact_id].contact for contact_id in self.board.books.line]
        return [one for one in found if one.standing is Standing.QUEUEING]

    async def letter(self, contact_id: str) -> Letter | None:
        record = self.board.books.records.get(contact_id)
        if record is None or record.words is None:
            return None
        one = record.contact
        return Letter(
            contact_id=contact_id,
            way=one.way,
            language=one.language,
            words=self.parts.ring.open(WORDS, record.key_id, record.words),
            at=one.offered_at,
            reply_to=self.number_of(record),
            ours=record.ours,
            area=one.area,
            danger=record.danger,
        )

    async def offer(self, letter: Letter, provider_id: str | None = None) -> str:
        """Into the line; the contact's id. One that was offered before changes nothing."""
        return self.put_in(letter, provider_id)

    def put_in(self, letter: Letter, provider_id: str | None = None) -> str:
        arrival = self.arrival(letter.way, provider_id or secrets.token_hex(8), letter.reply_to)
        words = self.parts.ring.seal(WORDS, letter.words)
        whole = replace(
            arrival,
            words=words.data,
            key_id=words.key_id,
            language=letter.language,
            area=letter.area,
            ours=letter.ours,
            danger=letter.danger,
        )
        self.say(self.board.arrive(whole, self.now()))
        return whole.contact_id

    async def set_state(self, person_id: str, state: AgentState) -> None:
        profile = await self._profile(person_id)
        self.say(self.board.sit(profile, state, self.now()))

    async def take_next(self, person_id: str) -> str | None:
        """The written contact that was given to this agent; None where there is none they can serve."""
        self.say(self.board.take_next(person_id, self.now()))
        held = self.held_by(person_id)
        return held.contact_id if held is not None and held.standing is Standing.TALKING else None

    async def take(self, person_id: str, contact_id: str) -> None:
        """This very contact, before its turn."""
        self.say(self.board.take(person_id, contact_id, self.now()))
        held = self.held_by(person_id)
        if held is None or held.contact_id != contact_id or held.standing is not Standing.TALKING:
            raise ValueError("Somebody else has this contact, or you have one: end that first.")

    async def finish(self, person_id: str, contact_id: str, disposition: str, script: int | None = None) -> None:
        record = self.board.books.records.get(contact_id)
        if record is None or record.agent != person_id:
            raise ValueError("This contact is not yours, or was ended a day ago.")
        if self._is_handed_over(contact_id):
            raise ValueError("The emergency centre is on the line: stay on until it or the caller has hung up.")
        self.say(self.board.finish(person_id, contact_id, disposition, script, self.now()))

    async def summon(self, person_id: str, contact_id: str) -> None:
        """Calls the emergency centre into this agent's talk. They stay on."""
        if self.parts.telephone is None or not self.centre:
            raise ValueError("There is no telephone here to call the emergency centre with: tell them to dial 911.")
        if not handing.may_summon(self.board.books, person_id, contact_id):
            raise ValueError("You talk to nobody by telephone now, or the emergency centre is being called already.")
        self.say(self.board.summon(person_id, contact_id, self.now()))

    def handed(self, contact_id: str) -> Handed | None:
        summons, record = self.board.books.summons.get(contact_id), self.board.books.records.get(contact_id)
        if summons is None or record is None:
            return None
        return Handed(state=summons.state, number=self.number_of(record), area=record.contact.area)

    async def lift(self) -> None:
        """Ends every callback that still waits, with a text, so that a stand-down can be closed; the database knows it when
        this returns."""
        self.say(self.board.lift(self.now()))
        await self.flush()

    async def call_back(self, contact_ids: Sequence[str], why: str) -> None:
        """Whoever was told something wrong is called: a new contact of theirs, with a promise and a text that says when. One
        who cannot be promised a call is told by the text alone."""
        for contact_id in contact_ids:
            self.recall(contact_id, why)

    def recall(self, contact_id: str, why: str, promise: Promise | None = None) -> None:
        """Once for each contact and reason. promise: one that was spoken to them already."""
        record = self.board.books.records.get(contact_id)
        number = self.number_of(record) if record is not None else ""
        if record is None or not number or "@" in number:
            return
        again = self.arrival(Way.VOICE, f"again {contact_id} {why}", number, language=record.contact.language)
        self.say(self.board.recall(again, why, self.now(), promise))

    def record(self, contact_id: str) -> Record | None:
        return self.board.books.records.get(contact_id)

    async def _profile(self, person_id: str) -> Profile:
        """From the database; as it was known where that is away."""
        try:
            await self.look_up_agents()
        except SQLAlchemyError:
            logger.warning("agents cannot be looked up now; they are as they were known")
        row = self.crew.get(person_id)
        if row is None or (row.until is not None and row.until <= self.now()):
            return Profile(agent_id=person_id, languages=DESK_ALONE, has_line=False)
        return Profile(
            agent_id=person_id,
            languages=frozenset(filter(None, row.languages.split(","))),
            skills=frozenset(filter(None, row.skills.split(","))),
            interpreter=row.interpreter,
            has_line=row.line is not None and self.parts.telephone is not None,
        )

    def _is_handed_over(self, contact_id: str) -> bool:
        summons, record = self.board.books.summons.get(contact_id), self.board.books.records[contact_id]
        return summons is not None and summons.state in {State.RINGING, State.THERE} and record.call_sid is not None

    def _of_now(self) -> list[Contact]:
        surge = self.board.books.surge
        found = self.contacts()
        return [one for one in found if one.activation_id == surge.activation_id] if surge is not None else list(found)
