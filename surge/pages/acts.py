"""What is done at the desk, by its pages and by the API: the line, the script as it was walked, tally and questions.

Everything that only writes is prepared first and returned as one step of a transaction; the line is asked at once.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from surge.contact import Contact, Standing, Way
from surge.desk import desk_rows, question_rows, replies
from surge.desk.desk_line import DeskLine, Figures, Handed, Letter
from surge.desk.desk_tables import DeskReplyRow
from surge.desk.needs import ACCOMMODATIONS
from surge.desk.tally import Press, Reason, pressed_at
from surge.floor.seats import CHOSEN, AgentState
from surge.pages import walk
from surge.pages.office import ENGLISH, On, Room
from surge.pages.walk import Walk
from surge.scripts.runbook import Ending

LONGEST_QUESTION: Final = 1_000
SHOWN: Final = 5  # of those who may be in danger
T = TypeVar("T")
Verb = Callable[[Connection], T]  # one step of a transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A press of the tally as it was typed. at: when, by the clock of whoever pressed."""

    reason: str
    mark: str
    language: str = ""
    area: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Whom somebody has, what that person wrote, and what was answered so far; nothing of somebody they were only given."""

    contact: Contact | None = None
    letter: Letter | None = None
    sent: Sequence[DeskReplyRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The line as one desk sees it. given: whom they are rung for, or may open. danger: who wrote words of danger."""

    figures: Figures
    state: AgentState
    danger: Sequence[Letter]
    given: Contact | None
    handed: Handed | None


class DeskActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    # -- the line --

    async def sit(self, person_id: str, wanted: str) -> None:
        """Ready, on a break or gone. Raises Unfit, as all of these do for what cannot be done."""
        if wanted not in {one.value for one in CHOSEN}:
            raise Unfit(["Choose ready, break or offline."])
        await self._room.refuse_expired(person_id)
        await _said(self._room.the_line().set_state(person_id, AgentState(wanted)))

    async def next(self, person_id: str, named: str = "") -> str | None:
        """The next in the line, or the very one that was named: somebody in danger. Their id; None where nobody waits whom this
        agent could answer."""
        await self._room.refuse_expired(person_id)
        line = self._room.the_line()
        if not named:
            return await _said(line.take_next(person_id))
        await _said(line.take(person_id, named))
        return named

    async def summon(self, person_id: str, contact_id: str) -> None:
        """Brings the emergency centre into the agent's call."""
        await _said(self._room.the_line().summon(person_id, contact_id))

    async def finish(self, person_id: str, ending: str, walked: Walk) -> None:
        """How it ended; the walk through the script is kept with it."""
        if ending not in {one.value for one in Ending}:
            raise Unfit(["Say how it ended."])
        room = self._room
        on = await room.on(person_id)
        run = walk.run_of(walked, person_id, on, ending, room.now)
        if run is not None:
            await room.db.write(lambda conn: desk_rows.keep_run(conn, run))
        if walked.contact_id is not None and room.side.line is not None:
            await _said(room.side.line.finish(person_id, walked.contact_id, ending, version_of(on)))

    async def held(self, person_id: str) -> Held:
        line = self._room.side.line
        contact = line.held_by(person_id) if line else None
        if line is None or contact is None or contact.standing is Standing.RESERVED:
            return Held()
        contact_id = contact.contact_id
        sent = await self._room.db.read(lambda conn: replies.of_contact(conn, contact_id))
        return Held(contact=contact, letter=await line.letter(contact_id), sent=sent)

    async def waits(self, person_id: str) -> Waits | None:
        """None where calls and letters are dealt with elsewhere."""
        line = self._room.side.line
        if line is None:
            return None
        state, held = line.state_of(person_id), line.held_by(person_id)
        return Waits(
            figures=line.figures(),
            state=state,
            danger=(await _in_danger(line))[:SHOWN],
            given=held if state is AgentState.RESERVED else None,
            handed=line.handed(held.contact_id) if held is not None else None,
        )

    # -- what is written down --

    async def read(self, person_id: str, version: str) -> Verb[None]:
        """What has changed was read."""
        now, on = self._room.now, await self._room.on(person_id)
        if on is None or on.script is None or str(on.script.version) != version:
            raise Unfit(["The script has changed again. Read what is new."])
        activation_id, number = on.row.activation_id, on.script.version
        return lambda conn: desk_rows.tick(conn, activation_id, number, person_id, now)

    def press(self, given: Pressed) -> Press:
        if given.reason not in {one.value for one in Reason}:
            raise Unfit(["Choose what it was about."])
        if not 8 <= len(given.mark) <= walk.LONGEST_MARK:
            raise Unfit(["This press has no mark of its own. Load the page again."])
        return Press(
            mark=given.mark,
            at=pressed_at(given.at, self._room.now),
            reason=Reason(given.reason),
            language=self.language(given.language),
            area=zip_of(given.area),
        )

    async def count(self, person_id: str, press: Press) -> Verb[None]:
        """One press; the same one twice counts once, so that a page which was cut off may send it again."""
        activation_id = activation_of(await self._room.on(person_id))

        def pressed(conn: Connection) -> None:
            desk_rows.press(conn, press, person_id, activation_id)

        return pressed

    async def ask(self, person_id: str, words: str, language: str, step: str, contact_id: str | None) -> Verb[str]:
        """What no script says, to whoever finds the answer for all desks. The verb returns the question's id."""
        now, ring = self._room.now, self._room.ring
        question = words[:LONGEST_QUESTION]
        if not question.strip():
            raise Unfit(["Write the question in the caller's words, without their name."])
        asked = question_rows.Asked(
            words=question,
            language=self.language(language),
            step=step[:80],
            contact_id=contact_id,
            activation_id=activation_of(await self._room.on(person_id)),
        )
        return lambda conn: question_rows.ask(conn, asked, person_id, ring, now)

    # -- what there is to choose from --

    def language(self, asked: str) -> str:
        return asked if asked in self._room.site.languages else ENGLISH

    def codes(self, on: On | None) -> list[str]:
        """What may be noted as a need: what the script names, then what everybody may ask for."""
        named = [code for step in on.script.book.steps for code in step.needs] if on and on.script else []
        return [*dict.fromkeys([*named, *ACCOMMODATIONS])]


def version_of(on: On | None) -> int | None:
    return on.script.version if on is not None and on.script is not None else None


def activation_of(on: On | None) -> str | None:
    return on.row.activation_id if on is not None else None


def zip_of(typed: str) -> str | None:
    return typed if typed.isascii() and typed.isdigit() and len(typed) == 5 else None


async def _in_danger(line: DeskLine) -> list[Letter]:
    return [
        letter
        for contact in line.waiting()
        if contact.way is not Way.VOICE and (letter := await line.letter(contact.contact_id)) and letter.danger
    ]


async def _said(doing: Coroutine[Any, Any, T]) -> T:
    """What the line says to it. Raises Unfit with its sentence where it cannot be done now."""
    try:
        return await doing
    except ValueError as error:
        raise Unfit([str(error)]) from None
