"""Plays golden transcripts against the dialog itself, in a small made-up city, and carries its acts out in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from subscribers.dialog import talk
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.sample import SAMPLE_LANGUAGES, SampleWorld
from subscribers.dialog.transcripts import BadTranscript, Transcript, pause, read
from subscribers.dialog.turn import (
    Act,
    Count,
    Drop,
    Erase,
    Heard,
    Join,
    Keep,
    Kept,
    Known,
    Obeyed,
    Reconfirm,
    Reply,
    Sent,
    Speak,
    Standing,
    Start,
    Stop,
    Turn,
    World,
)

__all__ = ["SAMPLE_LANGUAGES", "BadTranscript", "Played", "SampleWorld", "Transcript", "after", "play", "read", "wrong_ends"]

NOON: Final = datetime(2026, 5, 22, 19, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a transcript went. faults: one sentence for each step that came out otherwise; none when it passed."""

    name: str
    faults: tuple[str, ...]


def play(transcript: Transcript, lexicon: Lexicon) -> Played:
    known, world, now = transcript.given, SampleWorld(), NOON
    faults = []
    for number, step in enumerate(transcript.steps, 1):
        now += pause(step)
        if "alert" in step:
            world = replace(world, alert="" if step["alert"] == "none" else str(step["alert"]))
        checked = step.get("system") == "yearly_check" and transcript.reassigned
        if known.standing is Standing.ACTIVE and (checked or step.get("suspect")):
            known = replace(known, standing=Standing.SUSPECT)
        turn = _turn(step, known, now, world, lexicon)
        if turn is not None:
            known = after(known, turn)
        faults += [f"step {number} ({step.get('in', step)!r}): {fault}" for fault in _faults(step, turn, known)]
    return Played(name=transcript.name, faults=tuple(faults))


def _turn(step: Mapping[str, Any], known: Known, now: datetime, world: World, lexicon: Lexicon) -> Turn | None:
    if "system" in step:
        return talk.yearly_check(known, now, world, lexicon)
    if "in" not in step and not step.get("media"):
        return None
    obeyed = Obeyed(step.get("obeyed", ""))
    heard = Heard(text=str(step.get("in", "")), at=now, has_media=bool(step.get("media")), obeyed=obeyed)
    return talk.turn(known, heard, world, lexicon)


def _faults(step: Mapping[str, Any], turn: Turn | None, known: Known) -> Iterator[str]:
    answers = [_named(reply) for reply in turn.replies] if turn is not None else []
    wanted = [str(one) for one in step.get("out", [])]
    if ("out" in step or "in" in step) and answers != wanted:
        yield f"answered {answers}, not {wanted}"
    done = [in_words(act) for act in turn.acts] if turn is not None else []
    if "acts" in step and done != [str(one) for one in step["acts"]]:
        yield f"did {done}, not {step['acts']}"
    yield from wrong_ends(step, known)


def wrong_ends(step: Mapping[str, Any], known: Known) -> Iterator[str]:
    """What a step says of the phone afterwards and is not so, a sentence each."""
    if "standing" in step and known.standing.value != step["standing"]:
        yield f"the phone is {known.standing}, not {step['standing']}"
    if "language" in step and known.language != step["language"]:
        yield f"the language is {known.language!r}, not {step['language']!r}"
    places = [f"{place.label} {place.words}" for place in known.places]
    if "places" in step and places != [str(place) for place in step["places"]]:
        yield f"the places are {places}, not {step['places']}"


def _named(reply: Reply | Sent) -> str:
    return reply.body if isinstance(reply, Sent) else f"{reply.key}.{reply.language}"


def in_words(act: Act) -> str:
    """An act as transcripts write it: "keep WORK", "speak es", "count distress", "stop"."""
    name = type(act).__name__.lower()
    match act:
        case Keep(label=what) | Drop(label=what) | Speak(language=what):
            return f"{name} {what}"
        case Count(note=note):
            return f"{name} {note.value}"
        case _:
            return name


def after(known: Known, turn: Turn) -> Known:
    """What is known of a phone once a turn's acts are carried out."""
    known = replace(known, memory=turn.memory)
    for act in turn.acts:
        match act:
            case Keep(label=label, spot=spot):
                places = [place for place in known.places if place.label != label]
                at = next((at for at, place in enumerate(known.places) if place.label == label), len(places))
                places.insert(at, Kept(label=label, spot=spot))
                known = replace(known, places=tuple(places), standing=_signed_up(known))
            case Join():
                known = replace(known, standing=_signed_up(known))
            case Drop(label=label):
                known = replace(known, places=tuple(place for place in known.places if place.label != label))
            case Stop():
                known = replace(known, standing=Standing.STOPPED)
            case Start() | Reconfirm():
                known = replace(known, standing=Standing.ACTIVE)
            case Erase():
                known = Known()
            case Speak(language=language):
                known = replace(known, language=language)
            case _:
                pass
    if known.standing.is_kept and not known.language:
        known = replace(known, language="en")
    return known


def _signed_up(known: Known) -> Standing:
    return Standing.ACTIVE if known.standing is Standing.NEW else known.standing
