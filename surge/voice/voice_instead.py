"""What else can be done when nobody answers here: the call centre, a partner, a callback with a dated promise, a message."""

from dataclasses import replace
from typing import Final

from surge.contact import Standing
from surge.voice import voice_documents as documents
from surge.voice.verbs import Spoken
from surge.voice.voice_call import BookCallback, Call, Heard, Move, Reply, Scene, Step, TextGuide, ToPartner, Voicemail
from surge.voice.voice_documents import is_reachable, phrase
from surge.voice.voice_endings import ANSWERED, reply, settled

MOST_TRIES: Final = 3
GUIDE: Final = "1"


def forwarded(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Reply:
    """The city's own call centre, then its second number, then what else can be offered."""
    numbers = [number for number in (scene.pack.forward, scene.pack.second) if number and number not in call.tried]
    if not numbers:
        return offer(call, scene, lead)
    call = replace(call, step=Step.FORWARD, tries=0, tried=call.tried | {numbers[0]})
    return reply(call, documents.to_forward(call, scene, numbers[0], lead))


def offer(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Reply:
    """What else can be done; after three times the message, which nobody can refuse."""
    if call.offers >= documents.MOST_LAPS:
        return _voicemail(call, scene, lead)
    if call.step is Step.GREETING:
        lead = (*lead, *documents.message(call, scene))
    call = replace(call, step=Step.OFFER, tries=0, offers=call.offers + 1)
    return reply(call, documents.offer(call, scene, lead))


def at_offer(call: Call, heard: Heard, scene: Scene) -> Reply:
    partner = documents.partner_left(call, scene)
    match heard.digits:
        case "1" if scene.activation_id is not None and is_reachable(call):
            acts = () if call.guided else (TextGuide(language=call.language),)
            told = offer(replace(call, guided=True), scene, (phrase(call, scene, "guide_sent"),))
            return replace(told, acts=acts)
        case "3":
            return book(call, scene)
        case "5":
            return _voicemail(call, scene)
        case "" | "0":
            return to_partner(call, scene) if partner is not None else _voicemail(call, scene)
    if call.tries + 1 >= MOST_TRIES:
        return to_partner(call, scene) if partner is not None else _voicemail(call, scene)
    call = replace(call, tries=call.tries + 1)
    return reply(call, documents.offer(call, scene, (phrase(call, scene, "not_understood"),)))


def book(call: Call, scene: Scene) -> Reply:
    """The callback, if it can still be promised; else what else there is."""
    if scene.promise is None or not is_reachable(call):
        return offer(call, scene, (phrase(call, scene, "promise_gone" if is_reachable(call) else "no_number"),))
    move = Move(stands=Standing.CALLBACK, why="asked to be called back")
    document = documents.booked(call, scene, scene.promise)
    return settled(replace(call, step=Step.BOOKED, tries=0), document, move, acts=(BookCallback(promise=scene.promise),))


def at_booked(call: Call, heard: Heard, scene: Scene) -> Reply:
    if heard.digits == GUIDE and scene.activation_id is not None and documents.can_be_texted(call):
        said = phrase(call, scene, "guide_sent")
        acts = (TextGuide(language=call.language),)
        return reply(replace(call, guided=True), documents.ended(call, scene, said), acts=acts)
    return reply(call, documents.ended(call, scene))


def to_partner(call: Call, scene: Scene) -> Reply:
    partner = scene.partner
    if partner is None or documents.partner_left(call, scene) is None:
        return offer(call, scene)
    call = replace(call, step=Step.PARTNER, tries=0, tried=call.tried | {Step.PARTNER})
    return reply(call, documents.to_partner(call, scene, partner.name, partner.number), acts=(ToPartner(name=partner.name),))


def after_dial(call: Call, heard: Heard, scene: Scene) -> Reply:
    """The partner or the call centre was rung: done, or on to what is left."""
    if heard.dial_status in ANSWERED:
        who = "a partner" if call.step is Step.PARTNER else "the city's call centre"
        queued = () if call.since is not None else (Move(stands=Standing.QUEUEING, why="handed on"),)
        move = Move(stands=Standing.OVERFLOWED, why=f"answered by {who}")
        return settled(call, documents.ended(call, scene), *queued, move)
    return offer(call, scene) if call.step is Step.PARTNER else forwarded(call, scene)


def _voicemail(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Reply:
    return reply(replace(call, step=Step.VOICEMAIL, tries=0), documents.voicemail(call, scene, lead))


def at_voicemail(call: Call, heard: Heard, scene: Scene) -> Reply:
    given_up = Standing.BLOCKED if call.since is None else Standing.TIMED_OUT
    if heard.recording:
        move = Move(stands=given_up, why="left a message")
        said = phrase(call, scene, "voicemail_thanks")
        return settled(call, documents.ended(call, scene, said), move, acts=(Voicemail(recording=heard.recording),))
    none = phrase(call, scene, "voicemail_none")
    if call.tries + 1 < MOST_TRIES:
        return reply(replace(call, tries=call.tries + 1), documents.voicemail(call, scene, (none,)))
    return settled(call, documents.ended(call, scene, none), Move(stands=given_up, why="told what to do, left no message"))
