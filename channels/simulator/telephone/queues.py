"""Enqueue, and Dial's Queue: https://www.twilio.com/docs/voice/twiml/enqueue, https://www.twilio.com/docs/voice/twiml/queue."""

from collections.abc import Callable
from typing import Final

from channels.simulator.telephone.bridges import PARTED, bridged
from channels.simulator.telephone.documents import Useless, followed, there
from channels.simulator.telephone.halls import Place, Queue
from channels.simulator.telephone.legs import (
    Ended,
    HungUp,
    Interrupt,
    Leg,
    Passed,
    Redirected,
    Script,
    Signal,
    Sound,
    Source,
    Wait,
)
from channels.simulator.telephone.twiml import Verb
from channels.simulator.telephone.verbs import SPOKEN, WAITING, Leave, note, rested

HOLD_S: Final = 10.0  # music between a wait document that failed and the next try
LEAST_ROUND_S: Final = 1.0  # a wait document that says nothing is asked for once a second
READY: Final = "ready"  # the queued caller has heard the whisper
COMES: Final = "comes"  # somebody has entered a queue that was empty


class Dequeued(Interrupt):
    """Somebody who dialled the queue has taken this call."""

    def __init__(self, by: Leg, whisper: Source | None) -> None:
        super().__init__("dequeued")
        self.by, self.whisper = by, whisper


def enqueue(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    """The action is asked for when the caller leaves, whatever way: hung up or redirected, its answer changes nothing."""
    board, result, seconds = leg.board, "hangup", 0.0
    note(leg, verb)
    queue = board.queue(verb.text, make=True)
    assert queue is not None
    if queue.full:
        board.note("queue", leg.call, what=queue.name, cause="queue-full")
        return _action(verb, here, {"QueueResult": "queue-full"})
    place = Place(leg, leg.now)
    _enter(queue, place)
    try:
        result = yield from _served(leg, queue, place, verb, here)
    except Leave:
        result = "leave"
    except Interrupt as interrupt:
        was_bridged = not place.waiting
        seconds = _left(leg, queue, place)
        if isinstance(interrupt, Redirected):
            result = "redirected-from-bridged" if was_bridged else "redirected"
        elif was_bridged:
            result = "bridged"
        _tell(leg, verb, here, _form(queue, result, seconds, over=isinstance(interrupt, HungUp | Ended)))
        board.note("queue", leg.call, what=queue.name, cause=result, seconds=round(seconds, 3))
        raise
    seconds = _left(leg, queue, place)
    board.note("queue", leg.call, what=queue.name, cause=result, seconds=round(seconds, 3))
    return _action(verb, here, _form(queue, result, seconds))


def from_queue(leg: Leg, noun: Verb, here: Source, until: float, meets: Callable[[], None]) -> Script[str]:
    """Dial's Queue: speaks with whoever waits longest, or waits for somebody to come; meets: called when the two speak. Returns
    DialCallStatus."""
    queue = leg.board.queue(noun.text, make=False)
    if queue is None:
        return "failed"
    place = queue.first()
    while place is None:
        queue.looking.append(leg)
        try:
            word = yield Wait(until)
        finally:
            queue.looking.remove(leg)
        if isinstance(word, Passed):
            return "no-answer"
        place = queue.first()
    other, place.taker = place.who, leg
    form = {"QueueSid": queue.sid, "QueueTime": str(round(leg.now - place.since)), "DequeingCallSid": leg.call.sid}
    whisper = there(here, noun.get("url"), noun.get("method", "POST"), "whisper", **form) if noun.get("url") else None
    taken = place
    other.interrupt(Dequeued(leg, whisper), lambda: taken in queue.places)
    word = yield Wait(until)
    if not (isinstance(word, Signal) and word.what == READY):
        return "no-answer"  # the caller hung up meanwhile
    meets()
    yield from bridged(leg, other)
    return "completed"


def _served(leg: Leg, queue: Queue[Leg], place: Place[Leg], verb: Verb, here: Source) -> Script[str]:
    try:
        yield from _waits(leg, queue, place, verb, here)
    except Dequeued as dequeued:
        if dequeued.whisper is not None:
            yield from _whispered(leg, dequeued.whisper)
        place.bridged = True
        dequeued.by.signal(Signal(READY, leg))
        yield from bridged(leg, dequeued.by)
    return "bridged"


def _waits(leg: Leg, queue: Queue[Leg], place: Place[Leg], verb: Verb, here: Source) -> Script[None]:
    """The wait document again and again, for ever; without one, music."""
    while not verb.get("waitUrl"):
        leg.sounds(Sound(kind="music", text="", seconds=HOLD_S))
        yield from rested(leg, HOLD_S)
    first = there(here, verb.get("waitUrl"), verb.get("waitUrlMethod", "POST"), "wait")
    source: Source | None = None
    while True:
        began, source = leg.now, source or first
        form = dict(source.form) | _standing(leg, queue, place)
        source = Source(url=source.url, method=source.method, what="wait", form=form)
        try:
            source = yield from followed(leg, source, WAITING)
        except Useless:
            source = None
            leg.sounds(Sound(kind="music", text="", seconds=HOLD_S))
            yield from rested(leg, HOLD_S)
        if leg.now == began:
            yield from rested(leg, LEAST_ROUND_S)


def _whispered(leg: Leg, source: Source) -> Script[None]:
    following: Source | None = source
    while following is not None:
        try:
            following = yield from followed(leg, following, SPOKEN)
        except Useless:
            return


def _standing(leg: Leg, queue: Queue[Leg], place: Place[Leg]) -> dict[str, str]:
    """https://www.twilio.com/docs/voice/twiml/enqueue#attributes-waiturl-parameters"""
    return {
        "AvgQueueTime": str(queue.average_s()),
        "CurrentQueueSize": str(queue.size),
        "MaxQueueSize": str(queue.maximum),
        "QueuePosition": str(queue.rank(place)),
        "QueueSid": queue.sid,
        "QueueTime": str(round(leg.now - place.since)),
    }


def _enter(queue: Queue[Leg], place: Place[Leg]) -> None:
    leg = place.who
    queue.places.append(place)
    leg.board.note("queue", leg.call, what=queue.name, cause="entered")
    for waiting in queue.looking:
        waiting.signal(Signal(COMES, leg))


def _left(leg: Leg, queue: Queue[Leg], place: Place[Leg]) -> float:
    seconds = queue.leave(place, leg.now)
    if place.taker is not None and not place.bridged:
        place.taker.signal(Signal(PARTED, leg))
    leg.call.queue_s += seconds
    return seconds


def _form(queue: Queue[Leg], result: str, seconds: float, *, over: bool = False) -> dict[str, str]:
    form = {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": str(round(seconds))}
    return form | ({"CallStatus": "completed"} if over else {})


def _action(verb: Verb, here: Source, form: dict[str, str]) -> Source | None:
    """Where the call goes on; None, to the next verb, when there is no action."""
    return there(here, verb.get("action"), verb.get("method", "POST"), **form) if verb.get("action") else None


def _tell(leg: Leg, verb: Verb, here: Source, form: dict[str, str]) -> None:
    action = _action(verb, here, form)
    if action is not None:
        leg.board.tell(leg, action)
