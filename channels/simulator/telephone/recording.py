"""Record: https://www.twilio.com/docs/voice/twiml/record."""

from typing import Final

from channels.simulator.carrier import new_sid
from channels.simulator.telephone.documents import there
from channels.simulator.telephone.legs import Ended, HungUp, Interrupt, Leg, Pressed, Script, Sound, Source, Wait
from channels.simulator.telephone.twiml import Verb
from channels.simulator.telephone.verbs import ANYTHING, note, rested

TIMEOUT_S: Final = 5
LONGEST_S: Final = 3_600
BEEP_S: Final = 0.5


def record(leg: Leg, verb: Verb, here: Source) -> Script[Source | None]:
    """Records what the person says until a key, a silence, the longest length or the hang-up. Of a silence alone nothing is
    kept and no action is asked for. Without an action the document itself is asked for again, as Twilio does."""
    note(leg, verb)
    if verb.yes("playBeep", default=True):
        leg.sounds(Sound(kind="beep", text="", seconds=BEEP_S))
        yield from rested(leg, BEEP_S)
    began, interrupt, key = leg.now, None, ""
    try:
        key = yield from _spoken(leg, verb, began)
    except (HungUp, Ended) as gone:
        interrupt = gone
    length = min(max(leg.speaks_until, began), leg.now) - began
    form = _kept(leg, verb, here, length) if length > 0 else None
    if form is not None:
        action = there(here, verb.get("action"), verb.get("method", "POST"), **form | _end(key, interrupt))
        if interrupt is None:
            return action
        leg.board.tell(leg, action)
    if interrupt is not None:
        raise interrupt
    return None


def _spoken(leg: Leg, verb: Verb, began: float) -> Script[str]:
    """Returns the key that ended it; "" for silence or the longest length."""
    timeout_s, finish = verb.whole("timeout", TIMEOUT_S), verb.get("finishOnKey", ANYTHING)
    limit = began + min(verb.whole("maxLength", LONGEST_S), LONGEST_S)
    while True:
        until = min(max(began, leg.speaks_until) + timeout_s, limit)
        if leg.now >= until:
            return ""
        word = yield Wait(until, hears=True)
        if isinstance(word, Pressed) and word.digit in finish:
            return word.digit


def _kept(leg: Leg, verb: Verb, here: Source, length: float) -> dict[str, str]:
    sid = new_sid("RE")
    url = leg.board.keep(sid, length, leg.spoken)
    leg.board.note("recording", leg.call, what=sid, seconds=round(length, 3), text=url)
    form = {"RecordingSid": sid, "RecordingUrl": url, "RecordingDuration": str(round(length))}
    callback = verb.get("recordingStatusCallback")
    if callback:
        method = verb.get("recordingStatusCallbackMethod", "POST")
        told = form | {"RecordingStatus": "completed", "RecordingChannels": "1", "RecordingSource": "RecordVerb"}
        leg.board.tell(leg, there(here, callback, method, "recording", **told))
    return form


def _end(key: str, interrupt: Interrupt | None) -> dict[str, str]:
    if interrupt is None:
        return {"Digits": key} if key else {}
    return {"Digits": "hangup", "CallStatus": "completed"}
