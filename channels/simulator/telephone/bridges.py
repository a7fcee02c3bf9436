"""Two calls speaking with each other."""

from channels.simulator.telephone.legs import Leg, Passed, Pressed, Script, Signal, Wait

PARTED = "parted"


def bridged(leg: Leg, other: Leg, until: float | None = None, *, star: bool = False) -> Script[str]:
    """This end of a conversation. Returns how it ended: parted, time limit, or star. Whichever way a call leaves, by an
    interrupt too, the other end hears of it."""
    leg.board.note("bridge", leg.call, other=other.call.sid)
    leg.tells(lambda party: party.meets(leg, other))
    try:
        while True:
            word = yield Wait(until, hears=star)
            if isinstance(word, Signal) and word.what == PARTED and word.leg is other:
                return PARTED
            if isinstance(word, Passed):
                return "time limit"
            if isinstance(word, Pressed) and word.digit == "*":
                return "star"
    finally:
        leg.board.note("part", leg.call, other=other.call.sid)
        leg.tells(lambda party: party.parts(leg))
        other.signal(Signal(PARTED, leg))
