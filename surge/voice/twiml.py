"""Telephone documents as TwiML, written with the twilio package: words of the city and of residents come out literal."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from twilio.twiml.voice_response import Dial as DialVerb
from twilio.twiml.voice_response import Gather as GatherVerb
from twilio.twiml.voice_response import VoiceResponse

from surge.voice.verbs import Dial, Document, Enqueue, Gather, Hangup, Join, Leave, Pause, Play, Record, Redirect, Say

KEPT: Final = 512  # documents whose written form is kept: many callers hear the same one
# What XML 1.0 cannot hold; whoever typed it did not mean it to be heard.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@lru_cache(maxsize=KEPT)
def write(document: Document) -> bytes:
    """The document as UTF-8."""
    response = VoiceResponse()
    for verb in document:
        _WRITE[type(verb)](response, verb)
    return str(response).encode()


def _say(into: Any, verb: Say) -> None:
    into.say(_UNWRITABLE.sub(" ", verb.text), voice=verb.voice, language=verb.tag)


def _play(into: Any, verb: Play) -> None:
    into.play(_UNWRITABLE.sub("", verb.url))


def _gather(into: Any, verb: Gather) -> None:
    gather = GatherVerb(
        input="dtmf", num_digits=verb.keys, timeout=verb.timeout_s, finish_on_key=verb.finish, action=verb.action, method="POST"
    )
    for said in verb.said:
        _WRITE[type(said)](gather, said)
    into.append(gather)


def _redirect(into: Any, verb: Redirect) -> None:
    into.redirect(verb.url, method="POST")


def _dial(into: Any, verb: Dial) -> None:
    more = {"action": verb.action, "method": "POST"} if verb.action else {}
    dial = DialVerb(timeout=verb.timeout_s, **more)
    for target in verb.targets:
        if target.startswith("+"):
            dial.number(target)
        else:
            dial.sip(target)
    into.append(dial)


def _join(into: Any, verb: Join) -> None:
    dial = DialVerb(**({"action": verb.action, "method": "POST"} if verb.action else {}))
    # Without a beep and music: the other one is there already, or comes within a second.
    ends = not verb.stays
    dial.conference(verb.conference, beep="false", wait_url="", start_conference_on_enter=True, end_conference_on_exit=ends)
    into.append(dial)


def _enqueue(into: Any, verb: Enqueue) -> None:
    into.enqueue(verb.queue, wait_url=verb.wait, wait_url_method="POST", action=verb.action, method="POST")


def _record(into: Any, verb: Record) -> None:
    told = {"recording_status_callback": verb.told, "recording_status_callback_method": "POST"} if verb.told else {}
    into.record(
        action=verb.action,
        method="POST",
        max_length=verb.most_s,
        timeout=verb.silence_s,
        finish_on_key=verb.finish,
        play_beep=True,
        **told,
    )


def _pause(into: Any, verb: Pause) -> None:
    into.pause(length=verb.seconds)


def _leave(into: Any, verb: Leave) -> None:
    into.leave()


def _hangup(into: Any, verb: Hangup) -> None:
    into.hangup()


_WRITE: Final[Mapping[type, Callable[[Any, Any], None]]] = {
    Say: _say,
    Play: _play,
    Gather: _gather,
    Redirect: _redirect,
    Dial: _dial,
    Join: _join,
    Enqueue: _enqueue,
    Record: _record,
    Pause: _pause,
    Leave: _leave,
    Hangup: _hangup,
}
