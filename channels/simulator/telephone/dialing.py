"""Dial: one or several telephones rung at once, a SIP address, a queue or a conference.

https://www.twilio.com/docs/voice/twiml/dial
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.simulator.telephone.bridges import PARTED, bridged
from channels.simulator.telephone.calls import BUSY, CANCELED, COMPLETED, FAILED, NO_ANSWER, Listener
from channels.simulator.telephone.documents import Useless, followed, there
from channels.simulator.telephone.legs import Ended, HungUp, Interrupt, Leg, Redirected, Script, Signal, Source, Wait
from channels.simulator.telephone.queues import from_queue
from channels.simulator.telephone.ringing import rung
from channels.simulator.telephone.rooms import conference
from channels.simulator.telephone.twiml import SCHEMA_WARNING, Verb
from channels.simulator.telephone.verbs import WHISPERED, note

TIMEOUT_S: Final = 30
TIME_LIMIT_S: Final = 14_400
TAKEN, LOST, GRANTED = "taken", "lost", "granted"  # a child was answered; was not; may speak now
WORST: Final = (BUSY, NO_ANSWER, FAILED)  # what is told of several that did not answer: the first that holds for one
STATUS_EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})


@dataclass(slots=True)
class Outcome:
    """What the action is told."""

    status: str = ""
    sid: str = ""
    seconds: float = 0.0
    bridged: bool = False
    began: float | None = None

    def meets(self, now: float, status: str = COMPLETED) -> None:
        """The two speak from now on."""
        self.began, self.bridged, self.status = now, True, status

    def parts(self, now: float) -> None:
        """They no longer do, if ever they did."""
        self.seconds = now - self.began if self.began is not None else 0.0

    def form(self) -> dict[str, str]:
        form = {"DialCallStatus": self.status, "DialBridged": str(self.bridged).lower()}
        child = {"DialCallSid": self.sid} if self.sid else {}
        return form | child | ({"DialCallDuration": str(round(self.seconds))} if self.bridged else {})


def dial(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    """The action is asked for when the dialled party has gone, or, with nobody to hear its answer, when the caller has."""
    note(leg, verb)
    if verb.get("record", "do-not-record") not in ("do-not-record", "false"):
        leg.board.note(
            "error", leg.call, code=SCHEMA_WARNING, text="The simulator records no conversations: record is ignored."
        )
    outcome = Outcome()
    try:
        yield from _dialled(leg, verb, here, outcome)
    except Interrupt as interrupt:
        outcome.status = outcome.status or CANCELED
        if verb.get("action") and not isinstance(interrupt, Redirected):
            over = {"CallStatus": "completed"} if isinstance(interrupt, HungUp | Ended) else {}
            leg.board.tell(leg, there(here, verb.get("action"), verb.get("method", "POST"), **outcome.form() | over))
        raise
    leg.board.note("verb", leg.call, what="Dial end", text=outcome.status, seconds=round(outcome.seconds, 3))
    if not verb.get("action"):
        return None
    return there(here, verb.get("action"), verb.get("method", "POST"), **outcome.form())


def _dialled(leg: Leg, verb: Verb, here: Source, outcome: Outcome) -> Script[None]:
    nouns = verb.nested or (Verb(name="Number", attributes={}, text=verb.text),)
    limit, star = leg.now + verb.whole("timeLimit", TIME_LIMIT_S), verb.yes("hangupOnStar")
    if nouns[0].name == "Conference":
        leg.board.take(leg)
        outcome.meets(leg.now, "answered")
        try:
            outcome.status = yield from conference(leg, nouns[0], here, limit, star=star)
            outcome.bridged = outcome.status == "answered"
        finally:
            outcome.parts(leg.now)
    elif nouns[0].name == "Queue":
        note(leg, nouns[0])
        until = leg.now + verb.whole("timeout", TIMEOUT_S)
        try:
            outcome.status = yield from from_queue(leg, nouns[0], here, until, lambda: outcome.meets(leg.now))
        finally:
            outcome.parts(leg.now)
    else:
        yield from _telephones(leg, verb, nouns, here, outcome)


def _telephones(leg: Leg, verb: Verb, nouns: Sequence[Verb], here: Source, outcome: Outcome) -> Script[None]:
    """Rings all; speaks with the first that takes the call and lets the others go."""
    caller, timeout_s = verb.get("callerId") or leg.call.caller, verb.whole("timeout", TIMEOUT_S)
    children = []
    for noun in nouns:
        note(leg, noun)
        child = leg.board.dial(leg, noun.text, caller, _listeners(noun, here))
        if child is not None:
            leg.board.start(child, _child(child, leg, noun, here, timeout_s))
            children.append(child)
    try:
        chosen = yield from _first_taken(children, outcome)
        if chosen is None:
            return
        outcome.sid = chosen.call.sid
        outcome.meets(leg.now)
        leg.board.take(leg)
        for other in children:
            if other is not chosen:
                other.interrupt(Ended("another telephone took the call"))
        chosen.signal(Signal(GRANTED, leg))
        try:
            limit = leg.now + verb.whole("timeLimit", TIME_LIMIT_S)
            yield from bridged(leg, chosen, limit, star=verb.yes("hangupOnStar"))
        finally:
            outcome.parts(leg.now)
    finally:
        for child in children:
            child.interrupt(Ended("the caller has gone"))


def _first_taken(children: Sequence[Leg], outcome: Outcome) -> Script[Leg | None]:
    ringing, seen = set(children), [] if children else [FAILED]
    while ringing:
        word = yield Wait()
        if not isinstance(word, Signal) or word.leg not in ringing:
            continue
        if word.what == TAKEN:
            return word.leg
        if word.what == LOST:
            ringing.discard(word.leg)
            seen.append(word.leg.final or NO_ANSWER)
            outcome.sid = word.leg.call.sid
    outcome.status = next((status for status in WORST if status in seen), CANCELED)
    return None


def _child(child: Leg, parent: Leg, noun: Verb, here: Source, timeout_s: int) -> Script[None]:
    """A dialled telephone: rung, told its whisper, and only then put through."""
    taken = False
    try:
        yield from rung(child, timeout_s)
        following = there(here, noun.get("url"), noun.get("method", "POST"), "whisper") if noun.get("url") else None
        while following is not None:
            try:
                following = yield from followed(child, following, WHISPERED)
            except Useless:
                break  # as if there were none: the two are put through
        parent.signal(Signal(TAKEN, child))
        taken = True
        word = yield Wait()
        while not (isinstance(word, Signal) and word.leg is parent):
            word = yield Wait()
        if word.what == GRANTED:
            yield from bridged(child, parent)
            raise Ended("the other one has gone")
    finally:
        if not taken:
            parent.signal(Signal(LOST, child))
        else:
            parent.signal(Signal(PARTED, child))


def _listeners(noun: Verb, here: Source) -> tuple[Listener, ...]:
    if not noun.get("statusCallback"):
        return ()
    wanted = frozenset(noun.get("statusCallbackEvent", "completed").split()) & STATUS_EVENTS
    url = there(here, noun.get("statusCallback"), "POST").url
    return (Listener(url=url, method=noun.get("statusCallbackMethod", "POST"), events=wanted),)
