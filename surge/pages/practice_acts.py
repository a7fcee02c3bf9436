"""The practice calls of somebody new, answer by answer, by the page and by the API alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notify import data
from notify.alerts.broadcast import Unfit
from surge.desk import agent_rows, practice
from surge.desk.practice import Call, Turn
from surge.pages.acts import Verb
from surge.pages.office import Room
from surge.scripts import reading
from surge.scripts.runbook import Runbook

SAMPLE: Final = "boil-water"  # practised with where nothing is on
MOST_PRESSED: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Where somebody is. number: of the call; turn: what is on the screen, None once both calls are through. pressed: the
    choices that count so far. wrong: the last one was none that this caller gave, and was taken back."""

    calls: Sequence[Call]
    number: int
    turn: Turn | None
    pressed: Sequence[int]
    wrong: bool


class PracticeActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def at(self, person_id: str, pressed: Sequence[int]) -> Now:
        """Gone through again from the beginning with all that was pressed: whoever asks decides nothing. Raises Unfit."""
        calls = practice.calls(await self._book(person_id))
        if not calls:
            raise Unfit(["There is no script to practise with."])
        wrong, kept = False, list(pressed[:MOST_PRESSED])
        while True:
            try:
                where = practice.at(calls, kept)
            except ValueError:  # the last press first; then all of them, which were another script's
                wrong, kept = True, [] if wrong else kept[:-1]
                continue
            number, turn = where if where is not None else (len(calls) - 1, None)
            on_screen = calls[number].turns[turn] if turn is not None else None
            return Now(calls=calls, number=number, turn=on_screen, pressed=kept, wrong=wrong)

    def note(self, person_id: str) -> Verb[None]:
        """Both calls are through: it is noted that this person has practised."""
        now = self._room.now
        return lambda conn: agent_rows.trained(conn, person_id, now)

    async def _book(self, person_id: str) -> Runbook:
        """The script that is on, else the sample."""
        on = await self._room.on(person_id)
        if on is not None and on.script is not None:
            return on.script.book
        return reading.read(SAMPLE, (data.folder("runbooks") / f"{SAMPLE}.md").read_text("utf-8"))
