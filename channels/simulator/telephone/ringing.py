"""Calls on their way out: rung, perhaps taken by a machine, and then followed."""

from typing import Final

from channels.simulator.telephone.calls import BUSY, FAILED, NO_ANSWER, RINGING
from channels.simulator.telephone.documents import Verbs, conversation
from channels.simulator.telephone.legs import Ended, Leg, Passed, Script, Signal, Source, Wait
from channels.simulator.telephone.verbs import rested

ENDS: Final = {"busy": BUSY, "failed": FAILED, "no-answer": NO_ANSWER}
ANSWER, DECLINE = "answer", "decline"  # signals of a telephone somebody holds in their hand
DETECTION_S: Final = 3.0  # before Twilio says whether a human has answered
GREETING_S: Final = 12.0  # how long an answering machine speaks before its beep


def rung(leg: Leg, timeout_s: float) -> Script[str]:
    """Rings until something comes of it. Returns human or machine_start. Raises Ended, with the leg's final status set."""
    leg.call.status = RINGING
    leg.board.note("ring", leg.call)
    leg.board.progress(leg, "ringing")
    ring, limit = leg.party.rings(leg), leg.now + timeout_s
    outcome, at = ring.becomes, leg.now + ring.after_s
    word = yield Wait(min(at, limit))
    if isinstance(word, Signal):
        outcome = {ANSWER: "human", DECLINE: "busy"}[word.what]
    elif at > limit or (at == limit and outcome in ("human", "machine_start")):
        outcome = "no-answer"
    if outcome in ENDS:
        if outcome == "no-answer" and leg.now < limit and isinstance(word, Passed):
            yield from rested(leg, limit - leg.now)
        leg.final = ENDS[outcome]
        raise Ended(outcome)
    leg.board.take(leg)
    return outcome


def outgoing(leg: Leg, source: Source, verbs: Verbs, timeout_s: float, detection: str) -> Script[None]:
    """The life of a call made over REST, from its first ring. detection: "", Enable or DetectMessageEnd."""
    outcome = yield from rung(leg, timeout_s)
    if detection:
        machine = outcome == "machine_start"
        yield from rested(leg, GREETING_S if machine and detection == "DetectMessageEnd" else DETECTION_S)
        ends = "machine_end_beep" if detection == "DetectMessageEnd" else outcome
        leg.call.answered_by = ends if machine else outcome
        leg.board.note("answer", leg.call, what=leg.call.answered_by)
    yield from conversation(leg, source, verbs)
