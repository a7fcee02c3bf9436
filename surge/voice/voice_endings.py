"""How a call is answered, and how it leaves: by the key for the emergency centre, or by hanging up."""

from dataclasses import replace
from typing import Final

from surge.contact import Standing
from surge.voice import voice_documents as documents
from surge.voice.twiml import write
from surge.voice.verbs import Document
from surge.voice.voice_call import Act, BookCallback, Call, Heard, Move, Reply, Scene, Step

ANSWERED: Final = frozenset({"completed", "answered"})  # what a provider says of a dialled call that somebody took


def reply(call: Call, document: Document, *moves: Move, acts: tuple[Act, ...] = ()) -> Reply:
    """A contact that has ended moves no more, whatever is still said."""
    return Reply(call=call, twiml=write(document), moves=() if call.settled else moves, acts=acts)


def settled(call: Call, document: Document, *moves: Move, acts: tuple[Act, ...] = ()) -> Reply:
    answer = reply(call, document, *moves, acts=acts)
    return replace(answer, call=replace(call, settled=True))


def emergency_pressed(call: Call, digits: str) -> bool:
    """9 everywhere. Where a ZIP code is typed, nines alone or 911: codes begin with a 9 here, and five digits are one."""
    if call.step is not Step.ZIP:
        return digits.startswith(documents.EMERGENCY_KEY)
    typed = digits.rstrip("#*")
    return typed.startswith("911") or (0 < len(typed) < 5 and set(typed) == {documents.EMERGENCY_KEY})


def hung_up(call: Call, heard: Heard, scene: Scene) -> Reply:
    """The call is over. What it was worth follows from where it stood; an agent's call is ended by the desk."""
    over = replace(call, settled=True)
    document = write(documents.ended(call, scene))
    if call.settled or call.step is Step.BRIDGE:
        return Reply(call=call, twiml=document)
    if call.step is Step.TO_CALLBACK and scene.promise is not None:  # they pressed 3, having heard the promise
        move = Move(stands=Standing.CALLBACK, why="asked to be called back, and hung up")
        return Reply(call=over, twiml=document, moves=(move,), acts=(BookCallback(promise=scene.promise),))
    queued = call.since is not None
    stands, why = _worth(call, heard, scene, queued=queued)
    moves = [Move(stands=stands, why=why)]
    if not queued and stands in (Standing.ABANDONED, Standing.OVERFLOWED):
        moves.insert(0, Move(stands=Standing.QUEUEING, why="handed on"))
    return Reply(call=over, twiml=document, moves=tuple(moves))


def _worth(call: Call, heard: Heard, scene: Scene, *, queued: bool) -> tuple[Standing, str]:
    handed_on = call.step in (Step.PARTNER, Step.FORWARD)
    if handed_on and heard.dial_status in ANSWERED:
        return (
            Standing.OVERFLOWED,
            "answered by a partner" if call.step is Step.PARTNER else "answered by the city's call centre",
        )
    if call.guided:
        return Standing.DEFLECTED, "got the guide, and hung up"
    if queued:
        return Standing.ABANDONED, "hung up while waiting"
    if handed_on:
        return Standing.ABANDONED, "hung up while being connected"
    if call.step in (Step.OFFER, Step.VOICEMAIL) and documents.answering(scene):
        return Standing.BLOCKED, "hung up after hearing what else there is"
    return Standing.SELF_SERVED, f"hung up at {call.step}"
