"""Many people at once: those who call the city, those who answer for it, and the lines calls are passed on to."""

from collections import Counter
from collections.abc import Sequence

from channels.simulator.telephone.characters import Character, Person
from channels.simulator.telephone.legs import Leg
from channels.simulator.telephone.switchboard import Switchboard


class Crowd:
    """People who call `number`, or are called. Nothing happens before `begin`; `tally` counts what they did and met with."""

    def __init__(self, board: Switchboard, number: str, people: Sequence[Person], seed: str, tally: Counter[str]) -> None:
        self.people, self.tally = tuple(people), tally
        self._board, self._number, self._seed = board, number, seed

    def begin(self) -> None:
        """Puts everybody at their telephone and plans the calls, counted from now."""
        for person in self.people:
            character = Character(person, self._seed, self.tally, self._call)
            self._board.parties[person.number] = character
            if person.at_s is not None:
                self._board.timeline.after(person.at_s, character.dial)

    def _call(self, caller: str, party: Character) -> Leg | None:
        return self._board.call_in(caller, self._number, party)
