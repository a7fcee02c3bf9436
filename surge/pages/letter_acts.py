"""What leaves the desk, by its pages and by the API: answers to what was written, the guide for a caller who asks for it; and
who stands at the counter."""

from dataclasses import dataclass
from typing import Final

from notify.alerts.broadcast import Unfit
from notify.alerts.exercise import SAMPLES
from subscribers.signup import Reach, reach
from surge.desk.desk_line import Letter
from surge.desk.replies import Reply, State
from surge.desk.written import Answer, Unsent, Written
from surge.pages.acts import activation_of, version_of, zip_of
from surge.pages.office import ENGLISH, Room

LONGEST: Final = 1_600  # letters of one text
LONGEST_MARK: Final = 64
AGREED: Final = "said yes on the line"
# What became of an answer, as the desk reads it.
TOLD: Final = {
    State.HANDED: "It is with the carrier.",
    State.REFUSED: "It did not leave. Try another way, or tell them.",
    State.UNKNOWN: "Nobody knows whether it left. Do not send it again; ask them.",
}
BEFORE: Final = "This was sent before; it is not sent twice."
NO_REACH: Final = "This is no number or address that can be written to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """mark: of this answer, which leaves once. source: what was suggested, where it is sent so; "" for their own words."""

    contact_id: str
    mark: str
    words: str
    language: str = ENGLISH
    source: str = ""
    ending: str = "informed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """consent: the caller said yes."""

    mark: str
    to: str
    language: str
    consent: bool
    contact_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkIn:
    """to: "" for whoever waits for the answer there."""

    mark: str
    words: str
    language: str
    to: str = ""
    area: str = ""


class LetterActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def answer(self, person_id: str, given: Answering) -> State | None:
        """Sends an answer to the contact in hand and, unless it did not leave, ends that contact. None: it was sent before, or
        they wait at the counter and are told. Raises Unfit, as all of these do for what cannot be done."""
        line, written = self._room.the_line(), self._room.letters()
        held = line.held_by(person_id)
        letter = await line.letter(held.contact_id) if held else None
        if held is None or letter is None or held.contact_id != given.contact_id:
            raise Unfit(["This is not the contact you have. Take it first."])
        if not 0 < len(given.words) <= LONGEST:
            raise Unfit([f"Write an answer of at most {LONGEST} letters."])
        on = await self._room.on(person_id)
        answer = Answer(
            mark=given.mark[:LONGEST_MARK] or "-",
            words=given.words,
            language=given.language or ENGLISH,
            source=given.source[:120] or "own words",
            by=person_id,
            activation_id=activation_of(on),
        )
        state = await self._sent(written, letter, answer)
        if state is State.REFUSED:
            raise Unfit([TOLD[State.REFUSED]])
        await line.finish(person_id, held.contact_id, given.ending or "informed", version_of(on))
        return state

    async def text(self, person_id: str, given: Guide) -> State | None:
        """The guide to a caller's own phone: only with their yes, and in the language they read. None: it was sent before."""
        written = self._room.letters()
        problems = [] if given.consent else ["Ask the caller first, and tick the box when they say yes."]
        found = reach(given.to, SAMPLES[self._room.site.mode])
        if not isinstance(found, Reach):
            problems.append(NO_REACH)
        on = await self._room.on(person_id)
        words = await self._room.guide(on, given.language)
        if not words:
            problems.append("There is no guide: no alert is in force for this.")
        if problems or not isinstance(found, Reach):
            raise Unfit(problems)
        reply = Reply(
            mark=given.mark[:LONGEST_MARK] or "-",
            channel=found.channel,
            to=found.address,
            words=words,
            language=given.language,
            source="guide",
            consent=AGREED,
            by=person_id,
            contact_id=given.contact_id,
            activation_id=activation_of(on),
            subject=written.subject(given.language),
        )
        try:
            state = await written.leave(reply)
        except Unsent as why:
            raise Unfit([str(why)]) from None
        if state is State.REFUSED:
            raise Unfit([TOLD[State.REFUSED]])
        return state

    async def walk_in(self, given: WalkIn) -> str:
        """Somebody at the counter, or a question by letter or radio: typed by staff, answered like all others. Its id."""
        self._room.the_line()
        written = self._room.letters()
        problems = [] if 0 < len(given.words) <= LONGEST else ["Write what they ask, without their name."]
        reply_to = ""
        if given.to:
            found = reach(given.to, SAMPLES[self._room.site.mode])
            reply_to = found.address if isinstance(found, Reach) else ""
            if not reply_to:
                problems.append(f"{NO_REACH} Leave it empty if they wait here.")
        if problems:
            raise Unfit(problems)
        return await written.walked_in(given.words, given.language, reply_to, zip_of(given.area), given.mark[:LONGEST_MARK])

    async def _sent(self, written: Written, letter: Letter, answer: Answer) -> State | None:
        if not letter.reply_to:
            return None
        try:
            return await written.answer(letter, answer)
        except Unsent as why:
            raise Unfit([str(why)]) from None
