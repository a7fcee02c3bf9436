"""What a caller of 311 hears while this service is away: a document that lies with the provider and asks us for nothing.

It is pasted where the provider keeps documents (a TwiML Bin), one for each number, and named as its fallback. So it holds no
path, no recording of ours and no key to press: a few lines by the provider's own voices, the city's call centre, and an end.
"""

from typing import Final

from notify.wording.slots import ENGLISH
from surge.pack import Pack
from surge.voice.prompts import Speech
from surge.voice.twiml import write
from surge.voice.verbs import Dial, Hangup, Say

DIAL_S: Final = 45
MOST_LANGUAGES: Final = 4  # each line takes three seconds, and somebody in danger is listening


def languages(pack: Pack, speech: Speech) -> tuple[str, ...]:
    """English, then those with a voice of the provider in the order of their keys."""
    others = [
        language for _, language in sorted(pack.digits.items()) if language in speech.voices and language in speech.fluent
    ]
    return (ENGLISH, *others)[:MOST_LANGUAGES]


def document(pack: Pack, speech: Speech) -> bytes:
    """Both numbers of the call centre ring at once: whoever has talked to one must not be sent on to the other afterwards."""
    said = languages(pack, speech)
    numbers = tuple(number for number in (pack.forward, pack.second) if number)
    ring = (*_lines("fallback", said, speech), Dial(targets=numbers, timeout_s=DIAL_S)) if numbers else ()
    after = (*_lines("fallback_end", said, speech), *_lines("way_out_dial", said, speech))
    return write((*_lines("way_out_dial", said, speech), *ring, *after, Hangup()))


def _lines(key: str, said: tuple[str, ...], speech: Speech) -> tuple[Say, ...]:
    """By voices only: a recording would be fetched from somewhere that may be away, too."""
    return tuple(speech.read(f"voice.{key}", language) for language in said)


def problems(pack: Pack) -> list[str]:
    """What a city should know before it relies on this, as sentences."""
    if not pack.forward:
        return ["There is no forward: while the service is away callers only hear that they should call again."]
    if not pack.second:
        return ["There is no second number: when the call centre is busy, too, callers only hear that they should call again."]
    return []
