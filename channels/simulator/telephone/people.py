"""The people at the far ends: those nobody wrote a script for, and what all of them have in common."""

from channels.simulator.handsets import uniform
from channels.simulator.telephone.config import Shares
from channels.simulator.telephone.legs import Leg, Ring, Sound


class Quiet:
    """Takes a call at once and then does nothing of their own accord. Others are like this but for what they do."""

    def rings(self, leg: Leg) -> Ring:
        return Ring()

    def answered(self, leg: Leg) -> None:
        return

    def hears(self, leg: Leg, sound: Sound) -> None:
        return

    def meets(self, leg: Leg, other: Leg) -> None:
        return

    def parts(self, leg: Leg) -> None:
        return

    def ended(self, leg: Leg) -> None:
        return


class Stranger(Quiet):
    """Somebody at a number without a script: what becomes of the ring follows from the number and the seed alone, and once
    alone on the line they hang up."""

    def __init__(self, number: str, shares: Shares, seed: str) -> None:
        self._number, self._shares, self._seed = number, shares, seed

    def rings(self, leg: Leg) -> Ring:
        shares, place = self._shares, uniform(self._seed, "ring", self._number)
        for becomes, share in (("busy", shares.busy), ("no-answer", shares.no_answer), ("failed", shares.failed)):
            place -= share
            if place < 0:
                return Ring(becomes, 0.0 if becomes == "failed" else 1.0)
        return Ring("machine_start" if place < shares.machine else "human", shares.answers_after_s)

    def parts(self, leg: Leg) -> None:
        leg.hang_up()
