"""The verbs that concern a call alone: what is said to it, what keys it presses, what is recorded of it, how it ends.

https://www.twilio.com/docs/voice/twiml#twiml-verbs
"""

import json
from collections.abc import Iterator
from typing import Final

from channels.simulator.telephone.documents import Verbs, there
from channels.simulator.telephone.legs import Ask, Ended, Leg, Passed, Pressed, Script, Sound, Source, Wait
from channels.simulator.telephone.twiml import Verb

GATHER_TIMEOUT_S: Final = 5
MOST_LOOPS: Final = 1_000  # what loop="0", for ever, stops at
DIGIT_S: Final = 0.5  # how long Twilio plays one digit
ANYTHING: Final = "0123456789*#"


class Leave(Exception):
    """The waiting caller leaves the queue."""


def note(leg: Leg, verb: Verb) -> None:
    """Logs that a verb was begun."""
    text = verb.text or (json.dumps(dict(verb.attributes)) if verb.attributes else "")
    leg.board.note("verb", leg.call, what=verb.name, text=text)


def say(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    note(leg, verb)
    yield from _got(leg, verb, here)
    for sound in _sounds(leg, verb, here, prompt=0):
        leg.sounds(sound)
        yield from rested(leg, sound.seconds)
    return None


def pause(leg: Leg, verb: Verb, _here: Source) -> Script[Source | None]:
    note(leg, verb)
    yield from rested(leg, verb.whole("length", 1))
    return None


def rested(leg: Leg, seconds: float) -> Script[None]:
    """So many seconds go by, whatever is pressed or signalled."""
    end = leg.now + seconds
    while leg.now < end:
        yield Wait(end)


def gather(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    """https://www.twilio.com/docs/voice/twiml/gather: a key interrupts what is said, and each further one starts the time
    anew."""
    note(leg, verb)
    leg.prompts += 1
    if "dtmf" not in verb.get("input", "dtmf").split():
        leg.board.note("error", leg.call, code=12200, text="The simulator understands no speech: Gather hears keys alone.")
    first = yield from _prompted(leg, verb, here)
    digits, finished = yield from _collected(leg, verb, first)
    leg.board.note("verb", leg.call, what="Gather end", text=digits)
    if not digits and not verb.yes("actionOnEmptyResult"):
        return None
    form = {"Digits": digits, "msg": "Gather End"} | ({"FinishedOnKey": finished} if finished else {})
    return there(here, verb.get("action"), verb.get("method", "POST"), **form)


def _prompted(leg: Leg, verb: Verb, here: Source) -> Script[str]:
    """Says what is nested; returns the key that interrupts it, "" for none."""
    barge_in = verb.yes("bargeIn", default=True)
    for inner in verb.nested:
        note(leg, inner)
        yield from _got(leg, inner, here)
        for sound in _sounds(leg, inner, here, prompt=leg.prompts):
            leg.sounds(sound)
            end = leg.now + sound.seconds
            while leg.now < end:
                word = yield Wait(end, hears=barge_in)
                if isinstance(word, Pressed):
                    return word.digit
                if isinstance(word, Passed):
                    break
    return ""


def _collected(leg: Leg, verb: Verb, first: str) -> Script[tuple[str, str]]:
    """The digits, and the key that finished them."""
    most, finish = verb.whole("numDigits", 10_000) or 10_000, verb.get("finishOnKey", "#")
    timeout_s = verb.whole("timeout", GATHER_TIMEOUT_S)
    if not first:
        leg.sounds(Sound(kind="silence", text="", seconds=timeout_s, prompt=leg.prompts))
    digits, key = "", first or (yield from _key(leg, leg.now + timeout_s))
    while True:
        if not key:
            return digits, ""
        if key in finish:
            return digits, key
        digits += key
        if len(digits) >= most:
            return digits, ""
        key = yield from _key(leg, leg.now + timeout_s)


def _key(leg: Leg, until: float) -> Script[str]:
    """The next key; "" when none is pressed in time."""
    while True:
        word = yield Wait(until, hears=True)
        if isinstance(word, Passed):
            return ""
        if isinstance(word, Pressed):
            return word.digit


def redirect(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    note(leg, verb)
    return there(here, verb.text, verb.get("method", "POST"), here.what if here.what == "wait" else "document")
    yield  # a script like the others


def hangup(leg: Leg, verb: Verb, _here: Source) -> Script[Source | None]:
    note(leg, verb)
    raise Ended("Hangup")
    yield


def reject(leg: Leg, verb: Verb, _here: Source) -> Script[Source | None]:
    """Only a call that was not answered yet can be rejected; for any other it is a Hangup."""
    note(leg, verb)
    raise Ended(f"Reject {verb.get('reason', 'rejected')}")
    yield


def leave(leg: Leg, verb: Verb, _here: Source) -> Script[Source | None]:
    note(leg, verb)
    raise Leave
    yield


def _got(leg: Leg, verb: Verb, here: Source) -> Script[None]:
    """Fetches a recording the first time it is played, as Twilio does, to know how long it is."""
    if verb.name == "Play" and "digits" not in verb.attributes:
        source = there(here, verb.text, "GET", "play")
        if leg.board.play_s(source.url) is None:
            yield Ask(source)


def _sounds(leg: Leg, verb: Verb, here: Source, *, prompt: int) -> Iterator[Sound]:
    """What a nested or free-standing Say, Play or Pause lets be heard, as often as it says."""
    if verb.name == "Pause":
        yield Sound(kind="silence", text="", seconds=verb.whole("length", 1), prompt=prompt)
        return
    for _ in range(verb.whole("loop", 1) or MOST_LOOPS):
        if verb.name == "Say":
            language, seconds = verb.get("language", "en-US"), leg.board.say_s(verb.text)
            yield Sound(kind="say", text=verb.text, language=language, seconds=seconds, prompt=prompt)
        elif "digits" in verb.attributes:
            digits = verb.get("digits")
            yield Sound(kind="digits", text=digits, seconds=DIGIT_S * len(digits), prompt=prompt)
        else:
            url = there(here, verb.text, "GET").url
            yield Sound(kind="play", text=url, seconds=leg.board.play_s(url) or 0.0, prompt=prompt)


SPOKEN: Final[Verbs] = {"Say": say, "Play": say, "Pause": pause, "Redirect": redirect}
WAITING: Final[Verbs] = SPOKEN | {"Hangup": hangup, "Leave": leave, "Gather": gather}
WHISPERED: Final[Verbs] = SPOKEN | {"Hangup": hangup, "Gather": gather}
ALONE: Final[Verbs] = WHISPERED | {"Reject": reject}
