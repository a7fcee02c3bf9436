"""Prompts of callers as they are shown, ordered, released and refused, by pages and by the API alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from notify.alerts.life import Staff
from notify.web.answers import Problem
from surge.pack import Shape
from surge.pages.acts import Verb
from surge.pages.office import Room
from surge.recorded import recorded_rows, standing, takes
from surge.recorded.recorded_rows import LIVE
from surge.recorded.recorded_tables import RecordingCallRow
from surge.recorded.releasing import NoSuchTake
from surge.recorded.sound import Sound
from surge.recorded.standing import Cell
from surge.recorded.studio import Studio
from surge.recorded.takes import Line, Take

ELSEWHERE: Final = "Calls of 311 stay elsewhere: nothing is recorded here."
GONE: Final = "There is no such recording."


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """How far one language is. counts: prompts by how they are heard (standing.Heard). waiting: takes for a second person.
    stale: prompts whose words have changed since. refused: why it is not published on the telephone, as sentences."""

    language: str
    counts: Mapping[str, int]
    waiting: int
    stale: int
    refused: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCall:
    """The last call to somebody, in this language. lines: what they were to say; goes_on: it may still be under way."""

    row: RecordingCallRow
    lines: Sequence[Line]
    spoken: Sequence[Take]
    goes_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """Every prompt of one language. last: None where this person was called for another language, or never."""

    language: str
    cells: Sequence[Cell]
    refused: Sequence[str]
    last: LastCall | None


class RecordingActs:
    """Each but `sound` raises Unfit where calls of 311 stay elsewhere."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @property
    def studio(self) -> Studio:
        found = self._room.side.studio
        if found is None or found.speaking.pack.shape is Shape.DESK:
            raise Unfit([ELSEWHERE])
        return found

    def speaks(self, language: str) -> bool:
        """Whether callers have a key for it."""
        return language in takes.languages(self.studio.speaking.pack)

    async def overview(self) -> list[Spoken]:
        return await self._room.db.read(partial(_overview, studio=self.studio))

    async def prompts(self, person_id: str, language: str) -> Prompts:
        """Raises Problem (404) for a language that callers have no key for."""
        studio, now = self.studio, self._room.now
        if not self.speaks(language):
            raise Problem(404, "There is no such language", ["Callers have no key for it."])

        def read(conn: Connection) -> Prompts:
            last = recorded_rows.last_call(conn, person_id)
            lines = recorded_rows.wanted(last) if last is not None and last.language == language else ()
            called = None
            if last is not None and lines:
                goes_on = last.ended_at is None and now - last.made_at < LIVE
                spoken = recorded_rows.of_call(conn, last.call_id)
                called = LastCall(row=last, lines=lines, spoken=spoken, goes_on=goes_on)
            refused = studio.speaking.refusals(conn).get(language, ())
            return Prompts(language=language, cells=_cells(conn, studio, language), refused=refused, last=called)

        return await self._room.db.read(read)

    async def order(self, staff: Staff, language: str, keys: Sequence[str]) -> Sequence[Line]:
        """Has the person who asks called, at the telephone they have confirmed; returns what they are to say. Raises NotAllowed
        and Unfit."""
        if not self.speaks(language):
            raise Unfit(["Choose a language that callers have a key for."])
        return recorded_rows.wanted(await self.studio.recorder.order(staff, language, keys))

    def release(self, staff: Staff, take_id: int, *, heard: bool) -> Verb[Take]:
        """Callers hear it from now on. The verb raises NotAllowed, Unfit and Problem (404)."""
        return _found(partial(self.studio.releasing.release, staff=staff, take_id=take_id, heard=heard))

    def refuse(self, staff: Staff, take_id: int, why: str) -> Verb[Take]:
        """It is not to be heard, or no more. The verb raises NotAllowed, Unfit and Problem (404)."""
        return _found(partial(self.studio.releasing.refuse, staff=staff, take_id=take_id, why=why))

    async def changed(self) -> None:
        """What callers hear is looked at anew."""
        await self.studio.changed()

    async def sound(self, take_id: int) -> Sound:
        """Raises Problem (404)."""

        def read(conn: Connection) -> Sound | None:
            one = recorded_rows.by_id(conn, take_id)
            return recorded_rows.sound(conn, one.sound_id) if one is not None and one.sound_id is not None else None

        found = await self._room.db.read(read)
        if found is None:
            raise Problem(404, GONE, ["It has no sound."])
        return found


def _found(verb: Verb[Take]) -> Verb[Take]:
    def work(conn: Connection) -> Take:
        try:
            return verb(conn)
        except NoSuchTake as error:
            raise Problem(404, GONE, [str(error)]) from None

    return work


def _overview(conn: Connection, studio: Studio) -> list[Spoken]:
    refused, found = studio.speaking.refusals(conn), []
    for language in takes.languages(studio.speaking.pack):
        cells = _cells(conn, studio, language)
        spoken = Spoken(
            language=language,
            counts=Counter(cell.heard.value for cell in cells),
            waiting=sum(len(cell.waiting) for cell in cells),
            stale=sum(cell.stale is not None for cell in cells),
            refused=refused.get(language, ()),
        )
        found.append(spoken)
    return found


def _cells(conn: Connection, studio: Studio, language: str) -> list[Cell]:
    speaking = studio.speaking
    found = recorded_rows.of_language(conn, language)
    return standing.cells(studio.lines(conn, language), found, speaking.now(conn), speaking.pack)
